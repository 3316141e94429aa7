"""Fixtures for tests of the command line: a service on a real loopback socket, and two partners at their terminals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.client.fake_service import FakeService
from tests.client.making_keyrings import a_pair, two_machines
from tests.client.terminals import CSV, Partner, Partners


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def url(service: FakeService) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = httpx.Request(self.command, f"{address}{self.path}", headers=dict(self.headers), content=content)
            response = service.answer(request)
            self.send_response(response.status_code)
            self.send_header("Content-Type", response.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815  # names that the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield address
        server.shutdown()


@pytest.fixture
def newcomers(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Partners:
    """Two partners without a keyring."""
    left, right = (Partner(tmp_path / side, f"esk_{side}", url, monkeypatch, capsys) for side in ("left", "right"))
    return left, right


@pytest.fixture
def partners(newcomers: Partners, tmp_path: Path, service: FakeService, url: str) -> Partners:
    """Two partners with keyrings that cost no time to open."""
    two_machines(tmp_path, service, url)
    return newcomers


@pytest.fixture
def paired(newcomers: Partners, tmp_path: Path, service: FakeService, url: str) -> Partners:
    """Two partners whose pairing is complete."""
    a_pair(tmp_path, service, url)
    return newcomers


@pytest.fixture
def export(tmp_path: Path) -> Path:
    place = tmp_path / "accounts.csv"
    place.write_text(CSV, encoding="utf-8")
    return place
