"""The receiver of the page on webhooks works as it stands there, and so does the signature by hand."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from escrow.signing import SigningSecret, sign
from escrow.store.database import Database
from escrow.store.states import DeliveryState, EndpointState
from escrow.webhooks.egress import Egress, EgressLimits
from tests.deliveries.posting import DEVELOPING, Desk, desk_of
from tests.partnership_makers import NOON

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def block(language: str, holding: str) -> str:
    found = [each for each in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if holding in each]
    assert len(found) == 1
    return str(found[0])


@pytest.fixture
def desk(tmp_path: Path, migrated_file: Path) -> Desk:
    path = tmp_path / "escrow.sqlite"
    path.write_bytes(migrated_file.read_bytes())
    return desk_of(Database(f"sqlite:///{path}"))


def test_the_receiver_in_ten_lines_is_confirmed_and_verifies_what_it_is_posted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    code: dict[str, Any] = {"__name__": "receiver"}
    exec(block("python", "do_POST"), code)  # noqa: S102 - the page's own
    receiver: type[BaseHTTPRequestHandler] = code["Receiver"]
    with HTTPServer(("127.0.0.1", 0), receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        endpoint_id, secret = desk.add(url=f"http://127.0.0.1:{server.server_port}/")
        assert secret is not None
        monkeypatch.setenv("SECRET", secret.presented)
        desk.now = desk.now.now(desk.now.tzinfo)
        egress = Egress(DEVELOPING, EgressLimits())
        desk.confirm(endpoint_id, egress)
        assert desk.endpoint(endpoint_id).state is EndpointState.ENABLED
        desk.tell()
        desk.dispatch(egress)
        monkeypatch.setenv("SECRET", SigningSecret.make(random=os.urandom).presented)
        desk.tell()
        desk.dispatch(egress)
        server.shutdown()
        thread.join()
    states = [each.state for each in desk.log(endpoint_id)]
    assert states == [DeliveryState.DELIVERED, DeliveryState.DELIVERED, DeliveryState.PENDING]
    desk.database.close()


def test_the_signature_by_hand_is_the_one_that_is_sent(tmp_path: Path) -> None:
    secret = SigningSecret.make(random=os.urandom)
    (tmp_path / "body").write_bytes(b'{"type":"release.made"}')
    sent = sign(b'{"type":"release.made"}', message_id="evt_1", secrets=[secret], at=NOON)
    variables = {
        "PATH": os.environ["PATH"],
        "SECRET": secret.presented.removeprefix("whsec_"),
        "WEBHOOK_ID": sent["webhook-id"],
        "WEBHOOK_TIMESTAMP": sent["webhook-timestamp"],
    }
    by_hand = subprocess.run(
        ["sh", "-c", block("sh", "openssl")], env=variables, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert f"v1,{by_hand.stdout.strip()}" == sent["webhook-signature"]
