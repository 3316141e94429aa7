"""Makers of homes and keyrings that cost no time: Argon2id with the least memory it takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from escrow.client.home import Home
from escrow.client.inviting import PrintedInvitation, invite
from escrow.client.keyring import Keyring, KeyringFile
from escrow.client.pairing import accept, advance
from escrow.client.sdk import Escrow
from escrow.client.sealed_files import Passphrase, Stretching
from escrow.client.seats import Seat
from escrow.psi.pairing import read_pairing_code
from escrow.psi.profile_ids import LATEST_PROFILE
from tests.client.fake_service import LEFT_ORG, NOW, RIGHT_ORG, FakeService

PASSPHRASE = Passphrase("correct horse battery")
QUICK = Stretching(memory_kib=32, passes=1, lanes=1)


def a_keyring(api_key: str = "esk_left", organization_id: UUID = LEFT_ORG, url: str = "https://escrow.test") -> Keyring:
    return Keyring(
        url=url,
        api_key=api_key,
        organization_id=organization_id,
        organization_name="Northwind",
        own_secret=os.urandom(32),
    )


def a_keyring_file(folder: Path, keyring: Keyring | None = None) -> KeyringFile:
    return KeyringFile.create(
        Home.at(folder, {}), keyring or a_keyring(), PASSPHRASE, random=os.urandom, stretching=QUICK
    )


@dataclass
class Machine:
    """One partner's machine."""

    home: Home
    file: KeyringFile
    service: Escrow

    @property
    def seat(self) -> Seat:
        return self.file.keyring.seats[-1]

    def advance(self) -> Seat:
        return advance(self.service, self.file, self.seat, now=NOW)

    def invite(self, acceptor: UUID | None = RIGHT_ORG) -> PrintedInvitation:
        return invite(
            self.service,
            self.file,
            label="contoso",
            acceptor=acceptor,
            profile_id=LATEST_PROFILE,
            random=os.urandom,
            now=NOW,
        )

    def accept(self, code: str) -> Seat:
        return accept(
            self.service,
            self.file,
            code=read_pairing_code(code),
            label="northwind",
            profiles=frozenset({LATEST_PROFILE}),
            random=os.urandom,
            now=NOW,
        )


def two_machines(folder: Path, service: FakeService, url: str = "https://escrow.test") -> tuple[Machine, Machine]:
    left = a_machine(folder / "left", service, a_keyring("esk_left", LEFT_ORG, url))
    return left, a_machine(folder / "right", service, a_keyring("esk_right", RIGHT_ORG, url))


def a_machine(folder: Path, service: FakeService, keyring: Keyring) -> Machine:
    return Machine(Home.at(folder, {}), a_keyring_file(folder, keyring), service.escrow(keyring.api_key))


def a_pair(folder: Path, service: FakeService, url: str = "https://escrow.test") -> tuple[Machine, Machine]:
    """Two machines whose pairing is complete."""
    left, right = two_machines(folder, service, url)
    right.accept(left.invite().code)
    left.advance()
    right.advance()
    return left, right
