"""Mail digests: who is mailed what, and how often. Each verb says who may, by the caller's key.

A key that is bound to partnerships makes digests of those alone, and knows of no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, delete, func, insert, select, update

from escrow import audit
from escrow.access import Caller, not_found
from escrow.deliveries.filters import Filter
from escrow.deliveries.reaching import is_reached, within
from escrow.errors import MailCodesTooMany, MailDigestsTooMany, MailOff
from escrow.mail_digests.addresses import MailAddress
from escrow.mail_digests.codes import fits
from escrow.mail_digests.slots import NEVER, next_slot
from escrow.organizations import lock_organization
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.states import EventType, MailDigestState, MailOutcome
from escrow.store.tables import event_feeds, mail_codes, mail_digests

__all__ = [
    "USUAL",
    "MailDigest",
    "MailRule",
    "Times",
    "add_mail_digest",
    "ask_code",
    "confirm_mail_digest",
    "forget_unconfirmed",
    "mail_digest_of",
    "mail_digests_of",
    "record",
    "remove_mail_digest",
    "wanted_of_row",
]

#: What is told where nobody says what.
USUAL = frozenset(EventType) - {
    EventType.SUBMISSION_APPLIED,
    EventType.GENERATION_PROPOSED,
    EventType.GENERATION_STARTED,
    EventType.GENERATION_CANCELLED,
    EventType.GENERATION_LIVE,
}

#: How many codes one address is sent in a day, by one organization.
_CODES_OF_ADDRESS = 3
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Times:
    """When digests are sent, in UTC; every day, unless a weekday is named (Monday is 0)."""

    hour: int
    weekday: int | None = None

    def after(self, now: datetime) -> datetime:
        """Give the next one."""
        return next_slot(now, weekday=self.weekday, hour=self.hour)


@dataclass(frozen=True, slots=True)
class MailDigest:
    """One mail digest as its organization sees it: of the address its first letter and its domain."""

    mail_digest_id: UUID
    state: MailDigestState
    description: str
    shown_address: str
    times: Times
    filter: Filter
    guesses_left: int
    code_until: datetime | None
    next_at: datetime | None
    failing_since: datetime | None
    last_outcome: MailOutcome | None
    sent_at: datetime | None
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MailRule:
    """What the verbs here go by: whether the service sends mail, the operator's limit, the service's key, and time."""

    is_on: bool
    most: int
    service_key: SealingKey = field(repr=False)
    now: datetime

    def must_be_on(self) -> None:
        """Raise MailOff unless the operator named a mail server."""
        if not self.is_on:
            raise MailOff("This service sends no mail: its operator has named no mail server.")


def add_mail_digest(
    tx: Transaction,
    caller: Caller,
    *,
    unverified_address: str,
    times: Times,
    description: str,
    wanted: Filter,
    by: MailRule,
) -> MailDigest:
    """Add a digest, and have its address mailed a code; nothing else is mailed until the code is given back.

    Raises:
        MailOff: the service sends no mail.
        MailAddressInvalid: it is not one plain address.
        MailDigestsTooMany: the organization has as many as it may.
        MailCodesTooMany: it has asked for as many codes within a day as it may.
        NotFound: the filter names a partnership that the key is not for.
    """
    by.must_be_on()
    address = MailAddress.parse(unverified_address)
    lock_organization(tx, caller.organization_id)
    own = mail_digests.c.organization_id == caller.organization_id
    if tx.execute(select(func.count()).select_from(mail_digests).where(own)).scalar_one() >= by.most:
        raise MailDigestsTooMany(f"This organization has {by.most} mail digests, as many as it may: remove one first.")
    _count_code(tx, caller.organization_id, address, by)
    mail_digest_id = uuid4()
    columns = within(tx, caller, wanted).columns
    tx.execute(
        insert(mail_digests).values(
            mail_digest_id=mail_digest_id,
            organization_id=caller.organization_id,
            state=MailDigestState.UNCONFIRMED.value,
            description=description,
            sealed_address=address.seal(mail_digest_id, service_key=by.service_key),
            weekday=times.weekday,
            hour=times.hour,
            types=columns["types"],
            partnership_ids=columns["partnership_ids"],
            looked_at_event=_last_event(tx, caller.organization_id),
            attempts=0,
            guesses_left=0,
            due_at=by.now,
            created_at=by.now,
        )
    )
    row = _row(tx, caller, mail_digest_id)
    record(tx, audit.Action.MAIL_DIGEST_ADDED, row, caller=caller, now=by.now)
    return _shown(row, by)


def mail_digests_of(tx: Transaction, caller: Caller, *, by: MailRule) -> Sequence[MailDigest]:
    """List the digests that the caller's key may know of, oldest first."""
    own = mail_digests.c.organization_id == caller.organization_id
    query = select(mail_digests).where(own).order_by(mail_digests.c.created_at, mail_digests.c.mail_digest_id)
    return [_shown(row, by) for row in tx.execute(query) if is_reached(caller, wanted_of_row(row))]


