"""Corrections and the rows of a list → what they say of these rows, found by CRM ids and by blinded match keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from escrow.client.blinding import BlindedKeys
from escrow.client.companies import Indexes, number_tokens
from escrow.client.corrections.entries import Corrections, Named, spellings_of_id
from escrow.errors import CorrectionsInvalid
from escrow.psi.matchkeys import MatchKeyClass

__all__ = ["NO_RULES", "Added", "RowRules", "row_rules"]

Blind = Callable[[Sequence[str], Sequence[str]], BlindedKeys]

#: What names an account in an alias file, and what is enough to be kept back: a name also where more stands around it.
_NAMING = frozenset({MatchKeyClass.DOMAIN, MatchKeyClass.NAME})
_KEEPING = _NAMING | {MatchKeyClass.VARIANT}


@dataclass(frozen=True, slots=True)
class Added:
    """A name or a website that an alias gives to the account of a row."""

    row: int
    name: str = field(repr=False)
    website: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RowRules:
    """What corrections say of the rows of a list, by their places.

    ``together`` has for each row that is joined the row it goes with; ``sides`` the side of each row in each group that
    is kept apart; ``kept_back`` the rows whose accounts stay. ``idle_do_not_map``, ``idle_aliases`` and ``idle_sides``
    (of what is kept apart) are the entries that name nothing in this list.
    """

    together: Mapping[int, int] = field(default_factory=dict)
    sides: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    kept_back: frozenset[int] = frozenset()
    added: tuple[Added, ...] = ()
    idle_do_not_map: tuple[Named, ...] = ()
    idle_aliases: tuple[Named, ...] = ()
    idle_sides: tuple[Named, ...] = ()


NO_RULES = RowRules()


def row_rules(
    corrections: Corrections, crm_ids: Sequence[str], keys: BlindedKeys, blind: Blind
) -> tuple[BlindedKeys, RowRules]:
    """Give the keys of the rows with those that aliases add, and what else is said of the rows.

    ``blind`` blinds names and websites as the rows were.

    Raises:
        CorrectionsInvalid: the aliases contradict each other, or a do-not-map entry could keep nothing back.
    """
    if corrections.are_none:
        return keys, NO_RULES
    said = _all_named(corrections)
    texts = list(dict.fromkeys(text for named in said for text in named.texts))
    blinded = blind([name for name, _ in texts], [website for _, website in texts])
    _check_keys(corrections.do_not_map, texts, blinded)
    list_rows = _Rows.of(crm_ids, keys, said, texts, blinded)
    together, added, idle = _joined(corrections, list_rows)
    corrected = _with_added(keys, added, texts, blinded)
    rows = _Rows.of(crm_ids, corrected, said, texts, blinded)
    sides, idle_sides = _sides(corrections, rows)
    _check_together(together, sides)
    kept_back = [(entry, rows.of_named(entry, _KEEPING)) for entry in _entries(corrections.do_not_map)]
    rules = RowRules(
        together,
        sides,
        frozenset(row for _, found in kept_back for row in found),
        tuple(added),
        tuple(entry for entry, found in kept_back if not found),
        tuple(idle),
        tuple(idle_sides),
    )
    return corrected, rules


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where the things that are named stand in a list."""

    by_text: Mapping[tuple[str, str], Mapping[MatchKeyClass, frozenset[int]]] = field(repr=False)
    by_id: Mapping[str, frozenset[int]] = field(repr=False)

    @classmethod
    def of(
        cls,
        crm_ids: Sequence[str],
        keys: BlindedKeys,
        said: Iterable[Named],
        texts: Sequence[tuple[str, str]],
        blinded: BlindedKeys,
    ) -> _Rows:
        """Look for everything that is said in one pass over the list."""
        numbers = number_tokens(np.concatenate([keys.tokens, blinded.tokens]))
        of_list, of_texts = numbers[: len(keys)], numbers[len(keys) :]
        found = _rows_of_numbers(keys, of_list, of_texts)
        names_it = np.isin(blinded.key_classes, [int(each) for each in _NAMING])
        by_text: dict[tuple[str, str], dict[MatchKeyClass, frozenset[int]]] = {}
        for place, number in zip(blinded.rows[names_it].tolist(), of_texts[names_it].tolist(), strict=True):
            rows = by_text.setdefault(texts[place], {})
            for key_class, its_rows in found.get(number, {}).items():
                rows[key_class] = rows.get(key_class, frozenset[int]()) | its_rows
        wanted = {spelling for named in said for crm_id in named.crm_ids for spelling in spellings_of_id(crm_id)}
        return cls(by_text, _rows_of_ids(crm_ids, wanted))

    def of_named(self, named: Named, classes: frozenset[MatchKeyClass] = _NAMING) -> frozenset[int]:
        """Give the rows of all that is named."""
        found = [rows for text in named.texts for key, rows in self.by_text.get(text, {}).items() if key in classes]
        ids = [self.by_id.get(spelling) for crm_id in named.crm_ids for spelling in spellings_of_id(crm_id)]
        return frozenset[int]().union(*found, *filter(None, ids))


