"""What a party reads of its rows, and how two such lists differ. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from escrow.store.states import ChangeKind
from escrow.terms import Cell, Level, Population, Side, Terms

__all__ = ["Change", "Listed", "Pairing", "Rows", "as_told", "differences", "seen_by"]


class Pairing(NamedTuple):
    """A stored match, without the token."""

    left_row: bytes
    right_row: bytes
    tier: int
    overlap: bytes
    left_population: int
    right_population: int


class Listed(NamedTuple):
    """What the list of overlaps tells of a row, all as codes: its population, the partner's, tier and overlap."""

    ours: int
    theirs: int
    tier: int
    overlap: bytes

    @property
    def cell(self) -> Cell:
        """The strongest cell of its own matches."""
        return Cell(Population(self.ours), Population(self.theirs))

    def is_told(self, effective: Terms) -> bool:
        """Whether these terms, seen from the reader's side, let it be read."""
        return effective.levels[self.cell] >= Level.ACCOUNTS and self.tier <= effective.reveals_from


#: A list of overlaps, or some of it, by row.
Rows = Mapping[bytes, Listed]


@dataclass(frozen=True, slots=True)
class Change:
    """How the list of a row changed; what it was listed as before has no overlap beside it."""

    kind: ChangeKind
    row: bytes | None = None
    now: Listed | None = None
    was: Listed | None = None


def seen_by(side: Side, matches: Iterable[Pairing]) -> dict[bytes, Listed]:
    """Give what this side reads, by its rows; all matches of a row are there, or it is told as less than it is."""
    told: dict[bytes, Listed] = {}
    for match in matches:
        row, listed = _seen(side, match)
        known = told.get(row)
        told[row] = listed if known is None else _stronger(known, listed)
    return told


def differences(before: Rows, now: Rows) -> list[Change]:
    """Tell how one list became the other, in the order of rows: no other order tells less."""
    return [
        _change(row, before.get(row), now.get(row))
        for row in sorted(before.keys() | now.keys())
        if before.get(row) != now.get(row)
    ]


def as_told(change: Change, effective: Terms) -> Change | None:
    """Give what of a change may be read by the terms of now, seen from the reader's side; None if nothing.

    A cell that is closed now is one that the row never was in.
    """
    if change.kind is ChangeKind.RESET:
        return change
    now = change.now if change.now is not None and change.now.is_told(effective) else None
    was = change.was if change.was is not None and change.was.is_told(effective) else None
    if change.kind is ChangeKind.DETAILS:
        return change if now is not None and effective.levels[now.cell] is Level.DETAILS else None
    return None if now is None and was is None else _change(change.row, was, now)


def _change(row: bytes | None, was: Listed | None, now: Listed | None) -> Change:
    return Change(_kind(was, now), row, now, was)


def _kind(was: Listed | None, now: Listed | None) -> ChangeKind:
    if was is None:
        return ChangeKind.ENTERED
    if now is None:
        return ChangeKind.LEFT
    return ChangeKind.CHANGED if was.cell == now.cell else ChangeKind.MOVED


def _seen(side: Side, match: Pairing) -> tuple[bytes, Listed]:
    ours, theirs = match.left_population, match.right_population
    if side is Side.LEFT:
        return match.left_row, Listed(ours, theirs, match.tier, match.overlap)
    return match.right_row, Listed(theirs, ours, match.tier, match.overlap)


def _stronger(one: Listed, other: Listed) -> Listed:
    """Give what is told of a row by two of its matches: the strongest of each, which lie in one overlap."""
    return Listed(one.ours, min(one.theirs, other.theirs), min(one.tier, other.tier), one.overlap)