def mail_digest_of(tx: Transaction, caller: Caller, mail_digest_id: UUID, *, by: MailRule) -> MailDigest:
    """Give one digest, or raise NotFound, the same for a foreign and an absent one."""
    return _shown(_row(tx, caller, mail_digest_id), by)


def ask_code(tx: Transaction, caller: Caller, mail_digest_id: UUID, *, by: MailRule) -> MailDigest:
    """Have another code mailed, in place of the one before; an address that is confirmed needs none.

    Raises:
        MailOff: the service sends no mail.
        MailCodesTooMany: the address, or the organization, was sent as many within a day as it may be.
    """
    row = _row(tx, caller, mail_digest_id, locked=True)
    if row.state != MailDigestState.ENABLED.value:
        by.must_be_on()
        lock_organization(tx, caller.organization_id)
        _count_code(tx, caller.organization_id, MailAddress.open(row, service_key=by.service_key), by)
        _change(tx, row, due_at=by.now, attempts=0)
        record(tx, audit.Action.MAIL_CODE_ASKED, row, caller=caller, now=by.now)
    return mail_digest_of(tx, caller, mail_digest_id, by=by)


def confirm_mail_digest(
    tx: Transaction, caller: Caller, mail_digest_id: UUID, *, unverified_code: str, by: MailRule
) -> MailDigest:
    """Enable a digest whose address was mailed this code. Another code costs one of a few tries, which is an effect:
    the answer is then the digest as it stands, not a refusal, so that the try stays counted."""
    row = _row(tx, caller, mail_digest_id, locked=True)
    is_tried = row.code_digest is not None and by.now < row.code_until and row.guesses_left > 0
    if row.state == MailDigestState.ENABLED.value or not is_tried:
        return _shown(row, by)
    if not fits(mail_digest_id, unverified_code, row.code_digest):
        _change(tx, row, guesses_left=row.guesses_left - 1)
        return mail_digest_of(tx, caller, mail_digest_id, by=by)
    enabled = {"state": MailDigestState.ENABLED.value, "confirmed_at": by.now, "due_at": _times(row).after(by.now)}
    _change(tx, row, **enabled, code_digest=None, code_until=None, guesses_left=0, attempts=0, failing_since=None)
    lock_organization(tx, caller.organization_id)
    record(tx, audit.Action.MAIL_DIGEST_CONFIRMED, row, caller=caller, now=by.now)
    return mail_digest_of(tx, caller, mail_digest_id, by=by)


def remove_mail_digest(tx: Transaction, caller: Caller, mail_digest_id: UUID, *, now: datetime) -> None:
    """Remove a digest and its address; a mail that is under way may still arrive."""
    row = _row(tx, caller, mail_digest_id, locked=True)
    tx.execute(delete(mail_digests).where(mail_digests.c.mail_digest_id == mail_digest_id))
    lock_organization(tx, caller.organization_id)
    record(tx, audit.Action.MAIL_DIGEST_REMOVED, row, caller=caller, now=now)


