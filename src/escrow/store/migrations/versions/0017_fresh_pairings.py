"""Pairings within a partnership, for a generation under keys that follow from none before it.

The release before this one neither reads nor writes them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fresh_pairings",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("lookup", sa.LargeBinary(length=16), nullable=False),
        sa.Column("inviter_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("acceptor_public", sa.LargeBinary(length=32), nullable=True),
        sa.Column("acceptor_tag", sa.LargeBinary(length=32), nullable=True),
        sa.Column("inviter_tag", sa.LargeBinary(length=32), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("side IN ('left', 'right')", name=op.f("ck_fresh_pairings_side_known")),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name=op.f("fk_fresh_pairings_partnership_id")
        ),
        sa.PrimaryKeyConstraint("partnership_id", name=op.f("pk_fresh_pairings")),
        sa.UniqueConstraint("lookup", name=op.f("uq_fresh_pairings_lookup")),
    )
