"""Renderings: the same numbers in three forms, nothing that runs, and nothing that was withheld."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.reports.disclosure import Conditions
from escrow.reports.matrix import CellCount, OverlapMatrix
from escrow.reports.pages import overlaps_html, report_html
from escrow.reports.plays import PLAYS
from escrow.reports.render import overlaps_csv, overlaps_json, report_csv, report_json
from escrow.reports.report import ListedOverlap, OverlapList, ReleaseView, Report
from escrow.terms import CELLS, NO_COUNT_STEP, Cell, DisclosureRule, Level, Population, Tier

C, O, P = Population  # noqa: E741 - the letters of the grid
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>'


def a_matrix() -> OverlapMatrix:
    cells = {cell: CellCount.public(Level.COUNTS, 1000 + number) for number, cell in enumerate(CELLS)}
    cells[Cell(C, O)] = CellCount.withheld(Level.COUNTS)
    cells[Cell(P, P)] = CellCount.hidden()
    return OverlapMatrix(cells)


def a_report(
    *,
    ours: str = "Larkfield",
    matrix: OverlapMatrix | None = None,
    step: int = 1,
    noise: bool = False,
    counts_from: Tier = Tier.LIKELY,
) -> Report:
    conditions = Conditions(DisclosureRule(5, step, noise=noise), counts_from=counts_from, reveals_from=Tier.CERTAIN)
    release = ReleaseView(number=12, made_at=NOON, matrix=matrix or a_matrix(), conditions=conditions)
    return Report(ours=ours, theirs="Brightwater", release=release, our_list_at=NOON - timedelta(days=3))


def an_item(account_name: str = "Acme", **shared: str | int | None) -> ListedOverlap:
    return ListedOverlap(
        overlap="k3",
        account_name=account_name,
        crm_ids=("001", "002"),
        cell=Cell(C, O),
        tier=Tier.CERTAIN,
        level=Level.DETAILS,
        shared=shared,
        match_id=bytes(range(240, 256)),
    )


#: The match id of each item.
LETTERS = "6dy7f47u6x3pp6hz7l57z7p674"


def a_list(*items: ListedOverlap) -> OverlapList:
    return OverlapList(ours="Larkfield", theirs="Brightwater", items=items)


class Text(HTMLParser):
    """Collects the words that a reader sees, and every tag and attribute."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def lines_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


CELL = ("ours", "theirs", "level", "state", "number", "margin")
AGES = ("our_list_at", "our_list_age", "their_list_at", "their_list_age", "old_lists")


@pytest.mark.parametrize(("days", "old"), [(30, ""), (31, "theirs")])
def test_every_form_warns_of_a_list_older_than_thirty_days(days: int, old: str) -> None:
    report = replace(a_report(), their_list_at=NOON - timedelta(days=days))
    assert json.loads(report_json(report, now=NOON))["old_lists"] == old
    assert lines_of(report_csv(report, now=NOON))[1][-2:] == [f"{days} days old", old]
    assert ("older than 30 days: ask for a new one" in Text(report_html(report, now=NOON)).words) == bool(old)


def test_a_report_as_csv_is_one_line_a_cell() -> None:
    header, *lines = lines_of(report_csv(a_report(), now=NOON))
    assert header == [*CELL, *AGES]
    assert len(lines) == 9
    assert lines[0] == [
        *("customers", "customers", "counts", "public", "1000", ""),
        *("2026-11-16T12:00:00Z", "3 days old", "", "age not known", ""),
    ]
    assert lines[1][:5] == ["customers", "opportunities", "counts", "withheld", ""]
    assert lines[8][:5] == ["prospects", "prospects", "hidden", "hidden", ""]


def test_a_report_as_json_says_everything_and_totals_only_where_all_is_public() -> None:
    said = json.loads(report_json(a_report(), now=NOON))
    assert (said["ours"], said["theirs"]) == ("Larkfield", "Brightwater")
    assert said["our_list_at"] == "2026-11-16T12:00:00Z"
    assert said["their_list_at"] is None
    release = said["release"]
    assert (release["number"], release["made_at"]) == (12, "2026-11-19T12:00:00Z")
    assert (release["counts_from"], release["reveals_from"]) == ("likely", "certain")
    assert release["disclosure"] == {
        "threshold": 5,
        "step": 1,
        "interval_seconds": 86_400,
        "least_changes": 1,
        "noise": False,
    }
    assert release["cells"][1]["number"] is None
    assert release["totals"]["all"] is None
    assert release["totals"]["ours"] == {"customers": None, "opportunities": 3012, "prospects": None}
    assert release["totals"]["theirs"] == {"customers": 3009, "opportunities": None, "prospects": None}


