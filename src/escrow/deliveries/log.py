"""The log of an endpoint: its deliveries with every attempt, and what of it is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, delete, select, tuple_

from escrow.store.database import Transaction
from escrow.store.states import AttemptOutcome, DeliveryState
from escrow.store.tables import deliveries, delivery_attempts

__all__ = ["LogPage", "LoggedAttempt", "LoggedDelivery", "forget_old_deliveries", "log_page"]


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """One post, and how it ended."""

    attempt: int
    started_at: datetime
    milliseconds: int
    outcome: AttemptOutcome
    status: int | None


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """One delivery; ``due_at`` is when the next attempt follows, if one does."""

    number: int
    message_id: UUID
    type: str
    partnership_id: UUID | None
    event_number: int | None
    occurred_at: datetime
    state: DeliveryState
    due_at: datetime | None
    attempts: tuple[LoggedAttempt, ...]


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some deliveries, newest first; ``next`` is the number to go on below."""

    items: tuple[LoggedDelivery, ...]
    next: int | None


def log_page(tx: Transaction, endpoint_id: UUID, *, before: int | None, limit: int) -> LogPage:
    """List deliveries, newest first, those below number ``before``; the caller has opened the endpoint."""
    query = select(deliveries).where(deliveries.c.endpoint_id == endpoint_id)
    if before is not None:
        query = query.where(deliveries.c.number < before)
    rows = tx.execute(query.order_by(deliveries.c.number.desc()).limit(limit + 1)).all()
    attempts = _attempts(tx, endpoint_id, [row.number for row in rows[:limit]])
    items = tuple(_logged(row, attempts.get(row.number, ())) for row in rows[:limit])
    return LogPage(items, items[-1].number if len(rows) > limit else None)


def forget_old_deliveries(tx: Transaction, *, before: datetime, batch: int = 500) -> bool:
    """Delete up to ``batch`` deliveries that were settled before this moment; tell whether there are no more."""
    query = select(deliveries.c.endpoint_id, deliveries.c.number).where(deliveries.c.settled_at < before)
    old = [(row.endpoint_id, row.number) for row in tx.execute(query.limit(batch))]
    if not old:
        return True
    for table in (delivery_attempts, deliveries):
        tx.execute(delete(table).where(tuple_(table.c.endpoint_id, table.c.number).in_(old)))
    return len(old) < batch


def _attempts(tx: Transaction, endpoint_id: UUID, numbers: Sequence[int]) -> Mapping[int, Sequence[LoggedAttempt]]:
    own = and_(delivery_attempts.c.endpoint_id == endpoint_id, delivery_attempts.c.number.in_(numbers))
    found = defaultdict(list)
    for row in tx.execute(select(delivery_attempts).where(own).order_by(delivery_attempts.c.attempt)):
        outcome = AttemptOutcome(row.outcome)
        found[row.number].append(LoggedAttempt(row.attempt, row.started_at, row.milliseconds, outcome, row.status))
    return found


def _logged(row: Row[Any], attempts: Sequence[LoggedAttempt]) -> LoggedDelivery:
    state = DeliveryState(row.state)
    return LoggedDelivery(
        number=row.number,
        message_id=row.message_id,
        type=row.type,
        partnership_id=row.partnership_id,
        event_number=row.event_number,
        occurred_at=row.occurred_at,
        state=state,
        due_at=row.due_at if state is DeliveryState.PENDING else None,
        attempts=tuple(attempts),
    )
