"""How long the last attempt of each endpoint took, so that slow receivers are posted to beside the others.

The release before this one neither reads nor writes it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("last_milliseconds", sa.Integer(), nullable=True))
