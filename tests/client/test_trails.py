"""Trails on the client: each is checked from its first entry, and nothing that was seen goes missing unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from escrow.client.trails import SeenTrails, read_exported
from escrow.errors import StateInvalid, TrailBroken
from escrow.reports.trail import NOTHING_BEFORE, TrailEntry, check_trail, entry_digest, shared_trail
from escrow.wire import AuditEntry

TRAIL = shared_trail(uuid4())
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
Change = Callable[[list[TrailEntry]], list[TrailEntry]]


def entries(count: int, *, action: str = "terms-set") -> list[TrailEntry]:
    """Write a trail of so many entries."""
    made: list[TrailEntry] = []
    for number in range(1, count + 1):
        at = NOON + timedelta(microseconds=number - 1)
        entry = TrailEntry(TRAIL, number, at, uuid4(), None, action, {"number": number, "of": ["é", "b"]}, b"")
        previous = made[-1].digest if made else NOTHING_BEFORE
        made.append(replace(entry, digest=entry_digest(previous, entry)))
    return made


def lines(trail: list[TrailEntry]) -> list[str]:
    return [AuditEntry.of(entry).model_dump_json() for entry in trail]


def test_what_was_exported_is_read_and_checked() -> None:
    trail = entries(3)
    assert read_exported(lines(trail)) == [trail]


@pytest.mark.parametrize(
    "change",
    [
        lambda trail: trail[1:],
        lambda trail: [trail[0], trail[2]],
        lambda trail: [replace(trail[0], action="ended"), *trail[1:]],
        lambda trail: [replace(trail[0], at=NOON + timedelta(seconds=1)), *trail[1:]],
        lambda trail: [trail[1], trail[0], trail[2]],
    ],
)
def test_a_changed_entry_is_noticed(change: Change) -> None:
    with pytest.raises(TrailBroken):
        read_exported(lines(change(entries(3))))


def test_a_line_that_is_no_entry_is_named() -> None:
    with pytest.raises(TrailBroken, match="line 2"):
        read_exported([*lines(entries(1)), "{}"])


def test_a_trail_goes_on_from_where_it_was_seen_to_end(tmp_path: Path) -> None:
    trail = entries(4)
    for upto in (2, 2, 4):
        SeenTrails.load(tmp_path).take({TRAIL: trail[:upto]})
    assert SeenTrails.load(tmp_path).last == {TRAIL: (4, trail[3].digest)}


@pytest.mark.parametrize("shown", [[], entries(1), entries(3, action="ended")])
def test_a_trail_that_lost_what_was_seen_is_refused(tmp_path: Path, shown: list[TrailEntry]) -> None:
    SeenTrails.load(tmp_path).take({TRAIL: entries(2)})
    with pytest.raises(TrailBroken, match="entry 2"):
        SeenTrails.load(tmp_path).take({TRAIL: shown})


def test_a_damaged_memory_of_trails_is_said(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text('{"version": 9}')
    with pytest.raises(StateInvalid):
        SeenTrails.load(tmp_path)


def test_a_trail_is_bound_to_its_own_id() -> None:
    with pytest.raises(TrailBroken):
        check_trail([replace(entry, trail_id=uuid4()) for entry in entries(1)])
