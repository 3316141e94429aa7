"""Submissions over HTTP: chunks in any order and any number of times, nothing half-applied, nothing repeated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from escrow.psi.encoding import b64url
from tests.api.serving import Served
from tests.api.uploading import OCTETS, Upload, snapshot


def test_a_list_is_uploaded_chunk_by_chunk(api: Served) -> None:
    upload = snapshot(api.active())
    announced = upload.announce(api.left.http)
    assert (announced.status_code, announced.json()["state"]) == (201, "uploading")
    assert announced.json()["missing"] == [0, 1, 2]
    for position in (2, 0):
        assert upload.put(api.left.http, position).status_code == 204
    assert api.left.http.get(upload.url).json()["missing"] == [1]
    assert upload.put(api.left.http, 1).status_code == 204
    completed = upload.complete(api.left.http)
    assert (completed.status_code, completed.json()["state"], completed.json()["missing"]) == (202, "received", [])


def test_a_submission_said_again_gets_the_same_answer(api: Served) -> None:
    upload = snapshot(api.active())
    first = upload.send(api.left.http).json()
    assert upload.announce(api.left.http).json() == first
    assert upload.put(api.left.http, 0).status_code == 204
    assert upload.complete(api.left.http).json() == first


def test_requests_at_the_same_time_wait_for_each_other(api: Served) -> None:
    upload = snapshot(api.active(), rows=range(1, 37))
    with ThreadPoolExecutor(8) as threads:
        announced = list(threads.map(upload.announce, [api.left.http] * 8))
        assert {answer.status_code for answer in announced} == {201}
        positions = [*range(len(upload.chunks))] * 2
        put = list(threads.map(lambda position: upload.put(api.left.http, position), positions))
        assert {answer.status_code for answer in put} == {204}
        completed = list(threads.map(upload.complete, [api.left.http] * 8))
    assert {(answer.status_code, answer.json()["state"]) for answer in completed} == {(202, "received")}


def test_a_submission_is_complete_when_no_chunk_is_missing(api: Served) -> None:
    upload = snapshot(api.active())
    upload.announce(api.left.http)
    upload.put(api.left.http, 1)
    refused = upload.complete(api.left.http)
    assert (refused.status_code, refused.json()["code"], refused.json()["missing"]) == (409, "chunks-missing", [0, 2])


def test_a_submission_on_a_wrong_base_is_told_the_right_one(api: Served) -> None:
    refused = snapshot(api.active(), number=3, base=2).announce(api.left.http)
    assert (refused.status_code, refused.json()["code"]) == (409, "submission-base-wrong")
    assert (refused.json()["last_number"], refused.json()["applied_number"]) == (0, 0)


def test_the_next_submission_waits_until_this_one_is_applied(api: Served) -> None:
    address = api.active()
    snapshot(address).send(api.left.http)
    refused = snapshot(address, number=2, base=1).announce(api.left.http)
    assert (refused.status_code, refused.json()["code"]) == (409, "submission-in-progress")
    assert refused.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"profile": "escrow-0"}, 422, "profile-mismatch"),
        ({"generation": 1}, 422, "generation-mismatch"),
        ({"suite": 2}, 422, "generation-mismatch"),
        ({"digest": b64url(bytes(32))}, 422, "submission-digest-wrong"),
        ({"accounts": 5_000_001}, 422, "submission-too-large"),
        ({"accounts": 2**31}, 422, "request-invalid"),
        ({"chunks": ["AA"]}, 422, "request-invalid"),
        ({"chunks": [b64url(bytes(32))] * 1_025}, 422, "request-invalid"),
        ({"number": 0}, 422, "request-invalid"),
        ({"type": "patch"}, 422, "request-invalid"),
    ],
)
def test_an_announcement_that_does_not_hold_together_is_refused(
    shared_api: Served, change: dict[str, Any], status: int, code: str
) -> None:
    upload = snapshot(shared_api.active())
    changed = Upload(upload.address, upload.announcement | change, upload.chunks)
    refused = changed.announce(shared_api.left.http)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert shared_api.left.http.get(upload.url).status_code == 404


@pytest.mark.parametrize(
    ("number", "position", "status", "code"),
    [
        (1, 0, 422, "chunk-digest-mismatch"),
        (1, 3, 404, "not-found"),
        (2, 0, 404, "not-found"),
        (1, 9999, 404, "not-found"),
    ],
)
def test_a_chunk_goes_to_its_own_place(shared_api: Served, number: int, position: int, status: int, code: str) -> None:
    upload = snapshot(shared_api.active())
    upload.announce(shared_api.left.http)
    url = f"{upload.address}/submissions/{number}/chunks/{position}"
    refused = shared_api.left.http.put(url, content=upload.chunks[1], headers=OCTETS)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


@pytest.mark.parametrize("content", [b"", b"ESCK", b"x" * 100, bytes(16)])
def test_bytes_that_are_no_chunk_are_refused(shared_api: Served, content: bytes) -> None:
    upload = snapshot(shared_api.active())
    upload.announce(shared_api.left.http)
    refused = shared_api.left.http.put(f"{upload.url}/chunks/0", content=content, headers=OCTETS)
    assert (refused.status_code, refused.json()["code"]) == (422, "records-invalid")
    assert shared_api.left.http.get(upload.url).json()["missing"] == [0, 1, 2]


def test_a_truncated_chunk_is_refused(shared_api: Served) -> None:
    upload = snapshot(shared_api.active())
    upload.announce(shared_api.left.http)
    cut = upload.chunks[0][:-1]
    refused = shared_api.left.http.put(f"{upload.url}/chunks/0", content=cut, headers=OCTETS)
    assert (refused.status_code, refused.json()["code"]) == (422, "records-invalid")


def test_the_partner_does_not_see_a_submission(api: Served) -> None:
    upload = snapshot(api.active())
    upload.send(api.left.http)
    assert api.right.http.get(upload.url).status_code == 404
    assert upload.put(api.right.http, 0).status_code == 404


def test_lists_go_to_active_partnerships_only(api: Served) -> None:
    address, _ = api.invited()
    refused = snapshot(address).announce(api.left.http)
    assert (refused.status_code, refused.json()["code"]) == (409, "partnership-not-active")
