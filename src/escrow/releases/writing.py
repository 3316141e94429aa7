"""Writing a release down: its row with all that it was made under and of, and its nine cells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import insert

from escrow import audit
from escrow.releases.signing import Salts, Signed
from escrow.reports.disclosure import ShownBefore
from escrow.standing import AppliedList, Standing, columns_of_rule
from escrow.store.database import Transaction
from escrow.store.tables import release_cells, releases
from escrow.terms import Cell, Level, Population, Side

__all__ = ["write_release"]


def write_release(
    tx: Transaction,
    standing: Standing,
    shown: Mapping[Cell, ShownBefore],
    salts: Salts,
    signed: Signed,
    *,
    number: int,
    now: datetime,
) -> None:
    place = {"partnership_id": standing.partnership_id, "number": number}
    conditions = {
        "generation": standing.live.number,
        "made_at": now,
        "counts_from": int(standing.effective.counts_from),
        "reveals_from": int(standing.effective.reveals_from),
        **columns_of_rule(standing.effective.disclosure),
        "statement": signed.statement,
        "signature": signed.signature,
        "key_id": signed.key_id,
        **{f"{side.value}_salt": salt for side, salt in salts.lists.items()},
    }
    tx.execute(insert(releases).values(place | conditions | _list_columns(standing)))
    empty = {side: _empty(applied) for side, applied in standing.applied.items()}
    cells = []
    for cell, each in shown.items():
        is_there = cell.ours not in empty[Side.LEFT] and cell.theirs not in empty[Side.RIGHT]
        may_repeat = is_there and each.count.level is Level.COUNTS and not each.made_under.rule.noise
        cells.append(place | _cell_columns(cell, each, may_repeat=may_repeat) | {"salt": salts.cells[cell]})
    tx.execute(insert(release_cells), cells)
    detail = {"release": number}
    trail_id = standing.partnership_id
    audit.record(tx, audit.Action.RELEASED, trail_id=trail_id, caller=None, now=now, detail=detail)


def _list_columns(standing: Standing) -> dict[str, object]:
    columns: dict[str, object] = {}
    for side, applied in standing.applied.items():
        said = {
            "terms_number": standing.sides[side].terms_number,
            "submission": applied.number,
            "digest": applied.sealed_digest,
            "applied_at": applied.applied_at,
            "accounts": applied.accounts,
            "changes": standing.sides[side].changes.accounts,
            **{population.word: size for population, size in applied.populations.items()},
        }
        columns |= {f"{side.value}_{name}": value for name, value in said.items()}
    return columns


def _empty(applied: AppliedList) -> frozenset[Population]:
    return frozenset(population for population, size in applied.populations.items() if not size)


def _cell_columns(cell: Cell, shown: ShownBefore, *, may_repeat: bool) -> dict[str, object]:
    count = shown.count
    return {
        "left_population": int(cell.ours),
        "right_population": int(cell.theirs),
        "level": int(count.level),
        "state": count.state.word,
        "count": count.number,
        "left_changes": shown.left if may_repeat else None,
        "right_changes": shown.right if may_repeat else None,
    }
