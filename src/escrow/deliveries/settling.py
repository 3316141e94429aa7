"""What attempts mean for their endpoints: they are confirmed, they fail, or they are given up, which is an event.

Several are settled in one transaction. One that decides over its endpoint, so that its organization's trail or feed is
written, is settled alone: two transactions that write several organizations' could wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update

from escrow import audit
from escrow.deliveries import outbox
from escrow.deliveries.outbox import Attempt, Claim, Note
from escrow.deliveries.schedule import next_due
from escrow.organizations import lock_organization
from escrow.store.database import Transaction
from escrow.store.states import (
    AttemptOutcome,
    DeliveryKind,
    DeliveryState,
    DisabledBecause,
    EndpointState,
    EventType,
)
from escrow.store.tables import deliveries, endpoints
from escrow.webhooks import events

__all__ = ["Ended", "Settling", "settle_alone", "settle_together"]

#: Of one delivery and of one endpoint; many are changed by one statement.
_MOVE = update(deliveries).where(deliveries.c.endpoint_id == bindparam("of"), deliveries.c.number == bindparam("the"))
_LOCKED = (
    select(endpoints)
    .where(endpoints.c.endpoint_id.in_(bindparam("of", expanding=True)))
    .order_by(endpoints.c.endpoint_id)
    .with_for_update()
)
_GIVE_BACK = update(endpoints).where(endpoints.c.endpoint_id == bindparam("of"))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a delivery that was claimed ended: None if nothing was posted, because there was nothing to tell, or because
    its endpoint was disabled when it was to be posted: then it ``waits``. ``chance`` is between 0 and 1."""

    made: Claim
    attempt: Attempt | None
    chance: float
    waits: bool = False

    @property
    def endpoint_id(self) -> UUID:
        """Whose it is."""
        return self.made.endpoint.endpoint_id


#: With the row of its endpoint.
_Held = tuple[Row[Any], Ended]


@dataclass(frozen=True, slots=True)
class Settling:
    """What is settled by: after what time of failure an endpoint is given up, and the time."""

    give_up_after: timedelta
    now: datetime


def settle_together(tx: Transaction, ended: Sequence[Ended], *, by: Settling) -> Sequence[Ended]:
    """Note how attempts ended and give their endpoints back; return those that are to be settled alone.

    Where another worker has an endpoint by now, it notes the attempt as cut off, and makes it again.
    """
    held = _held(tx, ended)
    decisive = [each for row, each in held if _decides(row, each, by)]
    _settle(tx, [(row, each) for row, each in held if not _decides(row, each, by)], by)
    return decisive


def settle_alone(tx: Transaction, ended: Ended, *, by: Settling) -> None:
    """Note how one attempt ended, whatever it means for its endpoint, and give that back."""
    for row, each in _held(tx, [ended]):
        if each.attempt is not None:
            _decide(tx, row, each, each.attempt, by)
        _settle(tx, _held(tx, [each]), by)


def _held(tx: Transaction, ended: Sequence[Ended]) -> Sequence[_Held]:
    """Give those whose lease is still the one that was given, each with its endpoint's row, locked in one order."""
    locked = tx.execute(_LOCKED, {"of": [each.endpoint_id for each in ended]})
    leases = {(row.endpoint_id, row.leased_until): row for row in locked}
    found = [(leases.get((each.endpoint_id, each.made.endpoint.leased_until)), each) for each in ended]
    return [(row, each) for row, each in found if row is not None]


def _settle(tx: Transaction, held: Sequence[_Held], by: Settling) -> None:
    if not held:
        return
    made = [
        Note(each.endpoint_id, each.made.number, each.made.attempt, each.attempt) for _, each in held if each.attempt
    ]
    outbox.note(tx, made)
    tx.execute(_MOVE, [_moved(each, by) for _, each in held])
    heads = outbox.waiting(tx, [row for row, _ in held])
    given_back = [
        {
            "of": each.endpoint_id,
            "leased_until": None,
            "due_at": outbox.due_again(heads.get(each.endpoint_id, ()), now=by.now),
            **_judged(row, each),
        }
        for row, each in held
    ]
    tx.execute(_GIVE_BACK, given_back)


