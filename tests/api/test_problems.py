"""Refusals over HTTP: problem documents that repeat nothing, the same for what is foreign and what is absent."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from escrow.api.app import openapi_document
from escrow.api.problems import STATUS, handle_problems
from escrow.errors import EscrowError, Refused
from escrow.psi.encoding import b64url
from escrow.store.tables import partnerships
from tests.api.every_route import LEVELS, OCTETS
from tests.api.serving import Served

CANARY = "canary-acme-gmbh"
JSON = {"Content-Type": "application/json"}


def under(kind: type[EscrowError]) -> Iterator[type[EscrowError]]:
    for below in kind.__subclasses__():
        yield below
        yield from under(below)


def check_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["type"] == f"/errors/{code}"
    assert CANARY not in answer.text


def test_every_refusal_has_a_status() -> None:
    assert [kind.__name__ for kind in under(Refused) if kind not in STATUS] == []


def test_every_code_is_used_once() -> None:
    codes = [kind.code for kind in under(EscrowError)]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x", f"Bearer {CANARY}", "Basic eDp5", "esk_x"])
def test_a_caller_without_a_valid_key_is_told_how_to_send_one(shared_api: Served, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = shared_api.nobody.get("/v1/partnerships", headers=headers)
    check_problem(answer, 401, "not-authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("partnership_id", ["x", CANARY, "00000000", "%00", "{partnership_id}"])
def test_an_id_that_is_none_is_absent(shared_api: Served, partnership_id: str) -> None:
    absent = shared_api.left.http.get(f"/v1/partnerships/{uuid4()}")
    answer = shared_api.left.http.get(f"/v1/partnerships/{partnership_id}")
    assert (answer.status_code, answer.content) == (404, absent.content)


@pytest.mark.parametrize("path", ["/", f"/{CANARY}", "/v1", "/v1/", "/v1/partnerships/", "/docs", "/v2/service"])
def test_an_address_without_a_route_is_a_problem_too(shared_api: Served, path: str) -> None:
    check_problem(shared_api.left.http.get(path), 404, "route-unknown")


def test_a_method_that_a_route_does_not_know_is_refused_with_those_it_knows(shared_api: Served) -> None:
    answer = shared_api.left.http.delete("/v1/organization")
    check_problem(answer, 405, "method-unsupported")
    assert "GET" in answer.headers["allow"]


def test_an_address_that_a_template_would_fit_too_takes_its_own_methods_alone(shared_api: Served) -> None:
    answer = shared_api.left.http.put(f"/v1/partnerships/{uuid4()}/submissions/rows", json={})
    check_problem(answer, 405, "method-unsupported")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "request-invalid"),
        (b"{", 400, "body-unreadable"),
        (b"[" * 50_000, 400, "body-unreadable"),
        (b"\xff\xfe\x00", 400, "body-unreadable"),
        (b"9" * 5_000, 400, "body-unreadable"),
        (b"null", 422, "request-invalid"),
        (b"[]", 422, "request-invalid"),
        (b'"canary-acme-gmbh"', 422, "request-invalid"),
        (b"{}", 422, "request-invalid"),
        (b'{"lookup": "canary-acme-gmbh"}', 422, "request-invalid"),
        (b'{"lookup": "AAAAAAAAAAAAAAAAAAAAAA", "canary-acme-gmbh": 1}', 422, "request-invalid"),
        (b'{"lookup": {"canary-acme-gmbh": 1}}', 422, "request-invalid"),
        (b'{"lookup": NaN}', 422, "request-invalid"),
        (b'{"lookup": "\\ud800"}', 422, "request-invalid"),
    ],
)
def test_a_body_that_is_not_what_the_contract_says_is_refused(
    shared_api: Served, body: bytes, status: int, code: str
) -> None:
    answer = shared_api.left.http.post("/v1/invitations/lookup", content=body, headers=JSON)
    check_problem(answer, status, code)


def test_a_refusal_names_the_field_and_not_its_content(shared_api: Served) -> None:
    wrong = [*LEVELS[:8], {**LEVELS[8], "level": CANARY, CANARY: CANARY}]
    address, _ = shared_api.invited()
    answer = shared_api.left.http.put(f"{address}/terms", json={"levels": wrong})
    check_problem(answer, 422, "request-invalid")
    assert answer.json()["errors"][:2] == [
        {"where": "body.levels.8.level", "problem": "Input should be one of: hidden, counts, accounts, details"},
        {"where": "body.levels.8", "problem": "Holds a field that is not known"},
    ]


def test_the_type_of_every_problem_leads_to_what_its_code_means(shared_api: Served) -> None:
    refused = shared_api.left.http.get(f"/v1/partnerships/{UUID(int=7)}").json()
    told = shared_api.nobody.get(refused["type"])
    assert (told.status_code, told.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert told.text.startswith("not-found (HTTP 404)\n\n")
    documented = openapi_document()["components"]["examples"]
    assert len(documented) > 40
    for code, example in documented.items():
        assert example["value"]["type"] == f"/errors/{code}"
        assert shared_api.nobody.get(example["value"]["type"]).text.startswith(f"{code} (")
    check_problem(shared_api.nobody.get("/errors/keyring-missing"), 404, "not-found")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "cursor=%00", f"cursor={CANARY}", "cursor=AAAA", "cursor=="]
)
def test_a_page_that_cannot_be_is_refused(shared_api: Served, query: str) -> None:
    check_problem(shared_api.left.http.get(f"/v1/partnerships?{query}"), 422, "request-invalid")


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"largest_list": "many"}, "Input should be a whole number"),
        ({"largest_list": 1.5}, "Input should be a whole number"),
        ({"fields": "region"}, "Input should be a list"),
        ({"disclosure": 5}, "Input should be an object"),
    ],
)
def test_a_refusal_speaks_of_what_json_has(shared_api: Served, terms: dict[str, object], told: str) -> None:
    address, _ = shared_api.invited()
    answer = shared_api.left.http.put(f"{address}/terms", json={"levels": LEVELS, **terms})
    check_problem(answer, 422, "request-invalid")
    assert [each["problem"] for each in answer.json()["errors"]] == [told]


def test_a_number_in_an_address_is_asked_for_in_plain_words(shared_api: Served) -> None:
    answer = shared_api.left.http.get("/v1/partnerships?limit=x")
    assert answer.json()["errors"] == [{"where": "query.limit", "problem": "Input should be a whole number"}]


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "application/jsonx"],
)
def test_a_body_of_another_content_type_is_refused(shared_api: Served, content_type: str) -> None:
    answer = shared_api.left.http.post(
        "/v1/invitations/lookup", content=b'{"lookup": "x"}', headers={"Content-Type": content_type}
    )
    check_problem(answer, 415, "content-type-unsupported")


def test_a_chunk_is_octets_or_columns(shared_api: Served) -> None:
    url = f"{shared_api.active()}/submissions/1/chunks/0"
    plain = {"Content-Type": "text/plain"}
    check_problem(shared_api.left.http.put(url, content=b"x", headers=plain), 415, "content-type-unsupported")
    check_problem(shared_api.left.http.put(url, content=b"x", headers=JSON), 400, "body-unreadable")


def grown(size: int) -> Iterator[bytes]:
    for _ in range(size // 1024 + 1):
        yield bytes(1024)


def test_a_body_past_its_limit_is_refused_whether_its_length_is_stated_or_not(shared_api: Served) -> None:
    most = shared_api.service.settings.body_bytes
    for content in (bytes(most + 1), grown(most)):
        answer = shared_api.left.http.post("/v1/invitations/lookup", content=content, headers=JSON)
        check_problem(answer, 413, "body-too-large")


def test_a_chunk_past_its_limit_is_refused(shared_api: Served) -> None:
    url = f"{shared_api.active()}/submissions/1/chunks/0"
    most = shared_api.service.settings.chunk_bytes
    for content in (bytes(most + 1), grown(most)):
        check_problem(shared_api.left.http.put(url, content=content, headers=OCTETS), 413, "chunk-too-large")


def test_every_response_has_a_request_id_of_its_own_and_tells_nothing_of_the_server(shared_api: Served) -> None:
    asked = {"X-Request-Id": CANARY}
    answers = [shared_api.nobody.get(path, headers=asked) for path in ("/healthz", "/v1/organization", "/x")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    for answer in answers:
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


def test_a_failure_of_the_database_is_not_explained_to_callers(breakable_api: Served) -> None:
    with breakable_api.service.database.transaction("break the tables for a test") as tx:
        tx.exec_driver_sql("ALTER TABLE partnerships RENAME COLUMN lookup TO canary")
    answer = breakable_api.left.http.post("/v1/invitations/lookup", json={"lookup": b64url(bytes(16))})
    check_problem(answer, 503, "service-unavailable")
    assert "canary" not in answer.text


def test_what_nobody_foresaw_is_an_opaque_failure(breakable_api: Served) -> None:
    address, _ = breakable_api.invited()
    with breakable_api.service.database.transaction("store what cannot be for a test") as tx:
        tx.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        tx.execute(update(partnerships).values(state=CANARY))
        tx.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
    answer = breakable_api.left.http.get(address)
    check_problem(answer, 500, "service-fault")
    failures = [json.loads(line) for line in breakable_api.log.read_text().splitlines() if "request failed" in line]
    assert [each["failure"] for each in failures] == ["ValueError"]
    assert failures[0]["request_id"] == answer.headers["x-request-id"]
    assert CANARY not in breakable_api.log.read_text()


def test_a_service_without_a_free_connection_asks_to_come_again() -> None:
    app = FastAPI()
    handle_problems(app)

    @app.get("/")
    def busy_hour() -> None:
        raise NoConnectionFree("the pool is at its limit")

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://escrow.test") as caller:
            return await caller.get("/")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["code"]) == (503, "service-unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert "pool" not in answer.text
