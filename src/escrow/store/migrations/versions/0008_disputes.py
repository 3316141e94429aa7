"""Disputes of matches, and the pairs of rows that each takes out; the release before neither writes nor reads them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disputes",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.LargeBinary(length=8), nullable=False),
        sa.Column("match_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason IN ('different-company', 'related-company', 'outdated', 'other')",
            name=op.f("ck_disputes_reason_known"),
        ),
        sa.ForeignKeyConstraint(
            ["partnership_id", "side"],
            ["parties.partnership_id", "parties.side"],
            name=op.f("fk_disputes_partnership_id_side"),
        ),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name=op.f("fk_disputes_partnership_id")
        ),
        sa.PrimaryKeyConstraint("partnership_id", "side", "number", name=op.f("pk_disputes")),
    )
    op.create_table(
        "disputed_pairs",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("left_row", sa.LargeBinary(length=8), nullable=False),
        sa.Column("right_row", sa.LargeBinary(length=8), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=True),
        sa.Column("left_population", sa.SmallInteger(), nullable=True),
        sa.Column("right_population", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["partnership_id", "side", "number"],
            ["disputes.partnership_id", "disputes.side", "disputes.number"],
            name=op.f("fk_disputed_pairs_partnership_id_side_number"),
        ),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name=op.f("fk_disputed_pairs_partnership_id")
        ),
        sa.PrimaryKeyConstraint(
            "partnership_id", "side", "number", "left_row", "right_row", name=op.f("pk_disputed_pairs")
        ),
    )
