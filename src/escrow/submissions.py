"""Uploads of lists: announced with all their digests, filled chunk by chunk in any order, then left to the worker.

A submission is named by its number and its digest: saying the same again gets the same answer, whatever became of it.
Nothing here looks at the partner's list, so nothing that a caller sees or times depends on matches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, and_, delete, func, insert, select, update

from escrow import audit
from escrow.access import Party
from escrow.errors import (
    ChunkDigestMismatch,
    ChunksMissing,
    ChunkTooLarge,
    GenerationMismatch,
    NotFound,
    ProfileMismatch,
    SubmissionBaseWrong,
    SubmissionClosed,
    SubmissionDigestWrong,
    SubmissionInProgress,
    SubmissionTooLarge,
)
from escrow.psi.records import SubmissionKind, chunk_digest, parse_chunk, submission_digest
from escrow.standing import LiveGeneration, Standing, standing_of
from escrow.store.database import Transaction
from escrow.store.jobs import enqueue
from escrow.store.sealing import SealingKey, context
from escrow.store.secrets import partnership_key
from escrow.store.states import JobType, SubmissionState, SubmissionType
from escrow.store.tables import chunks, submissions
from escrow.terms import Side

__all__ = [
    "Announcement",
    "Chunk",
    "Problem",
    "Submission",
    "SubmissionLimits",
    "add_chunk",
    "chunk_context",
    "complete",
    "last_number",
    "missing_chunks",
    "read_chunk",
    "start_submission",
    "submission_of",
]


@dataclass(frozen=True, slots=True)
class SubmissionLimits:
    """What the operator takes: bytes in a chunk, chunks in a submission, accounts on a list."""

    chunk_bytes: int
    chunks: int
    largest_list: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """What an upload will hold, as its owner states it."""

    number: int
    type: SubmissionType
    base: int
    generation: int
    suite: int
    profile: str
    accounts: int
    chunk_digests: tuple[bytes, ...]
    digest: bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a list was rejected."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Submission:
    """One upload and how far it has come; ``missing`` are the positions of chunks that have not arrived."""

    number: int
    type: SubmissionType
    base: int
    state: SubmissionState
    accounts: int
    chunks: int
    missing: tuple[int, ...]
    received_at: datetime | None
    applied_at: datetime | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that are known to be a chunk, and their digest."""

    content: bytes = field(repr=False)
    digest: bytes


def start_submission(
    tx: Transaction, party: Party, announced: Announcement, *, limits: SubmissionLimits, now: datetime
) -> Submission:
    """Open an upload, in the place of an unfinished one of the same number.

    Raises:
        PartnershipNotActive, ProfileMismatch, GenerationMismatch: there is no place for this list.
        SubmissionBaseWrong, SubmissionInProgress: it does not follow what was sent before.
        SubmissionDigestWrong, SubmissionTooLarge: it does not hold what it says, or too much.
    """
    party.must_be_active()
    known = _find(tx, party, announced.number)
    if known is not None and known.digest == announced.digest:
        return submission_of(tx, party, announced.number)
    standing = standing_of(tx, party.partnership_id)
    _must_be_of(standing.live, announced)
    _must_follow(tx, party, announced, standing)
    _must_hold_together(party, announced, limits)
    _forget_unfinished(tx, party, announced.number)
    _insert(tx, party, announced, now)
    detail = {"number": announced.number, "type": announced.type.value, "accounts": announced.accounts}
    _record(tx, party, audit.Action.SUBMISSION_BEGUN, now, detail)
    return submission_of(tx, party, announced.number)


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
    """
    party.must_be_active()
    place = and_(_of(chunks, party, number), chunks.c.position == position)
    announced = tx.execute(select(chunks.c.digest, chunks.c.arrived_at).where(place)).one_or_none()
    if announced is None:
        raise NotFound("This submission announced no such chunk.")
    if announced.digest != chunk.digest:
        raise ChunkDigestMismatch("The chunk is not the one announced for its place: upload it again, or start again.")
    if announced.arrived_at is not None:
        return
    if _row(tx, party, number).state != SubmissionState.UPLOADING.value:
        raise SubmissionClosed("This submission takes no chunks any more.")
    key = partnership_key(tx, party.partnership_id, service_key=service_key)
    sealed = key.seal(chunk.content, context=chunk_context(party.partnership_id, party.side, number, position))
    tx.execute(update(chunks).where(place).values(sealed=sealed, arrived_at=now))


def missing_chunks(tx: Transaction, party: Party, number: int) -> tuple[int, ...]:
    """Tell which announced chunks have not arrived, by position."""
    absent = select(chunks.c.position).where(_of(chunks, party, number), chunks.c.arrived_at.is_(None))
    return tuple(tx.execute(absent.order_by(chunks.c.position)).scalars())


def complete(tx: Transaction, party: Party, number: int, *, ready: bool, now: datetime) -> Submission:
    """Hand a submission to the worker; ``ready`` also says that one's counts are right once it is applied.

    Raises:
        NotFound, ChunksMissing: there is no such submission, or not all of it.
    """
    party.must_be_active()
    row = _row(tx, party, number)
    if row.state != SubmissionState.UPLOADING.value:
        return submission_of(tx, party, number)
    missing = missing_chunks(tx, party, number)
    if missing:
        raise ChunksMissing("Not all announced chunks have arrived: upload those that are missing.", missing=missing)
    tx.execute(
        update(submissions)
        .where(_of(submissions, party, number))
        .values(state=SubmissionState.RECEIVED.value, ready=ready, received_at=now)
    )
    _record(tx, party, audit.Action.SUBMISSION_RECEIVED, now, {"number": number, "ready": ready})
    enqueue(tx, JobType.APPLY, party.partnership_id, due_at=now, argument=party.side.value)
    return submission_of(tx, party, number)


def submission_of(tx: Transaction, party: Party, number: int) -> Submission:
    """Tell how far one of the party's own submissions has come, or raise NotFound."""
    row = _row(tx, party, number)
    announced = tx.execute(select(func.count()).select_from(chunks).where(_of(chunks, party, number))).scalar_one()
    return Submission(
        number=row.number,
        type=SubmissionType(row.type),
        base=row.base,
        state=SubmissionState(row.state),
        accounts=row.accounts,
        chunks=announced,
        missing=missing_chunks(tx, party, number),
        received_at=row.received_at,
        applied_at=row.applied_at,
        problem=None if row.problem_code is None else Problem(row.problem_code, row.problem_detail),
    )


