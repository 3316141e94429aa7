"""The audit trail: who did what to what; append-only, and each entry carries the digest of all before it.

An organization has a trail for what happens outside of any partnership. A partnership has four, so that each reader is
given whole ones: one that both parties see, one of each party's own, and the service's. Which one an entry is for
follows from its action. Entries of one trail are numbered from 1 without gaps; the caller holds the lock that
``escrow.access`` takes, so two writers never race for one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Row, insert, select

from escrow.access import Caller
from escrow.reports.trail import (
    NOTHING_BEFORE,
    Detail,
    TrailEntry,
    check_trail,
    entry_digest,
    own_trail,
    shared_trail,
    written,
)
from escrow.store.database import Transaction
from escrow.store.tables import audit_entries
from escrow.terms import Side

__all__ = [
    "Action",
    "AuditPage",
    "Detail",
    "page",
    "record",
    "record_for_organization",
    "record_once",
    "trail",
    "trail_ids",
    "verify",
]


class Action(StrEnum):
    """Everything that leaves an entry."""

    ORGANIZATION_ADDED = "organization-added"
    API_KEY_ADDED = "api-key-added"
    API_KEY_REVOKED = "api-key-revoked"
    INVITED = "invited"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    TERMS_SET = "terms-set"
    TERMS_REQUESTED = "terms-requested"
    TERMS_ANSWERED = "terms-answered"
    TERMS_REQUEST_CLOSED = "terms-request-closed"
    READY_SAID = "ready-said"
    GENERATION_PROPOSED = "generation-proposed"
    GENERATION_ACCEPTED = "generation-accepted"
    GENERATION_STARTED = "generation-started"
    GENERATION_CANCELLED = "generation-cancelled"
    GENERATION_SWITCHED = "generation-switched"
    GENERATION_PURGED = "generation-purged"
    SUBMISSION_BEGUN = "submission-begun"
    SUBMISSION_RECEIVED = "submission-received"
    SUBMISSION_APPLIED = "submission-applied"
    SUBMISSION_REJECTED = "submission-rejected"
    SUBMISSION_EXPIRED = "submission-expired"
    SUBMISSION_WITHDRAWN = "submission-withdrawn"
    ALLOWANCE_GRANTED = "allowance-granted"
    ALARM_RAISED = "alarm-raised"
    MATCHED = "matched"
    RELEASED = "released"
    REPORT_READ = "report-read"
    OVERLAPS_READ = "overlaps-read"
    CHANGES_READ = "changes-read"
    DETAILS_WANTED_READ = "details-wanted-read"
    DETAILS_STORED = "details-stored"
    DETAILS_READ = "details-read"
    DISPUTED = "disputed"
    DISPUTE_WITHDRAWN = "dispute-withdrawn"
    DISPUTES_READ = "disputes-read"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    PURGED = "purged"
    ENDPOINT_ADDED = "endpoint-added"
    ENDPOINT_CHANGED = "endpoint-changed"
    ENDPOINT_CONFIRMED = "endpoint-confirmed"
    ENDPOINT_DISABLED = "endpoint-disabled"
    ENDPOINT_REMOVED = "endpoint-removed"
    ENDPOINT_REKEYED = "endpoint-rekeyed"
    DELIVERIES_REPLAYED = "deliveries-replayed"
    MAIL_DIGEST_ADDED = "mail-digest-added"
    MAIL_CODE_ASKED = "mail-code-asked"
    MAIL_DIGEST_CONFIRMED = "mail-digest-confirmed"
    MAIL_DIGEST_DISABLED = "mail-digest-disabled"
    MAIL_DIGEST_REMOVED = "mail-digest-removed"


#: What one party does with its own list and for itself; its partner is not told of it, nor when.
_OF_ONE_PARTY = frozenset(
    {
        Action.READY_SAID,
        Action.SUBMISSION_BEGUN,
        Action.SUBMISSION_RECEIVED,
        Action.SUBMISSION_APPLIED,
        Action.SUBMISSION_REJECTED,
        Action.SUBMISSION_EXPIRED,
        Action.SUBMISSION_WITHDRAWN,
        Action.DETAILS_WANTED_READ,
        Action.DETAILS_STORED,
        Action.DISPUTED,
        Action.DISPUTE_WITHDRAWN,
        Action.DISPUTES_READ,
    }
)
#: How far matching is, nobody is shown.
_OF_THE_SERVICE = frozenset({Action.MATCHED})


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries of a trail, oldest first, and the number after which the next ones begin."""

    items: tuple[TrailEntry, ...]
    next: int | None