def test_a_report_as_a_page_shows_numbers_states_and_ages() -> None:
    page = report_html(a_report(), now=NOON)
    words = Text(page).words
    for expected in ("1,000", "withheld", "hidden", "3,012", "3,009", "3 days old (2026-11-16 12:00 UTC)"):
        assert expected in words
    assert "Release 12, made 2026-11-19 12:00 UTC. Both sides read the same numbers." in words
    assert "age not known" in words
    assert words.count("not shown") == 5


def test_every_form_marks_numbers_with_noise_and_tells_their_margin() -> None:
    listed = {Cell(O, O): CellCount.public(Level.ACCOUNTS, 7)}
    report = a_report(matrix=OverlapMatrix({**a_matrix(), **listed}), noise=True)
    words = Text(report_html(report, now=NOON)).words
    assert "≈ 1,000" in words
    assert any("within 12 of the shared primary" in each for each in words)
    assert "≈ 7" not in words
    release = json.loads(report_json(report, now=NOON))["release"]
    assert release["margin"] == 12
    exact = {(cell["ours"], cell["theirs"]) for cell in release["cells"] if not cell["approximate"]}
    assert exact == {("customers", "opportunities"), ("opportunities", "opportunities"), ("prospects", "prospects")}
    assert [line[5] for line in lines_of(report_csv(report, now=NOON))[1:4]] == ["12", "", "12"]


def test_every_form_marks_totals_with_noise_in_them_and_no_other() -> None:
    listed = CellCount.public(Level.ACCOUNTS, 7)
    of_row = {ours: listed if ours is O else CellCount.public(Level.COUNTS, 1_000) for ours in Population}
    matrix = OverlapMatrix({cell: of_row[cell.ours] for cell in CELLS})
    report = a_report(matrix=matrix, noise=True)
    totals = {"all": True, "ours": {"customers": True, "opportunities": False, "prospects": True}}
    totals["theirs"] = dict.fromkeys(("customers", "opportunities", "prospects"), True)
    assert json.loads(report_json(report, now=NOON))["release"]["totals"]["approximate"] == totals
    words = Text(report_html(report, now=NOON)).words
    assert [words.count(each) for each in ("≈ 3,000", "≈ 2,007", "≈ 6,021", "21")] == [2, 3, 1, 1]


def test_a_total_that_is_not_shown_is_not_called_approximate() -> None:
    told = json.loads(report_json(a_report(noise=True), now=NOON))["release"]["totals"]
    assert told["all"] is None
    assert told["approximate"]["all"] is False
    assert told["approximate"]["ours"] == {"customers": False, "opportunities": True, "prospects": False}


def test_without_noise_no_number_is_called_approximate() -> None:
    assert "≈" not in report_html(a_report(), now=NOON)
    assert json.loads(report_json(a_report(), now=NOON))["release"]["margin"] is None


@pytest.mark.parametrize(
    ("counts_from", "told"),
    [(Tier.LIKELY, "likely matches or stronger"), (Tier.CERTAIN, "certain matches")],
)
def test_the_page_does_not_speak_of_matches_that_are_more_than_certain(counts_from: Tier, told: str) -> None:
    words = Text(report_html(a_report(counts_from=counts_from), now=NOON)).words
    assert f"{told}; where accounts are shared, those listed: certain" in words


def test_a_page_tells_how_coarse_its_numbers_are() -> None:
    assert "10, rounded down to a multiple of 10" in Text(report_html(a_report(step=10), now=NOON)).words
    assert "none: no count is as large" in " ".join(Text(report_html(a_report(step=NO_COUNT_STEP), now=NOON)).words)


def test_a_withheld_cell_is_marked_as_one() -> None:
    page = report_html(a_report(), now=NOON)
    assert '<td class="withheld"><span class="number">withheld</span>' in page
    assert page.count('<td class="withheld">') == 1


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=59), "less than an hour old"),
        (timedelta(hours=1), "1 hour old"),
        (timedelta(hours=47), "47 hours old"),
        (timedelta(hours=48), "2 days old"),
    ],
)
def test_ages_are_told_in_hours_and_then_in_days(age: timedelta, words: str) -> None:
    report = Report(ours="Larkfield", theirs="Brightwater", release=None, their_list_at=NOON - age)
    assert any(word.startswith(f"{words} (") for word in Text(report_html(report, now=NOON)).words)


