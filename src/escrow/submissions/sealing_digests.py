"""Digests that an older release left in the open are sealed; where the key is erased, they are erased too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Row, Table, and_, func, select, update

from escrow.access import lock_partnership
from escrow.errors import PartnershipEnded
from escrow.store.database import Transaction
from escrow.store.digests import DIGEST_BYTES, chunk_place, seal_digest, submission_place
from escrow.store.sealing import SealingKey
from escrow.store.secrets import partnership_key
from escrow.store.tables import chunks, lists, releases, submissions
from escrow.terms import Side

__all__ = ["seal_open_digests"]

_BATCH = 200
_NOTHING = b""


@dataclass(frozen=True, slots=True)
class _Digests:
    """A column of digests, and the place that one of them is sealed for."""

    column: Column[bytes]
    place: Callable[[Row[Any]], bytes]

    @property
    def table(self) -> Table:
        return self.column.table


_COLUMNS = (
    _Digests(submissions.c.digest, lambda row: submission_place(row.partnership_id, Side(row.side), row.number)),
    _Digests(chunks.c.digest, lambda row: chunk_place(row.partnership_id, Side(row.side), row.number, row.position)),
    _Digests(
        lists.c.applied_digest, lambda row: submission_place(row.partnership_id, Side(row.side), row.applied_number)
    ),
    _Digests(releases.c.left_digest, lambda row: submission_place(row.partnership_id, Side.LEFT, row.left_submission)),
    _Digests(
        releases.c.right_digest, lambda row: submission_place(row.partnership_id, Side.RIGHT, row.right_submission)
    ),
)


def seal_open_digests(tx: Transaction, *, service_key: SealingKey) -> bool:
    """Seal some digests that lie in the open, all of one partnership; tell whether there were none."""
    for digests in _COLUMNS:
        in_the_open = func.length(digests.column) == DIGEST_BYTES
        partnership = select(digests.table.c.partnership_id).where(in_the_open).limit(1)
        partnership_id = tx.execute(partnership).scalar_one_or_none()
        if partnership_id is not None:
            lock_partnership(tx, partnership_id)
            key = _key(tx, partnership_id, service_key)
            own = and_(digests.table.c.partnership_id == partnership_id, in_the_open)
            for row in tx.execute(select(digests.table).where(own).limit(_BATCH)).all():
                _seal(tx, digests, row, key)
            return False
    return True


def _key(tx: Transaction, partnership_id: UUID, service_key: SealingKey) -> SealingKey | None:
    try:
        return partnership_key(tx, partnership_id, service_key=service_key)
    except PartnershipEnded:
        return None


def _seal(tx: Transaction, digests: _Digests, row: Row[Any], key: SealingKey | None) -> None:
    digest = row._mapping[digests.column]
    sealed = _NOTHING if key is None else seal_digest(key, digest, place=digests.place(row))
    this_row = and_(*(column == row._mapping[column] for column in digests.table.primary_key.columns))
    tx.execute(update(digests.table).where(this_row).values({digests.column: sealed}))
