"""The queue of mails: each digest is its own, and is claimed by lease.

One attempt at a time is under way for it, however many workers there are. A digest that is begun keeps its range of the
feed and its id until it is sent, or there is nothing to tell.

    claim ─▶ (hand over, outside of any transaction) ─▶ settle

A worker that dies in between leaves a lease that runs out: the same mail is then sent again, under the same id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, and_, or_, select, update

from escrow import audit
from escrow.deliveries.schedule import next_due
from escrow.mail_digests.codes import GUESSES, LASTING, code_digest
from escrow.mail_digests.digests import record, wanted_of_row
from escrow.mail_digests.slots import NEVER, next_slot
from escrow.organizations import lock_organization
from escrow.store.database import Transaction
from escrow.store.states import EventType, MailDigestState, MailOutcome
from escrow.store.tables import event_feeds, events, mail_digests
from escrow.webhooks.events import tell

__all__ = ["Claim", "MailKind", "claim", "held", "is_due", "keep_code", "settle", "take_over"]

#: A code that cannot be mailed soon is asked for again by who waits for it.
_TRIES_OF_CODE = 4


class MailKind(Enum):
    """What is mailed: a code to an address that is not confirmed, and otherwise a digest."""

    CODE = "code"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail under lease; ``row`` is the digest's, as it is once it is claimed."""

    mail_digest_id: UUID
    kind: MailKind
    leased_until: datetime
    row: Row[Any] = field(repr=False)


def is_due(tx: Transaction, *, now: datetime) -> bool:
    """Tell whether there may be something to do."""
    return tx.execute(select(mail_digests.c.mail_digest_id).where(_due(now)).limit(1)).first() is not None


def claim(tx: Transaction, *, now: datetime, lease: timedelta) -> Claim | None:
    """Lease the mail that is due for longest; digests with nothing to tell are put off until their next time."""
    query = select(mail_digests).where(_due(now)).order_by(mail_digests.c.due_at).limit(1)
    while (row := tx.execute(query.with_for_update(skip_locked=True)).one_or_none()) is not None:
        begun = _begun(tx, row)
        if begun is None:
            _change(tx, row.mail_digest_id, due_at=_next(row, now), leased_until=None)
            continue
        cut_off = {} if row.leased_until is None else {"last_outcome": MailOutcome.CUT_OFF.value}
        leased = {"leased_until": now + lease, "due_at": NEVER, "attempts": row.attempts + 1}
        _change(tx, row.mail_digest_id, **begun, **cut_off, **leased)
        claimed = tx.execute(select(mail_digests).where(_own(row.mail_digest_id))).one()
        is_digest = row.state == MailDigestState.ENABLED.value
        kind = MailKind.DIGEST if is_digest else MailKind.CODE
        return Claim(row.mail_digest_id, kind, now + lease, claimed)
    return None


def held(tx: Transaction, claimed: Claim) -> Row[Any] | None:
    """Give the digest's row, locked, if the lease is still the one that was given."""
    is_held = and_(_own(claimed.mail_digest_id), mail_digests.c.leased_until == claimed.leased_until)
    return tx.execute(select(mail_digests).where(is_held).with_for_update()).one_or_none()


def keep_code(tx: Transaction, claimed: Claim, code: str, *, now: datetime) -> None:
    """Let this code fit from now on, in place of the one before."""
    digest = code_digest(claimed.mail_digest_id, code)
    _change(tx, claimed.mail_digest_id, code_digest=digest, code_until=now + LASTING, guesses_left=GUESSES)


def settle(tx: Transaction, claimed: Claim, outcome: MailOutcome | None, *, chance: float, now: datetime) -> None:
    """Note how an attempt ended, None if nothing was to be told, and give the lease back.

    Where another worker has the digest by now, or it was removed, nothing is noted.
    """
    row = held(tx, claimed)
    if row is None:
        return
    noted: dict[str, Any] = {"leased_until": None}
    if outcome is not None:
        noted["last_outcome"] = outcome.value
    if claimed.kind is MailKind.CODE:
        noted |= _after_code(row, outcome, chance=chance, now=now)
    else:
        noted |= _after_digest(row, outcome, chance=chance, now=now)
    _change(tx, row.mail_digest_id, **noted)
    if noted.get("state") == MailDigestState.DISABLED.value:
        _tell_disabled(tx, row, now)


