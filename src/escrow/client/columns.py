"""Which column of a CRM export means what, and which stage belongs to which population: guessed, shown, remembered.

Headers are known as Salesforce and HubSpot write them, and as people commonly do; anything else can be said by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from escrow.errors import ColumnMissing, ColumnTwice, MappingInvalid
from escrow.terms import Population

__all__ = ["ColumnMapping", "Meaning", "guess_mapping", "stage_words", "suggested_columns"]


class Meaning(StrEnum):
    """What a column says about an account; the words are those that options and the remembered mapping use."""

    CRM_ID = "crm_id"
    ACCOUNT_NAME = "account_name"
    WEBSITE = "website"
    STAGE = "stage"
    OWNER_NAME = "owner_name"
    OWNER_EMAIL = "owner_email"
    REGION = "region"
    COUNTRY = "country"
    TIER = "tier"
    OPEN_OPPORTUNITIES = "open_opportunities"
    CREATED_DATE = "created_date"
    UPDATED_DATE = "updated_date"


#: Headers as words, the most telling first: HubSpot exports have a "Type" beside the "Lifecycle Stage" that counts.
_HEADERS: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.CRM_ID: (
        "account id",
        "account id 18",
        "record id",
        "company id",
        "crm id",
        "hs object id",
        "external id",
        "id",
    ),
    Meaning.ACCOUNT_NAME: (
        "account name",
        "company name",
        "organization name",
        "organisation name",
        "name",
        "company",
        "account",
        "organization",
        "organisation",
    ),
    Meaning.WEBSITE: (
        "website",
        "company domain name",
        "company domain",
        "website url",
        "company website",
        "web site",
        "domain name",
        "domain",
        "homepage",
        "url",
    ),
    Meaning.STAGE: (
        "lifecycle stage",
        "account stage",
        "account status",
        "account type",
        "type",
        "stage",
        "status",
        "population",
    ),
    Meaning.OWNER_NAME: ("account owner", "company owner", "owner name", "owner full name", "owner"),
    Meaning.OWNER_EMAIL: ("owner email", "account owner email", "company owner email"),
    Meaning.REGION: ("region", "sales region", "account region", "territory"),
    Meaning.COUNTRY: ("country", "billing country", "country region", "shipping country"),
    Meaning.TIER: ("tier", "account tier", "customer tier", "ideal customer profile tier"),
    Meaning.OPEN_OPPORTUNITIES: (
        "open opportunities",
        "number of open opportunities",
        "number of open deals",
        "open deals",
    ),
    Meaning.CREATED_DATE: ("created date", "create date", "date created", "creation date", "created at", "created"),
    Meaning.UPDATED_DATE: (
        "last modified date",
        "last modified",
        "modified date",
        "last updated",
        "updated at",
        "updated",
    ),
}

_STAGES: Mapping[Population, tuple[str, ...]] = {
    Population.CUSTOMERS: (
        "customer",
        "customers",
        "customer direct",
        "customer channel",
        "active customer",
        "current customer",
        "existing customer",
        "paying customer",
        "client",
        "clients",
        "closed won",
        "won",
        "evangelist",
    ),
    Population.OPPORTUNITIES: (
        "opportunity",
        "opportunities",
        "open opportunity",
        "open",
        "open deal",
        "pipeline",
        "in pipeline",
        "proposal",
        "negotiation",
    ),
    Population.PROSPECTS: (
        "prospect",
        "prospects",
        "lead",
        "leads",
        "open lead",
        "marketing qualified lead",
        "marketingqualifiedlead",
        "mql",
        "sales qualified lead",
        "salesqualifiedlead",
        "sql",
        "subscriber",
        "suspect",
        "target",
        "target account",
    ),
}
_POPULATION_OF_STAGE = {stage: population for population, stages in _STAGES.items() for stage in stages}
_SKIP = "skip"
_BETWEEN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The header of each meaning, and what was said about stages; a stage given None is skipped, as on a skip list.

    Stages that nothing was said about go by their usual meaning.
    """

    columns: Mapping[Meaning, str]
    stages: Mapping[str, Population | None]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        stages = {_words(stage): population for stage, population in self.stages.items()}
        object.__setattr__(self, "stages", MappingProxyType(stages))

    def with_columns(self, headers: Mapping[Meaning, str]) -> ColumnMapping:
        """Give this mapping with the columns that were named by hand."""
        return ColumnMapping({**self.columns, **headers}, self.stages)

    def with_stages(self, stages: Mapping[str, Population | None]) -> ColumnMapping:
        """Give this mapping with what was said by hand about stages; None skips the rows of that stage."""
        said = {_words(stage): population for stage, population in stages.items()}
        return ColumnMapping(self.columns, {**self.stages, **said})

    def knows_stage(self, stage: str) -> bool:
        """Tell whether it is known what to do with rows of this stage."""
        words = _words(stage)
        return words in self.stages or words in _POPULATION_OF_STAGE

    def population_of(self, stage: str) -> Population | None:
        """Give the population that rows of a known stage belong to; None: they are skipped."""
        words = _words(stage)
        return self.stages[words] if words in self.stages else _POPULATION_OF_STAGE[words]

    def check_headers(self, headers: Sequence[str], *, needs_stage: bool = True) -> None:
        """Raise ColumnMissing or ColumnTwice unless these headers hold every column that is mapped and needed."""
        _check_needed(self.columns, needs_stage=needs_stage)
        for meaning, header in self.columns.items():
            standing = headers.count(header)
            if not standing:
                raise ColumnMissing(f"the export has no column {header!r} for {meaning}; name another with --column")
            if standing > 1:
                raise ColumnTwice(f"the export has {standing} columns named {header!r}; rename or remove one of them")

    def to_json(self) -> str:
        """Write the mapping down so that `from_json` reads it back."""
        stages = {stage: population.word if population else _SKIP for stage, population in self.stages.items()}
        return json.dumps({"columns": dict(self.columns), "stages": stages}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ColumnMapping:
        """Read what `to_json` wrote; MappingInvalid if it is something else."""
        try:
            said = json.loads(text)
            columns = {Meaning(meaning): str(header) for meaning, header in said["columns"].items()}
            stages = {str(stage): _population(word) for stage, word in said["stages"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise MappingInvalid("the remembered column mapping cannot be read; say the columns anew") from problem
        return cls(columns, stages)


def guess_mapping(headers: Sequence[str]) -> ColumnMapping:
    """Give the mapping that the headers of an export suggest; ColumnMissing if one that is needed is not among them."""
    columns = suggested_columns(headers)
    _check_needed(columns)
    return ColumnMapping(columns, {})


def suggested_columns(headers: Sequence[str]) -> dict[Meaning, str]:
    """Give the header of each meaning that the headers suggest, whether or not all that is needed is among them."""
    return {meaning: header for meaning, known in _HEADERS.items() if (header := _best(headers, known)) is not None}


def stage_words(stage: str) -> str:
    """Give what stages are told apart by: their words, without capitals or what stands between words."""
    return _words(stage)


def _check_needed(columns: Iterable[Meaning], *, needs_stage: bool = True) -> None:
    needed = (Meaning.CRM_ID, Meaning.STAGE) if needs_stage else (Meaning.CRM_ID,)
    missing = [str(meaning) for meaning in needed if meaning not in columns]
    if Meaning.ACCOUNT_NAME not in columns and Meaning.WEBSITE not in columns:
        missing.append(f"{Meaning.ACCOUNT_NAME} or {Meaning.WEBSITE}")
    if missing:
        raise ColumnMissing(
            f"no column of the export looks like {', '.join(missing)}; name it with --column, as in "
            f'--column {missing[0].split(" ", maxsplit=1)[0]}="Header of the column"; headers are looked for in the '
            "file's first line, between commas, semicolons or tabs"
        )


def _best(headers: Sequence[str], known: Sequence[str]) -> str | None:
    by_words = {_words(header): header for header in reversed(headers)}
    return next((by_words[words] for words in known if words in by_words), None)


def _words(text: str) -> str:
    return _BETWEEN_WORDS.sub(" ", text).strip().casefold()


def _population(word: object) -> Population | None:
    if word == _SKIP:
        return None
    return {population.word: population for population in Population}[str(word)]
