"""What each party's client vouches for its normalisation with. The release before neither reads nor writes it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("parties", sa.Column("canary_generation", sa.Integer()))
    op.add_column("parties", sa.Column("canary", sa.LargeBinary(32)))
