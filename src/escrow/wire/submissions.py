"""Uploads of lists."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from escrow.wire.values import (
    MOST_CHUNKS,
    MOST_NUMBER,
    Accounts,
    Bytes16,
    Bytes32,
    Code,
    ColumnBytes,
    GenerationNumber,
    Model,
    Number,
    PopulationWord,
    ProfileId,
    RowBytes,
    SubmissionState,
    SubmissionType,
    Time,
)

__all__ = [
    "MOST_TOKENS_OF_AN_ACCOUNT",
    "AccountTokens",
    "Chunks",
    "ColumnChunk",
    "Completion",
    "Head",
    "ListedAccount",
    "NewSubmission",
    "RowSubmission",
    "Submission",
    "SubmissionProblem",
]


Chunks = Annotated[tuple[Bytes32, ...], Field(strict=False, max_length=MOST_CHUNKS)]


class Head(Model):
    """The last release that a client had seen when it submitted, and what it vouches for it with (protocol, heads)."""

    release: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
    head: Bytes32


class NewSubmission(Model):
    """What an upload will hold: its place in the sequence and the digest of every chunk.

    `head` is passed on to the partner, whose client compares it with the releases that it has seen itself.
    """

    number: Annotated[int, Field(ge=1, le=MOST_NUMBER, examples=[8])]
    type: SubmissionType
    base: Number
    generation: GenerationNumber
    suite: Code
    profile: ProfileId
    accounts: Accounts
    chunks: Chunks
    digest: Bytes32
    head: Head | None = None


class Completion(Model):
    """All chunks are there; ``ready`` also says that one's counts are right once this is applied."""

    ready: bool = False


#: As ``escrow.psi.records`` says too, which this module does without: numpy comes with it.
MOST_TOKENS_OF_AN_ACCOUNT = 32

Tokens = Annotated[
    tuple[Bytes16, ...],
    Field(strict=False, max_length=MOST_TOKENS_OF_AN_ACCOUNT, examples=[["mAPvMQBEt1Db9cm2KQyLzQ"]]),
]


class AccountTokens(Model):
    """The tokens of one account, by the class of the match key that each was made from."""

    domain: Tokens = ()
    name: Tokens = ()
    variant: Tokens = ()
    fallback: Tokens = ()


class ListedAccount(Model):
    """One account, whole: its row, population and tokens."""

    row: RowBytes
    population: PopulationWord
    segments: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    tokens: AccountTokens

    @field_validator("tokens")
    @classmethod
    def _are_few(cls, tokens: AccountTokens) -> AccountTokens:
        most = MOST_TOKENS_OF_AN_ACCOUNT
        if sum(map(len, (tokens.domain, tokens.name, tokens.variant, tokens.fallback))) > most:
            raise PydanticCustomError("tokens", "An account has at most {most} tokens", {"most": most})
        return tokens


class RowSubmission(Model):
    """A small list in one request, account by account: a snapshot, or a delta with those that left as ``removals``.

    `head` is passed on to the partner, as that of an upload in chunks is.
    """

    number: Annotated[int, Field(ge=1, le=MOST_NUMBER, examples=[8])]
    type: SubmissionType
    base: Number
    generation: GenerationNumber
    suite: Code
    profile: ProfileId
    accounts: Annotated[tuple[ListedAccount, ...], Field(strict=False)]
    removals: Annotated[tuple[RowBytes, ...], Field(strict=False, examples=[[]])] = ()
    ready: bool = False
    head: Head | None = None

    @field_validator("accounts")
    @classmethod
    def _stand_once(cls, accounts: tuple[ListedAccount, ...]) -> tuple[ListedAccount, ...]:
        _must_differ([account.row for account in accounts])
        return accounts

    @field_validator("removals")
    @classmethod
    def _are_others(cls, removals: tuple[bytes, ...], others: ValidationInfo) -> tuple[bytes, ...]:
        if removals and others.data.get("type") == "snapshot":
            raise PydanticCustomError("removals", "A snapshot removes nobody: whoever is not on it has left")
        _must_differ([*removals, *(account.row for account in others.data.get("accounts", ()))])
        return removals


def _must_differ(rows: list[bytes]) -> None:
    if len(set(rows)) != len(rows):
        raise PydanticCustomError("rows", "A row stands in a submission once")


class ColumnChunk(Model):
    """A chunk column by column, each packed big-endian in the order of the records; ``segments`` may be left out."""

    rows: ColumnBytes
    populations: ColumnBytes
    segments: ColumnBytes = b""
    tokens: ColumnBytes
    token_rows: ColumnBytes
    classes: ColumnBytes


class SubmissionProblem(Model):
    """Why the service rejected a list; where a limit was met, the limit, what was left of it and when it renews.

    Limits are in accounts, those of a ceiling or an allowance in fifths of a token.
    """

    code: Annotated[str, Field(examples=["match-key-ambiguous"])]
    detail: Annotated[str, Field(examples=["A match key stands on more accounts than it may."])]
    limit: Number | None = None
    left: Number | None = None
    renews_at: Time | None = None


class Submission(Model):
    """One upload and how far it has come."""

    number: Annotated[Number, Field(examples=[8])]
    type: SubmissionType
    base: Number
    state: SubmissionState
    chunks: Annotated[Number, Field(examples=[1])]
    missing: Annotated[tuple[Number, ...], Field(strict=False, examples=[[]])]
    received_at: Time | None
    applied_at: Time | None
    problem: Annotated[SubmissionProblem | None, Field(examples=[None])]
    accounts: Annotated[Number, Field(examples=[1_392])]
