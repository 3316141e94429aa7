"""`escrow conformance run` passes our own service, and catches one that breaks a promise on the way."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from escrow.client.conformance.service import check_service
from escrow.psi.encoding import b64url, unb64url
from tests.journeys.programs import Partner, RunningService, bare_environment, of_the_client

Body = dict[str, Any]


def keys(service: RunningService) -> tuple[str, str]:
    """The API keys of two organizations; none of the checks needs a keyring."""
    for name in ("Left", "Right"):
        service.operate("organization", "add", name)
    left, right = (
        json.loads(service.operate("api-key", "add", name, "--json"))["api_key"] for name in ("Left", "Right")
    )
    return left, right


def test_our_own_service_keeps_the_protocol(service: RunningService) -> None:
    left, right = keys(service)
    settings = {
        "HOME": str(service.folder / "home"),
        "CONFORMANCE_LEFT_KEY": left,
        "CONFORMANCE_RIGHT_KEY": right,
    }
    environment = bare_environment() | {f"ESCROW_{name}": value for name, value in settings.items()}
    answer = Partner("caller", environment).run("conformance", "run", service.url)
    assert [check for check in answer["checks"] if not check["passed"]] == []
    assert all(check["section"] for check in answer["checks"])
    assert len(answer["checks"]) > 90


class Broken(httpx.BaseTransport):
    """Our service, with some answers of it put wrong on their way out."""

    def __init__(self) -> None:
        self._to = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._to.handle_request(request)
        answer.read()
        changes = [change for path, change in BREAKS if re.search(path, request.url.path)]
        if not (changes and answer.content):
            return answer
        body = json.loads(answer.content)
        for change in changes:
            change(body, request)
        return httpx.Response(answer.status_code, json=body)

    def close(self) -> None:
        self._to.close()


def _one_more_for_one_side(body: Body, request: httpx.Request) -> None:
    for cell in _listed(body, "cells"):
        if cell["number"] and request.headers["Authorization"].endswith(_RIGHT[0]):
            cell["number"] += 1


def _shows_withheld(body: Body, _: httpx.Request) -> None:
    for cell in _listed(body, "cells"):
        if cell["state"] == "withheld":
            cell |= {"state": "public", "number": 2}


def _tells_foreign(body: Body, request: httpx.Request) -> None:
    if body.get("code") == "not-found":
        body["detail"] = f"There is no {request.url.path}."


def _swaps_a_tag(body: Body, _: httpx.Request) -> None:
    if body.get("inviter_tag"):
        body["inviter_tag"] = "A" * 43


def _ages_an_envelope(body: Body, _: httpx.Request) -> None:
    for item in _listed(body, "items")[:1]:
        item["submission"] -= 1


def _changes_a_wrap(body: Body, _: httpx.Request) -> None:
    for item in _listed(body, "items")[1:2]:
        envelope = unb64url(item["envelope"])
        item["envelope"] = b64url(envelope[:-1] + bytes([envelope[-1] ^ 1]))


def _listed(body: Body, name: str) -> list[Body]:
    listed = body.get(name)
    return listed if isinstance(listed, list) else []


_RIGHT = [""]
Change = Callable[[Body, httpx.Request], None]
BREAKS: tuple[tuple[str, Change], ...] = (
    (r"/releases/", _one_more_for_one_side),
    (r"/releases/", _shows_withheld),
    (r"/v1/partnerships/", _tells_foreign),
    (r"/pairing$", _swaps_a_tag),
    (r"/details$", _ages_an_envelope),
    (r"/details$", _changes_a_wrap),
)


@of_the_client
def test_a_service_that_breaks_promises_is_caught_at_each_and_at_no_other(service: RunningService) -> None:
    left, right = keys(service)
    _RIGHT[0] = right[-7:]
    found = list(check_service(service.url, left, right, seconds=90, transport=Broken()))
    failed = Counter(re.sub(r":.*|\d+", "", finding.name) for finding in found if not finding.passed)
    assert failed == {
        "the two reports are transposes": 1,
        "nothing below the threshold is shown": 1,
        "two shared accounts are withheld": 1,
        "foreign is absent": 8,
        "the inviter's tag is served as sent": 1,
        "an envelope of  bytes opens where it is served": 2,
    }