def record(
    tx: Transaction,
    action: Action,
    *,
    trail_id: UUID,
    caller: Caller | None,
    now: datetime,
    detail: Detail | None = None,
    side: Side | None = None,
) -> None:
    """Append one entry to the trail of a partnership that the action is for; it commits with what it tells of.

    ``side`` is whose it is, and is needed where the action is one party's own.
    """
    _append(tx, _drawn_up(_trail_for(action, trail_id, side), action, caller, now, detail))


def record_for_organization(
    tx: Transaction,
    action: Action,
    *,
    organization_id: UUID,
    caller: Caller | None,
    now: datetime,
    detail: Detail | None = None,
) -> None:
    """Append one entry to the trail of an organization."""
    _append(tx, _drawn_up(organization_id, action, caller, now, detail))


def record_once(
    tx: Transaction,
    action: Action,
    *,
    trail_id: UUID,
    caller: Caller | None,
    now: datetime,
    detail: Detail | None = None,
) -> None:
    """Append one entry as ``record`` does, unless this key has left the same one: for what is done over and over."""
    entry = _drawn_up(_trail_for(action, trail_id, None), action, caller, now, detail)
    same = select(audit_entries.c.number).where(
        audit_entries.c.trail_id == entry.trail_id,
        audit_entries.c.action == entry.action,
        audit_entries.c.api_key_id == entry.api_key_id,
        audit_entries.c.detail == written(entry.detail),
    )
    if tx.execute(same.limit(1)).one_or_none() is None:
        _append(tx, entry)


def trail(tx: Transaction, trail_id: UUID) -> Iterator[TrailEntry]:
    """Yield the entries of one trail, oldest first."""
    query = select(audit_entries).where(audit_entries.c.trail_id == trail_id).order_by(audit_entries.c.number)
    yield from map(_entry, tx.execute(query))


def page(tx: Transaction, trail_id: UUID, *, after: int | None, limit: int) -> AuditPage:
    """Give the entries of one trail after a number, oldest first."""
    query = select(audit_entries).where(audit_entries.c.trail_id == trail_id, audit_entries.c.number > (after or 0))
    found = tuple(map(_entry, tx.execute(query.order_by(audit_entries.c.number).limit(limit + 1))))
    return AuditPage(found[:limit], found[limit - 1].number if len(found) > limit else None)


def verify(tx: Transaction, trail_id: UUID) -> int:
    """Check one trail from its first entry on; give the number of entries.

    Raises:
        TrailBroken: an entry was changed, removed from the middle or put in.
    """
    return len(check_trail(trail(tx, trail_id)))


def trail_ids(tx: Transaction) -> tuple[UUID, ...]:
    """Give the id of every trail."""
    query = select(audit_entries.c.trail_id).distinct().order_by(audit_entries.c.trail_id)
    return tuple(tx.execute(query).scalars())


def _trail_for(action: Action, partnership_id: UUID, side: Side | None) -> UUID:
    if action in _OF_THE_SERVICE:
        return partnership_id
    if action not in _OF_ONE_PARTY:
        return shared_trail(partnership_id)
    if side is None:
        raise ValueError("an entry of one party's own says whose it is")
    return own_trail(partnership_id, side)


def _drawn_up(
    trail_id: UUID, action: Action, caller: Caller | None, now: datetime, detail: Detail | None
) -> TrailEntry:
    """Write an entry that has no number and no digest yet."""
    return TrailEntry(
        trail_id=trail_id,
        number=0,
        at=now.astimezone(UTC),
        organization_id=None if caller is None else caller.organization_id,
        api_key_id=None if caller is None else caller.api_key_id,
        action=action.value,
        detail=detail or {},
        digest=NOTHING_BEFORE,
    )


def _append(tx: Transaction, entry: TrailEntry) -> None:
    query = select(audit_entries).where(audit_entries.c.trail_id == entry.trail_id)
    last = tx.execute(query.order_by(audit_entries.c.number.desc()).limit(1)).one_or_none()
    number, previous = (1, NOTHING_BEFORE) if last is None else (last.number + 1, last.digest)
    numbered = replace(entry, number=number)
    tx.execute(
        insert(audit_entries).values(
            trail_id=entry.trail_id,
            number=number,
            at=entry.at,
            organization_id=entry.organization_id,
            api_key_id=entry.api_key_id,
            action=entry.action,
            detail=written(entry.detail),
            digest=entry_digest(previous, numbered),
        )
    )


def _entry(row: Row[tuple[object, ...]]) -> TrailEntry:
    return TrailEntry(
        trail_id=row.trail_id,
        number=row.number,
        at=row.at,
        organization_id=row.organization_id,
        api_key_id=row.api_key_id,
        action=row.action,
        detail=json.loads(row.detail),
        digest=row.digest,
    )
