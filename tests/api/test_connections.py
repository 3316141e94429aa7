"""Clients that are slow, many or unknown, on real sockets: none of them keeps the service from the others."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.api.serving import Served, served

SECONDS = 0.4
PATIENCE = 30.0


@pytest.fixture
def impatient(migrated_file: Path, tmp_path: Path) -> Iterator[Served]:
    """A service that waits for nobody and takes four connections at once."""
    limits = {"header_seconds": SECONDS, "body_seconds": SECONDS, "connections": 4, "idle_seconds": 1}
    file = shutil.copy(migrated_file, tmp_path / "escrow.sqlite")
    with served(f"sqlite:///{file}", tmp_path, limits=limits) as running:
        yield running


@contextmanager
def connected(api: Served) -> Iterator[socket.socket]:
    url = api.nobody.base_url
    with socket.create_connection((url.host, url.port), timeout=PATIENCE) as connection:
        yield connection


def answered(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read until the service closes."""
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, body


def key_of(api: Served) -> str:
    return str(api.left.http.headers["authorization"])


def announcing(authorization: str, *, length: int) -> bytes:
    return (
        f"POST /v1/partnerships HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def drip(connection: socket.socket) -> None:
    """Send a byte now and then until the service has had enough."""
    connection.settimeout(SECONDS / 4)
    while True:
        try:
            if connection.recv(1, socket.MSG_PEEK) is not None:
                break
        except TimeoutError:
            connection.sendall(b"x")
    connection.settimeout(PATIENCE)


def test_who_drips_headers_is_answered_408_and_cut_off(impatient: Served) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        drip(connection)
        status, headers, body = answered(connection)
    assert (status, headers["connection"], json.loads(body)["code"]) == (408, "close", "request-too-slow")


def test_who_sends_nothing_is_cut_off(impatient: Served) -> None:
    with connected(impatient) as connection:
        assert answered(connection)[0] == 408


def test_who_drips_headers_of_a_second_request_is_cut_off_too(impatient: Served) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        received = connection.recv(65_536)
        while piece := connection.recv(65_536):
            received += piece
    assert b"HTTP/1.1 408" in received


def test_who_drips_a_body_is_answered_408_and_cut_off(impatient: Served) -> None:
    with connected(impatient) as connection:
        connection.sendall(announcing(key_of(impatient), length=1_000))
        drip(connection)
        status, headers, body = answered(connection)
    assert (status, json.loads(body)["code"]) == (408, "request-too-slow")
    assert headers["x-request-id"]


@pytest.mark.parametrize("authorization", ["Bearer esk_x", "Basic eDp5", ""])
def test_nothing_is_read_of_a_body_before_the_key_is_known(impatient: Served, authorization: str) -> None:
    """The answer comes although the body does not; then the connection is closed."""
    with connected(impatient) as connection:
        connection.sendall(announcing(authorization, length=1_000))
        status, headers, body = answered(connection)
    assert (status, json.loads(body)["code"]) == (401, "not-authenticated")
    assert headers["www-authenticate"] == "Bearer"


def test_a_connection_too_many_is_answered_503_and_when_to_come_back(impatient: Served) -> None:
    with ExitStack() as held:
        held.enter_context(slow_requests(impatient, 4))
        last = held.enter_context(connected(impatient))
        last.sendall(b"GET /v1/service HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        status, headers, body = answered(last)
    assert (status, headers["retry-after"], json.loads(body)["code"]) == (503, "1", "service-busy")


@contextmanager
def slow_requests(api: Served, number: int) -> Iterator[None]:
    """Hold requests whose bodies do not come."""
    with ExitStack() as held:
        for _ in range(number):
            connection = held.enter_context(connected(api))
            connection.sendall(announcing(key_of(api), length=1_000))
        yield


def test_a_request_too_many_is_answered_503_and_health_checks_are_answered_still(
    migrated_file: Path, tmp_path: Path
) -> None:
    file = shutil.copy(migrated_file, tmp_path / "escrow.sqlite")
    limits = {"concurrent_requests": 1, "body_seconds": 20.0}
    with served(f"sqlite:///{file}", tmp_path, limits=limits) as api, slow_requests(api, 1):
        answers = iter(lambda: api.left.http.get("/v1/service"), None)
        busy = next(answer for answer in answers if answer.status_code != 200)
        assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (503, "service-busy", "1")
        assert api.nobody.get("/healthz").status_code == 200
        assert api.nobody.get("/readyz").status_code == 200


def requests_logged(api: Served, number: int) -> list[tuple[str, str | None, str]]:
    """Wait for the lines, which are written after the answers."""
    for _ in range(500):
        lines = [json.loads(line) for line in api.log.read_text().splitlines()]
        told = [(each["route"], each["organization_id"], each["client"]) for each in lines if "route" in each]
        if len(told) >= number:
            return told
        time.sleep(0.01)
    raise AssertionError(lines)


def test_a_request_is_logged_with_who_sent_it_and_without_its_address(impatient: Served) -> None:
    impatient.left.http.get(f"/v1/partnerships/{impatient.left.organization_id}?cursor=canary")
    impatient.nobody.get("/v1/service")
    told = requests_logged(impatient, 2)
    own = str(impatient.left.organization_id)
    assert told[0] == ("/v1/partnerships/{partnership_id}", own, "127.0.0.1")
    assert told[1] == ("/v1/service", None, "127.0.0.1")
    assert "canary" not in impatient.log.read_text()
