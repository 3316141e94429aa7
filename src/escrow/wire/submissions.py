"""Uploads of lists."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from escrow.wire.values import (
    MOST_CHUNKS,
    MOST_NUMBER,
    Accounts,
    Bytes32,
    Code,
    GenerationNumber,
    Model,
    Number,
    ProfileId,
    SubmissionState,
    SubmissionType,
    Time,
)

__all__ = [
    "Chunks",
    "Completion",
    "NewSubmission",
    "Submission",
    "SubmissionProblem",
]


Chunks = Annotated[tuple[Bytes32, ...], Field(strict=False, max_length=MOST_CHUNKS)]


class NewSubmission(Model):
    """What an upload will hold: its place in the sequence and the digest of every chunk."""

    number: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
    type: SubmissionType
    base: Number
    generation: GenerationNumber
    suite: Code
    profile: ProfileId
    accounts: Accounts
    chunks: Chunks
    digest: Bytes32


class Completion(Model):
    """All chunks are there; ``ready`` also says that one's counts are right once this is applied."""

    ready: bool = False


class SubmissionProblem(Model):
    """Why the service rejected a list."""

    code: str
    detail: str


class Submission(Model):
    """One upload and how far it has come."""

    number: Number
    type: SubmissionType
    base: Number
    state: SubmissionState
    chunks: Number
    missing: Annotated[tuple[Number, ...], Field(strict=False)]
    received_at: Time | None
    applied_at: Time | None
    problem: SubmissionProblem | None
    accounts: Number
