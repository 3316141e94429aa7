"""Segments: our own labels, counted on this machine among the overlaps that are listed to us, and never sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from escrow.client.cli.exits import ExitCode
from escrow.client.project import read_project
from escrow.client.segments import segment_matrix
from escrow.client.sources import CrmRows
from escrow.errors import FilterInvalid, ProjectInvalid
from escrow.reports.report import ListedOverlap, OverlapList
from escrow.terms import CELLS, Cell, Level, Population, Tier, uniform_levels
from tests.client.fake_service import FakeService
from tests.client.making_rows import crm_rows, row
from tests.client.terminals import Partners

C, O, P = Population  # noqa: E741 - the letters of the grid
LIST = """Account ID,Account Name,Website,Type,Region
1,Acme Rockets,acme-rockets.com,Customer,EMEA
2,Bolt Brothers,bolt-brothers.de,Customer,emea
3,Coil & Cable,coilcable.co.uk,Prospect,APAC
"""
PROJECT = """
[source]
path = "list.csv"
[segments]
emea = 'Region = "EMEA"'
new-here = 'Region = "ANZ"'
"""


def labelled(**segments: list[str]) -> CrmRows:
    """Five rows, and the labels of some of them."""
    ids = ["1", "2", "3", "4", "5"]
    plain = crm_rows([row(crm_id) for crm_id in ids])
    labels = {name: np.array([crm_id in bearers for crm_id in ids]) for name, bearers in segments.items()}
    return CrmRows(plain.columns, plain.populations, 0, segments=labels)


def listed(*overlaps: tuple[str, Cell, tuple[str, ...]]) -> OverlapList:
    items = tuple(ListedOverlap(name, "A", ids, cell, Tier.CERTAIN, Level.ACCOUNTS) for name, cell, ids in overlaps)
    return OverlapList("Larkfield", "Brightwater", items)


def test_a_company_is_counted_once_in_the_cell_of_the_strongest_on_each_side() -> None:
    found = listed(
        ("o1", Cell(O, P), ("1",)),
        ("o1", Cell(P, C), ("2", "9")),
        ("o2", Cell(C, C), ("3",)),
        ("o3", Cell(C, C), ("4",)),
    )
    matrix = segment_matrix(found, labelled(mine=["1", "2", "4"]), "mine", uniform_levels(Level.ACCOUNTS))
    assert {cell: number for cell, number in matrix.numbers.items() if number} == {Cell(O, C): 1, Cell(C, C): 1}
    assert (matrix.rows, matrix.total) == (3, 2)


def test_what_is_not_listed_has_no_number() -> None:
    levels = {**uniform_levels(Level.COUNTS), Cell(C, C): Level.DETAILS}
    matrix = segment_matrix(listed(), labelled(mine=["1"]), "mine", levels)
    assert {cell for cell in CELLS if matrix.numbers[cell] is not None} == {Cell(C, C)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    (tmp_path / "escrow.toml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "escrow.toml"


def test_segments_are_counted_among_the_overlaps_and_told_at_no_other_place(
    service: FakeService, paired: Partners, project: Path
) -> None:
    left = paired[0]
    said = left("submit")
    assert "Segments: emea 2, new-here 0" in said.err
    shown: Any = left("segments", "--json").json["segments"]
    assert [(each["name"], each["rows"], each["overlaps"]) for each in shown] == [("emea", 2, 0), ("new-here", 0, 0)]
    assert {cell["number"] for cell in shown[0]["cells"]} == {None}
    told = left("segments", "emea").out
    assert "2 rows of our list, 0 overlaps" in told
    assert "not open at accounts or above" in told
    assert not any(b"emea" in content.lower() for content in service.bodies), "a label stays on its machine"
    assert "emea" in left("segments").out
    assert project.exists()


def test_a_segment_that_is_not_there_is_named_with_those_that_are(paired: Partners, project: Path) -> None:
    answered = paired[0]("segments", "apac")
    assert answered.exit_code == ExitCode.USAGE
    assert "emea, new-here" in answered.err
    project.write_text('[source]\npath = "list.csv"\n', encoding="utf-8")
    assert "[segments]" in paired[0]("segments").err


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[segments]\n\"EMEA!\" = 'a = 1'", ProjectInvalid),
        ("[segments]\nemea = 5", ProjectInvalid),
        ("[segments]\nemea = 'region ='", FilterInvalid),
    ],
)
def test_a_segment_that_means_nothing_is_refused(tmp_path: Path, text: str, error: type[Exception]) -> None:
    place = tmp_path / "escrow.toml"
    place.write_text(text, encoding="utf-8")
    with pytest.raises(error):
        read_project(place)


def test_segments_of_one_partnership_come_on_top_of_the_shared_ones(tmp_path: Path) -> None:
    place = tmp_path / "escrow.toml"
    place.write_text(PROJECT + "[partnerships.contoso.segments]\nold = 'Region = \"X\"'\n", encoding="utf-8")
    assert [*read_project(place).plan_of("contoso").segments] == ["emea", "new-here", "old"]
