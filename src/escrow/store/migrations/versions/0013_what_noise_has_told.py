"""What releases with noise have told of each pair of organizations.

Everything is new, and the release before this one neither reads nor writes it: that one tells no count with noise.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    organizations = ("organization_id", "partner_id")
    op.create_table(
        "noise_spent",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in organizations),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epsilon_thousandths", sa.Integer(), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], ["organizations.organization_id"], name=op.f(f"fk_noise_spent_{name}"))
            for name in organizations
        ),
        sa.PrimaryKeyConstraint(*organizations, "number", name=op.f("pk_noise_spent")),
    )
