"""Answers kept for requests that may come again, each under the idempotency key that its sender chose.

The record is written in the transaction of the effect, so there is never one without the other. A key may say what its
sender had in mind, so only its digest is stored; request and answer lie sealed, since an answer may hold a secret.
An answer about a partnership goes with the footing that it was given on, so that whoever repeats it can tell whether it
may still be said.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, select

from escrow.errors import IdempotencyKeyReused, RequestInProgress
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey, context
from escrow.store.states import PartnershipState
from escrow.store.tables import idempotency, parties, partnerships

__all__ = ["KeptAnswer", "Place", "footing_of", "forget_expired", "hold", "keep", "kept"]

_FINGERPRINT = 32
_STATUS = 2

#: Most records deleted in one transaction.
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a request was answered with, and on what footing: None of an answer that is about no partnership."""

    status: int
    body: bytes = field(repr=False)
    footing: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer to one idempotency key of one organization lies."""

    organization_id: UUID
    key_digest: bytes

    @classmethod
    def of(cls, organization_id: UUID, key: str) -> Place:
        """Give the place of a key."""
        return cls(organization_id, hashlib.sha256(b"escrow/v1 idempotency" + key.encode()).digest())

    @property
    def context(self) -> bytes:
        """Where its sealed column opens, and nowhere else."""
        return context("idempotency", self.organization_id, self.key_digest)

    @property
    def row(self) -> ColumnElement[bool]:
        """The row of this place."""
        return and_(idempotency.c.organization_id == self.organization_id, idempotency.c.key_digest == self.key_digest)


def hold(tx: Transaction, place: Place) -> None:
    """Hold a place until this transaction ends, or raise RequestInProgress if another transaction does.

    On SQLite a write transaction is the only one there is.
    """
    if tx.dialect.name != "postgresql":
        return
    number = int.from_bytes(hashlib.sha256(place.context).digest()[:8], signed=True)
    if not tx.execute(select(func.pg_try_advisory_xact_lock(number))).scalar_one():
        raise RequestInProgress("A request with this Idempotency-Key is still running: send it again in a moment.")


def kept(
    tx: Transaction, place: Place, fingerprint: bytes, *, service_key: SealingKey, now: datetime
) -> KeptAnswer | None:
    """Give the answer that this request had before, None if the key is new.

    Raises:
        IdempotencyKeyReused: the key came with another request.
    """
    query = select(idempotency.c.sealed, idempotency.c.footing).where(place.row, idempotency.c.expires_at > now)
    found = tx.execute(query).one_or_none()
    if found is None:
        return None
    opened = service_key.open(found.sealed, context=place.context)
    if opened[:_FINGERPRINT] != fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key came with another request: send a new key with a new request.")
    body = _FINGERPRINT + _STATUS
    return KeptAnswer(int.from_bytes(opened[_FINGERPRINT:body]), opened[body:], found.footing)


def keep(
    tx: Transaction,
    place: Place,
    fingerprint: bytes,
    answer: KeptAnswer,
    *,
    service_key: SealingKey,
    expires_at: datetime,
) -> None:
    """Keep an answer; it commits with what it tells of. One that has expired gives way."""
    tx.execute(delete(idempotency).where(place.row))
    plaintext = fingerprint + answer.status.to_bytes(_STATUS) + answer.body
    tx.execute(
        insert(idempotency).values(
            organization_id=place.organization_id,
            key_digest=place.key_digest,
            sealed=service_key.seal(plaintext, context=place.context),
            footing=answer.footing,
            expires_at=expires_at,
        )
    )


def footing_of(tx: Transaction, partnership_id: UUID) -> str:
    """Say on what footing a partnership is: each side's terms by their number, who pauses, whether it has ended.

    Footings that are equal allow the same; any tightening, pause or end makes another one.
    """
    seats = tx.execute(
        select(parties.c.side, parties.c.terms_number, parties.c.paused_at, partnerships.c.state)
        .join_from(parties, partnerships)
        .where(parties.c.partnership_id == partnership_id)
        .order_by(parties.c.side)
    ).all()
    said = [f"{each.side} {each.terms_number}{'' if each.paused_at is None else ' paused'}" for each in seats]
    ended = any(each.state == PartnershipState.ENDED.value for each in seats)
    return ", ".join([*said, *(["ended"] if ended else [])])


def forget_expired(tx: Transaction, *, now: datetime) -> bool:
    """Delete a batch of records that have expired; tell whether that was all."""
    places = select(idempotency.c.organization_id, idempotency.c.key_digest).where(idempotency.c.expires_at <= now)
    found = [Place(row.organization_id, row.key_digest) for row in tx.execute(places.limit(_BATCH))]
    for place in found:
        tx.execute(delete(idempotency).where(place.row, idempotency.c.expires_at <= now))
    return len(found) < _BATCH
