"""Webhook endpoints over HTTP: a secret is shown once, a URL never, and each key sees its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from escrow.access import Grant
from tests.api.serving import Served, calling

#: Routes are thin: what they call has tests on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

URL = "https://hooks.example.com/services/canary-path?token=canary"


def added(http: httpx.Client, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    answer = http.post("/v1/webhook-endpoints", json={"url": URL, **asked})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_secret_is_shown_once_and_a_url_without_its_path(api: Served) -> None:
    made = added(api.left.http, types=["release.made"], cells=[{"ours": "customers", "theirs": "prospects"}])
    address = f"/v1/webhook-endpoints/{made['endpoint_id']}"
    assert made["secret"].startswith("whsec_")
    shown = api.left.http.get(address)
    assert shown.json() == {name: value for name, value in made.items() if name != "secret"}
    rotated = api.left.http.post(f"{address}/secret", json={}).json()
    assert rotated["secret"] not in (None, made["secret"])
    assert rotated["previous_secret_until"] is not None
    told = shown.text + api.left.http.get("/v1/webhook-endpoints").text + api.log.read_text(encoding="utf-8")
    assert "canary" not in told
    assert made["secret"][6:20] not in told


def test_a_part_of_the_filter_that_is_not_sent_stays(api: Served) -> None:
    made = added(api.left.http, types=["release.made"], cells=[{"ours": "customers", "theirs": "prospects"}])
    address = f"/v1/webhook-endpoints/{made['endpoint_id']}"
    changed = api.left.http.patch(address, json={"types": ["terms.changed"], "description": "new"}).json()
    assert (changed["types"], changed["cells"], changed["description"]) == (["terms.changed"], made["cells"], "new")
    opened = api.left.http.patch(address, json={"cells": None}).json()
    assert (opened["types"], opened["cells"]) == (["terms.changed"], None)


def test_what_is_not_confirmed_is_neither_tried_nor_enabled(api: Served) -> None:
    address = f"/v1/webhook-endpoints/{added(api.left.http)['endpoint_id']}"
    tried = api.left.http.post(f"{address}/test", json={})
    enabled = api.left.http.patch(address, json={"enabled": True})
    assert [each.json()["code"] for each in (tried, enabled)] == ["endpoint-not-confirmed"] * 2
    assert api.left.http.post(f"{address}/confirm", json={}).status_code == 202
    (challenge,) = api.left.http.get(f"{address}/deliveries").json()["items"]
    assert (challenge["type"], challenge["state"]) == ("endpoint.challenge", "pending")


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "https://127.0.0.1/", "https://metadata.google.internal/"]
)
def test_a_url_that_is_not_public_is_refused_and_not_repeated(api: Served, url: str) -> None:
    refused = api.left.http.post("/v1/webhook-endpoints", json={"url": url})
    assert (refused.status_code, refused.json()["code"]) == (422, "webhook-url-invalid")
    assert url.split("/")[2] not in refused.text.replace("hooks.example.com", "") or "127" not in refused.text


def test_a_key_bound_to_a_partnership_makes_endpoints_for_it_alone_and_sees_no_other(api: Served) -> None:
    own, other = (api.active().rpartition("/")[2] for _ in range(2))
    of_all = added(api.left.http)["endpoint_id"]
    with calling(api, api.left, Grant(partnership_ids=frozenset({UUID(own)}))) as bound:
        made = added(bound)
        assert made["partnership_ids"] == [own]
        listed = bound.get("/v1/webhook-endpoints").json()["items"]
        assert [each["endpoint_id"] for each in listed] == [made["endpoint_id"]]
        widened = [
            bound.post("/v1/webhook-endpoints", json={"url": URL, "partnership_ids": [other]}),
            bound.patch(f"/v1/webhook-endpoints/{made['endpoint_id']}", json={"partnership_ids": [own, other]}),
            bound.get(f"/v1/webhook-endpoints/{of_all}"),
        ]
        assert [each.status_code for each in widened] == [404] * 3
        kept = bound.patch(f"/v1/webhook-endpoints/{made['endpoint_id']}", json={"partnership_ids": None}).json()
        assert kept["partnership_ids"] == [own]


def test_no_organization_learns_of_anothers_endpoint(api: Served) -> None:
    address = f"/v1/webhook-endpoints/{added(api.left.http)['endpoint_id']}"
    absent = api.right.http.get(f"/v1/webhook-endpoints/{UUID(int=9)}")
    for answer in (
        api.right.http.get(address),
        api.right.http.patch(address, json={"enabled": False}),
        api.right.http.delete(address),
        api.right.http.get(f"{address}/deliveries"),
        api.right.http.post(f"{address}/secret", json={}),
        api.right.http.post(f"{address}/replay", json={"first": 1, "last": 2}),
    ):
        assert (answer.status_code, answer.content) == (404, absent.content)


def test_a_removed_endpoint_is_gone_and_makes_room(api: Served) -> None:
    made = [added(api.left.http)["endpoint_id"] for _ in range(api.service.settings.webhook_endpoints)]
    refused = api.left.http.post("/v1/webhook-endpoints", json={"url": URL})
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoints-too-many")
    assert api.left.http.delete(f"/v1/webhook-endpoints/{made[0]}").status_code == 204
    assert api.left.http.get(f"/v1/webhook-endpoints/{made[0]}").status_code == 404
    added(api.left.http)