def _rows_of_numbers(
    keys: BlindedKeys, numbers: Indexes, wanted: Indexes
) -> dict[int, dict[MatchKeyClass, frozenset[int]]]:
    hits = np.flatnonzero(np.isin(numbers, wanted))
    found: dict[int, dict[MatchKeyClass, set[int]]] = defaultdict(lambda: defaultdict(set))
    places = zip(numbers[hits].tolist(), keys.key_classes[hits].tolist(), keys.rows[hits].tolist(), strict=True)
    for number, key_class, row in places:
        found[number][MatchKeyClass(key_class)].add(row)
    return {
        number: {key_class: frozenset(rows) for key_class, rows in by_class.items()}
        for number, by_class in found.items()
    }


def _rows_of_ids(crm_ids: Sequence[str], wanted: set[str]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    if wanted:
        for row, crm_id in enumerate(crm_ids):
            for spelling in spellings_of_id(crm_id):
                if spelling in wanted:
                    found[spelling].add(row)
    return {spelling: frozenset(rows) for spelling, rows in found.items()}


def _all_named(corrections: Corrections) -> list[Named]:
    sides = [side for group in corrections.aliases.apart for side in group]
    return [*corrections.aliases.one_company, *sides, *_entries(corrections.do_not_map)]


def _entries(named: Named | None) -> Iterator[Named]:
    """Yield the entries of a do-not-map list one by one."""
    if named is not None:
        yield from (Named(names=(name,)) for name in named.names)
        yield from (Named(domains=(domain,)) for domain in named.domains)
        yield from (Named(crm_ids=(crm_id,)) for crm_id in named.crm_ids)


def _check_keys(do_not_map: Named | None, texts: Sequence[tuple[str, str]], blinded: BlindedKeys) -> None:
    """Refuse a name or domain that gives no key: it would silently keep nothing back."""
    if do_not_map is None:
        return
    with_keys = {texts[place] for place in blinded.rows.tolist()}
    for what, named in (("name", Named(names=do_not_map.names)), ("domain", Named(domains=do_not_map.domains))):
        for number, text in enumerate(named.texts, start=1):
            if text not in with_keys:
                raise CorrectionsInvalid(
                    f"{what} number {number} of the do-not-map list gives no match key, so it would keep nothing "
                    "back; name the account by its CRM id, and see `escrow explain`"
                )


def _joined(corrections: Corrections, rows: _Rows) -> tuple[dict[int, int], list[Added], list[Named]]:
    """Join the rows of each company; groups that have a row in common become one by that row."""
    together: dict[int, int] = {}
    added: list[Added] = []
    idle: list[Named] = []
    for named in corrections.aliases.one_company:
        found = sorted(rows.of_named(named))
        if not found:
            idle.append(named)
            continue
        first = together.get(found[0], found[0])
        for row in found:
            joined = together.setdefault(row, first)
            if joined != first:
                together.update({each: first for each, its in together.items() if its == joined})
        added += [Added(first, *text) for text in named.texts]
    return together, added, idle


def _with_added(
    keys: BlindedKeys, added: Sequence[Added], texts: Sequence[tuple[str, str]], blinded: BlindedKeys
) -> BlindedKeys:
    if not added:
        return keys
    place_of = {text: place for place, text in enumerate(texts)}
    starts = np.searchsorted(blinded.rows, np.arange(len(texts) + 1))
    spans = [(each.row, place_of[each.name, each.website]) for each in added]
    entries = np.concatenate([np.arange(starts[place], starts[place + 1]) for _, place in spans])
    rows = np.concatenate([np.full(starts[place + 1] - starts[place], row) for row, place in spans])
    all_rows = np.concatenate([keys.rows, rows.astype(np.uint32)])
    order = np.argsort(all_rows, kind="stable")
    return BlindedKeys(
        all_rows[order],
        np.concatenate([keys.key_classes, blinded.key_classes[entries]])[order],
        np.concatenate([keys.tokens, blinded.tokens[entries]])[order],
    )


def _sides(corrections: Corrections, rows: _Rows) -> tuple[dict[int, dict[int, int]], list[Named]]:
    """Give each row its side in each group that is kept apart, and the sides that have no row."""
    sides: dict[int, dict[int, int]] = defaultdict(dict)
    idle: list[Named] = []
    for group, named_sides in enumerate(corrections.aliases.apart):
        for side, named in enumerate(named_sides):
            found = rows.of_named(named)
            if not found:
                idle.append(named)
            for row in found:
                if sides[row].setdefault(group, side) != side:
                    raise CorrectionsInvalid(
                        f"group number {group + 1} that is kept apart has one row on two of its sides; tell them apart "
                        "by CRM ids"
                    )
    return dict(sides), idle


def _check_together(together: Mapping[int, int], sides: Mapping[int, Mapping[int, int]]) -> None:
    """Refuse to keep apart what is said to be one company."""
    side_of_company: dict[tuple[int, int], int] = {}
    for row, company in together.items():
        for group, side in sides.get(row, {}).items():
            if side_of_company.setdefault((company, group), side) != side:
                raise CorrectionsInvalid(
                    f"group number {group + 1} keeps apart what the alias file says is one company; take one out"
                )