def forget_unconfirmed(tx: Transaction, *, now: datetime, resting_since: datetime) -> bool:
    """Remove one digest whose address was never confirmed, and forget old codes; tell whether there are no more."""
    tx.execute(delete(mail_codes).where(mail_codes.c.asked_at <= now - _A_DAY))
    rests = mail_digests.c.confirmed_at.is_(None) & (mail_digests.c.created_at < resting_since)
    is_asked = mail_digests.c.leased_until.is_not(None) | (mail_digests.c.code_until > now)
    query = select(mail_digests).where(rests, is_asked.is_not(True)).limit(1)
    row = tx.execute(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return True
    tx.execute(delete(mail_digests).where(mail_digests.c.mail_digest_id == row.mail_digest_id))
    lock_organization(tx, row.organization_id)
    record(tx, audit.Action.MAIL_DIGEST_REMOVED, row, now=now)
    return False


def wanted_of_row(row: Row[Any]) -> Filter:
    """Say what a row of the table ``mail_digests`` is told of."""
    return Filter(
        types=USUAL if row.types is None else frozenset(map(EventType, row.types.split(","))),
        partnership_ids=None if row.partnership_ids is None else frozenset(map(UUID, row.partnership_ids.split(","))),
    )


def _count_code(tx: Transaction, organization_id: UUID, address: MailAddress, by: MailRule) -> None:
    """Note that an address is to be mailed a code, unless that was so often lately that it would be a nuisance."""
    tag = address.tag(organization_id, service_key=by.service_key)
    lately = (mail_codes.c.organization_id == organization_id) & (mail_codes.c.asked_at > by.now - _A_DAY)
    tags = tx.execute(select(mail_codes.c.address_tag).where(lately)).scalars().all()
    if tags.count(tag) >= _CODES_OF_ADDRESS or len(tags) >= by.most:
        raise MailCodesTooMany(
            f"An address is mailed at most {_CODES_OF_ADDRESS} codes a day, and all of an organization {by.most}."
        )
    row = {"code_id": uuid4(), "organization_id": organization_id, "address_tag": tag, "asked_at": by.now}
    tx.execute(insert(mail_codes).values(row))


def _row(tx: Transaction, caller: Caller, mail_digest_id: UUID, *, locked: bool = False) -> Row[Any]:
    own = (mail_digests.c.mail_digest_id == mail_digest_id) & (mail_digests.c.organization_id == caller.organization_id)
    query = select(mail_digests).where(own)
    row = tx.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None or not is_reached(caller, wanted_of_row(row)):
        raise not_found()
    return row


def _change(tx: Transaction, row: Row[Any], **values: object) -> None:
    tx.execute(update(mail_digests).where(mail_digests.c.mail_digest_id == row.mail_digest_id).values(**values))


def _last_event(tx: Transaction, organization_id: UUID) -> int:
    own = event_feeds.c.organization_id == organization_id
    return tx.execute(select(event_feeds.c.last_number).where(own)).scalar_one_or_none() or 0


def _times(row: Row[Any]) -> Times:
    return Times(row.hour, row.weekday)


def _shown(row: Row[Any], by: MailRule) -> MailDigest:
    state = MailDigestState(row.state)
    return MailDigest(
        mail_digest_id=row.mail_digest_id,
        state=state,
        description=row.description,
        shown_address=MailAddress.open(row, service_key=by.service_key).shown,
        times=_times(row),
        filter=wanted_of_row(row),
        guesses_left=row.guesses_left,
        code_until=row.code_until,
        next_at=None if row.due_at == NEVER or state is not MailDigestState.ENABLED else row.due_at,
        failing_since=row.failing_since,
        last_outcome=None if row.last_outcome is None else MailOutcome(row.last_outcome),
        sent_at=row.sent_at,
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
    )


def record(
    tx: Transaction, action: audit.Action, row: Row[Any], *, caller: Caller | None = None, now: datetime
) -> None:
    """Say in the organization's trail what became of a digest; the caller holds the organization."""
    detail = {"mail_digest_id": str(row.mail_digest_id)}
    audit.record_for_organization(
        tx, action, organization_id=row.organization_id, caller=caller, now=now, detail=detail
    )
