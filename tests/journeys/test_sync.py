"""A changed line in one partner's CSV becomes a row in the other's SQL table and a message, over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from escrow.client.sql import open_database
from escrow.errors import SinkFailed
from tests.journeys.programs import Partner, eventually
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
"""


@dataclass
class Messages:
    """What takes incoming webhooks of Slack's form."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def messages() -> Iterator[Messages]:
    messages = Messages()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # a name that the base class looks for
            messages.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        messages.url = f"http://127.0.0.1:{server.server_port}/services/T/B/secret"
        yield messages
        server.shutdown()


@pytest.fixture
def warehouse(empty_database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the partner's own, of the kind that the service has."""
    if empty_database_url.startswith("sqlite"):
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


def test_a_changed_line_at_one_partner_becomes_a_row_and_a_message_at_the_other(
    partners: tuple[Partner, Partner], tmp_path: Path, messages: Messages, warehouse: str
) -> None:
    left, right = partners
    list_of = {left.name: tmp_path / "left.csv", right.name: tmp_path / "right.csv"}
    list_of[left.name].write_text(OURS, encoding="utf-8")
    list_of[right.name].write_text(THEIRS, encoding="utf-8")
    for partner in partners:
        levels = [f"--level={ours}:{theirs}=details" for ours in OPEN for theirs in OPEN]
        partner.run("terms", "set", *levels, "--fields", "account_name,owner_name")
        partner.run("submit", list_of[partner.name], "--ready")
    project = tmp_path / "escrow.toml"
    project.write_text(SINKS, encoding="utf-8")
    reader = Partner(right.name, {**right.environment, "WAREHOUSE": warehouse, "MESSAGES": messages.url})
    sync = ("sync", "--once", "--config", project)

    eventually(lambda: reader.run(*sync)["overlapping"])
    assert [(row[0], row[1], row[2]) for row in rows(warehouse)] == [("R-7", "customers", "opportunities")]
    assert messages.heard[0]["text"] == "Larkfield: 1 accounts of ours overlap"

    list_of[left.name].write_text(OURS.replace("Opportunity,Ada", "Customer,Zoë"), encoding="utf-8")
    left.run("submit", list_of[left.name])
    shared = [{"account_name": "Acme Rockets", "owner_name": "Zoë"}]
    # Both run from cron: details of where the account is now are asked for once it is matched there.
    expected = [("R-7", "customers", "customers", shared)]
    eventually(lambda: left.run("sync") and reader.run(*sync) and rows(warehouse) == expected)
    assert messages.heard[-1]["text"].startswith("Larkfield: overlapping accounts: 1 ")
    assert "ACME Rockets Inc" in json.dumps(messages.heard[-1])
    assert "Zoë" not in json.dumps(messages.heard, ensure_ascii=False)
