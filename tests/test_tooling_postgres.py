"""The launcher of the tests' PostgreSQL, which every test on PostgreSQL stands on."""

from __future__ import annotations

import fcntl
from pathlib import Path

import psycopg
import pytest

from tests.postgres import USER, Postgres, PostgresMissingError, binaries, candidates, sweep


def test_a_database_made_from_a_template_holds_what_the_template_held(postgres_server: Postgres) -> None:
    template = postgres_server.create_database()
    with psycopg.connect(host=str(postgres_server.folder), user=USER, dbname=template) as connection:
        connection.execute("CREATE TABLE sentence (word text)")
        connection.execute("INSERT INTO sentence VALUES ('kept')")

    copy = postgres_server.create_database(template=template)

    with psycopg.connect(host=str(postgres_server.folder), user=USER, dbname=copy) as connection:
        assert connection.execute("SELECT word FROM sentence").fetchall() == [("kept",)]


def test_without_postgresql_the_tests_fail_and_do_not_skip(tmp_path: Path) -> None:
    with pytest.raises(PostgresMissingError, match="PG_BIN"):
        binaries([tmp_path])


def test_a_folder_named_by_the_developer_is_taken_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    assert next(candidates()) == tmp_path


def test_the_folders_of_killed_test_runs_are_swept_and_those_of_living_ones_are_not(tmp_path: Path) -> None:
    for name in ("dead", "living", "unknown"):
        (tmp_path / f"escrow-pg-{name}").mkdir()
    (tmp_path / "escrow-pg-dead" / "alive").touch()
    with (tmp_path / "escrow-pg-living" / "alive").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert [folder.name for folder in sweep(tmp_path)] == ["escrow-pg-dead"]
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["escrow-pg-living", "escrow-pg-unknown"]
