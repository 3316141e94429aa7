"""An alias file or a do-not-map list, as CSV or TOML → its entries; what says nothing is refused, never passed over."""

from __future__ import annotations

import csv
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from escrow.client.corrections.entries import Aliases, Named
from escrow.errors import CorrectionsInvalid

__all__ = ["read_aliases", "read_do_not_map"]

_SINGULAR = {"name": "names", "domain": "domains", "crm_id": "crm_ids"}
_PLURAL = tuple(_SINGULAR.values())
_RULES = ("same", "apart")
_LEAST = 2


def read_aliases(path: Path) -> Aliases:
    """Read which names, domains and CRM ids are one company, and which are to be kept apart.

    Raises:
        CorrectionsInvalid: the file cannot be read, or an entry says nothing.
    """
    return _aliases_of_toml(path) if _is_toml(path) else _aliases_of_csv(path)


def read_do_not_map(path: Path) -> Named:
    """Read names, domains and CRM ids of which nothing is to be sent.

    Raises:
        CorrectionsInvalid: the file cannot be read, an entry says nothing, or there is none.
    """
    if _is_toml(path):
        found = _named(path, _toml(path), "the file")
    else:
        rows = _rows(path, tuple(_SINGULAR))
        found = sum((_cells(row) for _, row in rows), Named())
    if not len(found):
        raise CorrectionsInvalid(f"{path.name} names no account; leave the list away, or say --no-do-not-map")
    return found


def _aliases_of_toml(path: Path) -> Aliases:
    said = _toml(path)
    _only_known(path, said, ("one_company", "keep_apart"), "the file")
    one_company = tuple(
        _enough(path, _named(path, table, f"one_company number {number}"), f"one_company number {number}")
        for number, table in enumerate(_tables(path, said, "one_company"), start=1)
    )
    apart = tuple(
        _sides(path, _named(path, table, f"keep_apart number {number}"), f"keep_apart number {number}")
        for number, table in enumerate(_tables(path, said, "keep_apart"), start=1)
    )
    return Aliases(one_company, apart)


def _aliases_of_csv(path: Path) -> Aliases:
    same: dict[str, Named] = defaultdict(Named)
    apart: dict[str, list[Named]] = defaultdict(list)
    for line, row in _rows(path, ("rule", "group", *_SINGULAR), needed=("rule", "group")):
        rule, group = row["rule"].lower(), row["group"]
        if rule not in _RULES or not group:
            raise CorrectionsInvalid(f"line {line} of {path.name}: rule is same or apart, and group is not empty")
        if rule == "same":
            same[group] += _cells(row)
        else:
            apart[group].append(_cells(row))
    one_company = tuple(_enough(path, each, f"group number {at}") for at, each in enumerate(same.values(), start=1))
    for number, sides in enumerate(apart.values(), start=1):
        if len(sides) < _LEAST:
            raise CorrectionsInvalid(f"{path.name}: apart group number {number} has one line; each line is a side")
    return Aliases(one_company, tuple(map(tuple, apart.values())))


def _sides(path: Path, named: Named, where: str) -> tuple[Named, ...]:
    """Take every name, domain and id as a side of its own."""
    _enough(path, named, where)
    return (
        *(Named(names=(name,)) for name in named.names),
        *(Named(domains=(domain,)) for domain in named.domains),
        *(Named(crm_ids=(crm_id,)) for crm_id in named.crm_ids),
    )


def _enough(path: Path, named: Named, where: str) -> Named:
    if len(named) < _LEAST:
        raise CorrectionsInvalid(f"{where} of {path.name} names one thing only; it takes two or more")
    return named


def _is_toml(path: Path) -> bool:
    return path.suffix.lower() == ".toml"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise CorrectionsInvalid(f"{path} cannot be read: {problem.strerror}; check the path") from problem
    except UnicodeDecodeError as problem:
        raise CorrectionsInvalid(f"{path.name} is not UTF-8; save it as such") from problem


def _toml(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as problem:
        raise CorrectionsInvalid(f"{path.name} is not TOML: {problem}") from problem


def _tables(path: Path, said: Mapping[str, object], key: str) -> Iterator[Mapping[str, object]]:
    tables = said.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise CorrectionsInvalid(f"{key} in {path.name} is written as [[{key}]] with its keys below")
    yield from tables


def _named(path: Path, said: Mapping[str, object], where: str) -> Named:
    _only_known(path, said, _PLURAL, where)
    return Named(*(_texts(path, said.get(key, []), f"{key} of {where}") for key in _PLURAL))


def _texts(path: Path, value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise CorrectionsInvalid(f"{where} in {path.name} is a list of texts in quotes, none of them empty")
    return tuple(map(_clean, value))


def _only_known(path: Path, said: Mapping[str, object], known: Sequence[str], where: str) -> None:
    if any(key not in known for key in said):
        raise CorrectionsInvalid(f"{where} in {path.name} has a key that means nothing; there are: {', '.join(known)}")


def _rows(path: Path, known: Sequence[str], needed: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the filled rows of a CSV file with their lines, by header."""
    reader = csv.reader(_text(path).splitlines(), strict=True)
    try:
        headers = [header.strip().lower() for header in next(reader, [])]
        if not set(known) >= set(headers) >= set(needed) or len(set(headers)) < len(headers) or not headers:
            raise CorrectionsInvalid(f"{path.name} begins with a line of headers, out of: {','.join(known)}")
        for cells in reader:
            if len(cells) > len(headers):
                raise CorrectionsInvalid(f"line {reader.line_num} of {path.name} has more cells than the header")
            row = dict.fromkeys(known, "") | {
                header: _clean(cell) for header, cell in zip(headers, cells, strict=False)
            }
            if not any(row.values()):
                continue
            if not any(row[key] for key in _SINGULAR):
                raise CorrectionsInvalid(f"line {reader.line_num} of {path.name} has no name, domain or crm_id")
            yield reader.line_num, row
    except csv.Error as problem:
        raise CorrectionsInvalid(f"line {reader.line_num} of {path.name} is not CSV: {problem}") from problem


def _cells(row: Mapping[str, str]) -> Named:
    return Named(*((row[key],) if row[key] else () for key in _SINGULAR))


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())
