"""The public HTTP contract as pydantic models, shared by the service and the client; what is not named here never leaves.

Models are strict and frozen, and refuse fields they do not know. Binary is unpadded base64url of an exact length, ids
are UUIDs in their canonical form, times are UTC in ISO 8601, and the codes of the domain travel as its words
("customers", "details"). No error raised here repeats what was sent.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_core import core_schema as cs

from escrow import terms as words
from escrow.terms import CELLS, DETAIL_FIELDS, Cell, Level, Population, Side, Tier

__all__ = [
    "MOST_CHUNKS",
    "MOST_ITEMS",
    "Acceptance",
    "CellLevel",
    "Chunks",
    "Completion",
    "Confirmation",
    "DetailsPage",
    "DetailsStored",
    "DetailsUpload",
    "FieldProblem",
    "Generation",
    "Health",
    "Invitation",
    "InvitationLookup",
    "Limits",
    "NewPartnership",
    "NewSubmission",
    "Nothing",
    "Organization",
    "OverlapItem",
    "OverlapPage",
    "OwnList",
    "Pairing",
    "Partnership",
    "PartnershipPage",
    "PopulationSizes",
    "Problem",
    "ReleaseItem",
    "ReleasePage",
    "Report",
    "ReportCell",
    "ReportedList",
    "SealedDetails",
    "ServedDetails",
    "Service",
    "Submission",
    "SubmissionProblem",
    "Terms",
    "TermsDocument",
    "TheirList",
    "WantedDetails",
    "WantedPage",
]

#: Most chunks in one submission.
MOST_CHUNKS = 1_024
#: Most items in one page or batch, whatever is asked for.
MOST_ITEMS = 1_000
#: JSON numbers stay exact in every language up to here.
_MOST_NUMBER = 2**53 - 1


@dataclass(frozen=True, slots=True)
class _Word:
    """An enum of the domain, told by its word."""

    of: type[Enum]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        by_word = {_word(member): member for member in self.of}
        known = cs.literal_schema(list(by_word))

        def parse(unverified: object) -> Enum:
            if isinstance(unverified, self.of):
                return unverified
            if isinstance(unverified, str) and unverified in by_word:
                return by_word[unverified]
            raise PydanticCustomError("word", "Input should be one of: {words}", {"words": ", ".join(by_word)})

        return cs.no_info_plain_validator_function(
            parse,
            json_schema_input_schema=known,
            serialization=cs.plain_serializer_function_ser_schema(_word, return_schema=known),
        )


def _word(member: Enum) -> str:
    return member.name.lower()


@dataclass(frozen=True, slots=True)
class _Base64url:
    """Bytes of a bounded length, told as unpadded base64url."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        return cs.no_info_plain_validator_function(
            self._parse,
            json_schema_input_schema=self._text(),
            serialization=cs.plain_serializer_function_ser_schema(b64url, return_schema=self._text()),
        )

    def _parse(self, unverified: object) -> bytes:
        binary = unverified if isinstance(unverified, bytes) else self._decoded(unverified)
        if not self.least <= len(binary) <= self.most:
            raise self._refusal()
        return binary

    def _decoded(self, unverified: object) -> bytes:
        if not isinstance(unverified, str) or len(unverified) > _base64_length(self.most):
            raise self._refusal()
        try:
            return unb64url(unverified)
        except ValueError:
            raise self._refusal() from None

    def _refusal(self) -> PydanticCustomError:
        size = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        return PydanticCustomError("base64url", "Input should be unpadded base64url of {size} bytes", {"size": size})

    def _text(self) -> cs.CoreSchema:
        least, most = _base64_length(self.least), _base64_length(self.most)
        return cs.str_schema(pattern="^[A-Za-z0-9_-]*$", min_length=least, max_length=most)


def b64url(binary: bytes) -> str:
    return base64.urlsafe_b64encode(binary).decode().rstrip("=")


def unb64url(text: str) -> bytes:
    decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if b64url(decoded) != text:
        raise ValueError("not canonical base64url")
    return decoded


def _base64_length(size: int) -> int:
    return (size * 4 + 2) // 3


