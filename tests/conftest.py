"""Fixtures that every test may ask for: its own database on each of the two systems, made by the migrations."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.postgres import Postgres, Template, running_postgres

if TYPE_CHECKING:
    from escrow.store.database import Database

# A law holds however slow the machine is; what must be fast has a benchmark. Inherits what Hypothesis sets for CI.
settings.register_profile("unhurried", settings(deadline=None))
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One PostgreSQL server for the tests of this process."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that went through every migration and holds nothing."""
    from escrow.store.migrate import migrate

    path = tmp_path_factory.mktemp("migrated") / "escrow.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Postgres) -> Template:
    """A PostgreSQL database that went through every migration and holds nothing."""
    from escrow.store.migrate import migrate

    name = postgres_server.create_database()
    migrate(postgres_server.url(name))
    return postgres_server.template(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database without a single table, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'escrow.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database of the test's own, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "escrow.sqlite")
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    template: Template = request.getfixturevalue("migrated_template")
    name = server.lend_database(template)
    yield server.url(name)
    server.take_back(name, template)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of the test's own, open."""
    from escrow.store.database import Database

    opened = Database(database_url)
    yield opened
    opened.close()
