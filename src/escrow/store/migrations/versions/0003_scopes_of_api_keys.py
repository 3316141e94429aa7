"""Scopes, partnerships, expiry and last use of API keys.

A key that was there, or that the release before adds, may be used for everything, as until now.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    scopes = sa.Column("scopes", sa.Text(), nullable=False, server_default="read,submit,terms,pair")
    op.add_column("api_keys", scopes)
    op.add_column("api_keys", sa.Column("partnership_ids", sa.Text(), nullable=True))
    op.add_column("api_keys", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