class _CanonicalId:
    """A UUID in its canonical, hyphenated, lower-case form and no other."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        text = cs.str_schema(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        return cs.no_info_plain_validator_function(
            self._parse,
            json_schema_input_schema=text,
            serialization=cs.plain_serializer_function_ser_schema(str, return_schema=text),
        )

    @staticmethod
    def _parse(unverified: object) -> UUID:
        if isinstance(unverified, UUID):
            return unverified
        try:
            parsed = UUID(unverified) if isinstance(unverified, str) else None
        except ValueError:
            parsed = None
        if parsed is None or str(parsed) != unverified:
            raise PydanticCustomError("id", "Input should be a UUID in lower case with hyphens")
        return parsed


def _not_zero(row: bytes) -> bytes:
    if not any(row):
        raise PydanticCustomError("row", "A row is not all zero")
    return row


Bytes16 = Annotated[bytes, _Base64url(16, 16)]
Bytes32 = Annotated[bytes, _Base64url(32, 32)]
RowBytes = Annotated[bytes, _Base64url(8, 8), AfterValidator(_not_zero)]
#: Room for the largest padded envelope with a wrap for each of 32 tokens.
EnvelopeBytes = Annotated[bytes, _Base64url(1, 8_192)]
Id = Annotated[UUID, _CanonicalId()]
PopulationWord = Annotated[Population, _Word(Population)]
LevelWord = Annotated[Level, _Word(Level)]
TierWord = Annotated[Tier, _Word(Tier)]
SideWord = Annotated[Side, _Word(Side)]
Number = Annotated[int, Field(ge=0, le=_MOST_NUMBER)]
Code = Annotated[int, Field(ge=1, le=255)]
GenerationNumber = Annotated[int, Field(ge=0, le=2**32 - 1)]
ProfileId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+_-]{1,64}$")]
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
Time = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
FieldWord = Literal[
    "account_name",
    "domain",
    "owner_name",
    "owner_email",
    "region",
    "stage",
    "open_opportunities",
    "tier",
    "created_date",
    "crm_id",
]
PartnershipState = Literal["invited", "accepted", "active", "ended"]
GenerationState = Literal["building", "live", "retired"]
SubmissionType = Literal["snapshot", "delta"]
SubmissionState = Literal["uploading", "received", "applied", "rejected"]
CellState = Literal["hidden", "withheld", "public"]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class Nothing(_Model):
    """An empty object: the request needs no more than its address."""


# The service and who is calling


class Health(_Model):
    """The service answers."""

    status: Literal["ok"] = "ok"


class Limits(_Model):
    """What one request may hold."""

    chunk_bytes: Number
    chunks: Number
    body_bytes: Number
    page_items: Number
    largest_list: Number


class Service(_Model):
    """What this service speaks."""

    name: str
    version: str
    profiles: Annotated[tuple[str, ...], Field(strict=False)]
    suites: Annotated[tuple[int, ...], Field(strict=False)]
    limits: Limits
    time: Time


class Organization(_Model):
    """An organization, as it is known to itself and its partners."""

    organization_id: Id
    name: str


# Partnerships and pairing


class NewPartnership(_Model):
    """An invitation: made by the inviter's client, which also makes the id."""

    partnership_id: Id
    inviter_public: Bytes32
    lookup: Bytes16
    suite: Code
    profile: ProfileId
    acceptor_organization_id: Id | None = None


class Generation(_Model):
    """The key, profile and suite that all tokens of a list belong to."""

    number: GenerationNumber
    profile: str
    suite: int
    state: GenerationState


class PopulationSizes(_Model):
    """How many accounts stand in each population."""

    customers: Number
    opportunities: Number
    prospects: Number

    @classmethod
    def of(cls, sizes: Mapping[Population, int]) -> Self:
        """Say a count for each population; one that is missing is zero."""
        return cls(**{population.word: sizes.get(population, 0) for population in Population})

    def value(self) -> dict[Population, int]:
        """Give the counts by population."""
        return {population: int(getattr(self, population.word)) for population in Population}


