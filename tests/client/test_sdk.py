"""The SDK against an httpx transport: what is sent, what is refused, and how patient it is."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from escrow.client.sdk import Escrow
from escrow.errors import (
    CaFileInvalid,
    PlainHttpRefused,
    ProxyInvalid,
    ServiceAnswerInvalid,
    ServiceRefused,
    ServiceUnreachable,
)
from escrow.terms import Level, Terms, uniform_levels

KEY = "esk_canary_secret_key"
PARTNERSHIP = UUID("8c2d3f64-7d6b-4a3e-9a37-8d1c9f1b2a10")
ORGANIZATION = {"organization_id": "11111111-1111-4111-8111-111111111111", "name": "Acme"}

Answers = Callable[[httpx.Request], httpx.Response]


def an_escrow(answers: Answers, *, slept: list[float] | None = None, url: str = "https://escrow.test") -> Escrow:
    pauses = slept if slept is not None else []
    return Escrow(url, KEY, transport=httpx.MockTransport(answers), sleep=pauses.append)


def problem(code: str, status: int, **members: object) -> httpx.Response:
    body = {"type": f"/errors/{code}", "title": code, "status": status, "detail": "Do this.", "code": code, **members}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"})


def one_after_another(*answers: httpx.Response | Exception) -> Answers:
    waiting: Iterator[httpx.Response | Exception] = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        following = next(waiting)
        if isinstance(following, Exception):
            raise following
        return following

    return answer


def test_the_api_key_is_sent_and_never_printed(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=ORGANIZATION)

    with caplog.at_level(logging.DEBUG), an_escrow(answer) as escrow:
        assert escrow.organization().name == "Acme"
        shown = repr(escrow) + repr(escrow._connection)
    assert seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in shown + caplog.text


def test_a_problem_document_becomes_an_error_with_its_code_and_members() -> None:
    refused = problem("submission-base-wrong", 409, last_number=7, applied_number=6)
    with an_escrow(one_after_another(refused)) as escrow, pytest.raises(ServiceRefused) as caught:
        escrow.partnership(PARTNERSHIP)
    assert (caught.value.code, caught.value.status, caught.value.detail) == ("submission-base-wrong", 409, "Do this.")
    assert caught.value.members == {"last_number": 7, "applied_number": 6}


def test_a_refused_api_key_is_told_to_who_uses_this_client() -> None:
    refused = problem("not-authenticated", 401)
    with (
        an_escrow(one_after_another(refused)) as escrow,
        pytest.raises(ServiceRefused, match="does not take this API key"),
    ):
        escrow.organization()


def test_an_address_with_too_much_behind_it_is_looked_at_again() -> None:
    unknown = one_after_another(problem("route-unknown", 404))
    with an_escrow(unknown) as escrow, pytest.raises(ServiceRefused, match="look at the service's address"):
        escrow.organization()


def test_a_page_that_is_no_escrow_is_named_as_such() -> None:
    with (
        an_escrow(one_after_another(httpx.Response(404, text="<html>"))) as escrow,
        pytest.raises(ServiceAnswerInvalid, match="address"),
    ):
        escrow.organization()


def test_an_answer_with_an_unknown_field_is_refused() -> None:
    more = httpx.Response(200, json={**ORGANIZATION, "more": 1})
    with an_escrow(one_after_another(more)) as escrow, pytest.raises(ServiceAnswerInvalid):
        escrow.organization()


@pytest.mark.parametrize("url", ["http://escrow.test", "http://10.0.0.1:8000", "ftp://escrow.test", "escrow.test"])
def test_an_address_without_tls_is_refused(url: str) -> None:
    with pytest.raises(PlainHttpRefused):
        an_escrow(one_after_another(), url=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_plain_http_to_this_machine_is_accepted(url: str) -> None:
    with an_escrow(one_after_another(httpx.Response(200, json=ORGANIZATION)), url=url) as escrow:
        assert escrow.organization().name == "Acme"


def test_a_lost_connection_is_tried_again_with_growing_pauses() -> None:
    slept: list[float] = []
    answers = one_after_another(
        httpx.ConnectError("no"), httpx.ReadError("cut"), httpx.Response(200, json=ORGANIZATION)
    )
    with an_escrow(answers, slept=slept) as escrow:
        assert escrow.organization().name == "Acme"
    assert len(slept) == 2
    assert 0 < slept[0] < slept[1]


def test_the_service_says_how_long_to_wait() -> None:
    slept: list[float] = []
    wait = httpx.Response(429, headers={"Retry-After": "3"})
    with an_escrow(one_after_another(wait, httpx.Response(200, json=ORGANIZATION)), slept=slept) as escrow:
        escrow.organization()
    assert slept == [3.0]


def test_patience_ends() -> None:
    slept: list[float] = []
    with (
        an_escrow(one_after_another(*[httpx.ConnectError("no")] * 5), slept=slept) as escrow,
        pytest.raises(ServiceUnreachable, match="no connection"),
    ):
        escrow.organization()
    assert len(slept) == 4


def test_a_refusal_that_lasts_is_told_as_it_is() -> None:
    busy = [problem("busy", 503) for _ in range(5)]
    with an_escrow(one_after_another(*busy)) as escrow, pytest.raises(ServiceRefused) as caught:
        escrow.organization()
    assert caught.value.status == 503


def keys_sent(*answers: httpx.Response | Exception) -> list[str | None]:
    """Look an invitation up against these answers; give the idempotency key of each request."""
    answer, seen = one_after_another(*answers), []

    def noting(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Idempotency-Key"))
        return answer(request)

    with an_escrow(noting) as escrow:
        for _ in range(2):
            with pytest.raises(ServiceRefused):
                escrow.look_up(b"l" * 16)
    return seen


def test_a_request_that_may_have_been_acted_on_is_repeated_under_the_same_idempotency_key() -> None:
    absent = problem("not-found", 404)
    first, repeated, another = keys_sent(httpx.ReadError("cut"), absent, absent)
    assert first == repeated != another
    assert re.fullmatch(r'"[0-9a-f-]{36}"', first or "")


def test_a_request_that_still_runs_is_asked_about_again_under_the_same_idempotency_key() -> None:
    absent = problem("not-found", 404)
    first, repeated, another = keys_sent(problem("request-in-progress", 409), absent, absent)
    assert first == repeated != another


def test_only_a_post_carries_an_idempotency_key() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=ORGANIZATION)

    with an_escrow(answer) as escrow:
        escrow.organization()
    assert "Idempotency-Key" not in seen[0].headers


def test_an_untrusted_certificate_says_what_to_do() -> None:
    failure = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    with (
        an_escrow(one_after_another(failure)) as escrow,
        pytest.raises(ServiceUnreachable, match="--ca-file"),
    ):
        escrow.organization()


def test_a_port_without_tls_is_told_as_such() -> None:
    failure = httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    with (
        an_escrow(one_after_another(*[failure] * 9)) as escrow,
        pytest.raises(ServiceUnreachable, match="did not speak TLS"),
    ):
        escrow.organization()


def test_a_certificate_authority_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(CaFileInvalid, match="certificate authority"):
        Escrow("https://escrow.test", KEY, ca=tmp_path / "ca.pem")


@pytest.mark.parametrize("proxy", ["nonsense", "ftp://proxy.example"])
def test_a_proxy_that_cannot_be_is_refused_with_what_to_do(proxy: str) -> None:
    with pytest.raises(ProxyInvalid, match="http://host:port"):
        Escrow("https://escrow.example", "esk_key", proxy=proxy)


def test_pages_are_followed_by_their_cursor() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor")
        items = [{"number": 1 if cursor else 2, "made_at": "2026-11-21T10:00:00Z", "signed": None}]
        return httpx.Response(200, json={"items": items, "next": None if cursor else "abc"})

    with an_escrow(answer) as escrow:
        assert [item.number for item in escrow.releases(PARTNERSHIP)] == [2, 1]


def test_a_chunk_goes_up_as_it_is() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    with an_escrow(answer) as escrow:
        escrow.put_chunk(PARTNERSHIP, 3, 1, b"\x00chunk")
    assert seen[0].url.path == f"/v1/partnerships/{PARTNERSHIP}/submissions/3/chunks/1"
    assert seen[0].headers["Content-Type"] == "application/octet-stream"
    assert seen[0].content == b"\x00chunk"


def test_a_redirect_is_not_followed_with_the_key() -> None:
    answers = one_after_another(httpx.Response(307, headers={"Location": "https://elsewhere.test"}))
    with an_escrow(answers) as escrow, pytest.raises(ServiceAnswerInvalid):
        escrow.organization()


def test_terms_are_sent_in_words() -> None:
    seen: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        assert request.url.query == b"base=4"
        return httpx.Response(200, json={"number": 5, "ours": seen[0], "theirs": None, "effective": None})

    with an_escrow(answer) as escrow:
        document = escrow.set_terms(PARTNERSHIP, Terms(levels=uniform_levels(Level.COUNTS)), base=4)
    assert document.ours.value().levels == uniform_levels(Level.COUNTS)
    assert seen[0]["levels"][0] == {"ours": "customers", "theirs": "customers", "level": "counts"}  # type: ignore[index]


@pytest.mark.parametrize("number", [1, 2])
def test_pages_that_go_on_without_an_item_or_in_a_circle_are_not_followed(number: int) -> None:
    asked: list[httpx.Request] = []
    item = {"number": 1, "made_at": "2026-11-21T10:00:00Z", "signed": None}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"items": [item] * (number - 1), "next": "again"})

    with pytest.raises(ServiceAnswerInvalid, match="no end"):
        list(an_escrow(answer).releases(PARTNERSHIP))
    assert len(asked) == number
