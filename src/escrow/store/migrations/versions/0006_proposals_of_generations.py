"""What one party proposes as the next generation, until the other consents.

The release before this one neither reads nor writes it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "generation_proposals",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("side IN ('left', 'right')", name=op.f("ck_generation_proposals_side_known")),
        sa.ForeignKeyConstraint(
            ["partnership_id"],
            ["partnerships.partnership_id"],
            name=op.f("fk_generation_proposals_partnership_id"),
        ),
        sa.PrimaryKeyConstraint("partnership_id", name=op.f("pk_generation_proposals")),
    )
