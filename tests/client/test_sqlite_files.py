"""What SQLite says of the client's files: only what is in a file makes it damaged, never what is around it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from escrow.client.cli.exits import ExitCode
from escrow.client.doctor.machine import look_at_states
from escrow.client.home import Home
from escrow.client.mirror import has_told, opened_mirror
from escrow.client.opened import opened_file
from escrow.client.sqlite_files import opened_sqlite
from escrow.client.state import AccountState
from escrow.errors import HomeBusy, StateInvalid
from tests.client.terminals import Partners, files_of_at_most

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on files")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    kept = tmp_path / "kept.sqlite"
    with opened_sqlite(kept, if_damaged="remove it") as database, database:
        database.execute("CREATE TABLE notes (note BLOB)")
    return kept


def test_a_full_disk_is_told_as_such_and_leaves_the_file_as_it_was(file: Path) -> None:
    too_much = "PRAGMA max_page_count = 2; INSERT INTO notes VALUES (zeroblob(100000))"
    with pytest.raises(OSError, match="No space left") as told, opened_sqlite(file, if_damaged="") as database:
        database.executescript(too_much)
    assert told.value.filename == str(file)
    with opened_sqlite(file, if_damaged="") as database:
        assert database.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_a_file_that_is_no_database_is_damaged(file: Path) -> None:
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(StateInvalid, match="is damaged; burn it"), opened_sqlite(file, if_damaged="burn it") as broken:
        broken.execute("SELECT * FROM notes")


def test_a_file_that_another_program_writes_is_busy(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HomeBusy), opened_sqlite(file, if_damaged="", patience=0.0) as database:
            database.execute("SELECT * FROM notes")


def test_a_fault_of_the_program_is_not_blamed_on_the_file(file: Path) -> None:
    with pytest.raises(sqlite3.ProgrammingError), opened_sqlite(file, if_damaged="") as database:
        database.execute("INSERT INTO notes VALUES (?)")


@on_posix
@pytest.mark.parametrize("opened", [opened_mirror, opened_file])
def test_what_is_exchanged_is_not_called_damaged_where_nothing_can_be_written(
    opened: Callable[[Path], AbstractContextManager[object]], tmp_path: Path
) -> None:
    with files_of_at_most(100), pytest.raises(OSError, match="disk"), opened(tmp_path):
        pass


def test_a_file_that_cannot_be_opened_is_not_forgotten(tmp_path: Path) -> None:
    state = AccountState(tmp_path)
    state.pending_file.mkdir()
    with pytest.raises(OSError, match=r"read or write it|cannot be opened"):
        state.drop_pending(1)


def test_whether_sinks_were_told_is_not_guessed_from_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "sync.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StateInvalid):
        has_told(tmp_path)


def test_a_file_that_cannot_be_opened_is_not_to_be_removed(tmp_path: Path) -> None:
    (tmp_path / "partnerships" / "one" / "list.sqlite").mkdir(parents=True)
    (found,) = look_at_states(Home(tmp_path))
    assert "damaged" not in found.reason
    assert "permissions" in found.advice


@on_posix
def test_a_list_that_cannot_be_written_down_is_not_sent_and_says_why(paired: Partners, export: Path) -> None:
    left, _ = paired
    with files_of_at_most(20_000):
        answered = left("submit", export, "--json")
    assert (answered.exit_code, "file-unusable" in answered.err) == (ExitCode.LOCAL, True)
    assert left("submit", export).exit_code == ExitCode.DONE
