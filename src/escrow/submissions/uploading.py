"""Filling an announced submission chunk by chunk, and handing it to the worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select, update

from escrow import audit
from escrow.access import Party
from escrow.errors import (
    ChunkDigestMismatch,
    ChunksMissing,
    ChunkTooLarge,
    NotFound,
    RecordsInvalid,
    SubmissionClosed,
)
from escrow.psi.records import LARGEST_ACCOUNT_BYTES, chunk_digest, parse_chunk
from escrow.store.database import Transaction
from escrow.store.digests import chunk_place, open_digest
from escrow.store.jobs import enqueue
from escrow.store.sealing import SealingKey, context
from escrow.store.secrets import partnership_key
from escrow.store.states import JobType, SubmissionState
from escrow.store.tables import chunks, submissions
from escrow.submissions.progress import Submission, found, missing_chunks, of_submission, submission_of
from escrow.terms import Side

__all__ = ["Chunk", "add_chunk", "chunk_context", "complete", "read_chunk"]

#: Chunks are few: their headers and seals take far less than this.
_ROOM_FOR_HEADERS = 1 << 17


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that are known to be a chunk, and their digest."""

    content: bytes = field(repr=False)
    digest: bytes


def read_chunk(unverified: bytes, *, most_bytes: int) -> Chunk:
    """Read what was uploaded, before any transaction is open.

    Raises:
        ChunkTooLarge, RecordsInvalid: these bytes are not a chunk that this service takes.
    """
    if len(unverified) > most_bytes:
        raise ChunkTooLarge(f"A chunk has at most {most_bytes} bytes: cut the list into smaller ones.")
    parse_chunk(unverified)
    return Chunk(unverified, chunk_digest(unverified))


def add_chunk(
    tx: Transaction, party: Party, number: int, position: int, chunk: Chunk, *, service_key: SealingKey, now: datetime
) -> None:
    """Keep one chunk, sealed under the partnership's key; one that is there already is kept as it is.

    Raises:
        NotFound: no such submission or position was announced.
        ChunkDigestMismatch, SubmissionClosed: the chunk is another, or comes too late.
        RecordsInvalid: there is more in the chunks than was announced.
    """
    party.must_be_active()
    place = and_(of_submission(chunks, party, number), chunks.c.position == position)
    announced = tx.execute(select(chunks.c.digest, chunks.c.arrived_at).where(place)).one_or_none()
    if announced is None:
        raise NotFound("This submission announced no such chunk.")
    key = partnership_key(tx, party.partnership_id, service_key=service_key)
    its_digest = chunk_place(party.partnership_id, party.side, number, position)
    if open_digest(key, announced.digest, place=its_digest) != chunk.digest:
        raise ChunkDigestMismatch("The chunk is not the one announced for its place: upload it again, or start again.")
    if announced.arrived_at is not None:
        return
    submission = found(tx, party, number)
    if submission.state != SubmissionState.UPLOADING.value:
        raise SubmissionClosed("This submission takes no chunks any more.")
    _must_have_room(tx, party, submission, chunk)
    sealed = key.seal(chunk.content, context=chunk_context(party.partnership_id, party.side, number, position))
    tx.execute(update(chunks).where(place).values(sealed=sealed, arrived_at=now))


def complete(tx: Transaction, party: Party, number: int, *, ready: bool, now: datetime) -> Submission:
    """Hand a submission to the worker; ``ready`` also says that one's counts are right once it is applied.

    Raises:
        NotFound, ChunksMissing: there is no such submission, or not all of it.
    """
    party.must_be_active()
    row = found(tx, party, number)
    if row.state != SubmissionState.UPLOADING.value:
        return submission_of(tx, party, number)
    missing = missing_chunks(tx, party, number)
    if missing:
        raise ChunksMissing("Not all announced chunks have arrived: upload those that are missing.", missing=missing)
    tx.execute(
        update(submissions)
        .where(of_submission(submissions, party, number))
        .values(state=SubmissionState.RECEIVED.value, ready=ready, received_at=now)
    )
    audit.record(
        tx,
        audit.Action.SUBMISSION_RECEIVED,
        trail_id=party.partnership_id,
        side=party.side,
        caller=party.caller,
        now=now,
        detail={"number": number, "ready": ready},
    )
    enqueue(tx, JobType.APPLY, party.partnership_id, due_at=now, argument=party.side.value)
    return submission_of(tx, party, number)


def _must_have_room(tx: Transaction, party: Party, submission: Row[Any], chunk: Chunk) -> None:
    """Refuse more bytes than the announced accounts can fill: the worker will have to hold them all at once."""
    sizes = select(func.sum(func.length(chunks.c.sealed))).where(of_submission(chunks, party, submission.number))
    arrived = tx.execute(sizes).scalar_one() or 0
    if arrived + len(chunk.content) > _ROOM_FOR_HEADERS + submission.accounts * LARGEST_ACCOUNT_BYTES:
        raise RecordsInvalid("the chunks hold more than the announced number of accounts can; announce them all")


def chunk_context(partnership_id: UUID, side: Side, number: int, position: int) -> bytes:
    """Say where a sealed chunk lives."""
    return context(chunks.name, partnership_id, side.value, number, position)
