"""What may be told: rule 7 of the protocol at one moment and over time, and a release seen under the terms of now.

Here are the threshold, the room left in both lines, the smallest population, the step, and how long a state is kept.
Noise is drawn in ``escrow.reports.noise``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from escrow.reports.matrix import CellCount, CellState, OverlapMatrix
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Terms, Tier

__all__ = ["SMALLEST_POPULATION", "Conditions", "ShownBefore", "disclose", "over_time", "view"]

_NO_NOISE: Mapping[Cell, int] = MappingProxyType({})

#: A population with fewer accounts has no public cells at level counts, whatever the threshold.
SMALLEST_POPULATION = 50


@dataclass(frozen=True, slots=True)
class Conditions:
    """All but the levels that decides what a release may show."""

    rule: DisclosureRule
    counts_from: Tier
    reveals_from: Tier

    @classmethod
    def of(cls, effective: Terms) -> Conditions:
        """Give those of the terms that both sides allow."""
        return cls(effective.disclosure, effective.counts_from, effective.reveals_from)

    def is_looser_than(self, other: Conditions) -> bool:
        """Tell whether these conditions show anything that the others would not."""
        return (
            self.rule.k < other.rule.k
            or not self.rule.rounds_no_finer_than(other.rule)
            or (other.rule.noise and not self.rule.noise)
            or self.counts_from > other.counts_from
            or self.reveals_from > other.reveals_from
        )


def disclose(
    exact: Mapping[Cell, int],
    *,
    levels: Mapping[Cell, Level],
    left_sizes: Mapping[Population, int],
    right_sizes: Mapping[Population, int],
    rule: DisclosureRule,
    noise: Mapping[Cell, int] = _NO_NOISE,
) -> OverlapMatrix:
    """Decide what a release shows of exact counts, cells seen from the left.

    A cell at accounts or above shows the number listed. A cell at counts is shown, rounded down, if it is a candidate
    (at least k), its populations are not too small, and both its lines leave room: the population less the line's
    candidates and listed cells is at least 2k, so that what is withheld there keeps k possible values.

    With noise it is shown if its count with the noise drawn for it is at least k, whatever else is in its lines; one
    for which none was drawn is withheld.
    """
    if rule.noise:
        return _with_noise(exact, levels, (left_sizes, right_sizes), rule, noise)
    shown = {cell: exact[cell] for cell in CELLS if levels[cell] >= Level.ACCOUNTS}
    counted = (cell for cell in CELLS if levels[cell] == Level.COUNTS)
    candidates = {cell: exact[cell] for cell in counted if exact[cell] >= rule.k}
    told = shown | candidates
    left_open = {
        population: _leaves_room(size, sum(told[cell] for cell in told if cell.ours is population), rule.k)
        for population, size in left_sizes.items()
    }
    right_open = {
        population: _leaves_room(size, sum(told[cell] for cell in told if cell.theirs is population), rule.k)
        for population, size in right_sizes.items()
    }
    shown |= {
        cell: rule.rounded(count)
        for cell, count in candidates.items()
        if left_open[cell.ours] and right_open[cell.theirs]
    }
    return OverlapMatrix({cell: _count(levels[cell], shown.get(cell)) for cell in CELLS})


@dataclass(frozen=True, slots=True)
class ShownBefore:
    """What a cell at counts showed when its state was last computed, and how often both populations had changed then.

    ``left`` and ``right`` count the changes of the cell's left population by its owner, and of its right one by its.
    ``made_under`` are the conditions of the latest release that shows it so.
    """

    count: CellCount
    left: int
    right: int
    made_under: Conditions


def over_time(
    computed: OverlapMatrix,
    *,
    before: Mapping[Cell, ShownBefore],
    changes: Mapping[Cell, tuple[int, int]],
    now: Conditions,
) -> dict[Cell, ShownBefore]:
    """Let a cell whose state would change repeat what it showed, until k changes on each side hide what changed it.

    ``changes`` are the counters of now, left and right. A state that stays shows its number of now, and is newly
    computed. A number made under looser conditions than now is not repeated. A cell that is not at counts repeats
    nothing, and neither does any with noise, where the schedule is fixed.
    """
    return {
        cell: _shown(before.get(cell), ShownBefore(count, *changes[cell], made_under=now))
        for cell, count in computed.items()
    }


def _shown(before: ShownBefore | None, now: ShownBefore) -> ShownBefore:
    rule = now.made_under.rule
    if before is None or now.count.level is not Level.COUNTS or rule.noise or now.count.state is before.count.state:
        return now
    if before.count.number is not None and before.made_under.is_looser_than(now.made_under):
        return now
    has_changed = now.left - before.left >= rule.k and now.right - before.right >= rule.k
    return now if has_changed else replace(before, made_under=now.made_under)


def view(
    made: OverlapMatrix, *, made_under: Conditions, levels_now: Mapping[Cell, Level], now: Conditions
) -> OverlapMatrix:
    """Show of a release what the terms then and now both allow; cells are seen from one side throughout.

    The level of a cell is the lower of both. Nothing is shown of a release made under looser conditions than now. A
    cell that was listed and is now at counts is withheld, for the number listed is another number than its count.
    """
    outdated = made_under.is_looser_than(now)
    return OverlapMatrix({cell: _seen(made[cell], levels_now[cell], outdated=outdated) for cell in CELLS})


def _with_noise(
    exact: Mapping[Cell, int],
    levels: Mapping[Cell, Level],
    sizes: tuple[Mapping[Population, int], Mapping[Population, int]],
    rule: DisclosureRule,
    noise: Mapping[Cell, int],
) -> OverlapMatrix:
    left_sizes, right_sizes = sizes
    shown = {cell: exact[cell] for cell in CELLS if levels[cell] >= Level.ACCOUNTS}
    for cell, drawn in noise.items():
        noisy = exact[cell] + drawn
        is_large = all(size >= _least_size(rule.k) for size in (left_sizes[cell.ours], right_sizes[cell.theirs]))
        if levels[cell] == Level.COUNTS and is_large and noisy >= rule.k:
            shown[cell] = rule.rounded(noisy)
    return OverlapMatrix({cell: _count(levels[cell], shown.get(cell)) for cell in CELLS})


def _leaves_room(size: int, told: int, k: int) -> bool:
    return size >= _least_size(k) and size - told >= 2 * k


def _least_size(k: int) -> int:
    return max(SMALLEST_POPULATION, 2 * k)


def _count(level: Level, number: int | None) -> CellCount:
    if level is Level.HIDDEN:
        return CellCount.hidden()
    return CellCount.withheld(level) if number is None else CellCount.public(level, number)


def _seen(then: CellCount, level_now: Level, *, outdated: bool) -> CellCount:
    level = min(then.level, level_now)
    listed_then_only = then.level >= Level.ACCOUNTS and level is Level.COUNTS
    withheld = outdated or listed_then_only or then.state is not CellState.PUBLIC
    return _count(level, None if withheld else then.number)
