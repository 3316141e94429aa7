"""The mirror follows the change feed, and reads the list where the feed begins anew."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from escrow.client.mirror import Mirror, opened_mirror
from escrow.client.pulling import pull
from escrow.errors import ServiceAnswerInvalid, ServiceRefused
from escrow.psi.encoding import b64url
from tests.client.fake_service import LEFT_ORG, RIGHT_ORG, Deal, FakeService, Json

PARTNERSHIP = UUID(int=1)


@pytest.fixture
def service() -> FakeService:
    deal = Deal(PARTNERSHIP, b"", b"", "escrow-2", None, "active")
    assert set(deal.seats) == {LEFT_ORG, RIGHT_ORG}
    return FakeService({PARTNERSHIP: deal})


def row(number: int) -> str:
    return b64url(number.to_bytes(8, "big"))


def listed(number: int, theirs: str = "opportunities") -> Json:
    told: Json = {"match_id": b64url(bytes(16)), "overlap": "A", "tier": "certain", "level": "accounts"}
    return {"row": row(number), **told, "ours": "customers", "theirs": theirs}


def change(number: int, kind: str, of: int | None = None, theirs: str = "opportunities") -> Json:
    is_now = kind in {"entered", "moved", "changed"}
    cell = {"ours": "customers", "theirs": theirs, "level": "accounts"} if is_now else None
    told: Json = {"number": number, "kind": kind, "row": None if of is None else row(of), "cell": cell, "was": None}
    now = {"tier": "certain", "overlap": "B", "match_id": b64url(bytes(16))} if is_now else {}
    empty = {"tier": None, "overlap": None, "match_id": None}
    return {**told, **empty, **now, "occurred_at": "2026-11-22T06:00:00Z"}


def mirrored(mirror: Mirror) -> dict[int, str]:
    return {int.from_bytes(each.row, "big"): each.cell.theirs.word for each in mirror.overlapping()}


def test_the_list_is_read_once_and_the_feed_from_there(service: FakeService, tmp_path: Path) -> None:
    service.overlaps = [listed(1), listed(2)]
    service.feed = [change(7, "reset")]
    escrow = service.escrow("esk_left")
    with opened_mirror(tmp_path) as mirror:
        assert pull(escrow, mirror, PARTNERSHIP)
        service.feed += [
            change(8, "entered", 3),
            change(9, "moved", 1, "prospects"),
            change(10, "left", 2),
            change(11, "details", 3),
            change(12, "changed", 3),
        ]
        service.requests.clear()
        assert pull(escrow, mirror, PARTNERSHIP)
        assert mirrored(mirror) == {1: "prospects", 3: "opportunities"}
        assert not any("overlaps" in request for request in service.requests)
        assert not pull(escrow, mirror, PARTNERSHIP)


def test_a_reset_reads_the_list_again_and_forgets_what_is_not_in_it(service: FakeService, tmp_path: Path) -> None:
    service.overlaps = [listed(1)]
    escrow = service.escrow("esk_left")
    with opened_mirror(tmp_path) as mirror:
        pull(escrow, mirror, PARTNERSHIP)
        service.overlaps, service.feed = [listed(2)], [change(90, "reset"), change(91, "entered", 3)]
        service.overlaps.append(listed(3))
        assert pull(escrow, mirror, PARTNERSHIP)
        assert mirrored(mirror) == {2: "opportunities", 3: "opportunities"}
        assert mirror.heard("cursor") == "91"


def test_what_was_heard_and_the_cursor_are_kept_together(service: FakeService, tmp_path: Path) -> None:
    escrow = service.escrow("esk_left")
    with opened_mirror(tmp_path) as mirror:
        pull(escrow, mirror, PARTNERSHIP)
        mirror.keep()
    service.feed = [change(1, "entered", 1), change(2, "entered", 2), change(3, "entered", 3)]
    refused: list[int] = []

    def refuse_the_second_page(_method: str, path: str, body: Json) -> Json:
        if path.endswith("changes"):
            refused.append(1)
            if len(refused) == 2:
                raise ServiceRefused("partnership-paused", "Paused.", status=409)
        return body

    service.tamper = refuse_the_second_page
    with pytest.raises(ServiceRefused), opened_mirror(tmp_path) as mirror:
        pull(escrow, mirror, PARTNERSHIP)
    with opened_mirror(tmp_path) as mirror:
        assert (mirrored(mirror), mirror.heard("cursor")) == ({}, "0")


@pytest.mark.parametrize("lie", ["always a reset", "never an end"])
def test_a_feed_without_an_end_is_not_followed(service: FakeService, tmp_path: Path, lie: str) -> None:
    def tamper(_method: str, path: str, body: Json) -> Json:
        if not path.endswith("changes"):
            return body
        items = [change(1, "reset")] if lie == "always a reset" else []
        return {"items": items, "next_after": 0, "more": True}

    service.tamper = tamper
    with opened_mirror(tmp_path) as mirror, pytest.raises(ServiceAnswerInvalid):
        pull(service.escrow("esk_left"), mirror, PARTNERSHIP)