class OwnList(_Model):
    """The caller's own list, as the service holds it."""

    last_number: Number
    applied_number: Number
    applied_digest: Bytes32 | None
    accounts: Number
    populations: PopulationSizes
    applied_at: Time | None
    ready: bool


class TheirList(_Model):
    """The partner's list: its age only, never its size."""

    applied_at: Time | None
    ready: bool


class Partnership(_Model):
    """A partnership as one party sees it."""

    partnership_id: Id
    state: PartnershipState
    side: SideWord
    partner: Organization | None
    created_at: Time
    expires_at: Time | None
    generation: Generation | None
    terms_number: Number
    list: OwnList
    their_list: TheirList
    latest_release: Number | None


class PartnershipPage(_Model):
    """Some of the caller's partnerships."""

    items: Annotated[tuple[Partnership, ...], Field(strict=False)]
    next: Cursor | None


class InvitationLookup(_Model):
    """What the pairing code lets an acceptor ask for."""

    lookup: Bytes16


class Invitation(_Model):
    """An open invitation, as its acceptor sees it."""

    partnership_id: Id
    inviter: Organization
    inviter_public: Bytes32
    suite: int
    profile: str
    expires_at: Time


class Acceptance(_Model):
    """The acceptor's half of the pairing."""

    lookup: Bytes16
    acceptor_public: Bytes32
    tag: Bytes32


class Pairing(_Model):
    """Both halves, public parts only, for each client to verify the other's tag."""

    inviter_organization_id: Id
    acceptor_organization_id: Id
    inviter_public: Bytes32
    acceptor_public: Bytes32
    acceptor_tag: Bytes32
    inviter_tag: Bytes32 | None


class Confirmation(_Model):
    """The inviter's tag, sent once the acceptor's was verified."""

    tag: Bytes32


# Terms


class CellLevel(_Model):
    """How far one cell is shared."""

    ours: PopulationWord
    theirs: PopulationWord
    level: LevelWord


def _each_once(fields: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(fields)) != len(fields):
        raise PydanticCustomError("repeated", "A field is named once")
    return fields


def _nine(levels: tuple[CellLevel, ...]) -> tuple[CellLevel, ...]:
    if {Cell(each.ours, each.theirs) for each in levels} != set(CELLS) or len(levels) != len(CELLS):
        raise PydanticCustomError("cells", "Terms give one level to each of the nine cells")
    return levels


class Terms(_Model):
    """What one party allows and demands, cells seen from the reader's side."""

    levels: Annotated[tuple[CellLevel, ...], Field(strict=False, min_length=9, max_length=9), AfterValidator(_nine)]
    fields: Annotated[tuple[FieldWord, ...], Field(strict=False), AfterValidator(_each_once)] = ()
    counts_from: TierWord = Tier.LIKELY
    reveals_from: TierWord = Tier.CERTAIN
    largest_list: Annotated[int, Field(ge=1, le=_MOST_NUMBER)] = 250_000

    @model_validator(mode="after")
    def _what_reveals_also_counts(self) -> Self:
        if self.reveals_from > self.counts_from:
            raise PydanticCustomError("tiers", "reveals_from cannot be weaker than counts_from")
        return self

    @classmethod
    def of(cls, terms: words.Terms) -> Self:
        """Say the terms in the order of the cells and fields that reports use."""
        return cls.model_validate(
            {
                "levels": [CellLevel(ours=cell.ours, theirs=cell.theirs, level=terms.levels[cell]) for cell in CELLS],
                "fields": [field for field in DETAIL_FIELDS if field in terms.fields],
                "counts_from": terms.counts_from,
                "reveals_from": terms.reveals_from,
                "largest_list": terms.largest_list,
            }
        )

    def value(self) -> words.Terms:
        """Give the terms as the domain's value."""
        return words.Terms(
            levels={Cell(each.ours, each.theirs): each.level for each in self.levels},
            fields=tuple(field for field in DETAIL_FIELDS if field in self.fields),
            counts_from=self.counts_from,
            reveals_from=self.reveals_from,
            largest_list=self.largest_list,
        )


