"""Disputes over HTTP: each side disputes what it is told, sees what concerns it, and learns nothing else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from escrow.psi.encoding import b64url
from escrow.terms import Level
from tests.api.mapping import agree, mapped
from tests.api.serving import Served

#: Routes are thin: what they call has tests on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def got(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    said: dict[str, Any] = answer.json()
    return said


def items(http: httpx.Client, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = got(http.get(url))["items"]
    return found


def first_overlap(http: httpx.Client, address: str) -> dict[str, str]:
    """Name the first match of the list of overlaps, as a dispute of it."""
    item = items(http, f"{address}/overlaps?limit=1")[0]
    return {"row": item["row"], "match_id": item["match_id"], "reason": "different-company"}


def comparable(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
    return answer.status_code, answer.content, headers


def test_a_disputed_match_is_gone_for_both_until_it_is_withdrawn(api: Served) -> None:
    address = mapped(api, Level.ACCOUNTS)
    wrong = first_overlap(api.left.http, address)
    made = got(api.left.http.post(f"{address}/disputes", json=wrong), 201)
    assert (made["number"], made["row"], made["reason"], made["withdrawn_at"]) == (
        1,
        wrong["row"],
        wrong["reason"],
        None,
    )
    for party in (api.left, api.right):
        assert len(items(party.http, f"{address}/overlaps")) == 40
    assert items(api.left.http, f"{address}/disputes") == [made]
    assert items(api.left.http, f"{address}/disputed-rows") == []
    assert items(api.right.http, f"{address}/disputes") == []
    (theirs,) = items(api.right.http, f"{address}/disputed-rows")
    assert theirs.keys() == {"row"}
    assert theirs["row"] == b64url((120).to_bytes(8))
    withdrawn = got(api.left.http.post(f"{address}/disputes/1/withdraw", json={}))
    assert withdrawn["withdrawn_at"] is not None
    api.work()
    for party in (api.left, api.right):
        assert len(items(party.http, f"{address}/overlaps")) == 41
        assert items(party.http, f"{address}/disputed-rows") == []


def test_what_cannot_be_disputed_is_one_404_byte_for_byte(api: Served) -> None:
    address = mapped(api, Level.ACCOUNTS)
    wrong = first_overlap(api.left.http, address)
    absent = comparable(api.stranger.http.post(f"{address}/disputes", json=wrong))
    assert absent[0] == 404
    theirs = first_overlap(api.right.http, address)
    for named in (
        wrong | {"match_id": b64url(bytes(16))},
        wrong | {"match_id": theirs["match_id"]},
        wrong | {"row": theirs["row"]},
        wrong | {"row": b64url((1).to_bytes(8))},
        theirs,
    ):
        assert comparable(api.left.http.post(f"{address}/disputes", json=named)) == absent
    agree(api, address, Level.COUNTS)
    assert comparable(api.left.http.post(f"{address}/disputes", json=wrong)) == absent


@pytest.mark.parametrize("change", [{"reason": "because"}, {"reason": ""}, {"match_id": "AAAA"}, {"row": None}])
def test_a_dispute_that_is_not_well_formed_is_refused(api: Served, change: dict[str, object]) -> None:
    address = mapped(api, Level.ACCOUNTS)
    refused = api.left.http.post(f"{address}/disputes", json=first_overlap(api.left.http, address) | change)
    assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid")


def test_disputes_are_paged_newest_first(api: Served) -> None:
    address = mapped(api, Level.ACCOUNTS)
    for _ in range(3):
        got(api.left.http.post(f"{address}/disputes", json=first_overlap(api.left.http, address)), 201)
    first = got(api.left.http.get(f"{address}/disputes?limit=2"))
    rest = got(api.left.http.get(f"{address}/disputes?limit=2&cursor={first['next']}"))
    assert [item["number"] for item in (*first["items"], *rest["items"])] == [3, 2, 1]
    assert rest["next"] is None
    rows = got(api.right.http.get(f"{address}/disputed-rows?limit=2"))
    more = got(api.right.http.get(f"{address}/disputed-rows?limit=2&cursor={rows['next']}"))
    assert len({item["row"] for item in (*rows["items"], *more["items"])}) == 3
    assert more["next"] is None
