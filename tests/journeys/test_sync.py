"""A changed line in one partner's CSV becomes a row and messages at the other, by webhooks over real sockets."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from escrow.client.sql import open_database
from escrow.errors import SinkFailed
from tests.journeys.programs import Partner, RunningService, eventually, free_port, start_service
from tests.postgres import Postgres

HEADER = "Account ID,Account Name,Website,Type,Account Owner\n"
OURS = HEADER + "001,Acme Rockets,acme-rockets.com,Opportunity,Ada\n002,Bolt Brothers,bolt.example.com,Customer,Ben\n"
THEIRS = HEADER + "R-7,ACME Rockets Inc,www.acme-rockets.com,Customer,Cem\nR-8,Dune,dune.example.com,Prospect,Dee\n"
OPEN = ("customers", "opportunities")
SINKS = """
[sinks.warehouse]
kind = "sql"
url = "env:WAREHOUSE"
[sinks.team]
kind = "slack"
url = "env:MESSAGES"
[listen]
secrets = ["env:WEBHOOK_SECRET"]
port = {port}
"""
#: Where the partner's own sink posts, and where the service posts for the partner.
OF_THE_SINK, OF_THE_SERVICE = "/services/T/B/of-the-sink", "/services/T/B/of-the-service"


@dataclass
class Chat:
    """What takes incoming webhooks of Slack's form; messages by the path they came to."""

    url: str = ""
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def texts(self, path: str) -> list[str]:
        return [message["text"] for to, message in self.heard if to == path]


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # a name that the base class looks for
            chat.heard.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        chat.url = f"http://127.0.0.1:{server.server_port}"
        yield chat
        server.shutdown()


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service that posts to this machine too."""
    quick = {"ESCROW_POLL_SECONDS": "0.05", "ESCROW_WEBHOOK_LOOPBACK": "true"}
    started = start_service(tmp_path, database_url, **quick)
    yield started
    started.stop()


@pytest.fixture
def warehouse(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the partner's own, of the kind that the service has."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'warehouse.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


def rows(url: str) -> list[tuple[str, str, str, list[dict[str, str]]]]:
    database = open_database(url, Path(), what="the test", error=SinkFailed)
    with database.transaction() as tx:
        _, found = tx.rows("SELECT crm_id, ours, theirs, shared FROM escrow_overlaps")
        return [(crm_id, ours, theirs, json.loads(shared)) for crm_id, ours, theirs, shared in found]


def add_endpoint(partner: Partner, url: str, *options: str) -> str:
    """Add an endpoint for changed overlaps; give its secret, of which an endpoint of a chat has none."""
    added = partner.run("webhook", "add", url, "--event", "overlaps.changed", *options)
    secret: str = added["secret"] or ""
    return secret


def endpoints(partner: Partner) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = partner.run("webhook", "list")["endpoints"]
    return found


def is_listening(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_a_changed_line_at_one_partner_becomes_a_row_and_messages_at_the_other(
    partners: tuple[Partner, Partner], tmp_path: Path, chat: Chat, warehouse: str
) -> None:
    left, right = partners
    list_of = {left.name: tmp_path / "left.csv", right.name: tmp_path / "right.csv"}
    list_of[left.name].write_text(OURS, encoding="utf-8")
    list_of[right.name].write_text(THEIRS, encoding="utf-8")
    for partner in partners:
        levels = [f"--level={ours}:{theirs}=details" for ours in OPEN for theirs in OPEN]
        partner.run("terms", "set", *levels, "--fields", "account_name,owner_name")
        partner.run("submit", list_of[partner.name], "--ready")
    project, port = tmp_path / "escrow.toml", free_port()
    project.write_text(SINKS.format(port=port), encoding="utf-8")
    secret = add_endpoint(right, f"http://127.0.0.1:{port}/webhooks")
    add_endpoint(right, chat.url + OF_THE_SERVICE, "--slack")
    secrets = {"WAREHOUSE": warehouse, "MESSAGES": chat.url + OF_THE_SINK, "WEBHOOK_SECRET": secret}
    listener = Partner(right.name, {**right.environment, **secrets}).start("listen", "--config", project)

    eventually(lambda: is_listening(port))
    for endpoint in endpoints(right):
        right.run("webhook", "confirm", endpoint["endpoint_id"])
    eventually(lambda: all(each["state"] == "enabled" for each in endpoints(right)))
    first = [("R-7", "customers", "opportunities")]
    eventually(lambda: chat.texts(OF_THE_SINK) and [row[:3] for row in rows(warehouse)] == first)
    assert chat.texts(OF_THE_SINK)[0] == "Larkfield: 1 account of ours overlaps"

    list_of[left.name].write_text(OURS.replace("Opportunity,Ada", "Customer,Zoë"), encoding="utf-8")
    left.run("submit", list_of[left.name])
    # From cron: details of where the account is now are asked for once it is matched there.
    shared = [{"account_name": "Acme Rockets", "owner_name": "Zoë"}]
    expected = [("R-7", "customers", "customers", shared)]
    eventually(lambda: left.run("sync") and rows(warehouse) == expected)
    # One sink after the other is written to: a listener that is stopped in between tells the others next time.
    eventually(lambda: any(text.startswith("Larkfield: overlapping accounts: 1 ") for text in chat.texts(OF_THE_SINK)))
    listener.send_signal(signal.SIGTERM)
    assert listener.wait(timeout=30) == 0
    eventually(lambda: "Overlaps with Larkfield changed." in chat.texts(OF_THE_SERVICE))
    told = json.dumps(chat.heard, ensure_ascii=False)
    assert "ACME Rockets Inc" in told
    assert "Zoë" not in told
