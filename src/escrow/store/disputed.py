"""The pairs of rows that are in dispute, as matching and releases need them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select

from escrow.store.bulk import put_rows
from escrow.store.database import Transaction
from escrow.store.tables import disputed_pairs, disputes

__all__ = ["Found", "Pair", "disputes_since", "is_open", "note_found", "of_dispute", "pairs_in_dispute"]

#: A left row and a right row.
Pair = tuple[bytes, bytes]
#: What a pair would be if nobody disputed it: tier, left and right population.
Found = tuple[int, int, int]


def pairs_in_dispute(tx: Transaction, partnership_id: UUID) -> frozenset[Pair]:
    """Give the pairs of rows, left and right, that no match is made of now."""
    columns = (disputed_pairs.c.left_row, disputed_pairs.c.right_row)
    query = select(*columns).join_from(disputed_pairs, disputes, of_dispute()).where(is_open(partnership_id))
    return frozenset((left, right) for left, right in tx.execute(query))


def note_found(tx: Transaction, partnership_id: UUID, found: Mapping[Pair, Found]) -> None:
    """Keep what each disputed pair would be as of this matching; those that are not there match no more."""
    renewed = []
    for row in tx.execute(select(disputed_pairs).where(disputed_pairs.c.partnership_id == partnership_id)):
        seen = found.get((row.left_row, row.right_row), (None, None, None))
        if seen != (row.tier, row.left_population, row.right_population):
            renewed.append((row.side, row.number, row.left_row, row.right_row, *seen))
    put_rows(tx, disputed_pairs, partnership_id, renewed)


def disputes_since(tx: Transaction, partnership_id: UUID, moment: datetime) -> bool:
    """Tell whether a dispute was made or withdrawn since then."""
    changed = or_(disputes.c.made_at >= moment, disputes.c.withdrawn_at >= moment)
    return bool(tx.execute(select(exists().where(disputes.c.partnership_id == partnership_id, changed))).scalar())


def is_open(partnership_id: UUID) -> ColumnElement[bool]:
    """Say which disputes of a partnership stand."""
    return and_(disputes.c.partnership_id == partnership_id, disputes.c.withdrawn_at.is_(None))


def of_dispute() -> ColumnElement[bool]:
    """Say which dispute a disputed pair belongs to."""
    return and_(
        disputes.c.partnership_id == disputed_pairs.c.partnership_id,
        disputes.c.side == disputed_pairs.c.side,
        disputes.c.number == disputed_pairs.c.number,
    )
