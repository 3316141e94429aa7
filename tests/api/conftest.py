"""Fixtures for tests of the HTTP edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.serving import Served, served


@pytest.fixture
def api(database_url: str, tmp_path: Path) -> Iterator[Served]:
    """A service on a database of the test's own, on SQLite and on PostgreSQL."""
    with served(database_url, tmp_path) as running:
        yield running


@pytest.fixture
def api_on_sqlite(sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    """A service for tests that do not touch what the two databases do differently."""
    with served(sqlite_url, tmp_path) as running:
        yield running


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database of the test's own."""
    copy = tmp_path / "escrow.sqlite"
    copy.write_bytes(migrated_file.read_bytes())
    return f"sqlite:///{copy}"
