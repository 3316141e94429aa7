"""The groups of stored matches, once some of their matches are gone.

Two rows that read the same overlap are told that something connects them. When terms come to forbid what did, the rows
that are left must not read the same until they are matched again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, Row, and_, delete, false, not_, or_, select

from escrow.psi.components import Indices, components
from escrow.store.bulk import put_rows
from escrow.store.database import Transaction
from escrow.store.tables import envelopes, matches
from escrow.terms import Level, Side, Terms

__all__ = ["forget_matches", "in_cells_from"]


def forget_matches(tx: Transaction, partnership_id: UUID, forbidden: ColumnElement[bool], *, effective: Terms) -> None:
    """Delete these matches, and the envelopes of rows that keep none at details by terms seen from the left."""
    gone = and_(matches.c.partnership_id == partnership_id, forbidden)
    broken = set(tx.execute(select(matches.c.overlap).where(gone)).scalars())
    tx.execute(delete(matches).where(gone))
    part_overlaps(tx, partnership_id, broken)
    for side, row in ((Side.LEFT, matches.c.left_row), (Side.RIGHT, matches.c.right_row)):
        at_details = (
            select(matches.c.tier)
            .where(
                matches.c.partnership_id == partnership_id,
                row == envelopes.c.row,
                in_cells_from(Level.DETAILS, effective),
            )
            .exists()
        )
        of_side = and_(envelopes.c.partnership_id == partnership_id, envelopes.c.side == side.value)
        tx.execute(delete(envelopes).where(of_side, not_(at_details)))


def in_cells_from(level: Level, effective: Terms) -> ColumnElement[bool]:
    """Say which matches lie in cells open at this level, by terms seen from the left."""
    return or_(
        false(),
        *(
            and_(matches.c.left_population == cell.ours, matches.c.right_population == cell.theirs)
            for cell in effective.cells_from(level)
        ),
    )


def part_overlaps(tx: Transaction, partnership_id: UUID, broken: Collection[bytes]) -> None:
    """Name what is left of these overlaps anew, by what still connects it."""
    if not broken:
        return
    columns = [column for column in matches.columns if column is not matches.c.partnership_id]
    query = select(*columns).where(matches.c.partnership_id == partnership_id).order_by(matches.c.left_row)
    left = [row for row in tx.execute(query) if row.overlap in broken]
    names = _names(left)
    put_rows(tx, matches, partnership_id, [_renamed(row, name) for row, name in zip(left, names, strict=True)])


def _names(left: Sequence[Row[Any]]) -> list[bytes]:
    """Name each match after the overlap it was in and the lowest left row that it is still connected with."""
    ours, theirs = _numbered(row.left_row for row in left), _numbered(row.right_row for row in left)
    lefts = int(ours.max(initial=0)) + 1
    nodes = lefts + int(theirs.max(initial=0)) + 1
    labels = components(ours, theirs + np.uint32(lefts), nodes)[ours]
    lowest: dict[int, bytes] = {}
    for label, row in zip(labels.tolist(), left, strict=True):
        lowest.setdefault(label, hashlib.sha256(row.overlap + row.left_row).digest()[:8])
    return [lowest[label] for label in labels.tolist()]


def _numbered(rows: Iterable[bytes]) -> Indices:
    numbers = np.frombuffer(b"".join(rows), ">u8")
    return np.unique(numbers, return_inverse=True)[1].astype(np.uint32)


def _renamed(row: Row[Any], name: bytes) -> tuple[bytes | int, ...]:
    return tuple(name if column == "overlap" else value for column, value in row._mapping.items())
