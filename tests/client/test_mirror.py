"""What sinks are told: exactly the difference, again after a crash, and everything where they start over."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.client.mirror import has_told, opened_mirror
from escrow.errors import SinkFailed, StateInvalid
from escrow.terms import CELLS, Cell
from tests.client.making_overlaps import GIVEN, OPEN, KeepingSink, joined, record, tell


def test_a_sink_is_told_what_entered_moved_changed_and_left(tmp_path: Path) -> None:
    sink = KeepingSink()
    joined(tmp_path, record("1"), record("2"), record("3"), record("4"))
    tell(tmp_path, sink)
    joined(tmp_path, record("1"), record("2", OPEN), record("3", owner_name="Ada"), record("5"))
    tell(tmp_path, sink)
    assert sink.told[4:] == [(2, "moved", "2"), (2, "changed", "3"), (2, "left", "4"), (2, "entered", "5")]


def test_a_sink_that_has_everything_is_told_nothing(tmp_path: Path) -> None:
    sink = KeepingSink()
    joined(tmp_path, record("1"))
    tell(tmp_path, sink)
    tell(tmp_path, sink)
    assert sink.told == [(1, "entered", "1")]


def test_a_crash_after_the_sink_repeats_the_batch_under_its_number(tmp_path: Path) -> None:
    sink = KeepingSink(most=2)
    joined(tmp_path, *(record(str(number)) for number in range(5)))
    sink.fails = 1
    with pytest.raises(SinkFailed):
        tell(tmp_path, sink)
    tell(tmp_path, sink)
    assert [number for number, _, _ in sink.told] == [1] * 7
    assert set(sink.rows) == set("01234")


def test_what_a_sink_refused_is_told_again(tmp_path: Path) -> None:
    sink = KeepingSink(refuses=frozenset({"2"}))
    joined(tmp_path, record("1"), record("2"))
    tell(tmp_path, sink)
    sink.refuses = frozenset()
    tell(tmp_path, sink)
    assert sink.told[2:] == [(2, "entered", "2")]


def test_a_sink_of_some_cells_sees_a_move_out_of_them_as_left(tmp_path: Path) -> None:
    sink = KeepingSink()
    joined(tmp_path, record("1"), record("2", OPEN))
    tell(tmp_path, sink, cells=frozenset({GIVEN}))
    joined(tmp_path, record("1", OPEN), record("2", GIVEN))
    tell(tmp_path, sink, cells=frozenset({GIVEN}))
    assert sink.told == [(1, "entered", "1"), (2, "left", "1"), (2, "entered", "2")]


@pytest.mark.parametrize("how", ["again", "another place"])
def test_a_sink_that_starts_over_is_told_everything(tmp_path: Path, how: str) -> None:
    sink = KeepingSink()
    joined(tmp_path, record("1"))
    tell(tmp_path, sink)
    if how == "another place":
        sink.place = "there"
    tell(tmp_path, sink, again=how == "again")
    assert sink.told == [(1, "entered", "1"), (2, "entered", "1")]


def test_a_sink_that_is_told_everything_again_is_told_of_what_left_in_between_too(tmp_path: Path) -> None:
    sink = KeepingSink()
    joined(tmp_path, record("1"), record("2"))
    tell(tmp_path, sink)
    joined(tmp_path, record("1"))
    tell(tmp_path, sink, again=True)
    assert sink.told[2:] == [(2, "entered", "1"), (2, "left", "2")]


def test_a_record_keeps_when_it_entered(tmp_path: Path) -> None:
    joined(tmp_path, record("1"))
    with opened_mirror(tmp_path) as mirror:
        mirror.join([record("1", OPEN), record("2")], now="2027-01-01T00:00:00Z")
        mirror.keep()
    sink = KeepingSink()
    tell(tmp_path, sink)
    assert [sink.rows[each].entered_at[:4] for each in "12"] == ["2026", "2027"]


def test_a_damaged_file_says_that_it_may_be_removed(tmp_path: Path) -> None:
    (tmp_path / "sync.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StateInvalid, match="remove it"), opened_mirror(tmp_path):
        pass


def test_a_file_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    joined(tmp_path, record("1"))
    database = sqlite3.connect(tmp_path / "sync.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StateInvalid, match="newer version"), opened_mirror(tmp_path):
        pass


def test_a_folder_without_sinks_has_told_nothing(tmp_path: Path) -> None:
    assert not has_told(tmp_path)
    joined(tmp_path, record("1"))
    assert not has_told(tmp_path)
    tell(tmp_path, KeepingSink())
    assert has_told(tmp_path)


lists = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(CELLS), max_size=6)


@given(st.lists(st.tuples(lists, st.integers(0, 2)), max_size=6), st.sampled_from([None, 1, 2]))
def test_however_often_it_fails_a_sink_ends_with_what_there_is(
    steps: list[tuple[dict[str, Cell], int]], most: int | None
) -> None:
    sink = KeepingSink(most=most)
    with TemporaryDirectory() as name:
        folder = Path(name)
        last: dict[str, Cell] = {}
        for last, fails in steps:
            joined(folder, *(record(crm_id, cell) for crm_id, cell in last.items()))
            sink.fails = fails
            _tell_until_a_crash(folder, sink)
        sink.fails = 0
        tell(folder, sink)
        assert {crm_id: each.cell for crm_id, each in sink.rows.items()} == last


def _tell_until_a_crash(folder: Path, sink: KeepingSink) -> None:
    try:
        tell(folder, sink)
    except SinkFailed:
        return
