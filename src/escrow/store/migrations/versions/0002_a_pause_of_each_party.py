"""A pause of each party; the release before writes no such column and reads none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("parties", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
