"""Signing: what a release says becomes a statement that holds the one before, signed by the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from escrow.reports.matrix import OverlapMatrix
from escrow.reports.statement import (
    FIRST_PREVIOUS,
    SALT_BYTES,
    CellOpening,
    ListOpening,
    Statement,
    rule_digest,
    statement_digest,
)
from escrow.standing import Standing
from escrow.store.release_keys import ReleaseKey
from escrow.terms import CELLS, Cell, Side

__all__ = ["Salts", "Signed", "draw_salts", "sign_release"]


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement as it is stored and served."""

    statement: bytes
    signature: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class Salts:
    """What hides the cells, seen from the left, and both sides' lists in a statement."""

    cells: Mapping[Cell, bytes] = field(repr=False)
    lists: Mapping[Side, bytes] = field(repr=False)


def draw_salts(random: Callable[[int], bytes]) -> Salts:
    """Draw the salts of one release."""
    return Salts({cell: random(SALT_BYTES) for cell in CELLS}, {side: random(SALT_BYTES) for side in Side})


def sign_release(
    standing: Standing,
    digests: Mapping[Side, bytes],
    matrix: OverlapMatrix,
    salts: Salts,
    *,
    number: int,
    previous: bytes | None,
    key: ReleaseKey,
    now: datetime,
) -> Signed:
    """Write and sign the statement of a release; ``previous`` is the statement before, if there is one.

    ``digests`` are those of both sides' applied submissions.
    """
    cells = (CellOpening(salts.cells[cell], cell, matrix[cell].state, matrix[cell].number) for cell in CELLS)
    lists = {
        side: ListOpening(salts.lists[side], applied.number, digests[side])
        for side, applied in standing.applied.items()
    }
    statement = Statement(
        partnership_id=standing.partnership_id,
        left_org_id=standing.sides[Side.LEFT].organization_id,
        right_org_id=standing.sides[Side.RIGHT].organization_id,
        number=number,
        made_at=int(now.timestamp()),
        previous=FIRST_PREVIOUS if previous is None else statement_digest(previous),
        generation=standing.live.number,
        rule=rule_digest(standing.effective),
        cells=tuple(cell.commitment for cell in cells),
        left_list=lists[Side.LEFT].commitment,
        right_list=lists[Side.RIGHT].commitment,
    ).write()
    return Signed(statement, key.sign(statement), key.key_id)
