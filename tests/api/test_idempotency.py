"""Requests that come twice under one Idempotency-Key: one effect, one answer, and nothing kept in the clear."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from escrow import audit, wire
from escrow.access import Grant
from escrow.api.app import create_app, openapi_document
from escrow.api.dependencies import AnyKey, Serving
from escrow.api.idempotency import HEADER, REPLAYED, Router
from escrow.api.running import Running
from escrow.errors import RequestInProgress
from escrow.psi.encoding import b64url
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.reports.trail import shared_trail
from escrow.store.idempotency import Place, hold
from escrow.store.tables import audit_entries, idempotency, partnerships
from escrow.terms import Level, Terms, uniform_levels
from escrow.worker import Worker
from tests.api.serving import Organization, Served, calling, listening
from tests.partnership_makers import RELEASE_KEY


def invitation() -> dict[str, Any]:
    return {
        "partnership_id": str(uuid4()),
        "inviter_public": b64url(os.urandom(32)),
        "lookup": b64url(os.urandom(16)),
        "suite": 1,
        "profile": LATEST_PROFILE,
    }


def invite(who: Organization, body: dict[str, Any], key: str | None) -> httpx.Response:
    return who.http.post("/v1/partnerships", json=body, headers={} if key is None else {HEADER: key})


def rows(api: Served) -> int:
    with api.service.database.snapshot("count kept answers") as tx:
        return tx.execute(select(func.count()).select_from(idempotency)).scalar_one()


def sealed(api: Served) -> bytes:
    with api.service.database.snapshot("read a kept answer") as tx:
        return bytes(tx.execute(select(idempotency.c.sealed)).scalar_one())


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_every_post_of_the_contract_takes_an_idempotency_key() -> None:
    for path, methods in openapi_document()["paths"].items():
        for method, said in methods.items():
            takes = any(each["name"] == HEADER and not each["required"] for each in said.get("parameters", ()))
            assert takes == (method == "post"), (method, path)


def test_the_same_request_under_the_same_key_gets_the_same_answer_and_is_done_once(api: Served) -> None:
    body = invitation()
    first, second = (invite(api.left, body, "one") for _ in range(2))
    assert (first.status_code, REPLAYED in first.headers) == (201, False)
    assert (second.status_code, second.headers[REPLAYED]) == (201, "true")
    assert second.content == first.content
    with api.service.database.snapshot("read the trail") as tx:
        assert len(list(audit.trail(tx, shared_trail(UUID(body["partnership_id"]))))) == 1


def test_without_a_key_a_repeated_invitation_is_refused_as_ever(api: Served) -> None:
    body = invitation()
    assert invite(api.left, body, None).status_code == 201
    assert code(invite(api.left, body, None)) == (409, "partnership-exists")
    assert rows(api) == 0


def test_an_answer_under_a_key_is_the_answer_without_one(api: Served) -> None:
    address = api.active()
    plain = api.left.http.post(f"{address}/pause", json={})
    keyed = api.left.http.post(f"{address}/pause", json={}, headers={HEADER: "one"})
    assert (keyed.status_code, keyed.json()) == (plain.status_code, plain.json())
    assert keyed.headers["content-type"] == plain.headers["content-type"]


def test_another_request_under_the_same_key_is_refused_and_changes_nothing(api: Served) -> None:
    invite(api.left, invitation(), "one")
    other = invitation()
    assert code(invite(api.left, other, "one")) == (422, "idempotency-key-reused")
    assert api.left.http.get(f"/v1/partnerships/{other['partnership_id']}").status_code == 404


def test_another_route_under_the_same_key_is_another_request(api: Served) -> None:
    address = api.active()
    assert api.left.http.post(f"{address}/pause", json={}, headers={HEADER: "one"}).status_code == 200
    resumed = api.left.http.post(f"{address}/resume", json={}, headers={HEADER: "one"})
    assert code(resumed) == (422, "idempotency-key-reused")


def test_a_key_is_the_organizations_own(api: Served) -> None:
    assert invite(api.left, invitation(), "one").status_code == 201
    theirs = invite(api.right, invitation(), "one")
    assert (theirs.status_code, REPLAYED in theirs.headers) == (201, False)


def test_quotes_around_a_key_do_not_make_it_another(api: Served) -> None:
    body = invitation()
    invite(api.left, body, "one")
    assert invite(api.left, body, '"one"').headers[REPLAYED] == "true"


@pytest.mark.parametrize("key", ["", '"', "a b", "a" * 201, 'a"b', "\\"])
def test_a_key_that_is_none_is_refused(shared_api: Served, key: str) -> None:
    assert code(invite(shared_api.left, invitation(), key)) == (422, "request-invalid")


def test_a_refusal_has_no_effect_and_is_judged_anew(api: Served) -> None:
    address = api.active()
    headers = {HEADER: "one"}
    assert code(api.left.http.post(f"{address}/ready", json={}, headers=headers)) == (409, "list-missing")
    assert rows(api) == 0
    assert api.left.http.post(f"{address}/pause", json={}, headers=headers).status_code == 200


def test_what_only_reads_is_read_anew(api: Served) -> None:
    _, invited = api.invited()
    body = {"lookup": invited["lookup"]}
    first, second = (
        api.right.http.post("/v1/invitations/lookup", json=body, headers={HEADER: "one"}) for _ in range(2)
    )
    assert (first.status_code, second.status_code, REPLAYED in second.headers) == (200, 200, False)
    assert rows(api) == 0


def test_a_kept_answer_is_sealed(api: Served) -> None:
    body = invitation()
    invite(api.left, body, "canary-key")
    kept = sealed(api)
    for told in (body["partnership_id"], body["lookup"], "partnership_id", "canary-key"):
        assert told.encode() not in kept


def stated(level: Level) -> dict[str, Any]:
    said: dict[str, Any] = wire.Terms.of(Terms(levels=uniform_levels(level))).model_dump(mode="json")
    return said


#: What the partner does that forbids what was allowed before.
SHUTS = {
    "tighten": ("PUT", "/terms", stated(Level.HIDDEN)),
    "pause": ("POST", "/pause", {}),
    "end": ("POST", "/end", {}),
}


@pytest.mark.parametrize("shut", SHUTS)
def test_after_a_tightening_a_pause_or_an_end_a_request_sent_again_is_only_said_to_be_done(
    api: Served, shut: str
) -> None:
    address, headers = api.active(), {HEADER: "one"}
    api.right.http.put(f"{address}/terms", json=stated(Level.COUNTS))
    # Resuming what runs changes nothing, and its answer shows the partnership.
    resumed = [api.left.http.post(f"{address}/resume", json={}, headers=headers) for _ in range(2)]
    assert [(each.status_code, REPLAYED in each.headers) for each in resumed] == [(200, False), (200, True)]
    method, path, said = SHUTS[shut]
    assert api.right.http.request(method, address + path, json=said).status_code == 200
    after = api.left.http.post(f"{address}/resume", json={}, headers=headers)
    assert (code(after), REPLAYED in after.headers) == ((409, "already-done"), False)
    other = api.left.http.post(f"{address}/pause", json={}, headers=headers)
    assert code(other) == (422, "idempotency-key-reused")


def test_an_answered_step_up_sent_again_tells_no_terms_that_hold_no_more(api: Served) -> None:
    address, headers = api.active(), {HEADER: "one"}
    number = api.left.http.post(f"{address}/terms-requests", json=stated(Level.DETAILS)).json()["number"]
    answer = f"{address}/terms-requests/{number}/answer"
    answers = [api.right.http.post(answer, json=stated(Level.DETAILS), headers=headers) for _ in range(2)]
    assert [(each.status_code, each.json()["effective"]["levels"][0]["level"]) for each in answers] == [
        (200, "details")
    ] * 2
    assert api.left.http.put(f"{address}/terms", json=stated(Level.HIDDEN)).status_code == 200
    again = api.right.http.post(answer, json=stated(Level.DETAILS), headers=headers)
    assert code(again) == (409, "already-done")
    assert "effective" not in again.json()


def test_a_pause_and_an_end_under_a_key_are_answered_as_before_to_who_made_them(api: Served) -> None:
    address = api.active()
    for verb in ("pause", "end"):
        first, second = (api.left.http.post(f"{address}/{verb}", json={}, headers={HEADER: verb}) for _ in range(2))
        assert (second.status_code, second.content) == (200, first.content)
        assert second.headers[REPLAYED] == "true"


def test_an_answer_about_a_partnership_that_an_earlier_release_kept_is_not_repeated(api: Served) -> None:
    address, headers = api.active(), {HEADER: "one"}
    api.left.http.post(f"{address}/pause", json={}, headers=headers)
    with api.service.database.transaction("keep as the release before did") as tx:
        tx.execute(update(idempotency).values(footing=None))
    assert code(api.left.http.post(f"{address}/pause", json={}, headers=headers)) == (409, "already-done")


def test_an_api_key_that_reaches_less_is_not_told_what_another_was_answered(api: Served) -> None:
    own = UUID(api.active().rpartition("/")[2])
    body = invitation()
    invite(api.left, body, "one")
    with calling(api, api.left, Grant(partnership_ids=frozenset({own}))) as http:
        again = http.post("/v1/partnerships", json=body, headers={HEADER: "one"})
    assert code(again) == (422, "idempotency-key-reused")


def test_effect_record_and_audit_entry_fail_together(api: Served) -> None:
    with api.service.database.transaction("let records fail for a test") as tx:
        tx.exec_driver_sql("ALTER TABLE idempotency RENAME COLUMN sealed TO broken")
    before = entries(api)
    body = invitation()
    assert invite(api.left, body, "one").status_code >= 500
    assert entries(api) == before
    with api.service.database.snapshot("look for the effect") as tx:
        place = partnerships.c.partnership_id == UUID(body["partnership_id"])
        assert tx.execute(select(partnerships.c.state).where(place)).one_or_none() is None


def entries(api: Served) -> int:
    with api.service.database.snapshot("count entries") as tx:
        return tx.execute(select(func.count()).select_from(audit_entries)).scalar_one()


def test_a_record_expires_and_is_deleted(api: Served) -> None:
    body = invitation()
    invite(api.left, body, "one")
    settings = api.service.settings

    def later() -> datetime:
        return api.service.now() + timedelta(seconds=settings.idempotency_seconds)

    Worker(api.service.database, api.service.sealing_key, settings, release_key=RELEASE_KEY).tidy()
    assert rows(api) == 1
    Worker(api.service.database, api.service.sealing_key, settings, release_key=RELEASE_KEY, now=later).tidy()
    assert rows(api) == 0
    assert code(invite(api.left, body, "one")) == (409, "partnership-exists")


def slow_app(api: Served, entered: threading.Event, go_on: threading.Event) -> FastAPI:
    """The application with a route that decides something and takes its time."""
    router = Router()

    @router.post("/v1/slow")
    def decide(key: AnyKey, service: Serving) -> None:
        with service.database.transaction("take its time") as tx:
            key.admit(tx)
            entered.set()
            go_on.wait(20)

    app = create_app(api.service)
    app.include_router(router)
    return app


def test_the_same_key_while_the_first_runs_is_told_to_come_again(api: Served) -> None:
    entered, go_on = threading.Event(), threading.Event()
    headers = {HEADER: "one", "Authorization": api.left.http.headers["Authorization"]}
    with listening(slow_app(api, entered, go_on)) as url:

        def send() -> httpx.Response:
            return httpx.post(f"{url}/v1/slow", headers=headers, trust_env=False, timeout=30)

        with ThreadPoolExecutor() as pool:
            first = pool.submit(send)
            assert entered.wait(20)
            meanwhile = send()
            go_on.set()
            assert first.result().status_code == 200
        again = send()
    assert code(meanwhile) == (409, "request-in-progress")
    assert meanwhile.headers["Retry-After"] == "1"
    assert (again.status_code, again.headers[REPLAYED]) == (200, "true")


def test_a_process_knows_of_a_request_that_runs_in_another(api: Served) -> None:
    if api.service.database.engine.dialect.name == "sqlite":
        pytest.skip("one process serves an SQLite file")
    place = Place.of(api.left.organization_id, "one")
    with api.service.database.transaction("run elsewhere") as tx:
        hold(tx, place)
        assert code(invite(api.left, invitation(), "one")) == (409, "request-in-progress")
    assert invite(api.left, invitation(), "one").status_code == 201


def test_what_runs_is_forgotten_when_it_has_run() -> None:
    running = Running()
    with running.alone(b"one"), running.alone(b"two"), pytest.raises(RequestInProgress), running.alone(b"one"):
        pass
    with running.alone(b"one"):
        pass


def test_a_post_route_that_cannot_answer_once_is_refused_when_it_is_made() -> None:
    def keyless() -> None:
        """Have no key."""

    with pytest.raises(TypeError, match="keyless"):
        Router().post("/v1/keyless")(keyless)
