"""Signed releases, the heads that clients send, and how much both lists have changed.

The release before writes releases without a statement; the chain goes on with the next one that has it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "release_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_release_keys")),
    )
    op.add_column("releases", sa.Column("statement", sa.LargeBinary()))
    op.add_column("releases", sa.Column("signature", sa.LargeBinary(length=64)))
    op.add_column("releases", sa.Column("key_id", sa.Text()))
    op.add_column("release_cells", sa.Column("salt", sa.LargeBinary(length=16)))
    for side in ("left", "right"):
        op.add_column("releases", sa.Column(f"{side}_salt", sa.LargeBinary(length=16)))
        op.add_column("releases", _count(f"{side}_changes"))
        op.add_column("release_cells", sa.Column(f"{side}_changes", sa.BigInteger()))
    op.add_column("submissions", sa.Column("head_release", sa.BigInteger()))
    op.add_column("submissions", sa.Column("head", sa.LargeBinary(length=32)))
    for name in ("changes", "customers_changes", "opportunities_changes", "prospects_changes"):
        op.add_column("parties", _count(name))


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
