"""`escrow conformance run` passes our own service, and catches one that breaks a promise on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import httpx
import pytest

from escrow.client.conformance.service import check_service
from tests.journeys.programs import RunningService, new_partner, of_the_client

Body = dict[str, object]


def keys(service: RunningService) -> tuple[str, str]:
    left, right = (new_partner(service, name).environment["ESCROW_API_KEY"] for name in ("Left", "Right"))
    return left, right


class Broken(httpx.BaseTransport):
    """Our service, with one answer of it put wrong on its way out."""

    def __init__(self, path: str, change: Callable[[Body, httpx.Request], None]) -> None:
        self._path, self._change, self._to = re.compile(path), change, httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._to.handle_request(request)
        answer.read()
        if not (self._path.search(request.url.path) and answer.content):
            return answer
        body = json.loads(answer.content)
        self._change(body, request)
        return httpx.Response(answer.status_code, json=body)

    def close(self) -> None:
        self._to.close()


def test_our_own_service_keeps_the_protocol(service: RunningService) -> None:
    left, right = keys(service)
    found = list(check_service(service.url, left, right, seconds=90))
    assert [finding for finding in found if not finding.passed] == []
    assert len(found) > 50


def _one_more(body: Body, request: httpx.Request) -> None:
    cells = body.get("cells")
    if isinstance(cells, list) and request.headers["Authorization"].endswith(_LAST[0]):
        for cell in cells:
            cell["number"] = cell["number"] + 1 if cell["number"] else cell["number"]


def _tells_foreign(body: Body, request: httpx.Request) -> None:
    if body.get("code") == "not-found":
        body["detail"] = f"There is no {request.url.path}."


def _shows_withheld(body: Body, _: httpx.Request) -> None:
    cells = body.get("cells")
    for cell in cells if isinstance(cells, list) else ():
        if cell["state"] == "withheld":
            cell |= {"state": "public", "number": 2}


def _swaps_a_tag(body: Body, _: httpx.Request) -> None:
    if body.get("inviter_tag"):
        body["inviter_tag"] = "A" * 43


_LAST = [""]
BREAKS = {
    "the two reports are transposes": (r"/releases/", _one_more),
    "foreign is absent": (r"/v1/partnerships/", _tells_foreign),
    "nothing below the threshold is shown": (r"/releases/", _shows_withheld),
    "the inviter's tag is served as sent": (r"/pairing$", _swaps_a_tag),
}


@of_the_client
@pytest.mark.parametrize("caught", BREAKS)
def test_a_service_that_breaks_a_promise_is_caught(service: RunningService, caught: str) -> None:
    left, right = keys(service)
    _LAST[0] = right[-7:]
    found = list(check_service(service.url, left, right, seconds=90, transport=Broken(*BREAKS[caught])))
    assert any(finding.name.startswith(caught) for finding in found if not finding.passed)


@of_the_client
def test_the_command_says_what_it_found_and_leaves_nothing_open(service: RunningService) -> None:
    left, right = new_partner(service, "Left"), new_partner(service, "Right")
    names = {"LEFT": left, "RIGHT": right}
    settings = {f"ESCROW_CONFORMANCE_{side}_KEY": who.environment["ESCROW_API_KEY"] for side, who in names.items()}
    caller = type(left)("caller", {**left.environment, **settings})
    answer = caller.run("conformance", "run", service.url)
    assert answer["failed"] == 0
    assert all(check["section"] for check in answer["checks"])