def take_over(tx: Transaction, *, now: datetime) -> None:
    """Void every lease: only for a database that no other worker uses, when a process starts."""
    tx.execute(update(mail_digests).where(mail_digests.c.leased_until.is_not(None)).values(leased_until=now))


def _begun(tx: Transaction, row: Row[Any]) -> dict[str, Any] | None:
    """Say what a claim changes of a digest that is not begun; None where it has nothing to tell."""
    if row.state != MailDigestState.ENABLED.value or row.message_id is not None:
        return {}
    own = event_feeds.c.organization_id == row.organization_id
    last = tx.execute(select(event_feeds.c.last_number).where(own)).scalar_one_or_none() or 0
    wanted = wanted_of_row(row)
    told = and_(
        events.c.organization_id == row.organization_id,
        events.c.number > row.looked_at_event,
        events.c.number <= last,
        events.c.type.in_([each.value for each in wanted.types or ()]),
    )
    if wanted.partnership_ids is not None:
        told = and_(told, events.c.partnership_id.in_(wanted.partnership_ids))
    if tx.execute(select(events.c.number).where(told).limit(1)).first() is None:
        _change(tx, row.mail_digest_id, looked_at_event=last)
        return None
    return {"message_id": uuid4(), "through_event": last}


def _after_code(row: Row[Any], outcome: MailOutcome | None, *, chance: float, now: datetime) -> dict[str, Any]:
    """Try again for a while; one that was asked for meanwhile is due anyway."""
    is_over = outcome in {None, MailOutcome.SENT, MailOutcome.REFUSED} or row.attempts >= _TRIES_OF_CODE
    is_over = is_over or row.state == MailDigestState.ENABLED.value  # it arrived, whatever the server said
    again = None if is_over else next_due(row.attempts, now=now, chance=chance)
    return {"due_at": min(row.due_at, again or NEVER)}


def _after_digest(row: Row[Any], outcome: MailOutcome | None, *, chance: float, now: datetime) -> dict[str, Any]:
    done = {"message_id": None, "through_event": None, "attempts": 0, "due_at": _next(row, now)}
    if outcome in {None, MailOutcome.SENT}:
        sent = {} if outcome is None else {"sent_at": now}
        return {**done, **sent, "looked_at_event": row.through_event, "failing_since": None}
    failing = {"failing_since": row.failing_since or now}
    if outcome is MailOutcome.REFUSED:
        return {**done, **failing, "due_at": NEVER, "state": MailDigestState.DISABLED.value}
    again = None if outcome is MailOutcome.DECLINED else next_due(row.attempts, now=now, chance=chance)
    # Given up, its range is told with the next one: nothing is left out.
    return {**done, **failing} if again is None else {**failing, "due_at": again}


def _tell_disabled(tx: Transaction, row: Row[Any], now: datetime) -> None:
    lock_organization(tx, row.organization_id)
    record(tx, audit.Action.MAIL_DIGEST_DISABLED, row, now=now)
    data = {"mail_digest_id": str(row.mail_digest_id)}
    tell(tx, EventType.MAIL_DIGEST_DISABLED, {row.organization_id: data}, partnership_id=None, now=now)


def _next(row: Row[Any], now: datetime) -> datetime:
    return next_slot(now, weekday=row.weekday, hour=row.hour)


def _change(tx: Transaction, mail_digest_id: UUID, **values: object) -> None:
    tx.execute(update(mail_digests).where(_own(mail_digest_id)).values(**values))


def _own(mail_digest_id: UUID) -> ColumnElement[bool]:
    return mail_digests.c.mail_digest_id == mail_digest_id


def _due(now: datetime) -> ColumnElement[bool]:
    is_free = and_(mail_digests.c.leased_until.is_(None), mail_digests.c.due_at <= now)
    return or_(is_free, mail_digests.c.leased_until <= now)
