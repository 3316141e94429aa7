"""The tables of endpoints, and of what is delivered to them: the outbox and its log are the same rows."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from escrow.store.columns import Moment, metadata, one_of
from escrow.store.states import (
    AttemptOutcome,
    DeliveryKind,
    DeliveryState,
    DisabledBecause,
    EndpointKind,
    EndpointState,
)

__all__ = ["deliveries", "delivery_attempts", "endpoints"]

endpoints = Table(
    "endpoints",
    metadata,
    Column("endpoint_id", Uuid, primary_key=True),
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("disabled_because", Text),
    Column("description", Text, nullable=False),
    # Sealed under the service's key: who knows such a URL may post there, and who knows a secret may sign.
    Column("sealed_url", LargeBinary, nullable=False),
    Column("sealed_secret", LargeBinary),
    # The secret before it, which also signs until its time is over.
    Column("sealed_previous", LargeBinary),
    Column("previous_until", Moment),
    # Null: all. Words of escrow.store.states.EventType, and ids, with a comma between them.
    Column("types", Text),
    Column("partnership_ids", Text),
    # Null: all. Three numbers for each cell, ours.theirs.crossed, with a comma between them.
    Column("cells", Text),
    # The last event of the organization's feed that was looked at, and the last delivery.
    Column("looked_at_event", BigInteger, nullable=False),
    Column("last_delivery", BigInteger, nullable=False),
    # When the next of its deliveries is due, and until when a worker has it.
    Column("due_at", Moment, nullable=False, index=True),
    Column("leased_until", Moment),
    # When a worker had it last: who waited for longest is next.
    Column("turn_at", Moment, nullable=False),
    # Of the first failure since the last success.
    Column("failing_since", Moment),
    # How long the last attempt took; null before the first.
    Column("last_milliseconds", Integer),
    Column("created_at", Moment, nullable=False),
    Column("confirmed_at", Moment),
    one_of("kind", EndpointKind),
    one_of("state", EndpointState),
    one_of("disabled_because", DisabledBecause),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("endpoint_id", Uuid, ForeignKey("endpoints.endpoint_id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    # The same for every attempt: by it a receiver knows what it has had.
    Column("message_id", Uuid, nullable=False),
    # The event's number in the feed of the organization; the body is made of it anew for each attempt.
    Column("event_number", BigInteger),
    Column("type", Text, nullable=False),
    Column("partnership_id", Uuid),
    Column("occurred_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Moment, nullable=False),
    # How many were begun, and how many of them before the last replay.
    Column("attempts", Integer, nullable=False),
    Column("attempts_before", Integer, nullable=False),
    # While one is under way.
    Column("started_at", Moment),
    Column("settled_at", Moment, index=True),
    Index(None, "endpoint_id", "state"),
    one_of("kind", DeliveryKind),
    one_of("state", DeliveryState),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("endpoint_id", Uuid, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("started_at", Moment, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    # Of the answer, where there was one; nothing else of it is kept.
    Column("status", Integer),
    ForeignKeyConstraint(["endpoint_id", "number"], ["deliveries.endpoint_id", "deliveries.number"]),
    one_of("outcome", AttemptOutcome),
)
