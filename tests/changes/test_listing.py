"""What two lists of overlaps differ in, and what of it is told by the terms of now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.changes import Change, Listed, Pairing, as_told, differences, seen_by
from escrow.store.states import ChangeKind
from escrow.terms import CELLS, Cell, Level, Population, Side, Terms, Tier, uniform_levels

CUSTOMERS, OPPORTUNITIES, PROSPECTS = Population
CERTAIN, LIKELY = int(Tier.CERTAIN), int(Tier.LIKELY)
OPEN = Terms(levels=uniform_levels(Level.ACCOUNTS))
ROW = bytes([1] * 8)

PAIRINGS = st.lists(
    st.builds(
        Pairing,
        left_row=st.sampled_from([b"a", b"b", b"c"]),
        right_row=st.sampled_from([b"x", b"y", b"z"]),
        tier=st.sampled_from([1, 2]),
        overlap=st.just(b"o"),
        left_population=st.just(1),
        right_population=st.sampled_from([1, 2, 3]),
    ),
    max_size=5,
    unique_by=lambda each: (each.left_row, each.right_row),
)


def listed(theirs: Population, *, tier: int = CERTAIN, overlap: bytes = b"o") -> Listed:
    """List a customer of ours."""
    return Listed(int(CUSTOMERS), int(theirs), tier, overlap)


def closed(*cells: Cell) -> Terms:
    """Give terms at accounts with these cells at counts."""
    return Terms(levels=dict(uniform_levels(Level.ACCOUNTS)) | dict.fromkeys(cells, Level.COUNTS))


@given(before=PAIRINGS, now=PAIRINGS, side=st.sampled_from(Side))
def test_a_list_with_its_differences_is_the_list_after(before: list[Pairing], now: list[Pairing], side: Side) -> None:
    first, last = seen_by(side, before), seen_by(side, now)
    rows = dict(first)
    for change in differences(first, last):
        assert change.row is not None
        assert (change.was, rows.pop(change.row, None)) == (first.get(change.row), first.get(change.row))
        if change.now is not None:
            rows[change.row] = change.now
    assert rows == last


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (None, listed(CUSTOMERS), ChangeKind.ENTERED),
        (listed(CUSTOMERS), None, ChangeKind.LEFT),
        (listed(CUSTOMERS), listed(PROSPECTS), ChangeKind.MOVED),
        (listed(CUSTOMERS), listed(CUSTOMERS, tier=LIKELY), ChangeKind.CHANGED),
        (listed(CUSTOMERS), listed(CUSTOMERS, overlap=b"p"), ChangeKind.CHANGED),
    ],
)
def test_a_difference_is_called_what_it_is(was: Listed | None, now: Listed | None, kind: ChangeKind) -> None:
    before, after = ({} if each is None else {ROW: each} for each in (was, now))
    assert differences(before, after) == [Change(kind, ROW, now, was)]


def test_differences_come_in_the_order_of_ones_own_rows() -> None:
    rows = {bytes([number]): listed(CUSTOMERS) for number in (3, 1, 2)}
    assert [change.row for change in differences({}, rows)] == [b"\1", b"\2", b"\3"]


def test_a_move_across_a_cell_that_is_closed_now_reads_as_entered_or_left() -> None:
    moved = Change(ChangeKind.MOVED, ROW, now=listed(PROSPECTS), was=listed(CUSTOMERS))
    before, after = Cell(CUSTOMERS, CUSTOMERS), Cell(CUSTOMERS, PROSPECTS)
    assert as_told(moved, OPEN) == moved
    assert as_told(moved, closed(before)) == Change(ChangeKind.ENTERED, ROW, now=listed(PROSPECTS))
    assert as_told(moved, closed(after)) == Change(ChangeKind.LEFT, ROW, was=listed(CUSTOMERS))
    assert as_told(moved, closed(before, after)) is None


@given(
    levels=st.fixed_dictionaries({cell: st.sampled_from(Level) for cell in CELLS}),
    kind=st.sampled_from([ChangeKind.ENTERED, ChangeKind.MOVED, ChangeKind.LEFT, ChangeKind.DETAILS]),
    now=st.sampled_from(CELLS),
    was=st.sampled_from(CELLS),
    tier=st.sampled_from(Tier),
)
def test_nothing_is_told_of_a_cell_that_is_not_open_or_of_a_tier_that_does_not_reveal(
    levels: dict[Cell, Level], kind: ChangeKind, now: Cell, was: Cell, tier: Tier
) -> None:
    terms = Terms(levels=levels)
    lists = {cell: Listed(int(cell.ours), int(cell.theirs), int(tier), b"o") for cell in CELLS}
    told = as_told(Change(kind, ROW, lists[now], lists[was]), terms)
    least = Level.DETAILS if kind is ChangeKind.DETAILS else Level.ACCOUNTS
    if told is not None:
        assert tier is Tier.CERTAIN
        assert max(levels[each.cell] for each in (told.now, told.was) if each is not None) >= least
    elif tier is Tier.CERTAIN:
        assert levels[now] < least


def test_a_reset_is_told_whatever_the_terms_say() -> None:
    reset = Change(ChangeKind.RESET)
    assert as_told(reset, Terms(levels=uniform_levels(Level.HIDDEN))) == reset


def test_details_are_told_at_details_alone() -> None:
    renewed = Change(ChangeKind.DETAILS, ROW, now=listed(CUSTOMERS))
    assert as_told(renewed, OPEN) is None
    assert as_told(renewed, Terms(levels=uniform_levels(Level.DETAILS))) == renewed
