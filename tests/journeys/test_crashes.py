"""Killed at any moment, nothing is lost, nothing is repeated, and nothing is half there."""

from __future__ import annotations

import csv
import signal
import time
from pathlib import Path

import pytest

from tests.journeys.programs import Partner, RunningService, eventually, of_the_client

ACCOUNTS = 3_000


def test_a_service_killed_while_lists_come_in_has_each_of_them_whole_or_not_at_all(
    service: RunningService, partners: tuple[Partner, Partner], tmp_path: Path
) -> None:
    left, right = partners
    exports = write_exports(tmp_path)
    for partner in partners:
        partner.run("terms", "set", "--preset", "counts-only", "--disclosure", "quick")
    for partner, export in zip(partners, exports, strict=True):
        running = partner.start("submit", export, "--ready")
        for delay in (0.6, 0.3, 0.9):
            time.sleep(delay)
            service.stop(signal.SIGKILL)
            service.start()
        running.wait(timeout=60)
        partner.run("submit", export, "--ready")
    eventually(lambda: left.run("report")["number"])
    cells = left.run("report")["cells"]
    assert sum(cell["number"] for cell in cells) == ACCOUNTS // 2
    listed = right.run("status")["partnerships"][0]["service"]["list"]
    assert listed["accounts"] == ACCOUNTS


@of_the_client
@pytest.mark.parametrize("delay", [0.5, 2.0])
def test_a_client_killed_in_the_middle_goes_on_where_it_was(
    partners: tuple[Partner, Partner], tmp_path: Path, delay: float
) -> None:
    left, _ = partners
    export, _ = write_exports(tmp_path)
    running = left.start("submit", export)
    time.sleep(delay)
    running.kill()
    running.wait(timeout=30)
    left.run("submit", export)
    assert left.run("submit", export)["sent_accounts"] == 0
    assert left.run("status")["partnerships"][0]["service"]["list"]["accounts"] == ACCOUNTS


def write_exports(folder: Path) -> tuple[Path, Path]:
    """Write two lists that have half of their companies in common."""
    files = folder / "ours.csv", folder / "theirs.csv"
    for file, first in zip(files, (0, ACCOUNTS // 2), strict=True):
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(("Account ID", "Account Name", "Website", "Type"))
            for number in range(first, first + ACCOUNTS):
                stage = ("Customer", "Opportunity", "Prospect")[(number // 3 if first else number) % 3]
                writer.writerow((number, f"Company {number}", f"company{number}.com", stage))
    return files