def _moved(ended: Ended, by: Settling) -> Mapping[str, Any]:
    """Say where a delivery stands now; one that waits is as it was before it was claimed."""
    state, due_at, attempts = DeliveryState.DROPPED, by.now, ended.made.attempt
    if ended.attempt is not None:
        state, due_at = _after(ended.made, ended.attempt, chance=ended.chance, now=by.now)
    elif ended.waits:
        state, due_at, attempts = DeliveryState.PENDING, ended.made.due_at, ended.made.attempt - 1
    return {
        "of": ended.endpoint_id,
        "the": ended.made.number,
        "state": state.value,
        "due_at": due_at,
        "attempts": attempts,
        "started_at": None,
        "settled_at": None if state is DeliveryState.PENDING else by.now,
    }


def _after(made: Claim, attempt: Attempt, *, chance: float, now: datetime) -> tuple[DeliveryState, datetime]:
    """Tell whether and when another attempt follows."""
    if attempt.outcome is AttemptOutcome.ACCEPTED:
        return DeliveryState.DELIVERED, now
    again = next_due(made.attempt - made.attempts_before, now=now, chance=chance, asked=attempt.asked)
    if again is None or made.kind is not DeliveryKind.EVENT:
        return DeliveryState.FAILED, now
    return DeliveryState.PENDING, again


def _judged(row: Row[Any], ended: Ended) -> Mapping[str, Any]:
    """Say since when the endpoint fails, and how long it took."""
    attempt = ended.attempt
    if attempt is None:
        return {"failing_since": row.failing_since, "last_milliseconds": row.last_milliseconds}
    failing_since = row.failing_since
    if attempt.outcome is AttemptOutcome.ACCEPTED:
        failing_since = None
    elif _counts(row, ended):
        failing_since = failing_since or attempt.started_at
    return {"failing_since": failing_since, "last_milliseconds": attempt.lasted // timedelta(milliseconds=1)}


def _counts(row: Row[Any], ended: Ended) -> bool:
    """Tell whether a failure of it is one of the endpoint: a challenge or a trial may fail."""
    return ended.made.kind is DeliveryKind.EVENT and row.state == EndpointState.ENABLED.value


def _confirms(row: Row[Any], ended: Ended, attempt: Attempt) -> bool:
    is_challenge = ended.made.kind is DeliveryKind.CHALLENGE and row.state == EndpointState.UNCONFIRMED.value
    return is_challenge and attempt.outcome is AttemptOutcome.ACCEPTED


def _gives_up(row: Row[Any], ended: Ended, attempt: Attempt, by: Settling) -> DisabledBecause | None:
    if attempt.outcome is AttemptOutcome.ACCEPTED or not _counts(row, ended):
        return None
    if attempt.outcome is AttemptOutcome.GONE:
        return DisabledBecause.GONE
    is_over = by.now - (row.failing_since or attempt.started_at) >= by.give_up_after
    return DisabledBecause.FAILING if is_over else None


def _decides(row: Row[Any], ended: Ended, by: Settling) -> bool:
    attempt = ended.attempt
    if attempt is None:
        return False
    return _confirms(row, ended, attempt) or _gives_up(row, ended, attempt, by) is not None


def _decide(tx: Transaction, row: Row[Any], ended: Ended, attempt: Attempt, by: Settling) -> None:
    if _confirms(row, ended, attempt):
        _change(tx, row, state=EndpointState.ENABLED.value, confirmed_at=by.now)
        _record(tx, row, audit.Action.ENDPOINT_CONFIRMED, by.now)
    because = _gives_up(row, ended, attempt, by)
    if because is not None:
        _disable(tx, row, because, by.now)


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
