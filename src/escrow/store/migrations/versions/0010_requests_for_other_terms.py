"""Requests for other terms, which the partner answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "terms_requests",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("levels", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("counts_from", sa.SmallInteger(), nullable=False),
        sa.Column("reveals_from", sa.SmallInteger(), nullable=False),
        sa.Column("largest_list", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False, server_default="5"),
        sa.Column("step", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("interval_seconds", sa.Integer(), nullable=False, server_default="86400"),
        sa.Column("least_changes", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("noise", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("side IN ('left', 'right')", name=op.f("ck_terms_requests_side_known")),
        sa.CheckConstraint("state IN ('open', 'answered', 'closed')", name=op.f("ck_terms_requests_state_known")),
        sa.ForeignKeyConstraint(
            ["partnership_id"],
            ["partnerships.partnership_id"],
            name=op.f("fk_terms_requests_partnership_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partnership_id", "side"],
            ["parties.partnership_id", "parties.side"],
            name=op.f("fk_terms_requests_partnership_id_side"),
        ),
        sa.PrimaryKeyConstraint("partnership_id", "number", name=op.f("pk_terms_requests")),
    )
