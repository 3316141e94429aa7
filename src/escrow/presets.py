"""Presets: named values of terms, for people. What travels and what is stored are the values, never the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from escrow.terms import CELLS, STANDARD_RULE, Cell, DisclosureRule, Level, Population, uniform_levels

__all__ = ["DISCLOSURE_PRESETS", "SHARING_PRESETS", "USUAL_PRESET", "disclosure_name"]


def _co_sell(cell: Cell) -> Level:
    return Level.COUNTS if Population.PROSPECTS in (cell.ours, cell.theirs) else Level.DETAILS


#: How far each cell is shared; single cells are changed from there.
SHARING_PRESETS: Mapping[str, Mapping[Cell, Level]] = MappingProxyType(
    {
        "hidden": uniform_levels(Level.HIDDEN),
        "counts-only": uniform_levels(Level.COUNTS),
        "co-sell": MappingProxyType({cell: _co_sell(cell) for cell in CELLS}),
        "full": uniform_levels(Level.DETAILS),
    }
)

#: What is stated where somebody states terms and says no more of them; without a word nothing is shared.
USUAL_PRESET = "counts-only"

#: How counts are shown, from the loosest to the strictest.
DISCLOSURE_PRESETS: Mapping[str, DisclosureRule] = MappingProxyType(
    {
        "trusted": DisclosureRule(threshold=5, step=1, interval=timedelta(days=1), least_changes=1),
        "standard": STANDARD_RULE,
        "guarded": replace(STANDARD_RULE, noise=True),
    }
)


def disclosure_name(rule: DisclosureRule) -> str | None:
    """Give the preset that this rule is, if it is one."""
    return next((name for name, preset in DISCLOSURE_PRESETS.items() if preset == rule), None)
