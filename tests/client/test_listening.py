"""`escrow listen`: nothing unsigned is believed, nothing is done twice, nothing that was answered is forgotten."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from standardwebhooks import Webhook

from escrow import wire
from escrow.client.inbox import KEPT, Inbox
from escrow.client.listening import listening
from escrow.client.receiving import LARGEST_BODY, Receiver, Reply
from escrow.deliveries.rendering import is_echo
from escrow.errors import AddressUnusable
from escrow.signing import SigningSecret, sign
from tests.client.fake_service import FakeService
from tests.client.terminals import Partners
from tests.client.test_sync_command import SINKS, overlapping, warehouse

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
PARTNERSHIP = UUID("33333333-3333-4333-8333-333333333333")
SECRET = SigningSecret(b"s" * 32)
OLD_SECRET = SigningSecret(b"o" * 32)


@dataclass
class Clock:
    now: datetime = NOW


@dataclass
class Receiving:
    """A receiver whose messages an independent implementation signs."""

    folder: Path
    clock: Clock = field(default_factory=Clock)

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.folder / "webhooks.sqlite")

    @property
    def receiver(self) -> Receiver:
        return Receiver([SECRET, OLD_SECRET], self.inbox, lambda: self.clock.now)

    def send(self, message: object, id_: str = "msg_1", *, secret: SigningSecret = SECRET) -> Reply:
        body = json.dumps(message).encode()
        return self.receiver.receive(signed(body, id_, secret=secret, at=self.clock.now), body)


def signed(body: bytes, id_: str, *, secret: SigningSecret = SECRET, at: datetime = NOW) -> dict[str, str]:
    signature = Webhook(secret.presented).sign(id_, at, body.decode())
    return {"Webhook-Id": id_, "Webhook-Timestamp": str(int(at.timestamp())), "Webhook-Signature": signature}


def changed(partnership_id: UUID = PARTNERSHIP) -> dict[str, object]:
    return {"type": "overlaps.changed", "partnership_id": str(partnership_id), "data": {}}


@pytest.fixture
def receiving(tmp_path: Path) -> Receiving:
    return Receiving(tmp_path)


def test_a_message_is_a_sync_that_is_due_and_the_same_again_is_none(receiving: Receiving) -> None:
    assert receiving.send(changed()) == Reply(204, b"", True)
    assert receiving.send(changed()) == Reply(204, b"", False)
    until, due = receiving.inbox.due()
    assert due == (PARTNERSHIP,)
    receiving.inbox.done(PARTNERSHIP, until)
    assert receiving.inbox.due() == (0, ())


def test_what_comes_while_a_sync_runs_is_another_sync(receiving: Receiving) -> None:
    receiving.send(changed())
    until, _ = receiving.inbox.due()
    receiving.send(changed(), "msg_2")
    receiving.inbox.done(PARTNERSHIP, until)
    assert receiving.inbox.due()[1] == (PARTNERSHIP,)


def test_an_event_of_a_type_that_is_not_known_is_a_sync_too(receiving: Receiving) -> None:
    assert receiving.send({**changed(), "type": "weather.changed", "sun": "out"}).is_new
    assert receiving.inbox.due()[1] == (PARTNERSHIP,)


def test_a_message_is_known_for_fourteen_days(receiving: Receiving) -> None:
    receiving.send(changed())
    receiving.clock.now = NOW + KEPT
    assert not receiving.send(changed()).is_new
    receiving.clock.now = NOW + KEPT + timedelta(seconds=1)
    assert receiving.send(changed()).is_new


def test_nothing_is_believed_without_a_signature_that_fits_the_bytes(receiving: Receiving) -> None:
    body = json.dumps(changed()).encode()
    headers = signed(body, "msg_1")
    assert receiving.receiver.receive(headers, body + b" ").status == 401
    assert receiving.receiver.receive({}, body).status == 401
    assert receiving.send(changed(), secret=SigningSecret(b"x" * 32)).status == 401
    receiving.clock.now = NOW + timedelta(minutes=6)
    assert receiving.receiver.receive(headers, body).status == 401
    assert receiving.inbox.due() == (0, ())


def test_the_secret_that_is_replaced_holds_until_it_is_taken_out(receiving: Receiving) -> None:
    assert receiving.send(changed(), secret=OLD_SECRET).is_new


def test_a_challenge_is_answered_with_what_it_asks_for_and_is_no_sync(receiving: Receiving) -> None:
    asked = {"type": "endpoint.challenge", "data": {"challenge": "k2gtRxT0i9U"}}
    assert receiving.send(asked) == Reply(200, b'{"challenge": "k2gtRxT0i9U"}')
    assert receiving.send({"type": "endpoint.challenge", "data": {"challenge": "x" * 999}}).status == 400
    assert receiving.inbox.due() == (0, ())


def test_what_the_service_posts_is_understood(receiving: Receiving) -> None:
    id_ = UUID(int=7)
    challenge = wire.ChallengeMessage(
        id=id_, type="endpoint.challenge", occurred_at=NOW, data=wire.Challenge(challenge="k2gtRxT0i9U")
    )
    event = wire.read_event(
        {
            "number": 1,
            "id": id_,
            "type": "overlaps.changed",
            "occurred_at": NOW,
            "partnership_id": PARTNERSHIP,
            "data": {"after": 1, "through": 2, "reset": False},
        }
    )
    for message in (challenge, event):
        body = message.model_dump_json().encode()
        reply = receiving.receiver.receive(sign(body, message_id=str(id_), secrets=[SECRET], at=NOW), body)
        assert is_echo("k2gtRxT0i9U", reply.body) == (message is challenge)
    assert receiving.inbox.due()[1] == (PARTNERSHIP,)


@pytest.mark.parametrize("message", [[], "text", {"type": "endpoint.disabled"}, {"partnership_id": "no id"}])
def test_what_says_nothing_of_a_partnership_is_no_sync(receiving: Receiving, message: object) -> None:
    assert receiving.send(message).status in {204, 400}
    assert receiving.inbox.due() == (0, ())


@pytest.fixture
def listener(receiving: Receiving) -> Iterator[str]:
    woken = threading.Event()
    with listening("127.0.0.1", 0, receiving.receiver, woken.set) as port:
        yield f"http://127.0.0.1:{port}"


def test_only_small_posts_to_the_path_are_read(listener: str) -> None:
    with httpx.Client(base_url=listener, trust_env=False) as http:
        body = json.dumps(changed()).encode()
        assert http.post("/webhooks", content=body, headers=signed(body, "msg_1")).status_code == 204
        assert http.post("/webhooks", content=body).status_code == 401
        assert http.post("/elsewhere", content=body, headers=signed(body, "msg_2")).status_code == 404
        assert http.post("/webhooks", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
        assert http.get("/webhooks").status_code == 501
        assert http.post("/webhooks", content=iter([body])).status_code == 411


@pytest.mark.parametrize("port", ["taken", 70_000])
def test_an_address_that_cannot_be_listened_on_is_told(receiving: Receiving, listener: str, port: int | str) -> None:
    taken = int(listener.rpartition(":")[2]) if port == "taken" else int(port)
    with pytest.raises(AddressUnusable, match="--port"), listening("127.0.0.1", taken, receiving.receiver, print):
        pass


def test_a_sender_that_breaks_off_is_not_waited_for(listener: str) -> None:
    host, _, port = listener.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /webhooks HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.0 400")


def test_a_webhook_is_a_sync_of_its_partnership(
    paired: Partners, export: Path, service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    partner = paired[0]
    partner("submit", export)
    Path("escrow.toml").write_text(SINKS + '[listen]\nsecrets = ["env:WEBHOOK"]\n', encoding="utf-8")
    overlapping(partner, service, "001")
    environment = {**os.environ, "ESCROW_HOME": str(partner.home), "WEBHOOK": SECRET.presented}
    command = [sys.executable, "-c", "from escrow.client.cli import main; main()", "listen", "--port", "0", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        found = re.search(rb"http://\S+", running.stderr.readline())
        assert found is not None
        first = json.loads(running.stdout.readline())
        overlapping(partner, service, "001", "002")
        body = json.dumps(changed(next(iter(service.deals)))).encode()
        headers = signed(body, "msg_1", at=datetime.now(UTC))
        assert httpx.post(found[0].decode(), content=body, headers=headers, trust_env=False).status_code == 204
        second = json.loads(running.stdout.readline())
        running.send_signal(signal.SIGTERM)
        running.stdout.read()
    assert (first["overlapping"], second["overlapping"], running.returncode) == (1, 2, 0)
    assert [crm_id for crm_id, _, _ in warehouse()] == ["001", "002"]
