"""What lists are charged, in the database: who has spent how much with whom, and what the other side is told of it.

The spent number belongs to two organizations and outlives their partnerships. It is written in the transaction that
applies the list, under the lock of the partnership and then of its own row, so that a list is charged once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, and_, func, insert, select, update

from escrow import audit
from escrow.allowance import (
    FIFTHS_OF_A_NEW_ACCOUNT,
    AllowanceRule,
    Asked,
    ListLimits,
    Spending,
    Start,
    first_spending,
    is_jump,
    renew,
    spend,
)
from escrow.allowance import ceiling as ceiling_of
from escrow.allowance import told_size as told_size_of
from escrow.standing import Standing
from escrow.store.database import Transaction
from escrow.store.states import AlarmReason, SubmissionState
from escrow.store.tables import alarms, spending, submissions
from escrow.terms import Side

__all__ = [
    "Alarm",
    "Allowance",
    "allowance_of",
    "charge",
    "charge_generation",
    "grant",
    "most_accounts",
    "raise_alarms",
    "recent_alarms",
    "told_size",
]

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a party should know of the other one's list."""

    reason: AlarmReason
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a party may ask about now, in fifths of a token; in the opening ``renews_at`` is absent.

    ``renewed`` is what the first list after a fresh pairing may ask about again; ``limit`` is all together.
    ``fifths_of_an_account`` is what one account costs, for telling people.
    """

    is_opening: bool
    limit: int
    carried: int
    granted: int
    renewed: int
    spent: int
    left: int
    total: int
    fifths_of_an_account: int
    renews_at: datetime | None


def charge(
    tx: Transaction, standing: Standing, side: Side, asked: Asked, *, limits: ListLimits, now: datetime
) -> tuple[Spending, int]:
    """Charge a list of the live generation that is being applied; give the spending after it, and what it spent.

    Raises:
        CeilingExceeded, AllowanceExceeded: there is not enough left, and nothing is charged.
    """
    ours, theirs = _organizations(standing, side)
    row = _row(tx, ours, theirs, locked=True)
    most = most_accounts(standing, limits)
    if row is None:
        after = first_spending(asked, most_accounts=most, rule=limits.rule, now=now)
        tx.execute(insert(spending).values(**_of(ours, theirs), **_columns(after), told_size=_told(0, asked)))
        return after, 0
    before = _spending(row)
    start = Start(
        is_opening=_row(tx, theirs, ours) is None,
        is_first=side not in standing.applied,
    )
    after = spend(before, asked, start, most_accounts=most, rule=limits.rule, now=now)
    _write(tx, ours, theirs, after, told_size=_told(row.told_size, asked))
    return after, after.spent - before.rolled(limits.rule, now).spent


def charge_generation(
    tx: Transaction, standing: Standing, side: Side, tokens: int, *, rule: AllowanceRule, now: datetime
) -> None:
    """Count the first list in a new generation as one whole list more; what comes after it there is free."""
    ours, theirs = _organizations(standing, side)
    row = _row(tx, ours, theirs, locked=True)
    if row is not None and side not in standing.applied:
        _write(tx, ours, theirs, renew(_spending(row), tokens, rule=rule, now=now), told_size=row.told_size)


def grant(
    tx: Transaction, standing: Standing, side: Side, accounts: int, *, rule: AllowanceRule, now: datetime
) -> bool:
    """Let this side ask about so many accounts more in this period; False if it never had a list."""
    ours, theirs = _organizations(standing, side)
    row = _row(tx, ours, theirs, locked=True)
    if row is None:
        return False
    granted = _spending(row).rolled(rule, now).with_grant(accounts)
    _write(tx, ours, theirs, granted, told_size=row.told_size)
    return True


def allowance_of(tx: Transaction, standing: Standing, side: Side, *, limits: ListLimits, now: datetime) -> Allowance:
    """Tell what this side may ask about now."""
    ours, theirs = _organizations(standing, side)
    row = _row(tx, ours, theirs)
    if row is None or _row(tx, theirs, ours) is None:
        return _opening(row, ceiling_of(most_accounts(standing, limits)))
    current = _spending(row).rolled(limits.rule, now)
    renewed = 0 if side in standing.applied else current.renewed(limits.rule, now)
    return Allowance(
        is_opening=False,
        limit=current.limit + renewed,
        carried=current.carried,
        granted=current.granted,
        renewed=renewed,
        spent=current.spent,
        left=current.left + renewed,
        total=current.total,
        fifths_of_an_account=current.fifths_of_an_account,
        renews_at=current.renews_at(limits.rule),
    )


def most_accounts(standing: Standing, limits: ListLimits) -> int:
    """Give the largest list that the service and both sides' terms accept."""
    return min(limits.largest_list, standing.effective.largest_list)


def told_size(tx: Transaction, standing: Standing, side: Side) -> int | None:
    """Give the lower end of the band of sizes that the other side is told; None if there never was a list."""
    if len(standing.sides) < len(Side):
        return None
    row = _row(tx, *_organizations(standing, side))
    return None if row is None else int(row.told_size)


