"""The values that travel: words, ids, exact bytes, bounded numbers; each refuses without repeating what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
)
from pydantic_core import PydanticCustomError
from pydantic_core import core_schema as cs

from escrow.psi.encoding import b64url, unb64url
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.reports.matrix import CellState
from escrow.reports.statement import STATEMENT_BYTES
from escrow.terms import CUSTOM_FIELD, DETAIL_FIELDS, MOST_ACCOUNTS, Level, Population, Side, Tier

__all__ = [
    "MOST_ACCOUNTS",
    "MOST_CHUNKS",
    "MOST_ITEMS",
    "MOST_NUMBER",
    "Accounts",
    "AlarmWord",
    "Bytes16",
    "Bytes32",
    "Bytes64",
    "CellStateWord",
    "Code",
    "ColumnBytes",
    "Cursor",
    "EnvelopeBytes",
    "FieldWord",
    "GenerationNumber",
    "GenerationState",
    "Id",
    "KeyId",
    "LevelWord",
    "Model",
    "NextGenerationState",
    "Number",
    "PartnershipState",
    "PopulationWord",
    "ProfileId",
    "RowBytes",
    "ScopeWord",
    "SideWord",
    "StatementBytes",
    "SubmissionState",
    "SubmissionType",
    "TierWord",
    "Time",
]

#: Most chunks in one submission.
MOST_CHUNKS = 1_024
#: Most items in one page or batch, whatever is asked for.
MOST_ITEMS = 1_000
#: JSON numbers stay exact in every language up to here.
MOST_NUMBER = 2**53 - 1


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
        return cs.str_schema(pattern=self._pattern(), min_length=least, max_length=most)

    def _pattern(self) -> str:
        """Say which text is unpadded base64url: bits of the last letter that stand for nothing are zero."""
        if self.least != self.most:
            return f"^({_LETTER}{{4}})*({_LETTER}[AQgw]|{_LETTER}{{2}}[AEIMQUYcgkosw048])?$"
        whole, rest = divmod(self.most, 3)
        return f"^{_LETTER}{{{whole * 4 + rest}}}{_LAST_LETTER[rest]}$"


_LETTER = "[A-Za-z0-9_-]"
#: The last letter of text whose length in bytes leaves this rest of three.
_LAST_LETTER = ("", "[AQgw]", "[AEIMQUYcgkosw048]")


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


Bytes16 = Annotated[bytes, _Base64url(16, 16), Field(examples=["mAPvMQBEt1Db9cm2KQyLzQ"])]
Bytes32 = Annotated[bytes, _Base64url(32, 32), Field(examples=["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"])]
Bytes64 = Annotated[bytes, _Base64url(64, 64), Field(examples=["A" * 86])]
StatementBytes = Annotated[
    bytes, _Base64url(STATEMENT_BYTES, STATEMENT_BYTES), Field(examples=[b64url(bytes(STATEMENT_BYTES))])
]
KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$"), Field(examples=["9f86d081884c7d65"])]
RowBytes = Annotated[bytes, _Base64url(8, 8), AfterValidator(_not_zero), Field(examples=["k2gtRxT0i9U"])]
#: Room for the largest padded envelope with a wrap for each of 32 tokens.
EnvelopeBytes = Annotated[bytes, _Base64url(1, 8_192), Field(examples=["AZ0rJ2l3c1RyS0pWbEhDM0x1"])]
#: A column of a chunk: how large a chunk may be is the service's to say.
ColumnBytes = Annotated[bytes, _Base64url(0, 2**30), Field(examples=["k2gtRxT0i9U"])]
Id = Annotated[UUID, _CanonicalId(), Field(examples=["5f0c3c5e-2f52-4d5b-9d0a-6d3f3f1f2a11"])]
PopulationWord = Annotated[Population, _Word(Population)]
LevelWord = Annotated[Level, _Word(Level), Field(examples=["counts"])]
TierWord = Annotated[Tier, _Word(Tier)]
SideWord = Annotated[Side, _Word(Side)]
Number = Annotated[int, Field(ge=0, le=MOST_NUMBER, examples=[7])]
Accounts = Annotated[int, Field(ge=0, le=MOST_ACCOUNTS, examples=[1_392])]
Code = Annotated[int, Field(ge=1, le=255, examples=[1])]
GenerationNumber = Annotated[int, Field(ge=0, le=2**32 - 1, examples=[0])]
ProfileId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+_-]{1,64}$"), Field(examples=[LATEST_PROFILE])]
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$"), Field(examples=["bzoxMjg0"])]
Time = Annotated[
    AwareDatetime,
    AfterValidator(lambda moment: moment.astimezone(UTC)),
    Field(examples=["2026-11-20T06:30:00Z"]),
]
FieldWord = Annotated[
    str,
    StringConstraints(pattern=f"^({'|'.join(DETAIL_FIELDS)}|{CUSTOM_FIELD})$", max_length=len("custom.") + 30),
    Field(examples=["region"]),
]
ScopeWord = Literal["read", "submit", "terms", "pair", "webhooks"]
PartnershipState = Annotated[Literal["invited", "accepted", "active", "ended"], Field(examples=["active"])]
GenerationState = Annotated[Literal["building", "live", "retired", "cancelled"], Field(examples=["live"])]
NextGenerationState = Literal["proposed", "building"]
AlarmWord = Literal["list-grew", "allowance-half-spent"]
SubmissionType = Literal["snapshot", "delta"]
SubmissionState = Annotated[
    Literal["uploading", "received", "applied", "rejected", "withdrawn"], Field(examples=["applied"])
]
CellStateWord = Annotated[CellState, _Word(CellState), Field(examples=["public"])]


class Model(BaseModel):
    """Strict, frozen, and closed to unknown fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)
