"""The tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _audit_entries()
    _organizations()
    _api_keys()
    _partnerships()
    _accounts()
    _envelopes()
    _generations()
    _jobs()
    _list_changes()
    _matches()
    _parties()
    _releases()
    _submissions()
    _tokens()
    _chunks()
    _lists()
    _release_cells()
    _terms()
    if op.get_bind().dialect.name == "postgresql":
        _keep_blocks_uncompressed()


def _audit_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("trail_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("api_key_id", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("trail_id", "number", name="pk_audit_entries"),
    )


def _organizations() -> None:
    op.create_table(
        "organizations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name="pk_organizations"),
        sa.UniqueConstraint("folded_name", name="uq_organizations_folded_name"),
    )


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("api_key_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name="fk_api_keys_organization_id"
        ),
        sa.PrimaryKeyConstraint("api_key_id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_organization_id", "api_keys", ["organization_id"])


def _partnerships() -> None:
    op.create_table(
        "partnerships",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("suite", sa.SmallInteger(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("lookup", sa.LargeBinary(length=16), nullable=False),
        sa.Column("invited_organization_id", sa.Uuid(), nullable=True),
        sa.Column("inviter_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("acceptor_public", sa.LargeBinary(length=32), nullable=True),
        sa.Column("acceptor_tag", sa.LargeBinary(length=32), nullable=True),
        sa.Column("inviter_tag", sa.LargeBinary(length=32), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('invited', 'accepted', 'active', 'ended')", name="ck_partnerships_state_known"),
        sa.ForeignKeyConstraint(
            ["invited_organization_id"],
            ["organizations.organization_id"],
            name="fk_partnerships_invited_organization_id",
        ),
        sa.PrimaryKeyConstraint("partnership_id", name="pk_partnerships"),
        sa.UniqueConstraint("lookup", name="uq_partnerships_lookup"),
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_accounts_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "generation", "side", "bucket", name="pk_accounts"),
    )


def _envelopes() -> None:
    op.create_table(
        "envelopes",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("row", sa.LargeBinary(length=8), nullable=False),
        sa.Column("population", sa.SmallInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("submission", sa.BigInteger(), nullable=False),
        sa.Column("terms_number", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name="fk_envelopes_partnership_id"
        ),
        sa.PrimaryKeyConstraint("partnership_id", "side", "row", name="pk_envelopes"),
    )


def _generations() -> None:
    op.create_table(
        "generations",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("suite", sa.SmallInteger(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed_pepper", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('building', 'live', 'retired')", name="ck_generations_state_known"),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name="fk_generations_partnership_id"
        ),
        sa.PrimaryKeyConstraint("partnership_id", "generation", name="pk_generations"),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("argument", sa.Text(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.CheckConstraint("type IN ('apply', 'match', 'release', 'purge')", name="ck_jobs_type_known"),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_jobs_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "type", "argument", name="pk_jobs"),
    )
    op.create_index("ix_jobs_due_at", "jobs", ["due_at"])


def _list_changes() -> None:
    op.create_table(
        "list_changes",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name="fk_list_changes_partnership_id"
        ),
        sa.PrimaryKeyConstraint("partnership_id", "generation", "side", "number", name="pk_list_changes"),
    )


def _matches() -> None:
    op.create_table(
        "matches",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("left_row", sa.LargeBinary(length=8), nullable=False),
        sa.Column("right_row", sa.LargeBinary(length=8), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("overlap", sa.LargeBinary(length=8), nullable=False),
        sa.Column("left_population", sa.SmallInteger(), nullable=False),
        sa.Column("right_population", sa.SmallInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_matches_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "left_row", "right_row", name="pk_matches"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_matches_partnership_id_right_row", "matches", ["partnership_id", "right_row"])


def _parties() -> None:
    op.create_table(
        "parties",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("terms_number", sa.Integer(), nullable=False),
        sa.Column("ready_submission", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("side IN ('left', 'right')", name="ck_parties_side_known"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name="fk_parties_organization_id"
        ),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_parties_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "side", name="pk_parties"),
    )
    op.create_index("ix_parties_organization_id", "parties", ["organization_id"])


def _releases() -> None:
    op.create_table(
        "releases",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts_from", sa.SmallInteger(), nullable=False),
        sa.Column("reveals_from", sa.SmallInteger(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("left_terms_number", sa.Integer(), nullable=False),
        sa.Column("left_submission", sa.BigInteger(), nullable=False),
        sa.Column("left_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("left_applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_accounts", sa.Integer(), nullable=False),
        sa.Column("left_customers", sa.Integer(), nullable=False),
        sa.Column("left_opportunities", sa.Integer(), nullable=False),
        sa.Column("left_prospects", sa.Integer(), nullable=False),
        sa.Column("right_terms_number", sa.Integer(), nullable=False),
        sa.Column("right_submission", sa.BigInteger(), nullable=False),
        sa.Column("right_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("right_applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("right_accounts", sa.Integer(), nullable=False),
        sa.Column("right_customers", sa.Integer(), nullable=False),
        sa.Column("right_opportunities", sa.Integer(), nullable=False),
        sa.Column("right_prospects", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_releases_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "number", name="pk_releases"),
    )


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem_code", sa.Text(), nullable=True),
        sa.Column("problem_detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('uploading', 'received', 'applied', 'rejected')", name="ck_submissions_state_known"
        ),
        sa.CheckConstraint("type IN ('snapshot', 'delta')", name="ck_submissions_type_known"),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name="fk_submissions_partnership_id"
        ),
        sa.PrimaryKeyConstraint("partnership_id", "side", "number", name="pk_submissions"),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_tokens_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "generation", "side", "kind", "bucket", name="pk_tokens"),
    )


def _chunks() -> None:
    op.create_table(
        "chunks",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["partnership_id", "side", "number"],
            ["submissions.partnership_id", "submissions.side", "submissions.number"],
            name="fk_chunks_partnership_id_side_number",
        ),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_chunks_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "side", "number", "position", name="pk_chunks"),
    )


def _lists() -> None:
    op.create_table(
        "lists",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("applied_number", sa.BigInteger(), nullable=False),
        sa.Column("applied_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("opportunities", sa.Integer(), nullable=False),
        sa.Column("prospects", sa.Integer(), nullable=False),
        sa.Column("bucket_bits", sa.SmallInteger(), nullable=False),
        sa.Column("waiting_records", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partnership_id", "generation"],
            ["generations.partnership_id", "generations.generation"],
            name="fk_lists_partnership_id_generation",
        ),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_lists_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "generation", "side", name="pk_lists"),
    )


def _release_cells() -> None:
    op.create_table(
        "release_cells",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("left_population", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("right_population", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.CheckConstraint("(count IS NOT NULL) = (state = 'public')", name="ck_release_cells_count_is_public"),
        sa.CheckConstraint("state IN ('hidden', 'withheld', 'public')", name="ck_release_cells_state_known"),
        sa.ForeignKeyConstraint(
            ["partnership_id", "number"],
            ["releases.partnership_id", "releases.number"],
            name="fk_release_cells_partnership_id_number",
        ),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name="fk_release_cells_partnership_id"
        ),
        sa.PrimaryKeyConstraint(
            "partnership_id", "number", "left_population", "right_population", name="pk_release_cells"
        ),
    )


def _terms() -> None:
    op.create_table(
        "terms",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("levels", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("counts_from", sa.SmallInteger(), nullable=False),
        sa.Column("reveals_from", sa.SmallInteger(), nullable=False),
        sa.Column("largest_list", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partnership_id", "side"], ["parties.partnership_id", "parties.side"], name="fk_terms_partnership_id_side"
        ),
        sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name="fk_terms_partnership_id"),
        sa.PrimaryKeyConstraint("partnership_id", "side", "number", name="pk_terms"),
    )


def _keep_blocks_uncompressed() -> None:
    """Blocks and sealed bytes look random: trying to compress them costs time and gains nothing."""
    for column in ("tokens.entries", "accounts.entries", "list_changes.records", "chunks.sealed", "envelopes.sealed"):
        table, _, name = column.partition(".")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {name} SET STORAGE EXTERNAL")
