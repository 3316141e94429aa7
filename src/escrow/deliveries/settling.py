"""What an attempt means for its endpoint: it is confirmed, it fails, or it is given up, which is an event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, update

from escrow import audit
from escrow.deliveries import outbox
from escrow.deliveries.outbox import Attempt, Claim
from escrow.organizations import lock_organization
from escrow.store.database import Transaction
from escrow.store.states import AttemptOutcome, DeliveryKind, DisabledBecause, EndpointState, EventType
from escrow.store.tables import endpoints
from escrow.webhooks import events

__all__ = ["settle"]


def settle(
    tx: Transaction, made: Claim, attempt: Attempt | None, *, chance: float, give_up_after: timedelta, now: datetime
) -> None:
    """Note how an attempt ended, None if nothing was to be posted, and give the endpoint back.

    Where another worker has the endpoint by now, it notes the attempt as cut off, and makes it again.
    """
    row = outbox.held(tx, made.endpoint)
    if row is None:
        return
    if attempt is None and row.state == EndpointState.DISABLED.value:
        outbox.put_back(tx, made)
    elif attempt is None:
        outbox.drop(tx, made, now=now)
    else:
        outbox.settle(tx, made, attempt, chance=chance, now=now)
        _judge(tx, row, made, attempt, give_up_after=give_up_after, now=now)
    outbox.give_back(tx, made.endpoint, now=now)


def _judge(
    tx: Transaction, row: Row[Any], made: Claim, attempt: Attempt, *, give_up_after: timedelta, now: datetime
) -> None:
    if attempt.outcome is AttemptOutcome.ACCEPTED:
        _succeeded(tx, row, made, now)
    elif made.kind is DeliveryKind.EVENT and row.state == EndpointState.ENABLED.value:
        _failed(tx, row, attempt, give_up_after=give_up_after, now=now)


def _succeeded(tx: Transaction, row: Row[Any], made: Claim, now: datetime) -> None:
    if made.kind is DeliveryKind.CHALLENGE and row.state == EndpointState.UNCONFIRMED.value:
        _change(tx, row, state=EndpointState.ENABLED.value, confirmed_at=now)
        _record(tx, row, audit.Action.ENDPOINT_CONFIRMED, now)
    elif row.failing_since is not None:
        _change(tx, row, failing_since=None)


def _failed(tx: Transaction, row: Row[Any], attempt: Attempt, *, give_up_after: timedelta, now: datetime) -> None:
    since = row.failing_since or attempt.started_at
    if attempt.outcome is AttemptOutcome.GONE:
        _disable(tx, row, DisabledBecause.GONE, now)
    elif now - since >= give_up_after:
        _disable(tx, row, DisabledBecause.FAILING, now)
    elif row.failing_since is None:
        _change(tx, row, failing_since=since)


def _disable(tx: Transaction, row: Row[Any], because: DisabledBecause, now: datetime) -> None:
    """Post nothing there any more, and tell the organization, in its feed and at its other endpoints."""
    _change(tx, row, state=EndpointState.DISABLED.value, disabled_because=because.value)
    _record(tx, row, audit.Action.ENDPOINT_DISABLED, now)
    data = {"endpoint_id": str(row.endpoint_id)}
    events.tell(tx, EventType.ENDPOINT_DISABLED, {row.organization_id: data}, partnership_id=None, now=now)


def _change(tx: Transaction, row: Row[Any], **values: object) -> None:
    tx.execute(update(endpoints).where(endpoints.c.endpoint_id == row.endpoint_id).values(**values))


def _record(tx: Transaction, row: Row[Any], action: audit.Action, now: datetime) -> None:
    lock_organization(tx, row.organization_id)
    detail = {"endpoint_id": str(row.endpoint_id)}
    audit.record_for_organization(tx, action, organization_id=row.organization_id, caller=None, now=now, detail=detail)
