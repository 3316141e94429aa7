"""Two throw-away organizations and what they do to a service, by its public contract alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np

from escrow import wire
from escrow.client.sdk import Escrow
from escrow.client.transport import Connection, HttpTransport, Patience
from escrow.errors import ServiceUnreachable
from escrow.psi import pairing as protocol
from escrow.psi.encoding import b64url
from escrow.psi.matchkeys import Suite
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.psi.records import (
    ListRecords,
    SubmissionKind,
    chunk_digest,
    make_records,
    pack_chunk,
    parse_chunk,
    split,
    submission_digest,
)
from escrow.psi.tokens import ROW_BYTES, TOKEN_BYTES, AccountSecret
from escrow.terms import Cell, Population

__all__ = ["Account", "Player", "Stage", "columns_of", "made_lists", "records_of", "upload_of"]

_EACH = 150
_ONCE = Patience(attempts=3, longest_pause=5.0)


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a made list: its match keys as secrets and tokens, the first of them shared if any is."""

    row: bytes
    population: Population
    keys: tuple[AccountSecret, ...] = field(repr=False)


class Player:
    """One organization: the SDK on its key, and the same key for requests that no SDK would send."""

    def __init__(
        self, url: str, api_key: str, *, ca: Path | None, proxy: str | None, transport: HttpTransport | None
    ) -> None:
        self.service = Escrow(url, api_key, ca=ca, proxy=proxy, transport=transport, patience=_ONCE)
        self.raw = Connection(url, api_key, ca=ca, proxy=proxy, transport=transport, patience=_ONCE)
        self.organization_id = self.service.organization().organization_id

    def close(self) -> None:
        """Give the connections back."""
        self.service.close()
        self.raw.close()


@dataclass(slots=True)
class Stage:
    """What both players and the checks between them share."""

    left: Player
    right: Player
    deadline: float
    profile: str = LATEST_PROFILE
    partnership_id: UUID = field(default_factory=uuid4)
    stray_id: UUID = field(default_factory=uuid4)
    accounts: Mapping[str, tuple[Account, ...]] = field(default_factory=dict)

    @property
    def players(self) -> tuple[Player, Player]:
        """Both, left first."""
        return self.left, self.right

    def shared(self, cell: Cell) -> list[tuple[Account, Account]]:
        """The accounts of both lists that are the same company, in one cell seen from the left."""
        theirs = {account.keys[0].token: account for account in self.accounts["right"]}
        pairs = ((ours, theirs.get(ours.keys[0].token)) for ours in self.accounts["left"])
        return [(a, b) for a, b in pairs if b and (a.population, b.population) == (cell.ours, cell.theirs)]

    def eventually(self, is_so: Callable[[], object]) -> bool:
        """Say whether it becomes so before the time is up."""
        while not is_so():
            if time.monotonic() > self.deadline:
                return False
            time.sleep(0.2)
        return True

    def must_have_time(self) -> None:
        """Raise ServiceUnreachable once the time for all checks is up."""
        if time.monotonic() > self.deadline:
            raise ServiceUnreachable(
                "the checks took longer than --seconds allows; give them more, or ask the operator"
            )

    def invite(self, partnership_id: UUID) -> tuple[protocol.KeyPair, bytes]:
        """Open an invitation that names nobody; give the inviter's keys and the secret of the code."""
        keys, psk = protocol.new_key_pair(os.urandom), os.urandom(protocol.PSK_BYTES)
        invitation = wire.NewPartnership(
            partnership_id=partnership_id,
            inviter_public=keys.public,
            lookup=protocol.lookup(psk),
            suite=Suite.HMAC.value,
            profile=self.profile,
        )
        self.left.service.invite(invitation)
        return keys, psk

    def agreed(self, partnership_id: UUID, own: protocol.KeyPair, other: bytes, psk: bytes) -> protocol.Pairing:
        """What the inviter, who has these keys, comes to with the acceptor's public key."""
        return protocol.derive(
            own_private=own.private,
            psk=psk,
            suite=Suite.HMAC,
            g=0,
            partnership_id=partnership_id,
            inviter_org_id=self.left.organization_id,
            acceptor_org_id=self.right.organization_id,
            inviter_public=own.public,
            acceptor_public=other,
        )


def made_lists(shared: Mapping[Cell, int]) -> dict[str, tuple[Account, ...]]:
    """Make two lists with 150 accounts in each population, that have so many in common in each cell.

    Each account that both have, has a second key that the other list lacks.
    """
    left: list[Account] = []
    right: list[Account] = []
    for cell, count in shared.items():
        for _ in range(count):
            key = _made_key()
            left.append(_made_account(cell.ours, key, _made_key()))
            right.append(_made_account(cell.theirs, key, _made_key()))
    for listed in (left, right):
        for population in Population:
            lacking = _EACH - sum(account.population is population for account in listed)
            listed += [_made_account(population, _made_key()) for _ in range(lacking)]
    return {"left": tuple(left), "right": tuple(right)}


def _made_account(population: Population, *keys: AccountSecret) -> Account:
    return Account(os.urandom(ROW_BYTES), population, keys)


def _made_key() -> AccountSecret:
    return AccountSecret(os.urandom(32), os.urandom(TOKEN_BYTES))


def records_of(accounts: tuple[Account, ...]) -> ListRecords:
    """Pack a made list, with every token as of a domain."""
    rows = np.array([int.from_bytes(account.row) for account in accounts], np.uint64)
    keys = [key for account in accounts for key in account.keys]
    return make_records(
        rows=rows,
        populations=np.array([account.population for account in accounts], np.uint8),
        token_rows=np.repeat(rows, [len(account.keys) for account in accounts]),
        key_classes=np.ones(len(keys), np.uint8),
        tokens=b"".join(key.token for key in keys),
    )


def upload_of(
    stage: Stage, records: ListRecords, *, kind: SubmissionKind, number: int, base: int
) -> tuple[wire.NewSubmission, tuple[bytes, ...]]:
    """Announce a list as it must be announced; give the announcement and its chunks."""
    chunks = tuple(pack_chunk(part) for part in split(records, 1 << 16))
    digests = tuple(chunk_digest(chunk) for chunk in chunks)
    digest = submission_digest(
        partnership_id=stage.partnership_id,
        g=0,
        profile_id=stage.profile,
        kind=kind,
        number=number,
        base=base,
        chunk_digests=digests,
    )
    announced = wire.NewSubmission(
        number=number,
        type="snapshot" if kind is SubmissionKind.SNAPSHOT else "delta",
        base=base,
        generation=0,
        suite=Suite.HMAC.value,
        profile=stage.profile,
        accounts=records.accounts.size,
        chunks=digests,
        digest=digest,
    )
    return announced, chunks


def columns_of(chunk: bytes) -> bytes:
    """Write a chunk column by column, as JSON."""
    records = parse_chunk(chunk)
    accounts, tokens = records.accounts, records.tokens
    columns = {
        "rows": accounts["row"],
        "populations": accounts["population"],
        "segments": accounts["segments"],
        "tokens": tokens["token"],
        "token_rows": tokens["row"],
        "classes": tokens["key_class"],
    }
    return json.dumps({name: b64url(column.tobytes()) for name, column in columns.items()}).encode()
