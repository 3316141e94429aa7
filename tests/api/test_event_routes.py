"""Events and changes over HTTP: what travels, where a reader goes on, and what it is told when that is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from escrow import wire
from escrow.terms import Level, Population
from escrow.webhooks import events
from tests.api.mapping import mapped
from tests.api.serving import Served

#: Routes are thin: what they call has tests on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def got(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_a_reader_follows_the_events_and_then_the_changes_of_its_own_rows(api: Served) -> None:
    address = mapped(api, Level.ACCOUNTS)
    page = wire.EventPage.model_validate_json(api.left.http.get("/v1/events").content)
    assert [event.number for event in page.items] == list(range(1, page.next_after + 1))
    kinds = [event.type for event in page.items]
    assert kinds[:3] == ["partnership.invited", "partnership.accepted", "partnership.activated"]
    assert {"submission.applied", "overlaps.changed"} <= set(kinds)
    assert got(api.left.http.get(f"/v1/events?after={page.next_after}"))["items"] == []
    listed = got(api.left.http.get(f"{address}/overlaps?limit=2"))
    rest = got(api.left.http.get(f"{address}/overlaps", params={"cursor": listed["next"]}))
    assert rest["changes_after"] is None
    assert got(api.left.http.get(f"{address}/changes"))["items"][0]["kind"] == "reset"
    dispute = {"row": listed["items"][0]["row"], "match_id": listed["items"][0]["match_id"], "reason": "other"}
    assert api.left.http.post(f"{address}/disputes", json=dispute).status_code == 201
    changed = wire.ChangePage.model_validate_json(
        api.left.http.get(f"{address}/changes?after={listed['changes_after']}").content
    )
    (left,) = changed.items
    assert (left.kind, left.cell, left.tier, left.match_id) == ("left", None, None, None)
    assert left.was == wire.CellName(ours=Population.CUSTOMERS, theirs=Population.OPPORTUNITIES)


def test_a_reader_who_was_away_for_too_long_is_told_where_to_go_on(api: Served) -> None:
    api.active()
    last = got(api.left.http.get("/v1/events"))["next_after"]
    done = False
    while not done:
        with api.service.database.transaction("forget") as tx:
            done = events.forget_old_events(tx, before=api.service.now() + timedelta(days=1))
    answer = api.left.http.get("/v1/events?after=0")
    assert (answer.status_code, answer.json()["code"], answer.json()["last_number"]) == (410, "events-forgotten", last)
    assert got(api.left.http.get("/v1/events")) == {"items": [], "next_after": last, "more": False}