def test_without_a_release_every_form_says_so() -> None:
    report = Report(ours="Larkfield", theirs="Brightwater", release=None)
    assert lines_of(report_csv(report, now=NOON)) == [[*CELL, *AGES]]
    assert json.loads(report_json(report, now=NOON))["release"] is None
    page = Text(report_html(report, now=NOON))
    assert "There is no release yet." in page.words
    assert "table" not in page.tags


def test_a_list_as_csv_has_a_column_for_each_field_that_is_shared() -> None:
    listed = a_list(an_item("Acme", stage="Negotiation", open_opportunities=2), an_item("Borealis", region="EMEA"))
    header, acme, borealis = lines_of(overlaps_csv(listed))
    own = ["overlap", "account_name", "crm_ids", "ours", "theirs", "tier", "level", "match_id"]
    assert header == [*own, "their_region", "their_stage", "their_open_opportunities"]
    assert acme == [
        "k3",
        "Acme",
        "001;002",
        "customers",
        "opportunities",
        "certain",
        "details",
        LETTERS,
        "",
        "Negotiation",
        "2",
    ]
    assert borealis[8:] == ["EMEA", "", ""]


def test_a_list_as_json_keeps_what_each_item_shares() -> None:
    (item,) = json.loads(overlaps_json(a_list(an_item("Acme", stage="Won", owner_name=None))))["items"]
    assert item["crm_ids"] == ["001", "002"]
    assert item["shared"] == {"stage": "Won", "owner_name": None}


def test_a_list_as_a_page_shows_each_item_and_what_it_is_good_for() -> None:
    words = Text(overlaps_html(a_list(an_item("Acme", owner_name=None, open_opportunities=2)))).words
    for expected in ("Acme", "001 002", "certain", "their owner name", "2"):
        assert expected in words
    assert "None" not in words


def test_a_list_as_a_page_has_a_table_for_each_cell_with_the_fields_shared_there() -> None:
    plain = replace(an_item("Bolt"), cell=Cell(C, C), shared={})
    words = Text(overlaps_html(a_list(an_item("Acme", stage="Open"), plain))).words
    first, second = (
        words.index(word) for word in ("Our customers, their customers", "Our customers, their opportunities")
    )
    assert first < words.index("Bolt") < second < words.index("their stage") < words.index("Acme")
    assert f"{PLAYS[Cell(C, O)]}." in words


def test_an_empty_list_says_why_it_may_be_empty() -> None:
    page = Text(overlaps_html(a_list()))
    assert "No account is listed." in page.words
    assert "table" not in page.tags


@pytest.mark.parametrize(
    "page",
    [report_html(a_report(ours=HOSTILE), now=NOON), overlaps_html(a_list(an_item(HOSTILE, stage=HOSTILE)))],
)
def test_a_page_runs_nothing_and_asks_for_nothing(page: str) -> None:
    text = Text(page)
    assert HOSTILE not in page
    assert HOSTILE in text.words or any(HOSTILE in word for word in text.words)
    assert not {"script", "link", "img", "iframe", "form", "base"} & set(text.tags)
    assert not {"src", "href", "onclick", "style"} & text.attributes
    assert "://" not in page


@given(st.text(max_size=20))
def test_whatever_a_partner_writes_is_text_in_a_page(value: str) -> None:
    plain = Text(overlaps_html(a_list(an_item("Acme", stage="x"))))
    assert Text(overlaps_html(a_list(an_item("Acme", stage=value)))).tags == plain.tags


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "  =", "\uff1d"])
def test_a_csv_cell_never_starts_a_formula(start: str) -> None:
    value = f"{start}HYPERLINK(1)"
    (_, line) = lines_of(overlaps_csv(a_list(an_item(value, stage=value))))
    assert line[1].startswith("'")
    assert line[8] == f"'{value}"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20))
def test_csv_cells_come_back_as_they_were_but_for_the_apostrophe(value: str) -> None:
    (_, line) = csv.reader(io.StringIO(overlaps_csv(a_list(an_item(value))), newline=""))
    assert line[1] in (value, f"'{value}")