def raise_alarms(
    tx: Transaction, partnership_id: UUID, side: Side, after: Spending, *, number: int, now: datetime
) -> tuple[AlarmReason, ...]:
    """Keep an alarm for the other side, and give why, if the list jumped within a day with this submission applied."""
    before, spent = _a_day_ago(tx, partnership_id, side, now)
    jumped = {
        AlarmReason.LIST_GREW: before is not None and is_jump(before=before, accounts=after.accounts),
        AlarmReason.ALLOWANCE_HALF_SPENT: spent * 2 > after.limit,
    }
    known = {alarm.reason for alarm in recent_alarms(tx, partnership_id, side, since=now - _A_DAY)}
    raised = tuple(reason for reason, is_so in jumped.items() if is_so and reason not in known)
    for reason in raised:
        place = {"partnership_id": partnership_id, "side": side.value, "number": number, "reason": reason.value}
        tx.execute(insert(alarms).values(**place, raised_at=now))
        detail = {"side": side.value, "reason": reason.value}
        audit.record(tx, audit.Action.ALARM_RAISED, trail_id=partnership_id, caller=None, now=now, detail=detail)
    return raised


def recent_alarms(tx: Transaction, partnership_id: UUID, side: Side, *, since: datetime) -> tuple[Alarm, ...]:
    """Give the alarms that this side's lists raised since then, newest first."""
    query = select(alarms.c.reason, alarms.c.raised_at).where(
        _is(alarms, {"partnership_id": partnership_id, "side": side.value}), alarms.c.raised_at > since
    )
    rows = tx.execute(query.order_by(alarms.c.raised_at.desc(), alarms.c.reason))
    return tuple(Alarm(AlarmReason(row.reason), row.raised_at) for row in rows)


def _a_day_ago(tx: Transaction, partnership_id: UUID, side: Side, now: datetime) -> tuple[int | None, int]:
    """Give the size of the list a day ago, or of the first since then, and what was spent meanwhile."""
    applied = (
        _is(submissions, {"partnership_id": partnership_id, "side": side.value}),
        submissions.c.state.in_([SubmissionState.APPLIED.value, SubmissionState.WITHDRAWN.value]),
        submissions.c.list_accounts.is_not(None),
    )
    sizes = select(submissions.c.list_accounts).where(*applied).order_by(submissions.c.applied_at.desc())
    before = tx.execute(sizes.where(submissions.c.applied_at <= now - _A_DAY).limit(1)).scalar_one_or_none()
    if before is None:
        first = sizes.order_by(None).order_by(submissions.c.applied_at, submissions.c.number)
        before = tx.execute(first.limit(1)).scalar_one_or_none()
    spent = select(func.sum(submissions.c.spent)).where(*applied, submissions.c.applied_at > now - _A_DAY)
    return before, int(tx.execute(spent).scalar_one() or 0)


def _opening(row: Row[Any] | None, ceiling: int) -> Allowance:
    spent, each = (0, FIFTHS_OF_A_NEW_ACCOUNT) if row is None else (row.total, _spending(row).fifths_of_an_account)
    return Allowance(
        is_opening=True,
        limit=ceiling,
        carried=0,
        granted=0,
        renewed=0,
        spent=spent,
        left=max(0, ceiling - spent),
        total=spent,
        fifths_of_an_account=each,
        renews_at=None,
    )


def _organizations(standing: Standing, side: Side) -> tuple[UUID, UUID]:
    return standing.sides[side].organization_id, standing.sides[side.other].organization_id


def _row(tx: Transaction, organization_id: UUID, partner_id: UUID, *, locked: bool = False) -> Row[Any] | None:
    query: Select[Any] = select(spending).where(_is(spending, _of(organization_id, partner_id)))
    row: Row[Any] | None = tx.execute(query.with_for_update() if locked else query).one_or_none()
    return row


def _write(tx: Transaction, organization_id: UUID, partner_id: UUID, after: Spending, *, told_size: int) -> None:
    place = _is(spending, _of(organization_id, partner_id))
    tx.execute(update(spending).where(place).values(**_columns(after), told_size=told_size))


def _told(told: int, asked: Asked) -> int:
    return told_size_of(told, asked.accounts)


def _of(organization_id: UUID, partner_id: UUID) -> dict[str, UUID]:
    return {"organization_id": organization_id, "partner_id": partner_id}


def _is(table: Table, place: Mapping[str, object]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in place.items()))


_AMOUNTS = ("period_from", "renewed_at", "base", "carried", "granted", "spent", "total", "tokens", "accounts")


def _spending(row: Row[Any]) -> Spending:
    return Spending(**{name: row._mapping[name] for name in _AMOUNTS})


def _columns(spent: Spending) -> dict[str, object]:
    return {name: getattr(spent, name) for name in _AMOUNTS}
