"""Which population each row of an export belongs to: by what is known of its stage, or by filters.

With filters, the first that holds wins, in order of strength: customers, opportunities, prospects. A row for which none
holds is left out; which stages no filter mentions is told, so that none is forgotten.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from escrow.client.columns import ColumnMapping, Meaning, stage_words
from escrow.client.filters import Column, Columns, Expression, columns_of, fault_at, holds, texts_compared, unreadable
from escrow.client.filters.evaluating import folded
from escrow.counts import counted
from escrow.errors import StageUnknown
from escrow.terms import Population

__all__ = [
    "Filter",
    "Left",
    "PopulationFilters",
    "absent_values",
    "headers_of",
    "populations_by_filter",
    "populations_by_stage",
]

_STAGES_SHOWN = 10
_COLUMNS_SHOWN = 30
_LONGEST_NEAR = 200

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as it was written and as it was understood."""

    text: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Left:
    """What a user should know about rows that belong to no population; all of it is empty if there is nothing to say.

    ``stages`` counts the rows of each stage that no filter mentions, the most frequent first; ``absent`` are values
    that were said and that no row has, each with the nearest that rows do have; ``unreadable`` counts the cells of a
    column that filters compare with a number or a date and that are none.
    """

    stages: tuple[tuple[str, int], ...] = ()
    absent: tuple[tuple[str, str | None], ...] = ()
    unreadable: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PopulationFilters:
    """The filter of each population; ``fields`` are headers of columns that only filters read, by their names there.

    What ``overrides`` says about a stage goes before the filters; None leaves its rows out.
    """

    filters: Mapping[Population, Filter]
    fields: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Population | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        by_strength = {population: self.filters[population] for population in Population if population in self.filters}
        object.__setattr__(self, "filters", MappingProxyType(by_strength))
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))
        overrides = {stage_words(stage): population for stage, population in self.overrides.items()}
        object.__setattr__(self, "overrides", MappingProxyType(overrides))

    def headers(self, mapping: ColumnMapping, headers: Sequence[str]) -> dict[str, str]:
        """Give the header of each column that a filter reads, by the name that it has there.

        Raises:
            FilterInvalid: there is no such column, or several; the message marks it and names those there are.
        """
        return headers_of(self.filters.values(), mapping, headers, fields=self.fields)


def headers_of(
    filters: Iterable[Filter], mapping: ColumnMapping, headers: Sequence[str], *, fields: Mapping[str, str]
) -> dict[str, str]:
    """Give the header of each column that a filter reads, by the name that it has there.

    Raises:
        FilterInvalid: there is no such column, or several; the message marks it and names those there are.
    """
    known = _known_names(mapping, fields, headers)
    return {
        column.name: _standing_once(_header(column, filter_, known), column, filter_, headers)
        for filter_ in filters
        for column in columns_of(filter_.expression)
    }


def populations_by_filter(
    values: Mapping[str, Sequence[str]], mapping: ColumnMapping, filters: PopulationFilters
) -> tuple[Codes, Left]:
    """Give the code of each row's population, zero for none; ``values`` are columns by their headers."""
    bound = filters.headers(mapping, tuple(values))
    columns = Columns({name: values[header] for name, header in bound.items()})
    codes = np.zeros(len(values[mapping.columns[Meaning.CRM_ID]]), np.uint8)
    for population, filter_ in reversed(tuple(filters.filters.items())):
        codes[holds(filter_.expression, columns)] = population
    stages = values[mapping.columns[Meaning.STAGE]] if Meaning.STAGE in mapping.columns else ()
    if filters.overrides and len(stages):
        _overrule(codes, stages, filters.overrides)
    return codes, _left(values, bound, stages, mapping, filters, columns)


def populations_by_stage(stages: Sequence[str], mapping: ColumnMapping) -> tuple[Codes, Left]:
    """Give the code of each row's population, zero for those of a stage to skip.

    Raises:
        StageUnknown: it is not known what some stages mean.
    """
    rows_of = Counter(stages)
    unknown = Counter({stage: rows for stage, rows in rows_of.items() if not mapping.knows_stage(stage)})
    if unknown:
        raise StageUnknown(_stages_unknown(unknown, mapping.columns[Meaning.STAGE]))
    codes = {stage: int(mapping.population_of(stage) or 0) for stage in rows_of}
    return np.fromiter(map(codes.__getitem__, stages), np.uint8, len(stages)), Left()


