"""Feeds of events of each organization, and of changes in what each party reads of the overlaps.

Everything is new, and the release before this one neither reads nor writes it. What was matched before is taken as
never told: the first change of a list begins its feed with a reset.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _add_events()
    _add_changes()


def _add_events() -> None:
    op.create_table(
        "event_feeds",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        _of_organization("event_feeds"),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_event_feeds")),
    )
    op.create_table(
        "events",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("partnership_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        _of_organization("events"),
        _of_partnership("events"),
        sa.PrimaryKeyConstraint("organization_id", "number", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_partnership_id"), "events", ["partnership_id"])
    op.create_index(op.f("ix_events_occurred_at"), "events", ["occurred_at"])


def _add_changes() -> None:
    op.create_table(
        "change_feeds",
        *_seat(),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("levels", sa.Text(), nullable=False),
        sa.Column("reveals_from", sa.SmallInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.CheckConstraint("side IN ('left', 'right')", name=op.f("ck_change_feeds_side_known")),
        _of_partnership("change_feeds"),
        sa.PrimaryKeyConstraint("partnership_id", "side", name=op.f("pk_change_feeds")),
    )
    cells = ("ours", "theirs", "tier", "was_ours", "was_theirs", "was_tier")
    kinds = "'entered', 'moved', 'changed', 'left', 'details', 'reset'"
    op.create_table(
        "changes",
        *_seat(),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(8), nullable=True) for name in ("row", "overlap")),
        *(sa.Column(name, sa.SmallInteger(), nullable=True) for name in cells),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        sa.CheckConstraint("side IN ('left', 'right')", name=op.f("ck_changes_side_known")),
        sa.CheckConstraint(f"kind IN ({kinds})", name=op.f("ck_changes_kind_known")),
        _of_partnership("changes"),
        sa.PrimaryKeyConstraint("partnership_id", "side", "number", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_occurred_at"), "changes", ["occurred_at"])


def _seat() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
    )


def _of_organization(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_organization_id")
    return sa.ForeignKeyConstraint(["organization_id"], ["organizations.organization_id"], name=name)


def _of_partnership(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_partnership_id")
    return sa.ForeignKeyConstraint(["partnership_id"], ["partnerships.partnership_id"], name=name)
