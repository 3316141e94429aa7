"""Who is calling and what she may open.

Every decision about a partnership starts from a ``Party``, and the only way to one is ``party_of``: an id that does not
exist and an id of somebody else's partnership raise the same error. In a write transaction ``party_of`` also locks the
partnership, so that decisions about one partnership come one after the other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, or_, select, update

from escrow.errors import NotAuthenticated, NotFound, PartnershipNotActive, PartnershipPaused, ScopeMissing
from escrow.store.database import Transaction
from escrow.store.states import PartnershipState, Scope
from escrow.store.tables import api_keys, parties, partnerships
from escrow.terms import Side

__all__ = [
    "ApiKey",
    "Caller",
    "Grant",
    "Party",
    "authenticate",
    "grant_of_row",
    "lock_partnership",
    "make_api_key",
    "not_found",
    "note_use",
    "party_of",
]

_API_KEY = re.compile(r"esk_([a-z2-7]{12})_([a-z2-7]{52})_([a-z2-7]{7})")

#: Last uses closer together than this are not told apart, so that reads stay reads.
_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Grant:
    """What an API key may be used for, in which partnerships (None: in all of its organization) and until when."""

    scopes: frozenset[Scope] = frozenset(Scope)
    partnership_ids: frozenset[UUID] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """An organization, by the API key it showed."""

    organization_id: UUID
    api_key_id: str
    grant: Grant = Grant()
    used_lately: bool = True

    def reaches(self, partnership_id: UUID) -> bool:
        """Whether the key is for this partnership; of others it learns as little as a stranger."""
        bound_to = self.grant.partnership_ids
        return bound_to is None or partnership_id in bound_to


@dataclass(frozen=True, slots=True)
class Party:
    """The caller's seat in one partnership."""

    partnership_id: UUID
    side: Side
    caller: Caller
    state: PartnershipState
    expires_at: datetime
    is_paused: bool

    @property
    def organization_id(self) -> UUID:
        """The organization in this seat."""
        return self.caller.organization_id

    def state_at(self, now: datetime) -> PartnershipState:
        """The state with expiry taken into account."""
        pending = self.state in {PartnershipState.INVITED, PartnershipState.ACCEPTED}
        return PartnershipState.ENDED if pending and now >= self.expires_at else self.state

    def must_be_active(self) -> None:
        """Raise PartnershipNotActive unless lists are compared in this partnership."""
        if self.state is not PartnershipState.ACTIVE:
            raise PartnershipNotActive(
                "This partnership is not active: its state tells whether it waits for one of you or has ended."
            )

    def must_be_readable(self) -> None:
        """Raise PartnershipNotActive or PartnershipPaused unless what the lists have in common may be read."""
        self.must_be_active()
        if self.is_paused:
            raise PartnershipPaused("This partnership is paused: nothing is read until each who paused it resumes.")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A new API key: ``presented`` is shown once and only its digest is kept."""

    api_key_id: str
    presented: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What is stored: 256 random bits need no slow hash."""
        return hashlib.sha256(self.presented.encode()).digest()


def make_api_key(*, random: Callable[[int], bytes]) -> ApiKey:
    """Make a key of the form ``esk_<id>_<secret>_<checksum>``, which a scanner for leaked secrets can recognise."""
    api_key_id = _base32(random(8))[:12]
    body = f"esk_{api_key_id}_{_base32(random(32))}"
    return ApiKey(api_key_id, f"{body}_{_checksum(body)}")


