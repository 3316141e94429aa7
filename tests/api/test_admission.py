"""Who may call what: every kind of key that should not open a route, tried on every route.

A route that is added to the contract and not to ``every_route`` fails here.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from escrow import organizations
from escrow.access import Grant
from escrow.store.states import Scope
from tests.api.every_route import keyed_routes, scopes_of
from tests.api.serving import Served, calling

ROUTES = keyed_routes()
SCOPES = dict(scopes_of())


def partnership(api: Served) -> str:
    return api.active().rpartition("/")[2]


def comparable(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
    return answer.status_code, answer.content, headers


def test_every_route_that_asks_for_a_key_has_a_row() -> None:
    assert sorted((route.method, route.template) for route in ROUTES) == sorted(SCOPES)


def test_every_scope_opens_something() -> None:
    assert set(SCOPES.values()) == {None, *(scope.value for scope in Scope)}


def test_without_a_key_nothing_is_answered(api: Served) -> None:
    own = partnership(api)
    for route in ROUTES:
        refused = route.send(api.nobody, own)
        assert (refused.status_code, refused.json()["code"]) == (401, "not-authenticated"), route


def test_a_key_that_is_revoked_or_expired_is_as_good_as_none(api: Served) -> None:
    own = partnership(api)
    expired = Grant(expires_at=api.service.now())
    with calling(api, api.left, revoked=True) as revoked, calling(api, api.left, expired) as too_late:
        for route in ROUTES:
            for http in (revoked, too_late):
                assert comparable(route.send(http, own)) == comparable(route.send(api.nobody, own)), route


def test_a_key_without_the_scope_of_a_route_is_told_which_it_lacks(api: Served) -> None:
    own = partnership(api)
    for lacking in Scope:
        with calling(api, api.left, Grant(scopes=frozenset(Scope) - {lacking})) as http:
            asking = [route for route in ROUTES if SCOPES[route.method, route.template] == lacking.value]
            for route in asking:
                refused = route.send(http, own)
                told = (refused.status_code, refused.json()["code"], refused.json()["scope"])
                assert told == (403, "scope-missing", lacking.value), route


@pytest.mark.parametrize("scope", Scope)
def test_a_key_with_one_scope_opens_its_routes_and_those_for_any_key(api: Served, scope: Scope) -> None:
    own = partnership(api)
    with calling(api, api.left, Grant(scopes=frozenset({scope}))) as http:
        for route in ROUTES:
            status = route.send(http, own).status_code
            if SCOPES[route.method, route.template] in {None, scope.value}:
                assert status not in {401, 403}, route
            else:
                assert status == 403, route


def test_a_foreign_partnership_and_an_absent_one_give_the_same_bytes_on_every_route(api: Served) -> None:
    own = partnership(api)
    for route in ROUTES:
        if route.is_of_partnership:
            foreign = comparable(route.send(api.stranger.http, own))
            assert foreign[0] == 404, route
            assert foreign == comparable(route.send(api.stranger.http, str(uuid4()))), route


def test_for_a_key_that_is_bound_elsewhere_a_partnership_is_absent(api: Served) -> None:
    own, elsewhere = partnership(api), partnership(api)
    with calling(api, api.left, Grant(partnership_ids=frozenset({UUID(elsewhere)}))) as http:
        for route in ROUTES:
            if route.is_of_partnership:
                hidden = comparable(route.send(http, own))
                assert hidden[0] == 404, route
                assert hidden == comparable(route.send(http, str(uuid4()))), route
        listed = http.get("/v1/partnerships").json()["items"]
        assert [each["partnership_id"] for each in listed] == [elsewhere]
        assert http.get(f"/v1/partnerships/{elsewhere}").status_code == 200


def test_a_bound_key_makes_no_partnership_and_takes_no_invitation(api: Served) -> None:
    own = partnership(api)
    address, invitation = api.invited()
    acceptance = {name: invitation[name] for name in ("lookup",)} | {
        "acceptor_public": invitation["inviter_public"],
        "tag": invitation["inviter_public"],
    }
    with calling(api, api.right, Grant(partnership_ids=frozenset({UUID(own)}))) as http:
        fresh = invitation | {"partnership_id": str(uuid4())}
        assert http.post("/v1/partnerships", json=fresh).status_code == 404
        assert http.post("/v1/invitations/lookup", json={"lookup": invitation["lookup"]}).status_code == 404
        assert http.post(f"{address}/accept", json=acceptance).status_code == 404


def last_use(api: Served) -> datetime | None:
    with api.service.database.snapshot("list keys") as tx:
        return organizations.list_api_keys(tx, api.left.organization_id)[-1].last_used_at


def noted_use(api: Served) -> datetime:
    """Wait for the note, which is written after the answer."""
    for _ in range(500):
        if (noted := last_use(api)) is not None:
            return noted
        time.sleep(0.01)
    raise AssertionError("the use was not noted")


def test_the_use_of_a_key_is_noted_after_a_refusal_too_and_once_an_hour(api: Served) -> None:
    own = partnership(api)
    with calling(api, api.left, Grant(expires_at=api.service.now() + timedelta(days=1))) as http:
        assert last_use(api) is None
        assert http.get(f"/v1/partnerships/{own}/releases/latest").status_code == 404
        noted = noted_use(api)
        http.get("/v1/service")
        http.get("/v1/service")
        assert last_use(api) == noted
