"""Transactions commit whole or not at all, snapshots see one moment, and the file is its owner's."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from escrow.store.database import Database, Transaction
from escrow.store.tables import organizations
from tests.partnership_makers import NOON


def _add(tx: Transaction, name: str, *, now: datetime = NOON) -> None:
    tx.execute(insert(organizations).values(organization_id=uuid4(), name=name, folded_name=name, created_at=now))


def _count(tx: Transaction) -> int:
    return tx.execute(select(func.count()).select_from(organizations)).scalar_one()


def _add_twice(database: Database) -> None:
    with database.transaction("fail") as tx:
        _add(tx, "acme")
        _add(tx, "acme")


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(IntegrityError):
        _add_twice(database)
    with database.snapshot("count") as tx:
        assert _count(tx) == 0


@pytest.mark.parametrize(("said", "seconds"), [("", "10"), ("?connect_timeout=3", "3")])
def test_a_connection_is_not_waited_for_without_an_end(said: str, seconds: str) -> None:
    assert Database(f"postgresql://db.example/escrow{said}").engine.url.query["connect_timeout"] == seconds


def test_a_snapshot_sees_one_moment(database: Database) -> None:
    with database.snapshot("count twice") as early:
        assert _count(early) == 0
        with database.transaction("add meanwhile") as tx:
            _add(tx, "acme")
        assert _count(early) == 0
    with database.snapshot("count") as late:
        assert _count(late) == 1


def test_a_snapshot_cannot_write_and_the_next_transaction_can(database: Database) -> None:
    for number in range(3):
        with pytest.raises(DBAPIError), database.snapshot("write") as tx:
            _add(tx, "acme")
        with database.transaction("write") as tx:
            _add(tx, f"globex {number}")


def test_writers_in_many_threads_queue_up(database: Database) -> None:
    def add_some(worker: int) -> None:
        for number in range(5):
            with database.transaction("count and add") as tx:
                _add(tx, f"{worker}-{number}")

    workers = [threading.Thread(target=add_some, args=(worker,)) for worker in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with database.snapshot("count") as tx:
        assert _count(tx) == 30


def test_a_moment_comes_back_in_utc_wherever_it_was_said(database: Database) -> None:
    here = datetime(2026, 11, 2, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    with database.transaction("add") as tx:
        _add(tx, "acme", now=here)
        kept = tx.execute(select(organizations.c.created_at)).scalar_one()
    assert kept == here
    assert kept.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError), database.transaction("add") as tx:
        _add(tx, "acme", now=datetime(2026, 11, 2, 12, 0))


def test_the_parameters_of_a_statement_stay_out_of_its_error(database: Database) -> None:
    with pytest.raises(DBAPIError) as refused, database.snapshot("write") as tx:
        _add(tx, "canary")
    assert "canary" not in str(refused.value)


def test_an_sqlite_file_and_its_log_are_only_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "escrow.sqlite"
    database = Database(f"sqlite:///{path}")
    with database.transaction("write") as tx:
        tx.exec_driver_sql("CREATE TABLE something (anything)")
    files = list(tmp_path.iterdir())
    assert {file.name for file in files} == {"escrow.sqlite", "escrow.sqlite-wal", "escrow.sqlite-shm"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    database.close()


def test_sqlite_is_set_up_to_lose_nothing_and_to_overwrite_what_is_deleted(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'escrow.sqlite'}")
    asked = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout", "page_size")
    with database.snapshot("ask") as tx:
        set_to = {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in asked}
    database.close()
    assert set_to == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 30_000,
        "page_size": 16_384,
    }


def test_an_sqlite_database_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="survive"):
        Database("sqlite://")


def test_the_password_of_a_url_is_not_printed() -> None:
    assert "secret" not in repr(Database("postgresql://escrow:secret@localhost/escrow"))
