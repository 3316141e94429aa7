"""Whose is whose: every id in every address, tried by each who should not learn that it is there.

Foreign and absent are one 404, byte for byte. An id that is added to the contract and not to ``every_route.OWNERS``
fails here, and so does a route without a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert

from escrow.access import Grant
from escrow.api.idempotency import HEADER
from escrow.psi.encoding import b64url
from escrow.store.states import Scope
from escrow.store.tables import disputes
from tests.api.every_route import OWNERS, Route, Whose, ids_of, keyed_routes, scopes_of
from tests.api.serving import Served, calling
from tests.api.uploading import snapshot

ROUTES = keyed_routes()

#: Ids that nobody has, of each kind, well-formed and not.
ABSENT = {
    "partnership_id": (str(uuid4()), "x", "%00", "00000000-0000-0000-0000-000000000000"),
    "number": ("999999", "0", "-1", "x", "9007199254740992", "1.5"),
    "endpoint_id": (str(uuid4()), "x", "%00"),
    "mail_digest_id": (str(uuid4()), "x", "%00"),
    "position": ("1023", "1024", "-1", "x"),
}


def comparable(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
    return answer.status_code, answer.content, headers


def mapped_by_right(api: Served) -> str:
    """Pair, and let the right alone submit: one list applied, one still open, and two disputes.

    Give the partnership's id.
    """
    address = api.active()
    assert snapshot(address).send(api.right.http).status_code == 202
    api.work()
    assert snapshot(address, number=2, base=1).announce(api.right.http).status_code == 201
    partnership_id = address.rpartition("/")[2]
    with api.service.database.transaction("disputes of the right") as tx:
        for number in (1, 2):
            tx.execute(insert(disputes).values(**_dispute_of_right(partnership_id, number), made_at=api.service.now()))
    return partnership_id


def _dispute_of_right(partnership_id: str, number: int) -> dict[str, object]:
    named = {"row": bytes([number] * 8), "match_id": bytes(16), "reason": "other"}
    return {"partnership_id": UUID(partnership_id), "side": "right", "number": number, **named}


def sided() -> Iterator[tuple[Route, str]]:
    """Yield every route with an id that is one side's own."""
    for route in ROUTES:
        for noun, name in ids_of(route.template).items():
            if OWNERS[noun, name] is Whose.SIDE:
                yield route, name


def test_every_id_in_an_address_has_an_owner() -> None:
    named = {pair for (_, template), _ in scopes_of() for pair in ids_of(template).items()}
    assert named == set(OWNERS)
    assert {name for _, name in named} == set(ABSENT)


def test_no_address_holds_an_id_that_is_not_after_a_noun() -> None:
    for (_, template), _ in scopes_of():
        assert template.count("{") == len(ids_of(template)), template


def test_what_is_the_partners_own_is_as_absent_as_what_is_not_there(api: Served) -> None:
    partnership_id = mapped_by_right(api)
    for route, name in sided():
        if name != "number":
            continue
        absent = route.send(api.left.http, partnership_id, number="999999")
        for number in ("1", "2"):
            theirs = route.send(api.left.http, partnership_id, number=number)
            assert theirs.status_code == 404, (route, theirs.text)
            assert comparable(theirs) == comparable(absent), route


def test_the_partners_own_things_are_there_for_the_partner(api: Served) -> None:
    partnership_id = mapped_by_right(api)
    reached = {route.send(api.right.http, partnership_id, number="2").status_code for route, _ in sided()}
    assert 404 not in reached


def test_a_list_of_the_partners_changes_nothing_of_ones_own_view(api: Served) -> None:
    partnership_id = mapped_by_right(api)
    ours = api.left.http.get(f"/v1/partnerships/{partnership_id}").json()
    assert (ours["list"]["last_number"], ours["list"]["accounts"]) == (0, 0)
    assert ours["their_list"].keys() == {"applied_at", "ready", "head", "size", "alarms"}


