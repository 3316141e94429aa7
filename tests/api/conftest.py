"""Fixtures for tests of the HTTP edge."""

from __future__ import annotations

import shutil
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
def breakable_api(migrated_file: Path, tmp_path: Path) -> Iterator[Served]:
    """A service on an SQLite database that the test may break."""
    with served(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'escrow.sqlite')}", tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_api(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that the tests of a module share, for what the database has no part in."""
    folder = tmp_path_factory.mktemp("shared")
    with served(f"sqlite:///{shutil.copy(migrated_file, folder / 'escrow.sqlite')}", folder) as running:
        yield running
