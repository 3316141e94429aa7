"""Two partners' machines on the way to a real service, and somebody between who may change what it answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from escrow.client import fresh_pairing
from escrow.client.generations import cancel
from escrow.client.home import Home
from escrow.client.inviting import invite
from escrow.client.keyring import KeyringFile
from escrow.client.pairing import accept, advance
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.psi.pairing import read_pairing_code
from escrow.psi.profile_ids import LATEST_PROFILE, PROFILE_IDS
from tests.api.serving import Organization, Served
from tests.client.making_keyrings import PASSPHRASE, a_keyring, a_keyring_file

__all__ = ["Machine", "Tamper", "now", "paired"]

Tamper = Callable[[str, dict[str, Any]], dict[str, Any]]


class Between(httpx.BaseTransport):
    """Stands where the service stands: it sees every request and may change every answer."""

    def __init__(self) -> None:
        self.tamper: Tamper | None = None
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        with httpx.HTTPTransport() as real:
            answer = real.handle_request(request)
            answer.read()
        if self.tamper is None or not answer.is_success:
            return answer
        return httpx.Response(answer.status_code, json=self.tamper(request.url.path, answer.json()))


@dataclass
class Machine:
    """One partner's machine, on the way to the service."""

    owner: Organization
    folder: Path
    between: Between = field(default_factory=Between)

    def __post_init__(self) -> None:
        key = self.owner.http.headers["Authorization"].removeprefix("Bearer ")
        url = str(self.owner.http.base_url)
        self.service = Escrow(url, key, transport=self.between)
        self.file = a_keyring_file(self.folder, a_keyring(key, self.owner.organization_id, url))

    @property
    def seat(self) -> Seat:
        return self.file.keyring.seats[-1]

    def start(self, seat: Seat | None = None) -> str:
        """Start a fresh pairing and give its code."""
        printed = fresh_pairing.start(
            self.service,
            self.file,
            seat or self.seat,
            profile_id=LATEST_PROFILE,
            profiles=[LATEST_PROFILE],
            agree=lambda *_: None,
            random=os.urandom,
            now=now(),
        )
        return printed.code

    def accept(self, code: str) -> Seat:
        return accept(
            self.service,
            self.file,
            code=read_pairing_code(code),
            label="",
            profiles=frozenset(PROFILE_IDS),
            random=os.urandom,
            now=now(),
        )

    def advance(self, *, at: datetime | None = None) -> Seat:
        return advance(self.service, self.file, self.seat, now=at or now())

    def cancel(self) -> None:
        cancel(self.service, self.file, self.seat, agree=lambda _: None, now=now())

    @property
    def kept(self) -> Seat:
        """The seat as the keyring file has it."""
        return KeyringFile.open(Home.at(self.folder, {}), PASSPHRASE, random=bytes).keyring.seats[-1]


def now() -> datetime:
    return datetime.now(UTC)


def paired(api: Served, folder: Path, *, profile_id: str = LATEST_PROFILE) -> tuple[Machine, Machine]:
    """Two machines whose first pairing is complete."""
    left, right = Machine(api.left, folder / "left"), Machine(api.right, folder / "right")
    printed = invite(
        left.service,
        left.file,
        label="",
        acceptor=api.right.organization_id,
        profile_id=profile_id,
        random=os.urandom,
        now=now(),
    )
    right.accept(printed.code)
    left.advance()
    right.advance()
    return left, right
