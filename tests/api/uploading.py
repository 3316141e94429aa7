"""A small list cut into chunks, and the requests that upload it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from escrow.psi.encoding import b64url
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.psi.records import SubmissionKind, chunk_digest, pack_chunk, split, submission_digest
from escrow.terms import Population
from tests.psi.making_lists import records_of

__all__ = ["Upload", "snapshot"]

OCTETS = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A submission to a partnership, ready to be sent."""

    address: str
    announcement: dict[str, Any]
    chunks: tuple[bytes, ...]

    @property
    def url(self) -> str:
        """The address of the submission."""
        return f"{self.address}/submissions/{self.announcement['number']}"

    def announce(self, http: httpx.Client) -> httpx.Response:
        return http.post(f"{self.address}/submissions", json=self.announcement)

    def put(self, http: httpx.Client, position: int) -> httpx.Response:
        return http.put(f"{self.url}/chunks/{position}", content=self.chunks[position], headers=OCTETS)

    def complete(self, http: httpx.Client) -> httpx.Response:
        return http.post(f"{self.url}/complete", json={"ready": True})

    def send(self, http: httpx.Client) -> httpx.Response:
        """Announce, upload all, complete."""
        assert self.announce(http).status_code == 201
        for position in range(len(self.chunks)):
            answer = self.put(http, position)
            assert answer.status_code == 204, answer.text
        return self.complete(http)


def snapshot(
    address: str,
    *,
    rows: Iterable[int] = range(1, 10),
    population: Population = Population.CUSTOMERS,
    number: int = 1,
    base: int = 0,
) -> Upload:
    """Make a list in which each account has the domain that its row modulo 100 stands for; three accounts a chunk."""
    listed = {row: (population, frozenset({(MatchKeyClass.DOMAIN, row % 100)})) for row in rows}
    chunks = tuple(pack_chunk(part) for part in split(records_of(listed), 16 + 3 * (14 + 25)))
    digests = [chunk_digest(chunk) for chunk in chunks]
    digest = submission_digest(
        partnership_id=UUID(address.rpartition("/")[2]),
        g=0,
        profile_id=LATEST_PROFILE,
        kind=SubmissionKind.SNAPSHOT,
        number=number,
        base=base,
        chunk_digests=digests,
    )
    announcement = {
        "number": number,
        "type": "snapshot",
        "base": base,
        "generation": 0,
        "suite": 1,
        "profile": LATEST_PROFILE,
        "accounts": len(listed),
        "chunks": [b64url(each) for each in digests],
        "digest": b64url(digest),
    }
    return Upload(address, announcement, chunks)
