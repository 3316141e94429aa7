"""The secrets of one partnership, sealed under the service's key: a sealing key and a pepper per generation."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import and_, select, update

from escrow.errors import PartnershipEnded
from escrow.psi.pepper import PEPPER_BYTES
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey, context
from escrow.store.tables import generations, partnerships

__all__ = [
    "check_opens",
    "erase_pepper",
    "erase_secrets",
    "open_pepper",
    "partnership_key",
    "seal_new_key",
    "seal_new_pepper",
]


def seal_new_key(partnership_id: UUID, *, service_key: SealingKey, random: Callable[[int], bytes]) -> bytes:
    """Make the sealing key of a partnership, for the column ``partnerships.sealed_key``."""
    return service_key.seal_key(SealingKey(random(32)), context=_key_context(partnership_id))


def seal_new_pepper(
    partnership_id: UUID, generation: int, *, service_key: SealingKey, random: Callable[[int], bytes]
) -> bytes:
    """Make the pepper of a generation, for the column ``generations.sealed_pepper``."""
    return service_key.seal(random(PEPPER_BYTES), context=_pepper_context(partnership_id, generation))


def partnership_key(tx: Transaction, partnership_id: UUID, *, service_key: SealingKey) -> SealingKey:
    """Open the key under which chunks and envelopes are sealed, or raise PartnershipEnded once it is erased."""
    query = select(partnerships.c.sealed_key).where(partnerships.c.partnership_id == partnership_id)
    sealed = tx.execute(query).scalar_one_or_none()
    if sealed is None:
        raise PartnershipEnded("This partnership has no keys any more.")
    return service_key.open_key(sealed, context=_key_context(partnership_id))


def check_opens(tx: Transaction, *, service_key: SealingKey) -> None:
    """Raise SealBroken unless the service's key is the one of this database; an empty one has none yet."""
    query = select(partnerships.c.partnership_id, partnerships.c.sealed_key).where(
        partnerships.c.sealed_key.is_not(None)
    )
    sealed = tx.execute(query.limit(1)).one_or_none()
    if sealed is not None:
        service_key.open_key(sealed.sealed_key, context=_key_context(sealed.partnership_id))


def open_pepper(tx: Transaction, partnership_id: UUID, generation: int, *, service_key: SealingKey) -> bytes:
    """Open the pepper that turns this generation's tokens into stored indexes, or raise PartnershipEnded."""
    query = select(generations.c.sealed_pepper).where(
        generations.c.partnership_id == partnership_id, generations.c.generation == generation
    )
    sealed = tx.execute(query).scalar_one_or_none()
    if sealed is None:
        raise PartnershipEnded("This generation has no keys any more.")
    return service_key.open(sealed, context=_pepper_context(partnership_id, generation))


def erase_pepper(tx: Transaction, partnership_id: UUID, generation: int) -> None:
    """Erase the pepper of one generation; none of its stored indexes can be looked up any more."""
    own_pepper = and_(generations.c.partnership_id == partnership_id, generations.c.generation == generation)
    tx.execute(update(generations).where(own_pepper).values(sealed_pepper=None))


def erase_secrets(tx: Transaction, partnership_id: UUID) -> None:
    """Erase the key and every pepper; nothing sealed under them opens again, and no token can be looked up."""
    own_key = partnerships.c.partnership_id == partnership_id
    tx.execute(update(partnerships).where(own_key).values(sealed_key=None))
    own_peppers = generations.c.partnership_id == partnership_id
    tx.execute(update(generations).where(own_peppers).values(sealed_pepper=None))


def _key_context(partnership_id: UUID) -> bytes:
    return context("partnerships", partnership_id)


def _pepper_context(partnership_id: UUID, generation: int) -> bytes:
    return context("generations", partnership_id, generation)