@pytest.mark.parametrize("name", ABSENT)
def test_an_id_that_nobody_has_is_one_404_whether_it_is_well_formed_or_not(api: Served, name: str) -> None:
    partnership_id = mapped_by_right(api)
    expected = api.stranger.http.get(f"/v1/partnerships/{uuid4()}")
    for route in ROUTES:
        if name not in ids_of(route.template).values() or route.template.endswith("/end"):
            continue
        for value in ABSENT[name]:
            ids = {"partnership_id": partnership_id, "number": "2", name: value}
            answer = route.send(api.right.http, **ids)
            assert comparable(answer) == comparable(expected), (route, value, answer.text)


def test_a_stranger_finds_no_id_below_a_partnership_that_is_not_hers(api: Served) -> None:
    partnership_id = mapped_by_right(api)
    for route in ROUTES:
        if not route.is_of_partnership:
            continue
        absent = comparable(route.send(api.stranger.http, str(uuid4())))
        for number in ("1", "2", "999999"):
            for position in ("0", "1023"):
                foreign = route.send(api.stranger.http, partnership_id, number=number, position=position)
                assert comparable(foreign) == absent, (route, number, position)


def test_a_key_that_opens_nothing_learns_no_id(api: Served) -> None:
    partnership_id = mapped_by_right(api)
    expired = Grant(expires_at=api.service.now())
    with calling(api, api.right, revoked=True) as revoked, calling(api, api.right, expired) as late:
        for route in ROUTES:
            for http in (revoked, late, api.nobody):
                theirs, nobodys = (route.send(http, each) for each in (partnership_id, str(uuid4())))
                assert theirs.status_code == 401, route
                assert comparable(theirs) == comparable(nobodys), route


def test_a_key_without_the_scope_learns_no_id(api: Served) -> None:
    partnership_id = mapped_by_right(api)
    scopes = dict(scopes_of())
    for lacking in Scope:
        with calling(api, api.right, Grant(scopes=frozenset(Scope) - {lacking})) as http:
            for route in ROUTES:
                if scopes[route.method, route.template] == lacking.value:
                    theirs, nobodys = (route.send(http, each) for each in (partnership_id, str(uuid4())))
                    assert theirs.status_code == 403, route
                    assert comparable(theirs) == comparable(nobodys), route


def test_an_idempotency_key_opens_nothing(api: Served) -> None:
    partnership_id = mapped_by_right(api)
    for route in ROUTES:
        if route.method != "POST" or not route.is_of_partnership:
            continue
        keyed = replace(route, request=route.request | {"headers": {HEADER: str(uuid4())}})
        answers = [keyed.send(http, partnership_id) for http in (api.nobody, api.stranger.http)]
        assert [answer.status_code for answer in answers] == [401, 404], route
        assert comparable(answers[1]) == comparable(route.send(api.stranger.http, str(uuid4()))), route


def test_an_answer_that_was_kept_is_nobody_elses(api: Served) -> None:
    address, _ = api.invited()
    ended = api.left.http.post(f"{address}/end", json={}, headers={HEADER: "one"})
    assert ended.status_code == 200
    for http, status in ((api.stranger.http, 404), (api.right.http, 404), (api.nobody, 401)):
        assert http.post(f"{address}/end", json={}, headers={HEADER: "one"}).status_code == status


def test_an_invitation_to_somebody_else_is_absent(api: Served) -> None:
    address, invitation = api.invited(acceptor=api.right)
    key = b64url(bytes(range(32)))
    absent = api.stranger.http.post("/v1/invitations/lookup", json={"lookup": b64url(bytes(16))})
    found = api.stranger.http.post("/v1/invitations/lookup", json={"lookup": invitation["lookup"]})
    assert (found.status_code, comparable(found)) == (404, comparable(absent))
    acceptance = {"lookup": invitation["lookup"], "acceptor_public": key, "tag": key}
    for place in (address, f"/v1/partnerships/{uuid4()}"):
        refused = api.stranger.http.post(f"{place}/accept", json=acceptance)
        assert comparable(refused) == comparable(absent)