class TermsDocument(_Model):
    """Both parties' terms and their meet, all seen from the caller's side."""

    number: Number
    ours: Terms
    theirs: Terms | None
    effective: Terms | None


# Submissions

Chunks = Annotated[tuple[Bytes32, ...], Field(strict=False, max_length=MOST_CHUNKS)]


class NewSubmission(_Model):
    """What an upload will hold: its place in the sequence and the digest of every chunk."""

    number: Annotated[int, Field(ge=1, le=_MOST_NUMBER)]
    type: SubmissionType
    base: Number
    generation: GenerationNumber
    suite: Code
    profile: ProfileId
    accounts: Number
    chunks: Chunks
    digest: Bytes32


class Completion(_Model):
    """All chunks are there; ``ready`` also says that one's counts are right once this is applied."""

    ready: bool = False


class SubmissionProblem(_Model):
    """Why the service rejected a list."""

    code: str
    detail: str


class Submission(_Model):
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


# Releases


class ReleaseItem(_Model):
    """A release by number."""

    number: Number
    made_at: Time


class ReleasePage(_Model):
    """Some releases, newest first."""

    items: Annotated[tuple[ReleaseItem, ...], Field(strict=False)]
    next: Cursor | None


class ReportedList(_Model):
    """The caller's own list that a release was made from."""

    number: Number
    accounts: Number
    populations: PopulationSizes
    applied_at: Time


class ReportCell(_Model):
    """One cell of a report; ``number`` is there if and only if the cell is public."""

    ours: PopulationWord
    theirs: PopulationWord
    level: LevelWord
    state: CellState
    number: Number | None


class Report(_Model):
    """One party's view of a release under the terms then and now."""

    partnership_id: Id
    number: Number
    made_at: Time
    our_list: ReportedList
    cells: Annotated[tuple[ReportCell, ...], Field(strict=False, min_length=9, max_length=9)]
    counts_from: TierWord
    reveals_from: TierWord
    threshold: Number
    step: Number


# Overlaps and details


class OverlapItem(_Model):
    """One of the caller's own rows that overlaps, in a cell open at accounts or above."""

    row: RowBytes
    overlap: str
    tier: TierWord
    ours: PopulationWord
    theirs: PopulationWord
    level: LevelWord


class OverlapPage(_Model):
    """Some overlaps, in row order."""

    items: Annotated[tuple[OverlapItem, ...], Field(strict=False)]
    next: Cursor | None


class WantedDetails(_Model):
    """One of the caller's own rows whose details the partner may read and does not have."""

    row: RowBytes


class WantedPage(_Model):
    """Rows to seal, and what their envelopes must be bound to."""

    items: Annotated[tuple[WantedDetails, ...], Field(strict=False)]
    terms_number: Number
    submission: Number
    next: Cursor | None


class SealedDetails(_Model):
    """One sealed envelope, in the form with a wrap for each token."""

    row: RowBytes
    population: PopulationWord
    envelope: EnvelopeBytes


class DetailsUpload(_Model):
    """A batch of envelopes sealed under one number of terms and one applied submission."""

    terms_number: Number
    submission: Number
    items: Annotated[tuple[SealedDetails, ...], Field(strict=False, max_length=MOST_ITEMS)]


class DetailsStored(_Model):
    """How many envelopes were stored."""

    stored: Number


class ServedDetails(_Model):
    """A partner's envelope for one of the caller's rows, with the one wrap that opens it."""

    row: RowBytes
    owner_row: RowBytes
    population: PopulationWord
    submission: Number
    terms_number: Number
    envelope: EnvelopeBytes


class DetailsPage(_Model):
    """Some of the partner's envelopes."""

    items: Annotated[tuple[ServedDetails, ...], Field(strict=False)]
    next: Cursor | None


# Problems


class FieldProblem(_Model):
    """What is wrong with one field of a request, by its name and never by its content."""

    where: str
    problem: str


class Problem(BaseModel):
    """A problem document (RFC 9457); the request id is in the X-Request-Id header, not here."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: Sequence[FieldProblem] | None = None
    last_number: Number | None = None
    applied_number: Number | None = None
    missing: Sequence[Number] | None = None
    expected: str | None = None
