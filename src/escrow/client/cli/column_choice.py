"""Which columns of an export are used: what was said by hand, else what was remembered, else what headers suggest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from escrow.client.columns import ColumnMapping, Meaning, suggested_columns
from escrow.client.home import Home, replace_file
from escrow.client.project import ListPlan
from escrow.client.sources.populations import PopulationFilters
from escrow.errors import MappingInvalid
from escrow.terms import Population

__all__ = ["chosen_mapping", "planned_filters", "planned_mapping", "remember_mapping", "stages_named"]

_SKIP = "skip"


def chosen_mapping(
    home: Home, headers: Sequence[str], said_columns: Sequence[str], said_stages: Sequence[str]
) -> ColumnMapping:
    """Put a mapping together for an export with these headers."""
    remembered = _remembered(home)
    known = {meaning: header for meaning, header in remembered.columns.items() if header in headers}
    columns = {**suggested_columns(headers), **known}
    return (
        ColumnMapping(columns, remembered.stages)
        .with_columns(dict(_column(said) for said in said_columns))
        .with_stages(dict(_stage(said) for said in said_stages))
    )


def planned_mapping(
    plan: ListPlan, headers: Sequence[str], said_columns: Sequence[str], said_stages: Sequence[str]
) -> ColumnMapping:
    """Put a mapping together from escrow.toml, what was said by hand, and headers where neither says anything."""
    return (
        ColumnMapping({**suggested_columns(headers), **plan.columns}, plan.stages)
        .with_columns(dict(_column(said) for said in said_columns))
        .with_stages(dict(_stage(said) for said in said_stages))
    )


def planned_filters(plan: ListPlan, said_stages: Sequence[str]) -> PopulationFilters | None:
    """Give the filters of escrow.toml; what is said about stages, there or by hand, goes before them."""
    if not plan.populations:
        return None
    overrides = {**plan.stages, **dict(_stage(said) for said in said_stages)}
    return PopulationFilters(plan.populations, plan.fields, overrides)


def stages_named(said_stages: Sequence[str]) -> tuple[str, ...]:
    """Give the stages that something was said about."""
    return tuple(_stage(said)[0] for said in said_stages)


def remember_mapping(home: Home, mapping: ColumnMapping) -> None:
    """Keep a mapping that read an export, for the next one."""
    replace_file(_place(home), mapping.to_json().encode())


def _remembered(home: Home) -> ColumnMapping:
    try:
        return ColumnMapping.from_json(_place(home).read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, MappingInvalid):
        return ColumnMapping({}, {})


def _place(home: Home) -> Path:
    return home.folder / "columns.json"


def _column(said: str) -> tuple[Meaning, str]:
    meaning, _, header = said.partition("=")
    try:
        return Meaning(meaning.strip()), header.strip()
    except ValueError:
        words = ", ".join(Meaning)
        raise typer.BadParameter(f"write it as field=Header, with one of: {words}", param_hint="--map") from None


def _stage(said: str) -> tuple[str, Population | None]:
    value, _, word = said.rpartition("=")
    by_word: dict[str, Population | None] = {population.word: population for population in Population}
    by_word[_SKIP] = None
    if not value or word.strip() not in by_word:
        raise typer.BadParameter(
            f'write it as "Value"=word, with one of: {", ".join(by_word)}', param_hint="--population"
        )
    return value, by_word[word.strip()]
