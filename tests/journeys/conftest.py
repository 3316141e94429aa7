"""A running service for each journey, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from escrow.psi.profile_ids import FIRST_PROFILE
from tests.journeys.programs import Partner, RunningService, new_partner, pair, start_service


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service whose releases, and whose generations, follow each other without an interval."""
    started = start_service(
        tmp_path,
        database_url,
        ESCROW_OWN_PRESET_NAME="quick",
        ESCROW_OWN_PRESET_INTERVAL_SECONDS="1",
        ESCROW_POLL_SECONDS="0.05",
        ESCROW_GENERATION_INTERVAL_SECONDS="0.001",
        ESCROW_LEASE_SECONDS="5",
    )
    yield started
    started.stop()


@pytest.fixture
def database_files(database_url: str, request: pytest.FixtureRequest) -> list[Path]:
    """Every file that the database writes, its write-ahead log too; on PostgreSQL those of its whole server."""
    if database_url.startswith("sqlite"):
        file = str(make_url(database_url).database)
        return [Path(file + suffix) for suffix in ("", "-wal", "-shm")]
    return [request.getfixturevalue("postgres_server").folder / "cluster"]


@pytest.fixture
def partners(service: RunningService) -> tuple[Partner, Partner]:
    """Two organizations that have paired."""
    left, right = new_partner(service, "Larkfield"), new_partner(service, "Brightwater")
    pair(left, right)
    return left, right


@pytest.fixture
def plain_partners(service: RunningService) -> tuple[Partner, Partner]:
    """Two organizations that have paired under the profile whose rules ``plaintext`` writes down anew."""
    left, right = new_partner(service, "Larkfield"), new_partner(service, "Brightwater")
    pair(left, right, profile=FIRST_PROFILE)
    return left, right
