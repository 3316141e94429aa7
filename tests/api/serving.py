"""A service on loopback for tests of the HTTP edge, with two partners and a stranger who have keys."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from escrow import organizations
from escrow.access import Grant
from escrow.api.app import create_app
from escrow.api.dependencies import Service
from escrow.api.logs import write_logs
from escrow.psi.encoding import b64url
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.server.listening import listener
from escrow.settings import ServerSettings
from escrow.store.database import Database
from escrow.store.sealing import SealingKey
from escrow.worker import Worker
from tests.partnership_makers import RELEASE_KEY
from tests.remembered import remembered

__all__ = ["UNTRUSTING", "Organization", "Served", "calling", "listening", "served"]

#: Loopback is not encrypted, and reading the machine's certificates takes longer than what most tests do.
UNTRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

_EVERYTHING = Grant()


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization and an HTTP client that shows its key."""

    organization_id: UUID
    http: httpx.Client


@dataclass(frozen=True, slots=True)
class Served:
    """A running service and who may call it."""

    service: Service
    left: Organization
    right: Organization
    stranger: Organization
    nobody: httpx.Client
    log: Path

    def invited(self, *, acceptor: Organization | None = None) -> tuple[str, dict[str, Any]]:
        """Open an invitation from left; give the address of the partnership and what was sent."""
        invitation = {
            "partnership_id": str(uuid4()),
            "inviter_public": b64url(os.urandom(32)),
            "lookup": b64url(os.urandom(16)),
            "suite": 1,
            "profile": LATEST_PROFILE,
            "acceptor_organization_id": str(acceptor.organization_id) if acceptor else None,
        }
        answer = self.left.http.post("/v1/partnerships", json=invitation)
        assert answer.status_code == 201, answer.text
        return f"/v1/partnerships/{invitation['partnership_id']}", invitation

    def work(self) -> None:
        """Do all that is due."""
        service = self.service
        worker = Worker(
            service.database, service.sealing_key, service.settings, release_key=RELEASE_KEY, now=service.now
        )
        while worker.run_once():
            pass

    def active(self) -> str:
        """Pair left and right; give the address of the partnership."""
        address, invitation = self.invited()
        half = {
            "lookup": invitation["lookup"],
            "acceptor_public": b64url(os.urandom(32)),
            "tag": b64url(os.urandom(32)),
        }
        assert self.right.http.post(f"{address}/accept", json=half).status_code == 200
        confirmed = self.left.http.post(f"{address}/confirm", json={"tag": b64url(os.urandom(32))})
        assert confirmed.status_code == 200, confirmed.text
        return address


@contextmanager
def served(
    database_url: str,
    folder: Path,
    *,
    limits: Mapping[str, float | str] | None = None,
    now: Callable[[], datetime] | None = None,
) -> Iterator[Served]:
    """Serve a migrated database on a free port of loopback until the block ends; ``now`` is the service's clock."""
    service = Service(
        database=Database(database_url),
        sealing_key=SealingKey.make(),
        settings=ServerSettings(data_folder=folder, database_url=database_url).model_copy(update=dict(limits or {})),
        now=now or (lambda: datetime.now(UTC)),
    )
    write_logs(folder / "service.log")
    callers = remembered(service.database, ("three organizations", now and now()), lambda: _callers(service))
    with listening(create_app(service)) as base_url:
        left, right, stranger = (_organization(caller, base_url) for caller in callers)
        running = Served(
            service=service,
            left=left,
            right=right,
            stranger=stranger,
            nobody=httpx.Client(base_url=base_url, verify=UNTRUSTING, trust_env=False),
            log=folder / "service.log",
        )
        try:
            yield running
        finally:
            for client in (running.left.http, running.right.http, running.stranger.http, running.nobody):
                client.close()
    service.database.close()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port of loopback until the block ends."""
    serving: Service = app.state.service
    server = listener(app, serving.settings.model_copy(update={"port": 0}))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _callers(service: Service) -> list[tuple[UUID, str]]:
    """Add three organizations with a key each."""
    now, callers = service.now(), []
    with service.database.transaction("add organizations for a test") as tx:
        for name in ("Left Ltd", "Right Ltd", "Stranger Ltd"):
            added = organizations.add_organization(tx, name, organization_id=uuid4(), now=now)
            key = organizations.add_api_key(tx, added.organization_id, label="test", random=os.urandom, now=now)
            callers.append((added.organization_id, key.presented))
    return callers


def _organization(caller: tuple[UUID, str], base_url: str) -> Organization:
    organization_id, presented = caller
    return Organization(organization_id, _client(base_url, {"Authorization": f"Bearer {presented}"}))


def _client(base_url: httpx.URL | str, headers: Mapping[str, str]) -> httpx.Client:
    return httpx.Client(base_url=base_url, headers=headers, verify=UNTRUSTING, trust_env=False, timeout=30)


@contextmanager
def calling(
    api: Served, owner: Organization, grant: Grant = _EVERYTHING, *, revoked: bool = False
) -> Iterator[httpx.Client]:
    """Call with a new key of an organization."""
    now = api.service.now()
    with api.service.database.transaction("add a key for a test") as tx:
        key = organizations.add_api_key(tx, owner.organization_id, label="", grant=grant, random=os.urandom, now=now)
        if revoked:
            organizations.revoke_api_key(tx, key.api_key_id, now=now)
    headers = {"Authorization": f"Bearer {key.presented}"}
    with _client(api.left.http.base_url, headers) as http:
        yield http
