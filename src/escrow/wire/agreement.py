"""Terms, as one party states them and as both together allow."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from escrow import terms as words
from escrow.terms import CELLS, DETAIL_FIELDS, MOST_CUSTOM_FIELDS, Cell, Tier, fields_in_order
from escrow.wire.disclosure import STANDARD, DisclosureRule, EffectiveRule
from escrow.wire.values import MOST_ACCOUNTS, FieldWord, LevelWord, Model, Number, PopulationWord, TierWord, Time

__all__ = [
    "CellLevel",
    "EffectiveTerms",
    "Terms",
    "TermsDocument",
    "TermsRequest",
    "TermsRequests",
]


class CellLevel(Model):
    """How far one cell is shared."""

    ours: PopulationWord
    theirs: PopulationWord
    level: LevelWord


def _each_once(fields: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(fields)) != len(fields):
        raise PydanticCustomError("repeated", "A field is named once")
    if len(set(fields).difference(DETAIL_FIELDS)) > MOST_CUSTOM_FIELDS:
        raise PydanticCustomError(
            "custom_fields", "At most {most} custom fields are named", {"most": MOST_CUSTOM_FIELDS}
        )
    return fields


def _nine(levels: tuple[CellLevel, ...]) -> tuple[CellLevel, ...]:
    if {Cell(each.ours, each.theirs) for each in levels} != set(CELLS) or len(levels) != len(CELLS):
        raise PydanticCustomError("cells", "Terms give one level to each of the nine cells")
    return levels


_MOST_FIELDS = len(DETAIL_FIELDS) + MOST_CUSTOM_FIELDS
_EXAMPLE = [{"ours": cell.ours.word, "theirs": cell.theirs.word, "level": "counts"} for cell in CELLS]


class Terms(Model):
    """What one party allows and demands, cells seen from the reader's side."""

    levels: Annotated[
        tuple[CellLevel, ...],
        Field(strict=False, min_length=9, max_length=9, examples=[_EXAMPLE]),
        AfterValidator(_nine),
    ]
    fields: Annotated[
        tuple[FieldWord, ...],
        Field(
            strict=False,
            max_length=len(DETAIL_FIELDS) + MOST_CUSTOM_FIELDS,
            examples=[["account_name", "domain", "region"]],
            json_schema_extra={"uniqueItems": True},
        ),
        AfterValidator(_each_once),
    ] = ()
    counts_from: TierWord = Tier.LIKELY
    reveals_from: TierWord = Tier.CERTAIN
    largest_list: Annotated[int, Field(ge=1, le=MOST_ACCOUNTS)] = 250_000
    disclosure: DisclosureRule = STANDARD

    _rule: ClassVar[type[DisclosureRule]] = DisclosureRule

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
                "fields": fields_in_order(terms.fields),
                "counts_from": terms.counts_from,
                "reveals_from": terms.reveals_from,
                "largest_list": terms.largest_list,
                "disclosure": cls._rule.of(terms.disclosure),
            }
        )

    def value(self) -> words.Terms:
        """Give the terms as the domain's value."""
        return words.Terms(
            levels={Cell(each.ours, each.theirs): each.level for each in self.levels},
            fields=fields_in_order(self.fields),
            counts_from=self.counts_from,
            reveals_from=self.reveals_from,
            largest_list=self.largest_list,
            disclosure=self.disclosure.value(),
        )


class EffectiveTerms(Terms):
    """The meet of both parties' terms, which may ask for more than either of them can."""

    disclosure: EffectiveRule

    _rule: ClassVar[type[DisclosureRule]] = EffectiveRule


class TermsDocument(Model):
    """Both parties' terms and their meet, all seen from the caller's side."""

    number: Number
    ours: Terms
    theirs: Terms | None
    effective: EffectiveTerms | None


class TermsRequest(Model):
    """An open request for other terms: those that its asker would have once it is answered."""

    number: Number
    asked_by: Literal["ours", "theirs"]
    terms: Terms
    made_at: Time
    expires_at: Time


class TermsRequests(Model):
    """The requests that can be answered: at most one of each side."""

    items: Annotated[tuple[TermsRequest, ...], Field(strict=False, max_length=2)]
