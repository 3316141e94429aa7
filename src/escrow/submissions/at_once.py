"""A small list in one request: announced, filled and handed over in one transaction.

It becomes the same chunks that a client would have cut, so its digest, and with it every answer, is the same too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from escrow.access import Party
from escrow.errors import SubmissionTooLarge
from escrow.psi.records import (
    LARGEST_ACCOUNT_BYTES,
    AccountRow,
    SubmissionKind,
    chunk_digest,
    pack_chunk,
    records_of_rows,
    split,
    submission_digest,
)
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.states import SubmissionType
from escrow.submissions.announcing import Announcement, Head, SubmissionLimits, start_submission
from escrow.submissions.progress import Submission
from escrow.submissions.uploading import Chunk, add_chunk, complete

__all__ = ["Place", "WholeSubmission", "cut", "submit_at_once"]

_HEADER_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a submission stands in its sequence, what it was made for, and which release its client had seen."""

    number: int
    type: SubmissionType
    base: int
    generation: int
    suite: int
    profile: str
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class WholeSubmission:
    """An announcement with all that it announces."""

    announced: Announcement
    chunks: tuple[Chunk, ...]


def cut(
    partnership_id: UUID, place: Place, accounts: Sequence[AccountRow], *, most_accounts: int, chunk_bytes: int
) -> WholeSubmission:
    """Bring accounts into chunks, before any transaction is open.

    Raises:
        SubmissionTooLarge: there are more than fit in one request.
        RecordsInvalid: they are not a list.
    """
    if len(accounts) > most_accounts:
        raise SubmissionTooLarge(f"One request takes at most {most_accounts} accounts: upload a larger list in chunks.")
    parts = split(records_of_rows(accounts), max(chunk_bytes, LARGEST_ACCOUNT_BYTES + _HEADER_BYTES))
    chunks = tuple(Chunk(content, chunk_digest(content)) for content in map(pack_chunk, parts))
    digests = tuple(chunk.digest for chunk in chunks)
    digest = submission_digest(
        partnership_id=partnership_id,
        g=place.generation,
        profile_id=place.profile,
        kind=SubmissionKind[place.type.name],
        number=place.number,
        base=place.base,
        chunk_digests=digests,
    )
    announced = Announcement(
        number=place.number,
        type=place.type,
        base=place.base,
        generation=place.generation,
        suite=place.suite,
        profile=place.profile,
        accounts=len(accounts),
        chunk_digests=digests,
        digest=digest,
        head=place.head,
    )
    return WholeSubmission(announced, chunks)


def submit_at_once(
    tx: Transaction,
    party: Party,
    whole: WholeSubmission,
    *,
    ready: bool,
    limits: SubmissionLimits,
    service_key: SealingKey,
    now: datetime,
) -> Submission:
    """Announce, fill and hand over; the same number and content again get the same answer.

    Raises:
        What ``start_submission`` raises.
    """
    number = whole.announced.number
    started = start_submission(tx, party, whole.announced, limits=limits, service_key=service_key, now=now)
    for position in started.missing:
        add_chunk(tx, party, number, position, whole.chunks[position], service_key=service_key, now=now)
    return complete(tx, party, number, ready=ready, now=now)
