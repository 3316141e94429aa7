"""Allowances over HTTP: each side is told its own, and grants to the other."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.serving import Served
from tests.api.uploading import snapshot


def own(http: httpx.Client, address: str) -> dict[str, Any]:
    told: dict[str, Any] = http.get(f"{address}/allowance").json()
    return told


def test_until_both_have_had_a_list_there_is_a_ceiling_that_does_not_renew(api: Served) -> None:
    address = api.active()
    snapshot(address).send(api.left.http)
    api.work()
    told = own(api.left.http, address)
    assert (told["is_opening"], told["renews_at"], told["spent"]) == (True, None, 9 * 5)
    assert told["left"] == told["limit"] - told["spent"]


def test_a_grant_raises_the_partners_allowance_and_is_nothing_to_ones_own(api: Served) -> None:
    address = api.active()
    grants = f"{address}/allowance/grants"
    assert api.left.http.post(grants, json={"accounts": 4}).json()["code"] == "list-missing"
    for side in (api.left, api.right):
        snapshot(address).send(side.http)
    api.work()
    before = own(api.right.http, address)
    assert api.left.http.post(grants, json={"accounts": 4}).status_code == 200
    after = own(api.right.http, address)
    assert after["limit"] - before["limit"] == after["granted"] == 4 * after["fifths_of_an_account"]
    assert own(api.left.http, address)["granted"] == 0


def test_a_grant_of_nothing_or_of_too_much_is_refused(api: Served) -> None:
    address = api.active()
    for accounts in (0, -1, 2**31, "5", None):
        answer = api.left.http.post(f"{address}/allowance/grants", json={"accounts": accounts})
        assert (answer.status_code, answer.json()["code"]) == (422, "request-invalid")
