"""Tables of the command line: what a narrow terminal keeps, and which side holds a cell back."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from rich.table import Table

from escrow.client.cli.grids import columns_grid, counts_grid, overlaps_table
from escrow.client.cli.terms_tables import terms_tables
from escrow.client.columns import ColumnMapping, Meaning
from escrow.reports.disclosure import Conditions
from escrow.reports.matrix import CellCount, OverlapMatrix
from escrow.reports.report import ListedOverlap, OverlapList, ReleaseView
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Terms, Tier, meet, uniform_levels

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
SHARED = {
    "account_name": "Acme Rockets",
    "domain": "acme-rockets.example",
    "owner_name": "Ada [bold]Lovelace",
    "owner_email": "ada.lovelace@acme-rockets.example",
    "region": "EMEA",
    "stage": "Open Opportunity",
    "created_date": "2024-02-29",
}


def printed(table: Table, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, soft_wrap=True)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def one_overlap(shared: Mapping[str, str], name: str = "Acme Rockets Inc") -> OverlapList:
    cell = Cell(Population.CUSTOMERS, Population.OPPORTUNITIES)
    item = ListedOverlap("o1", name, ("0015g000OwqrGIwAIM",), cell, Tier.CERTAIN, Level.DETAILS, shared)
    return OverlapList("Larkfield", "Brightwater", (item,))


@pytest.mark.parametrize("width", [40, 80, 100, 120, 160])
def test_a_list_of_overlaps_fits_the_terminal_and_says_what_it_left_out(width: int) -> None:
    table, left_out = overlaps_table(one_overlap(SHARED), 20, width=width)
    lines = printed(table, width)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    shown = {name for name in SHARED if f"their {name.replace('_', ' ')}" not in left_out}
    assert all(SHARED[name] in lines[-1] for name in shown)


def test_the_least_telling_columns_go_first() -> None:
    _, left_out = overlaps_table(one_overlap(SHARED), 20, width=120)
    assert left_out == ("their owner email", "their region", "their stage", "their created date")


def test_a_wide_terminal_shows_everything() -> None:
    table, left_out = overlaps_table(one_overlap(SHARED), 20, width=250)
    assert left_out == ()
    assert "Ada [bold]Lovelace" in printed(table, 250)[-1]


def test_a_long_name_is_cut_and_seen_to_be() -> None:
    table, _ = overlaps_table(one_overlap({}, name="A" * 60), 20, width=160)
    assert "A…" in printed(table, 160)[-1]


def test_a_field_that_no_shown_account_has_takes_no_room() -> None:
    table, left_out = overlaps_table(one_overlap({"domain": "acme.example", "tier": ""}), 20, width=160)
    assert [column.header for column in table.columns] == ["our account", "CRM id", "match", "their domain"]
    assert left_out == ()


def test_what_holds_says_which_side_holds_a_cell_back() -> None:
    cells = [Cell(Population.CUSTOMERS, theirs) for theirs in Population]
    ours = Terms(levels={**uniform_levels(Level.COUNTS), cells[0]: Level.HIDDEN})
    theirs = Terms(levels={**uniform_levels(Level.COUNTS), cells[0]: Level.DETAILS, cells[1]: Level.HIDDEN})
    levels, _ = terms_tables(ours=ours, theirs=theirs, effective=meet(ours, theirs))
    lines = printed(levels, 80)
    assert lines[2].split() == ["customers", "×", "customers", "hidden", "details", "hidden", "us"]
    assert lines[3].split() == ["customers", "×", "opportunities", "counts", "hidden", "hidden", "them"]
    assert lines[4].split() == ["customers", "×", "prospects", "counts", "counts", "counts"]


def test_conditions_that_neither_side_asked_for_are_held_back_by_both() -> None:
    ours, theirs = (
        Terms(uniform_levels(Level.COUNTS), disclosure=DisclosureRule(10, step, timedelta(hours=36))) for step in (4, 6)
    )
    _, conditions = terms_tables(ours=ours, theirs=theirs, effective=meet(ours, theirs))
    said = {line[:28].strip(): line[28:].split() for line in printed(conditions, 80)}
    assert " ".join(said["rounding of counts"]) == "steps of 4 steps of 6 steps of 12 both"
    assert said["between two releases"] == ["36", "hours", "36", "hours", "36", "hours"]


def test_before_anybody_accepts_only_our_terms_are_shown() -> None:
    ours = Terms(uniform_levels(Level.COUNTS), fields=("domain",))
    levels, conditions = terms_tables(ours=ours, theirs=None, effective=None)
    assert [column.header for column in levels.columns] == ["ours × theirs", "we allow"]
    assert "our details hold domain" in printed(conditions, 80)[-1]


def test_columns_are_shown_one_a_line() -> None:
    mapping = ColumnMapping({Meaning.STAGE: "[Type]", Meaning.CRM_ID: "Account ID"}, {})
    assert printed(columns_grid(mapping), 80) == ["Columns:  crm_id  Account ID", "          stage   [Type]"]


def test_totals_with_noise_in_them_are_marked_and_no_other() -> None:
    listed, noisy = CellCount.public(Level.ACCOUNTS, 7), CellCount.public(Level.COUNTS, 1_000)
    opportunities = Population.OPPORTUNITIES
    matrix = OverlapMatrix({cell: listed if cell.ours is opportunities else noisy for cell in CELLS})
    conditions = Conditions(DisclosureRule(10, noise=True), Tier.LIKELY, Tier.CERTAIN)
    lines = printed(counts_grid(ReleaseView(1, NOON, matrix, conditions)), 100)
    assert [line.split()[1:] for line in lines if line.startswith(("customers", "opportunities", "all"))] == [
        ["≈", "1,000"] * 3 + ["≈", "3,000"],
        ["7", "7", "7", "21"],
        ["≈", "2,007"] * 3 + ["≈", "6,021"],
    ]
