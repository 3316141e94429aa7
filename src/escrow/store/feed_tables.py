"""The tables of feeds: what organizations are told, and what changed in what a party reads. ``tables`` has them too."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, SmallInteger, Table, Text, Uuid

from escrow.store.columns import Moment, metadata, of_partnership, one_of, side_of_row
from escrow.store.states import ChangeKind
from escrow.terms import Side

__all__ = ["change_feeds", "changes", "event_feeds", "events"]

#: The last number of each organization's feed of events: locked by whoever tells it something.
event_feeds = Table(
    "event_feeds",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), primary_key=True),
    Column("last_number", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # By which a receiver knows one that it was sent twice.
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    # Null: it is of the organization itself.
    Column("partnership_id", Uuid, ForeignKey("partnerships.partnership_id"), index=True),
    Column("occurred_at", Moment, nullable=False, index=True),
    # JSON, as it is told.
    Column("data", Text, nullable=False),
)

#: Where the change feed of a seat stands: its last number, and under what the listed matches were found.
change_feeds = Table(
    "change_feeds",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("last_number", BigInteger, nullable=False),
    # Nine digits, cells in the order of escrow.terms.CELLS seen from the left; 0 for a cell that lists nothing.
    Column("levels", Text, nullable=False),
    Column("reveals_from", SmallInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    one_of("side", Side),
)

#: What changed in the list of overlaps that a seat reads, in its own rows and populations.
changes = Table(
    "changes",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    # Null for a reset.
    Column("row", LargeBinary(8)),
    # What the row is listed as since, and as what it was listed before; null where it is not or was not.
    Column("ours", SmallInteger),
    Column("theirs", SmallInteger),
    Column("tier", SmallInteger),
    Column("overlap", LargeBinary(8)),
    Column("was_ours", SmallInteger),
    Column("was_theirs", SmallInteger),
    Column("was_tier", SmallInteger),
    Column("occurred_at", Moment, nullable=False, index=True),
    one_of("side", Side),
    one_of("kind", ChangeKind),
)
