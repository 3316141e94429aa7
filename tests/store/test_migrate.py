"""The migrations build exactly the tables that the code speaks of, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from escrow.errors import DatabaseBehind, MigrationsDiffer
from escrow.store.database import Database
from escrow.store.migrate import check, migrate
from escrow.store.revision import check_current


def test_migrations_from_empty_match_the_tables(empty_database_url: str) -> None:
    migrate(empty_database_url)
    check(empty_database_url)


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    check(database_url)


def test_a_database_that_lost_a_column_is_noticed(database_url: str) -> None:
    database = Database(database_url)
    with database.transaction("drop a column") as tx:
        tx.execute(text("ALTER TABLE parties DROP COLUMN ready_submission"))
    database.close()
    with pytest.raises(MigrationsDiffer):
        check(database_url)


def test_an_empty_database_is_behind(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with pytest.raises(DatabaseBehind):
        check_current(database)
    database.close()


def test_a_migrated_database_is_not_behind(database_url: str) -> None:
    database = Database(database_url)
    check_current(database)
    database.close()
