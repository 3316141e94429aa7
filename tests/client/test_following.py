"""`escrow events`: the feed on a terminal and as lines of JSON."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.client.fake_service import FakeService, Json
from tests.client.terminals import Partners

OF_NOBODY = "00000000-0000-4000-8000-000000000001"


def event(at: int, kind: str, said: Json, partnership_id: str = OF_NOBODY) -> Json:
    return {
        "number": at,
        "id": f"00000000-0000-4000-8000-{at:012}",
        "type": kind,
        "occurred_at": "2026-11-21T10:00:00Z",
        "partnership_id": partnership_id,
        "data": said,
    }


def test_events_are_shown_with_the_partnership_as_it_is_called_here(paired: Partners, service: FakeService) -> None:
    left, _ = paired
    (own,) = service.deals
    service.events = [
        event(1, "release.made", {"number": 12}, str(own)),
        event(2, "terms.changed", {"by": "theirs", "number": 3}),
    ]
    shown = left("events").out
    assert all(each in shown for each in ("release.made", "number: 12", "contoso", "by: theirs", OF_NOBODY[:8]))
    told = left("events", "--after", "0", "--json").json
    assert (told["events"], told["next_after"]) == (service.events, 2)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("weather.changed", {"sun": {"is": "out"}}), ("release.made", {"number": 12, "sun": "out"}), ("ping", {})],
    ids=["of a new type", "that says more than it used to", "that says nothing"],
)
def test_an_event_of_a_newer_service_is_passed_on_and_stops_nothing(
    paired: Partners, service: FakeService, kind: str, said: Json
) -> None:
    left, _ = paired
    service.events = [event(1, kind, said), event(2, "release.made", {"number": 13})]
    told = left("events", "--after", "0", "--json").json
    assert (told["events"], told["next_after"]) == (service.events, 2)
    assert kind in left("events").out


def test_an_empty_feed_is_told_as_such(paired: Partners) -> None:
    assert "There is no event yet." in paired[0]("events").out


def test_who_follows_is_told_each_event_on_a_line_and_where_it_stopped(paired: Partners, service: FakeService) -> None:
    left, _ = paired

    def stopping(_method: str, path: str, body: Json) -> Json:
        if path == "/v1/events":
            os.kill(os.getpid(), signal.SIGTERM)
        return body

    service.events = [event(1, "release.made", {"number": 12})]
    service.tamper = stopping
    lines = [json.loads(line) for line in left("events", "--follow", "--json").out.splitlines()]
    assert [each.get("type", each) for each in lines] == ["release.made", {"stopped": True, "next_after": 1}]
