"""Audit trails over HTTP: both parties see what concerns both, and neither sees what the other did for itself."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from escrow.client.trails import read_exported
from escrow.deliveries import news
from escrow.terms import Level
from tests.api.mapping import mapped
from tests.api.serving import Served

#: Routes are thin: what they call has tests on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def entries(http: httpx.Client, address: str, **query: str | int) -> list[dict[str, Any]]:
    answer = http.get(f"{address}/audit", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def actions(http: httpx.Client, address: str, **query: str | int) -> list[str]:
    return [entry["action"] for entry in entries(http, address, **query)]


def test_both_parties_see_the_same_trail_of_what_concerns_both(api: Served) -> None:
    address = mapped(api, Level.COUNTS)
    assert api.left.http.get(f"{address}/releases/latest").status_code == 200
    ours, theirs = (entries(party.http, address) for party in (api.left, api.right))
    assert ours == theirs
    assert [entry["action"] for entry in ours][-2:] == ["released", "report-read"]
    (checked,) = read_exported(map(json.dumps, ours))
    assert len(checked) == len(ours)


@pytest.mark.parametrize("kind", ["endpoint", "mail digest"])
def test_both_parties_see_what_the_service_read_to_tell_one_of_them(api: Served, kind: str) -> None:
    address, name = mapped(api, Level.COUNTS), f"{kind} {uuid4()}"
    service = api.service
    reader = news.Reader(api.left.organization_id, name, service.sealing_key, service.now())
    with service.database.transaction("tell of a release") as tx:
        assert news.release_of(tx, reader, UUID(address.rpartition("/")[2]), 1) is not None
    ours, theirs = (entries(party.http, address) for party in (api.left, api.right))
    assert ours == theirs
    assert (ours[-1]["action"], ours[-1]["api_key_id"]) == ("report-read", name)
    (checked,) = read_exported(map(json.dumps, ours))
    assert checked[-1].api_key_id == name


def test_a_list_is_on_the_trail_of_its_owner_alone(api: Served) -> None:
    address = mapped(api, Level.COUNTS)
    own = actions(api.left.http, address, trail="ours")
    assert own == ["submission-begun", "submission-received", "submission-applied"]
    assert not {*own, "matched", "ready-said"} & {*actions(api.right.http, address)}
    (begun,) = (each for each in entries(api.right.http, address, trail="ours") if each["action"] == "submission-begun")
    assert begun["organization_id"] == str(api.right.organization_id)


def test_the_partner_sees_that_accounts_were_read_and_not_how_many(api: Served) -> None:
    address = mapped(api, Level.ACCOUNTS)
    assert api.right.http.get(f"{address}/overlaps").status_code == 200
    last = entries(api.left.http, address)[-1]
    assert (last["action"], last["organization_id"], last["detail"]) == (
        "overlaps-read",
        str(api.right.organization_id),
        {},
    )


def test_a_trail_is_paged_and_read_after_the_end(api: Served) -> None:
    address = mapped(api, Level.COUNTS)
    assert api.left.http.post(f"{address}/end", json={}).status_code == 200
    whole = entries(api.right.http, address)
    assert whole[-1]["action"] == "ended"
    page = api.right.http.get(f"{address}/audit", params={"limit": 2}).json()
    assert page["items"] == whole[:2]
    assert api.right.http.get(f"{address}/audit", params={"cursor": page["next"]}).json()["items"] == whole[2:]


@pytest.mark.parametrize("query", [{"trail": "theirs"}, {"cursor": "AAAA"}])
def test_another_trail_or_cursor_is_refused(api: Served, query: dict[str, str]) -> None:
    address = api.active()
    assert api.left.http.get(f"{address}/audit", params=query).status_code == 422


def test_an_organization_sees_what_was_done_to_its_keys(api: Served) -> None:
    answer = api.left.http.get("/v1/organization/audit")
    assert [entry["action"] for entry in answer.json()["items"]][:2] == ["organization-added", "api-key-added"]
    assert {entry["trail_id"] for entry in answer.json()["items"]} == {str(api.left.organization_id)}
