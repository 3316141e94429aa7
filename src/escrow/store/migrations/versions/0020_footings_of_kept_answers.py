"""The footing on which an answer was kept.

The release before neither writes nor reads it; what it keeps about a partnership is repeated no more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("footing", sa.Text(), nullable=True))
