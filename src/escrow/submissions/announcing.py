"""Announcing: what an upload will hold is checked before the first of its bytes comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from escrow import audit
from escrow.access import Party
from escrow.counts import counted
from escrow.errors import (
    GenerationMismatch,
    ProfileMismatch,
    SubmissionBaseWrong,
    SubmissionDigestWrong,
    SubmissionInProgress,
    SubmissionTooLarge,
)
from escrow.psi.records import SubmissionKind, submission_digest
from escrow.standing import Generation, Standing, standing_for
from escrow.store.database import Transaction
from escrow.store.digests import chunk_place, open_digest, seal_digest, submission_place
from escrow.store.sealing import SealingKey
from escrow.store.secrets import partnership_key
from escrow.store.states import SubmissionState, SubmissionType
from escrow.store.tables import chunks, submissions
from escrow.submissions.progress import Submission, find, last_number, of_submission, submission_of

__all__ = [
    "Announcement",
    "Head",
    "SubmissionLimits",
    "forget_unfinished",
    "insert_announced",
    "must_be_idle",
    "start_submission",
]


@dataclass(frozen=True, slots=True)
class SubmissionLimits:
    """What the operator takes: chunks in a submission, accounts on a list."""

    chunks: int
    largest_list: int


@dataclass(frozen=True, slots=True)
class Head:
    """The last release that the owner's client had seen, and what it vouches for it with; for the partner only."""

    release: int
    head: bytes


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
    head: Head | None = None


def start_submission(
    tx: Transaction,
    party: Party,
    announced: Announcement,
    *,
    limits: SubmissionLimits,
    service_key: SealingKey,
    now: datetime,
) -> Submission:
    """Open an upload, in the place of an unfinished one of the same number.

    Raises:
        PartnershipNotActive, ProfileMismatch, GenerationMismatch: there is no place for this list.
        SubmissionBaseWrong, SubmissionInProgress: it does not follow what was sent before.
        SubmissionDigestWrong, SubmissionTooLarge: it does not hold what it says, or too much.
    """
    party.must_be_active()
    known = find(tx, party, announced.number)
    key = partnership_key(tx, party.partnership_id, service_key=service_key)
    if known is not None and _digest(key, party, known) == announced.digest:
        return submission_of(tx, party, announced.number)
    standing = standing_for(tx, party.partnership_id, announced.generation)
    _must_be_of(standing.live, announced)
    must_be_idle(tx, party)
    _must_follow(tx, party, announced, standing)
    _must_be_small_enough(announced, limits, accepted=standing.effective.largest_list)
    _must_hold_together(party, announced)
    forget_unfinished(tx, party, announced.number)
    insert_announced(tx, party, announced, key, now)
    detail = {"number": announced.number, "type": announced.type.value, "accounts": announced.accounts}
    audit.record(
        tx,
        audit.Action.SUBMISSION_BEGUN,
        trail_id=party.partnership_id,
        side=party.side,
        caller=party.caller,
        now=now,
        detail=detail,
    )
    return submission_of(tx, party, announced.number)


def _must_be_of(generation: Generation, announced: Announcement) -> None:
    if announced.profile != generation.profile:
        raise ProfileMismatch(
            f"The list was made under profile {announced.profile}; this generation uses {generation.profile}.",
            expected=generation.profile,
        )
    if (announced.generation, announced.suite) != (generation.number, generation.suite):
        raise GenerationMismatch(f"This partnership uses generation {generation.number} and suite {generation.suite}.")


def must_be_idle(tx: Transaction, party: Party) -> None:
    """Raise SubmissionInProgress while a submission of this side waits to be applied."""
    received = select(submissions.c.number).where(
        submissions.c.partnership_id == party.partnership_id,
        submissions.c.side == party.side.value,
        submissions.c.state == SubmissionState.RECEIVED.value,
    )
    if tx.execute(received.limit(1)).one_or_none() is not None:
        raise SubmissionInProgress("The submission before this one is still being applied: try again in a moment.")


def _must_follow(tx: Transaction, party: Party, announced: Announcement, standing: Standing) -> None:
    last, applied = last_number(tx, party), standing.sides[party.side].applied
    applied_number = 0 if applied is None else applied.number
    if (announced.number, announced.base) != (last + 1, applied_number):
        raise SubmissionBaseWrong(
            f"The next submission has number {last + 1} and base {applied_number}.",
            last_number=last,
            applied_number=applied_number,
        )


def _must_be_small_enough(announced: Announcement, limits: SubmissionLimits, *, accepted: int) -> None:
    """Refuse before the upload what would be rejected after it; how many bytes may come follows from this number."""
    most = min(limits.largest_list, accepted)
    # A delta may remove a whole list and add another.
    sent = most * (2 if announced.type is SubmissionType.DELTA else 1)
    if announced.accounts > sent or len(announced.chunk_digests) > limits.chunks:
        told = f"{counted(most, 'account')} in {counted(limits.chunks, 'chunk')}"
        raise SubmissionTooLarge(f"A list here has at most {told}, by the service and both sides' terms.")


def _must_hold_together(party: Party, announced: Announcement) -> None:
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


def forget_unfinished(tx: Transaction, party: Party, number: int) -> None:
    """Delete an upload that was not completed; its number is free again."""
    tx.execute(delete(chunks).where(of_submission(chunks, party, number)))
    tx.execute(delete(submissions).where(of_submission(submissions, party, number)))


def _digest(key: SealingKey, party: Party, known: Row[Any]) -> bytes:
    return open_digest(key, known.digest, place=submission_place(party.partnership_id, party.side, known.number))


def insert_announced(tx: Transaction, party: Party, announced: Announcement, key: SealingKey, now: datetime) -> None:
    """Keep what was announced, with a place for each of its chunks; digests are sealed under the partnership's key."""
    seat = (party.partnership_id, party.side, announced.number)
    place = {"partnership_id": party.partnership_id, "side": party.side.value, "number": announced.number}
    tx.execute(
        insert(submissions).values(
            **place,
            type=announced.type.value,
            base=announced.base,
            generation=announced.generation,
            profile=announced.profile,
            accounts=announced.accounts,
            digest=seal_digest(key, announced.digest, place=submission_place(*seat)),
            state=SubmissionState.UPLOADING.value,
            ready=False,
            begun_at=now,
            head_release=None if announced.head is None else announced.head.release,
            head=None if announced.head is None else announced.head.head,
        )
    )
    if announced.chunk_digests:
        sealed = (
            seal_digest(key, digest, place=chunk_place(*seat, position))
            for position, digest in enumerate(announced.chunk_digests)
        )
        tx.execute(
            insert(chunks), [{**place, "position": each, "digest": digest} for each, digest in enumerate(sealed)]
        )
