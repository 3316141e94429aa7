"""Rule 7 over time: a state changes only where enough other changes hide what changed it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.reports.disclosure import Conditions, ShownBefore, over_time
from escrow.reports.matrix import CellCount, OverlapMatrix
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Tier

C, O, _P = Population  # noqa: E741 - the letters of the grid
CC = Cell(C, C)
RULE = DisclosureRule(5)
BEFORE = Conditions(RULE, Tier.LIKELY, Tier.LIKELY)
WITHHELD = CellCount.withheld(Level.COUNTS)


def public(number: int) -> CellCount:
    return CellCount.public(Level.COUNTS, number)


def shown(
    computed: CellCount, before: CellCount | None, *, left: int = 0, right: int = 0, now: Conditions = BEFORE
) -> ShownBefore:
    """Give what customers × customers shows after so many changes on each side since the hundredth."""
    matrix = OverlapMatrix({**dict.fromkeys(CELLS, WITHHELD), CC: computed})
    known = {} if before is None else {CC: ShownBefore(before, 100, 100, BEFORE)}
    changes = dict.fromkeys(CELLS, (100 + left, 100 + right))
    return over_time(matrix, before=known, changes=changes, now=now)[CC]


@pytest.mark.parametrize(("computed", "before"), [(WITHHELD, public(7)), (public(7), WITHHELD)])
def test_a_state_changes_once_both_populations_have_seen_k_changes(computed: CellCount, before: CellCount) -> None:
    for left, right in ((0, 0), (4, 4), (900, 4), (4, 900)):
        assert shown(computed, before, left=left, right=right) == ShownBefore(before, 100, 100, BEFORE)
    assert shown(computed, before, left=5, right=5) == ShownBefore(computed, 105, 105, BEFORE)


STEPS = st.lists(st.tuples(st.sampled_from((None, 7, 9)), st.integers(0, 6), st.integers(0, 6)), max_size=12)


@given(STEPS)
def test_in_any_history_a_state_changes_only_after_k_changes_on_each_side_since_it_was_last_computed(
    steps: list[tuple[int | None, int, int]],
) -> None:
    kept, left, right = ShownBefore(public(8), 0, 0, BEFORE), 0, 0
    showing: int | None = 8
    since = (0, 0)
    for number, more_left, more_right in steps:
        left, right, since = left + more_left, right + more_right, (since[0] + more_left, since[1] + more_right)
        matrix = OverlapMatrix({**dict.fromkeys(CELLS, WITHHELD), CC: WITHHELD if number is None else public(number)})
        kept = over_time(matrix, before={CC: kept}, changes=dict.fromkeys(CELLS, (left, right)), now=BEFORE)[CC]
        if (number is None) is (showing is None) or min(since) >= RULE.k:
            showing, since = number, (0, 0)
        assert kept.count.number == showing


def test_a_state_that_stays_shows_the_number_of_now_and_is_counted_from_now_on() -> None:
    assert shown(public(9), public(7), left=1) == ShownBefore(public(9), 101, 100, BEFORE)


def test_a_first_state_waits_for_nothing() -> None:
    assert shown(public(9), None).count == public(9)


@pytest.mark.parametrize(
    "now",
    [
        replace(BEFORE, rule=DisclosureRule(8)),
        replace(BEFORE, rule=DisclosureRule(5, step=5)),
        replace(BEFORE, counts_from=Tier.CERTAIN),
    ],
)
def test_a_number_made_under_looser_conditions_than_now_is_not_repeated(now: Conditions) -> None:
    assert shown(WITHHELD, public(10), now=now).count == WITHHELD


def test_what_is_repeated_was_made_under_the_conditions_of_its_latest_release() -> None:
    looser = replace(BEFORE, counts_from=Tier.POSSIBLE)
    assert shown(WITHHELD, public(10), now=looser) == ShownBefore(public(10), 100, 100, looser)


def test_a_cell_that_is_closed_or_listed_now_repeats_nothing() -> None:
    for computed in (CellCount.hidden(), CellCount.public(Level.ACCOUNTS, 2)):
        assert shown(computed, public(7)).count == computed


def test_with_noise_no_state_is_kept() -> None:
    assert shown(WITHHELD, public(7), now=replace(BEFORE, rule=DisclosureRule(5, noise=True))).count == WITHHELD
