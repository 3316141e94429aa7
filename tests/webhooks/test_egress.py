"""Posts go to permitted addresses alone, and end in time, whatever the receiver does; over real sockets."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from escrow.store.states import AttemptOutcome
from escrow.webhooks.egress import Answer, Egress, EgressLimits, Posting, Resolve, is_of_this_machine
from escrow.webhooks.targets import Address, EgressRule, Target
from tests.webhooks.receivers import LOOPBACK, Behave, Posted, answers, certified, receiving, resolves

DEVELOPING = EgressRule(ports=frozenset(range(1, 65_536)), allows_loopback=True)
QUICK = EgressLimits(connect=0.5, read=0.5, total=1)
EMPTY = Posting(b"{}")
NOT_LOOPBACK = ip_address("10.0.0.1")


def post(
    url: str, *, rule: EgressRule = DEVELOPING, resolve: Resolve | None = None, answer_bytes: int = 0
) -> Answer | AttemptOutcome | None:
    """Post an empty object."""
    return Egress(rule, QUICK, resolve=resolve).post(Target.parse(url, rule), lambda: EMPTY, answer_bytes=answer_bytes)


def posted_to(behave: Behave, *, answer_bytes: int = 0) -> Answer | AttemptOutcome | None:
    """Post to a receiver that behaves like this."""
    with receiving(behave) as receiver:
        return post(receiver.url, answer_bytes=answer_bytes)


def test_a_body_arrives_as_it_was_given_with_its_headers() -> None:
    with receiving(answers(204)) as receiver:
        egress = Egress(DEVELOPING, QUICK)
        answer = egress.post(
            Target.parse(receiver.url, DEVELOPING), lambda: Posting(b'{"a":1}', {"webhook-id": "evt_1"})
        )
    assert answer == Answer(204)
    assert receiver.posted[0].body == b'{"a":1}'
    assert receiver.posted[0].headers["webhook-id"] == "evt_1"
    assert receiver.posted[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_name_is_connected_to_at_the_address_that_was_checked_and_has_to_show_its_certificate(
    tmp_path: Path,
) -> None:
    server, client = certified(tmp_path)
    with receiving(answers(200), tls=server) as receiver:
        egress = Egress(DEVELOPING, QUICK, resolve=resolves(LOOPBACK), tls=client)
        right = Target.parse(f"https://hooks.example.com:{receiver.port}/", DEVELOPING)
        assert egress.post(right, lambda: EMPTY) == Answer(200)
        wrong = Target.parse(f"https://others.example.com:{receiver.port}/", DEVELOPING)
        assert egress.post(wrong, lambda: EMPTY) is AttemptOutcome.TLS
    assert [each.headers["host"] for each in receiver.posted] == [f"hooks.example.com:{receiver.port}"]


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server, _ = certified(tmp_path)
    with receiving(answers(200), tls=server) as receiver:
        url = f"https://hooks.example.com:{receiver.port}/"
        assert post(url, resolve=resolves(LOOPBACK)) is AttemptOutcome.TLS
    assert receiver.posted == []


def test_plain_http_where_tls_is_expected_is_a_failure_of_tls() -> None:
    def speak_first(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                speak_first(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"https://hooks.example.com:{listener.getsockname()[1]}/"
        assert post(url, resolve=resolves(LOOPBACK)) is AttemptOutcome.TLS
        thread.join()


class Rebinding:
    """A resolver that answers with a public address when it is looked at, and with loopback from then on."""

    def __init__(self, *answers: Sequence[Address]) -> None:
        self.asked = 0
        self._answers = answers

    def __call__(self, _host: str) -> Sequence[Address]:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


def test_a_name_that_rebinds_never_reaches_a_private_address() -> None:
    with receiving(answers(200)) as receiver:
        rule = EgressRule(ports=frozenset({receiver.port}))
        resolver = Rebinding([ip_address("192.0.2.1")], [LOOPBACK])
        target = Target.parse(f"https://hooks.example.com:{receiver.port}/", rule)
        egress = Egress(rule, QUICK, resolve=resolver)
        assert [egress.post(target, lambda: EMPTY) for _ in range(3)] == [AttemptOutcome.FORBIDDEN] * 3
        assert resolver.asked == 3
    assert receiver.posted == []


def test_a_name_is_resolved_once_for_each_post() -> None:
    with receiving(answers(200)) as receiver:
        resolver = Rebinding([LOOPBACK], [NOT_LOOPBACK])
        egress = Egress(DEVELOPING, QUICK, resolve=resolver)
        assert egress.post(Target.parse(receiver.url, DEVELOPING), lambda: EMPTY) == Answer(200)
    assert resolver.asked == 1


@pytest.mark.parametrize("denied", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"])
def test_one_denied_address_among_others_denies_the_name(denied: str) -> None:
    resolve = resolves(ip_address("8.8.8.8"), ip_address(denied))
    assert post("https://hooks.example.com/", rule=EgressRule(), resolve=resolve) is AttemptOutcome.FORBIDDEN


def test_this_machine_is_known_by_its_own_addresses() -> None:
    assert is_of_this_machine(LOOPBACK)
    assert not is_of_this_machine(ip_address("8.8.8.8"))


def test_a_name_without_an_address_is_unresolved() -> None:
    def fail(_host: str) -> Sequence[Address]:
        raise OSError

    assert post("https://hooks.example.com/", resolve=fail) is AttemptOutcome.UNRESOLVED


def test_a_resolver_that_never_answers_is_waited_for_no_longer_than_the_limit() -> None:
    over = threading.Event()

    def hang(_host: str) -> Sequence[Address]:
        over.wait()
        return ()

    assert post("https://hooks.example.com/", resolve=hang) is AttemptOutcome.TIMEOUT
    over.set()


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert post(f"http://127.0.0.1:{port}/") is AttemptOutcome.UNREACHABLE


def reset(connection: socket.socket, _posted: Posted) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(_connection: socket.socket, _posted: Posted) -> None:
    return


def garble(connection: socket.socket, _posted: Posted) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def keep_silent(connection: socket.socket, _posted: Posted) -> None:
    connection.recv(1)


def drip_head(connection: socket.socket, _posted: Posted) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x: y\r\n")
        time.sleep(0.05)


def drip_informational(connection: socket.socket, _posted: Posted) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (reset, {AttemptOutcome.UNREACHABLE}),
        (hang_up, {AttemptOutcome.GARBLED, AttemptOutcome.UNREACHABLE}),
        (garble, {AttemptOutcome.GARBLED}),
        (keep_silent, {AttemptOutcome.TIMEOUT}),
        (drip_head, {AttemptOutcome.TIMEOUT}),
        (drip_informational, {AttemptOutcome.TIMEOUT}),
    ],
)
def test_a_hostile_receiver_costs_one_attempt_and_no_more_than_its_time(
    behave: Behave, outcome: set[AttemptOutcome]
) -> None:
    assert posted_to(behave) in outcome


def endless_body(connection: socket.socket, _posted: Posted) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


def drip_body(connection: socket.socket, _posted: Posted) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def test_of_an_endless_body_nothing_is_read_or_as_much_as_was_asked_for() -> None:
    assert posted_to(endless_body) == Answer(200)
    assert posted_to(endless_body, answer_bytes=10) == Answer(200, body=b"x" * 10)


def test_a_body_that_drips_is_not_waited_for_unless_asked_for_and_then_no_longer_than_the_limit() -> None:
    assert posted_to(drip_body) == Answer(200)
    assert posted_to(drip_body, answer_bytes=10_000) is AttemptOutcome.TIMEOUT


def test_a_redirect_is_not_followed() -> None:
    with receiving(answers(200)) as other:
        assert posted_to(answers(307, f"Location: {other.url}")) == Answer(307)
    assert other.posted == []


def test_a_proxy_of_the_environment_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(answers(418)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert posted_to(answers(200)) == Answer(200)
    assert proxy.posted == []


def test_what_came_back_is_not_printed() -> None:
    assert "secret" not in repr(posted_to(answers(200, "Retry-After: secret", body=b"secret"), answer_bytes=100))


def test_what_is_posted_is_made_once_the_connection_stands_and_may_be_nothing() -> None:
    def fail() -> Posting:
        raise AssertionError

    assert Egress(DEVELOPING, QUICK).post(Target.parse("http://127.0.0.1:1/", DEVELOPING), fail) is (
        AttemptOutcome.UNREACHABLE
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert Egress(DEVELOPING, QUICK).post(Target.parse(url, DEVELOPING), lambda: None) is None
        with listener.accept()[0] as connection:
            assert connection.recv(1) == b""
