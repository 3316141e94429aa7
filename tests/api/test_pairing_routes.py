"""Pairing over HTTP: each move once, in order, by the right party, and the same again gets the same answer."""

from __future__ import annotations

import os

import pytest

from escrow.psi.encoding import b64url
from tests.api.serving import Served

#: Routes are thin: what they call has tests on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def half(invitation: dict[str, str]) -> dict[str, str]:
    return {"lookup": invitation["lookup"], "acceptor_public": b64url(os.urandom(32)), "tag": b64url(os.urandom(32))}


def test_two_organizations_pair(api: Served) -> None:
    address, invitation = api.invited()
    found = api.right.http.post("/v1/invitations/lookup", json={"lookup": invitation["lookup"]}).json()
    assert found["inviter"] == {"organization_id": str(api.left.organization_id), "name": "Left Ltd"}
    assert found["inviter_public"] == invitation["inviter_public"]
    acceptance = half(invitation)
    accepted = api.right.http.post(f"{address}/accept", json=acceptance).json()
    assert (accepted["state"], accepted["side"]) == ("accepted", "right")
    said = api.left.http.get(f"{address}/pairing").json()
    assert (said["acceptor_tag"], said["inviter_tag"]) == (acceptance["tag"], None)
    active = api.left.http.post(f"{address}/confirm", json={"tag": b64url(os.urandom(32))}).json()
    assert active["state"] == "active"
    assert active["generation"] == {"number": 0, "profile": invitation["profile"], "suite": 1, "state": "live"}
    assert active["partner"]["name"] == "Right Ltd"


def test_an_invitation_for_one_organization_is_absent_for_another(api: Served) -> None:
    address, invitation = api.invited(acceptor=api.right)
    asked = {"lookup": invitation["lookup"]}
    absent = api.stranger.http.post("/v1/invitations/lookup", json={"lookup": b64url(os.urandom(16))})
    foreign = api.stranger.http.post("/v1/invitations/lookup", json=asked)
    assert (foreign.status_code, foreign.content) == (404, absent.content)
    assert api.stranger.http.post(f"{address}/accept", json=half(invitation)).content == absent.content
    assert api.right.http.post("/v1/invitations/lookup", json=asked).status_code == 200


def test_a_second_acceptance_is_refused_and_the_same_again_is_not(api: Served) -> None:
    address, invitation = api.invited()
    acceptance = half(invitation)
    first = api.right.http.post(f"{address}/accept", json=acceptance)
    assert api.right.http.post(f"{address}/accept", json=acceptance).json() == first.json()
    refused = api.stranger.http.post(f"{address}/accept", json=half(invitation))
    assert (refused.status_code, refused.json()["code"]) == (409, "invitation-taken")


def test_pairing_is_incomplete_until_somebody_accepts(api: Served) -> None:
    address, _ = api.invited()
    assert api.left.http.get(f"{address}/pairing").json()["code"] == "pairing-incomplete"
    refused = api.left.http.post(f"{address}/confirm", json={"tag": b64url(os.urandom(32))})
    assert (refused.status_code, refused.json()["code"]) == (409, "pairing-incomplete")


def test_an_id_is_used_once(api: Served) -> None:
    _, invitation = api.invited()
    again = api.stranger.http.post("/v1/partnerships", json=invitation | {"lookup": b64url(os.urandom(16))})
    assert (again.status_code, again.json()["code"]) == (409, "partnership-exists")


def test_either_party_ends_a_partnership(api: Served) -> None:
    address = api.active()
    assert api.right.http.post(f"{address}/end", json={}).json()["state"] == "ended"
    assert api.left.http.get(address).json()["state"] == "ended"
    assert api.left.http.post(f"{address}/end", json={}).json()["state"] == "ended"


def test_partnerships_are_paged_and_only_the_callers_own(api: Served) -> None:
    addresses = sorted([api.active(), api.active(), api.invited()[0]])
    first = api.left.http.get("/v1/partnerships", params={"limit": 2}).json()
    second = api.left.http.get("/v1/partnerships", params={"limit": 2, "cursor": first["next"]}).json()
    found = [f"/v1/partnerships/{each['partnership_id']}" for each in first["items"] + second["items"]]
    assert (found, second["next"]) == (addresses, None)
    assert len(api.right.http.get("/v1/partnerships").json()["items"]) == 2
    assert api.stranger.http.get("/v1/partnerships").json() == {"items": [], "next": None}
