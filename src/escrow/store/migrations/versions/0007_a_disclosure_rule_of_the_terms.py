"""The disclosure rule becomes part of the terms, and of every release.

Until now one rule held for the whole service; what was said and made under its defaults keeps them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("terms", sa.Column("threshold", sa.Integer(), nullable=False, server_default="5"))
    op.add_column("terms", sa.Column("step", sa.Integer(), nullable=False, server_default="1"))
    for table in ("terms", "releases"):
        op.add_column(table, sa.Column("interval_seconds", sa.Integer(), nullable=False, server_default="86400"))
        op.add_column(table, sa.Column("least_changes", sa.Integer(), nullable=False, server_default="1"))
        op.add_column(table, sa.Column("noise", sa.Boolean(), nullable=False, server_default=sa.false()))
