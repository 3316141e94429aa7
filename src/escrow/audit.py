"""The audit trail: who did what to what; append-only, and each entry carries the digest of all before it.

A trail belongs to a partnership, or to an organization for what happens outside of any. Entries of one trail are
numbered from 1 without gaps; the caller holds the lock that ``escrow.access`` takes, so two writers never race for one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import insert, select

from escrow.access import Caller
from escrow.errors import TrailBroken
from escrow.store.database import Transaction
from escrow.store.tables import audit_entries

__all__ = ["Action", "AuditEntry", "record", "record_once", "trail", "verify"]

#: What an entry may say beside its action; never a token, a row or anything of a list.
Detail = Mapping[str, str | int | bool | list[str]]

_NOTHING = bytes(32)


class Action(Enum):
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


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of a trail; ``organization_id`` is absent where the operator or the service itself acted."""

    number: int
    at: datetime
    organization_id: UUID | None
    api_key_id: str | None
    action: Action
    detail: Detail
    digest: bytes


def record(
    tx: Transaction,
    action: Action,
    *,
    trail_id: UUID,
    caller: Caller | None,
    now: datetime,
    detail: Detail | None = None,
) -> None:
    """Append one entry; it commits with what it tells of."""
    last = tx.execute(
        select(audit_entries.c.number, audit_entries.c.digest)
        .where(audit_entries.c.trail_id == trail_id)
        .order_by(audit_entries.c.number.desc())
        .limit(1)
    ).one_or_none()
    number, previous = (1, _NOTHING) if last is None else (last.number + 1, last.digest)
    entry = {
        "trail_id": trail_id,
        "number": number,
        "at": now.astimezone(UTC),
        "organization_id": None if caller is None else caller.organization_id,
        "api_key_id": None if caller is None else caller.api_key_id,
        "action": action.value,
        "detail": _text(detail or {}),
    }
    tx.execute(insert(audit_entries).values(**entry, digest=_digest(previous, **entry)))


def record_once(
    tx: Transaction,
    action: Action,
    *,
    trail_id: UUID,
    caller: Caller | None,
    now: datetime,
    detail: Detail | None = None,
) -> None:
    """Append one entry, unless this key has left the same one before: for what is read or done over and over."""
    same = select(audit_entries.c.number).where(
        audit_entries.c.trail_id == trail_id,
        audit_entries.c.action == action.value,
        audit_entries.c.api_key_id == (None if caller is None else caller.api_key_id),
        audit_entries.c.detail == _text(detail or {}),
    )
    if tx.execute(same.limit(1)).one_or_none() is None:
        record(tx, action, trail_id=trail_id, caller=caller, now=now, detail=detail)


def trail(tx: Transaction, trail_id: UUID) -> Iterator[AuditEntry]:
    """Yield the entries of one trail, oldest first."""
    query = select(audit_entries).where(audit_entries.c.trail_id == trail_id).order_by(audit_entries.c.number)
    for row in tx.execute(query):
        yield AuditEntry(
            number=row.number,
            at=row.at,
            organization_id=row.organization_id,
            api_key_id=row.api_key_id,
            action=Action(row.action),
            detail=json.loads(row.detail),
            digest=row.digest,
        )


def verify(tx: Transaction, trail_id: UUID) -> None:
    """Raise TrailBroken if an entry of this trail was changed, removed from its middle or put in."""
    query = select(audit_entries).where(audit_entries.c.trail_id == trail_id).order_by(audit_entries.c.number)
    previous = _NOTHING
    for number, row in enumerate(tx.execute(query), start=1):
        entry = {name: value for name, value in row._mapping.items() if name != "digest"}
        if row.number != number or row.digest != _digest(previous, **entry):
            raise TrailBroken(f"Entry {number} of this audit trail is not the one that was written.")
        previous = row.digest


def _text(detail: Detail) -> str:
    return json.dumps(detail, sort_keys=True, separators=(",", ":"))


def _digest(previous: bytes, **entry: object) -> bytes:
    text = json.dumps({name: str(value) for name, value in entry.items()}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(b"escrow/v1 audit" + previous + text.encode()).digest()