def authenticate(tx: Transaction, unverified_key: str, *, scope: Scope | None = None, now: datetime) -> Caller:
    """Tell whose API key this is; a mistyped key does not reach the database.

    Raises:
        NotAuthenticated: it is none, or is revoked or expired.
        ScopeMissing: it is not for what is asked.
    """
    form = _API_KEY.fullmatch(unverified_key)
    if form is None or _checksum(unverified_key.rpartition("_")[0]) != form[3]:
        raise _not_authenticated()
    known = tx.execute(select(api_keys).where(api_keys.c.api_key_id == form[1])).one_or_none()
    digest = ApiKey(form[1], unverified_key).digest
    if known is None or known.revoked_at is not None or not hmac.compare_digest(known.digest, digest):
        raise _not_authenticated()
    grant = grant_of_row(known)
    if grant.expires_at is not None and now >= grant.expires_at:
        raise _not_authenticated()
    if scope is not None and scope not in grant.scopes:
        raise ScopeMissing(f"This API key lacks the scope '{scope.value}': use one that has it.", scope=scope.value)
    used_lately = known.last_used_at is not None and now < known.last_used_at + _NOTED_EVERY
    return Caller(known.organization_id, form[1], grant, used_lately)


def note_use(tx: Transaction, caller: Caller, *, now: datetime) -> None:
    """Keep when this key was used, unless that was noted within the hour."""
    noted = api_keys.c.last_used_at
    is_long_ago = or_(noted.is_(None), noted <= now - _NOTED_EVERY)
    tx.execute(update(api_keys).where(api_keys.c.api_key_id == caller.api_key_id, is_long_ago).values(last_used_at=now))


def grant_of_row(row: Row[Any]) -> Grant:
    """Read what a row of the table ``api_keys`` grants."""
    bound_to = None if row.partnership_ids is None else frozenset(map(UUID, row.partnership_ids.split(",")))
    return Grant(frozenset(map(Scope, row.scopes.split(","))), bound_to, row.expires_at)


def party_of(tx: Transaction, caller: Caller, partnership_id: UUID) -> Party:
    """Give the caller's seat, or raise NotFound, the same for a foreign and an absent id."""
    if not caller.reaches(partnership_id):
        raise not_found()
    seat = _seat(tx, caller, partnership_id)
    if seat is not None and tx.get_execution_options().get("writes"):
        # Found first and locked second: a stranger cannot hold up a partnership that is not hers.
        lock_partnership(tx, partnership_id)
        seat = _seat(tx, caller, partnership_id)
    if seat is None:
        raise not_found()
    return Party(
        partnership_id=partnership_id,
        side=Side(seat.side),
        caller=caller,
        state=PartnershipState(seat.state),
        expires_at=seat.expires_at,
        is_paused=seat.is_paused,
    )


def not_found() -> NotFound:
    """Give the one answer for what is absent and what is somebody else's."""
    return NotFound("There is no such thing, or it is not yours.")


def lock_partnership(tx: Transaction, partnership_id: UUID) -> None:
    """Let decisions about this partnership wait for each other until this transaction ends.

    SQLite has one writer at a time anyway. The lock leaves room for rows that only refer to the partnership.
    """
    tx.execute(
        select(partnerships.c.state)
        .where(partnerships.c.partnership_id == partnership_id)
        .with_for_update(key_share=True)
    )


def _seat(tx: Transaction, caller: Caller, partnership_id: UUID) -> Row[Any, Any, Any, Any] | None:
    pausing = parties.alias("pausing")
    is_paused = exists().where(pausing.c.partnership_id == partnership_id, pausing.c.paused_at.is_not(None))
    return tx.execute(
        select(parties.c.side, partnerships.c.state, partnerships.c.expires_at, is_paused.label("is_paused"))
        .join_from(parties, partnerships)
        .where(
            parties.c.partnership_id == partnership_id,
            parties.c.organization_id == caller.organization_id,
        )
    ).one_or_none()


def _not_authenticated() -> NotAuthenticated:
    return NotAuthenticated("Send a valid API key as 'Authorization: Bearer esk_…'.")


def _base32(octets: bytes) -> str:
    return base64.b32encode(octets).decode().rstrip("=").lower()


def _checksum(body: str) -> str:
    return _base32(zlib.crc32(body.encode()).to_bytes(4))