def absent_values(
    said: Sequence[str], values: Sequence[str], *, alike: Callable[[str], str] = folded
) -> tuple[tuple[str, str | None], ...]:
    """Give what was said of a column and stands in none of its cells, each with the nearest that does.

    ``alike`` gives what two texts must have in common to be the same.
    """
    if not said:
        return ()
    there = {alike(value): value.strip() for value in set(values)}
    missing = [each for each in dict.fromkeys(said) if alike(each) not in there]
    return tuple((each, _nearest(alike(each), there)) for each in missing)


def _left(
    values: Mapping[str, Sequence[str]],
    bound: Mapping[str, str],
    stages: Sequence[str],
    mapping: ColumnMapping,
    filters: PopulationFilters,
    columns: Columns,
) -> Left:
    expressions = [filter_.expression for filter_ in filters.filters.values()]
    said: dict[str, list[str]] = {}
    for name, text in (pair for each in expressions for pair in texts_compared(each)):
        said.setdefault(bound[name], []).append(text)
    mentioned = {folded(text) for text in said.get(mapping.columns.get(Meaning.STAGE, ""), ())}
    rows_of = Counter(stages)
    unmentioned = Counter(
        {
            stage: rows
            for stage, rows in rows_of.items()
            if folded(stage) not in mentioned and stage_words(stage) not in filters.overrides
        }
    )
    absent = [pair for header, texts in said.items() for pair in absent_values(texts, values[header])]
    strange = {name: count for each in expressions for name, count in unreadable(each, columns).items()}
    return Left(tuple(unmentioned.most_common()), tuple(absent), strange)


def _overrule(codes: Codes, stages: Sequence[str], overrides: Mapping[str, Population | None]) -> None:
    """Give rows of stages that something was said about the population that was said, in place."""
    distinct = {stage: stage_words(stage) for stage in set(stages)}
    said = {stage: int(overrides[words] or 0) for stage, words in distinct.items() if words in overrides}
    for row, stage in enumerate(stages):
        if stage in said:
            codes[row] = said[stage]


def _known_names(mapping: ColumnMapping, fields: Mapping[str, str], headers: Sequence[str]) -> dict[str, list[str]]:
    """Give the headers that each name may stand for: a field or a meaning goes before a header."""
    known: dict[str, list[str]] = {}
    for header in filter(None, headers):
        known.setdefault(header.casefold(), []).append(header)
    said = {str(meaning): [header] for meaning, header in mapping.columns.items()}
    return known | said | {name.casefold(): [header] for name, header in fields.items()}


def _header(column: Column, filter_: Filter, known: Mapping[str, Sequence[str]]) -> str:
    found = known.get(column.name.strip().casefold(), ())
    if len(found) == 1:
        return found[0]
    if found:
        raise fault_at(filter_.text, column.at, f"the export has {len(found)} columns named {found[0]!r}; rename one")
    nearest = _nearest(column.name.casefold(), {name: name for name in known})
    hint = f"; did you mean {nearest}?" if nearest else ""
    names = ", ".join(sorted(known)[:_COLUMNS_SHOWN])
    raise fault_at(filter_.text, column.at, f"there is no column {column.name!r}{hint}\nthere are: {names}")


def _standing_once(header: str, column: Column, filter_: Filter, headers: Sequence[str]) -> str:
    if (standing := headers.count(header)) == 1:
        return header
    told = f"the export has {standing or 'no'} column{'s' * (standing > 1)} {header!r}, which is {column.name} here"
    raise fault_at(filter_.text, column.at, told)


def _nearest(word: str, known: Mapping[str, str]) -> str | None:
    near = difflib.get_close_matches(word, [each for each in known if len(each) < _LONGEST_NEAR], n=1)
    return known[near[0]] if near else None


def _stages_unknown(unknown: Counter[str], header: str) -> str:
    shown = [
        f"{stage.strip() or '(empty)'!r} ({counted(rows, 'row')})" for stage, rows in unknown.most_common(_STAGES_SHOWN)
    ]
    more = ["…"] if len(unknown) > _STAGES_SHOWN else []
    return (
        f"column {header!r} has {counted(len(unknown), 'value')} without a population yet: {', '.join(shown + more)}; "
        'say for each what it is, as in --stage "Value"=customers (or opportunities, prospects, skip), or sort rows '
        "by filters in escrow.toml"
    )