def last_number(tx: Transaction, party: Party) -> int:
    """Give the last number that was used up; an upload that is not complete uses none."""
    used = select(func.max(submissions.c.number)).where(
        submissions.c.partnership_id == party.partnership_id,
        submissions.c.side == party.side.value,
        submissions.c.state != SubmissionState.UPLOADING.value,
    )
    return tx.execute(used).scalar_one() or 0


def chunk_context(partnership_id: UUID, side: Side, number: int, position: int) -> bytes:
    """Say where a sealed chunk lives."""
    return context(chunks.name, partnership_id, side.value, number, position)


def _must_be_of(live: LiveGeneration, announced: Announcement) -> None:
    if announced.profile != live.profile:
        raise ProfileMismatch(
            f"The list was made under profile {announced.profile}; this partnership uses {live.profile}.",
            expected=live.profile,
        )
    if (announced.generation, announced.suite) != (live.number, live.suite):
        raise GenerationMismatch(f"This partnership uses generation {live.number} and suite {live.suite}.")


def _must_follow(tx: Transaction, party: Party, announced: Announcement, standing: Standing) -> None:
    received = select(submissions.c.number).where(
        submissions.c.partnership_id == party.partnership_id,
        submissions.c.side == party.side.value,
        submissions.c.state == SubmissionState.RECEIVED.value,
    )
    if tx.execute(received.limit(1)).one_or_none() is not None:
        raise SubmissionInProgress("The submission before this one is still being applied: try again in a moment.")
    last, applied = last_number(tx, party), standing.sides[party.side].applied
    applied_number = 0 if applied is None else applied.number
    if (announced.number, announced.base) != (last + 1, applied_number):
        raise SubmissionBaseWrong(
            f"The next submission has number {last + 1} and base {applied_number}.",
            last_number=last,
            applied_number=applied_number,
        )


def _must_hold_together(party: Party, announced: Announcement, limits: SubmissionLimits) -> None:
    # A delta may remove a whole list and add another.
    most = limits.largest_list * (2 if announced.type is SubmissionType.DELTA else 1)
    if announced.accounts > most or len(announced.chunk_digests) > limits.chunks:
        raise SubmissionTooLarge(f"This service takes {limits.largest_list} accounts in {limits.chunks} chunks.")
    expected = submission_digest(
        partnership_id=party.partnership_id,
        g=announced.generation,
        profile_id=announced.profile,
        kind=SubmissionKind[announced.type.name],
        number=announced.number,
        base=announced.base,
        chunk_digests=announced.chunk_digests,
    )
    if announced.digest != expected:
        raise SubmissionDigestWrong("The digest is not that of what the submission states.")


def _forget_unfinished(tx: Transaction, party: Party, number: int) -> None:
    tx.execute(delete(chunks).where(_of(chunks, party, number)))
    tx.execute(delete(submissions).where(_of(submissions, party, number)))


def _insert(tx: Transaction, party: Party, announced: Announcement, now: datetime) -> None:
    place = {"partnership_id": party.partnership_id, "side": party.side.value, "number": announced.number}
    tx.execute(
        insert(submissions).values(
            **place,
            type=announced.type.value,
            base=announced.base,
            generation=announced.generation,
            profile=announced.profile,
            accounts=announced.accounts,
            digest=announced.digest,
            state=SubmissionState.UPLOADING.value,
            ready=False,
            begun_at=now,
        )
    )
    if announced.chunk_digests:
        positions = enumerate(announced.chunk_digests)
        tx.execute(insert(chunks), [{**place, "position": each, "digest": digest} for each, digest in positions])


def _find(tx: Transaction, party: Party, number: int) -> Row[Any] | None:
    return tx.execute(select(submissions).where(_of(submissions, party, number))).one_or_none()


def _row(tx: Transaction, party: Party, number: int) -> Row[Any]:
    row = _find(tx, party, number)
    if row is None:
        raise NotFound("There is no such submission.")
    return row


def _of(table: Table, party: Party, number: int) -> ColumnElement[bool]:
    return and_(
        table.c.partnership_id == party.partnership_id,
        table.c.side == party.side.value,
        table.c.number == number,
    )


def _record(tx: Transaction, party: Party, action: audit.Action, now: datetime, detail: audit.Detail) -> None:
    audit.record(tx, action, trail_id=party.partnership_id, caller=party.caller, now=now, detail=detail)
