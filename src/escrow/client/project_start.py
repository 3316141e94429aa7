"""A first escrow.toml, made from an export: its columns as they are guessed, its stages as they are known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from escrow.client.columns import ColumnMapping, Meaning, suggested_columns
from escrow.client.filters import Column, written
from escrow.client.filters.expressions import Membership
from escrow.client.project import ListPlan
from escrow.client.sources import Export, ReadAs, open_export
from escrow.client.sources.rows import read_columns
from escrow.terms import Population

__all__ = ["first_project"]

_MOST_STAGES = 50


def first_project(file: Path, said: ReadAs, place: Path) -> str:
    """Give the text of an escrow.toml at ``place`` for an export.

    Raises:
        ExportInvalid: the export cannot be read.
    """
    export = open_export(file, said)
    columns = suggested_columns(export.headers)
    parts = (_source(export, said, place), _columns(export.headers, columns), _populations(export, columns), _guard())
    return "\n".join(line for part in parts for line in part) + "\n"


def _source(export: Export, said: ReadAs, place: Path) -> Iterator[str]:
    yield "# What `escrow submit` makes our lists from. What stands here holds for every partnership; under"
    yield "# [partnerships.NAME], with the same tables, something else is said for one."
    yield "# `escrow config check` reads all of it and sends nothing."
    yield "\n[source]"
    yield f"path = {_text(_path_from(place, export.path))}"
    if said.sheet:
        yield f"sheet = {_text(said.sheet)}"
    yield '# encoding = "cp1252"   # of a CSV file that is not UTF-8'
    yield '# delimiter = ";"\n# header_row = 1'


def _columns(headers: Sequence[str], columns: dict[Meaning, str]) -> Iterator[str]:
    yield "\n# Which column means what. These are needed: crm_id, and account_name or website."
    yield "[columns]"
    for meaning in Meaning:
        yield f"{meaning} = {_text(columns[meaning])}" if meaning in columns else f'# {meaning} = ""'
    yield "\n# Other columns, by names of your own for use in filters. They never leave this machine."
    yield "[fields]"
    used = set(columns.values())
    for header in dict.fromkeys(headers):
        if header and header not in used:
            yield f"# {_field_name(header)} = {_text(header)}"


def _populations(export: Export, columns: dict[Meaning, str]) -> Iterator[str]:
    yield "\n# Which rows are what; the first that holds wins, customers before opportunities before prospects."
    yield "# A row for which none holds is left out."
    yield "[populations]"
    stages = _stages(export, columns)
    mapping = ColumnMapping(columns, {})
    column = Column(str(Meaning.STAGE))
    for population in Population:
        known = tuple(s for s in stages if mapping.knows_stage(s) and mapping.population_of(s) is population)
        filter_ = written(Membership(column, known or (population.word,)))
        yield f"{'' if known else '# '}{population.word} = {_text(filter_)}"
    if others := [stage for stage in stages if not mapping.knows_stage(stage)]:
        yield "# Stages that belong nowhere yet, with their rows:"
        yield from (f"#   {_text(stage)}  {stages[stage]:,}" for stage in others)


def _guard() -> Iterator[str]:
    yield "\n# The largest share of a list that one export may take away without --allow-shrink."
    yield f"# [guard]\n# most_removed = {ListPlan().most_removed}"


def _stages(export: Export, columns: dict[Meaning, str]) -> dict[str, int]:
    header = columns.get(Meaning.STAGE)
    if header is None:
        return {}
    counted = Counter(map(str.strip, read_columns(export, {header: True})[header]))
    return dict(counted.most_common(_MOST_STAGES))


def _path_from(place: Path, file: Path) -> str:
    folder, file = place.absolute().parent, file.absolute()
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.as_posix()


def _field_name(header: str) -> str:
    name = "_".join("".join(sign if sign.isalnum() else " " for sign in header).split()).casefold()
    return name if name.isascii() and name else _text(header)


def _text(text: str) -> str:
    """Write a TOML string: as it stands in single quotes, unless it holds what those cannot."""
    if "'" in text or not text.isprintable():
        return json.dumps(text).replace("\x7f", "\\u007f")
    return f"'{text}'" if '"' in text or "\\" in text else f'"{text}"'
