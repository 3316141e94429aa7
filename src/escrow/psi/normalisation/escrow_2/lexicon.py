"""The frozen data files of the name rules, read into look-up tables; nothing outside their folder is consulted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from escrow.psi.normalisation.data_files import folder_of, lines, pair, ranges, sections
from escrow.psi.normalisation.escrow_2.typing_errors import typing_errors

__all__ = ["Endings", "Lexicon", "read_lexicon"]

#: Letters that a word has at least, to be known in spite of a typing error; shorter ones are too near to other words.
_SHORTEST_LEGAL_FORM = 7
_SHORTEST_CORPORATE_WORD = 8
_SHORTEST_PLACEHOLDER = 10
#: Letters that a corporate word has at least, to be known at the end of a domain's label.
_SHORTEST_IN_LABEL = 5

#: Forms of one word or more by their last word, longest first.
Endings = Mapping[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What the name rules know of the world; the data files say what each section is for.

    ``assigned`` and ``letters`` are ranges as they stand in a regular expression.
    """

    assigned: Sequence[str]
    letters: Sequence[str]
    folds: Mapping[str, str]
    #: Letters of other scripts as they are written in Latin letters, and Latin ones that are also written as two.
    romanizations: Mapping[str, str]
    spelled_out: Mapping[str, str]
    legal_endings: Endings
    legal_beginnings: frozenset[str]
    attached_forms: Sequence[str]
    #: Legal forms at the end of a word in Latin letters.
    written_on_forms: tuple[str, ...]
    #: What goes off the end of a stem: legal forms, corporate words, places, and what joins them.
    stem_endings: Endings
    stem_beginnings: frozenset[str]
    #: What stands between a name and a place.
    joining: frozenset[str]
    #: Words that alone name nobody, the endings of stems among them.
    common: frozenset[str]
    industry: frozenset[str]
    #: Words for numbers, and the figures.
    numbers: Mapping[str, str]
    #: What stands around a company's name in the labels of domains.
    label_beginnings: tuple[str, ...]
    label_endings: tuple[str, ...]
    same: Mapping[str, str]
    #: What long legal forms and corporate words look like with one typing error.
    mistyped: Mapping[str, str]
    labels: frozenset[str]
    marks: Sequence[str]
    other_names: Sequence[str]
    tails: Sequence[str]
    securities: Sequence[str]
    separators: Sequence[str]
    web_endings: Sequence[str]
    placeholders: frozenset[str]
    placeholder_words: frozenset[str]
    placeholder_beginnings: tuple[str, ...]


def read_lexicon(version: str = "escrow-2") -> Lexicon:
    """Read the data files frozen under this version."""
    folder = folder_of(version)
    characters = sections(folder.joinpath("host_characters.txt"))
    forms = sections(folder.joinpath("legal_forms.txt"))
    words = sections(folder.joinpath("words.txt"))
    places = sections(folder.joinpath("places.txt"))
    romanizations = sections(folder.joinpath("romanizations.txt"))
    placeholders = sections(folder.joinpath("placeholder_names.txt"))
    beside = sections(folder.joinpath("labels.txt"))
    little = [*words["corporate"], *words["products"], *places["places"], *places["joining"]]
    stem_endings = _endings([*forms["trailing"], *little])
    common = [*words["industry"], *words["common"], *words["first names"], *places["before"]]
    return Lexicon(
        assigned=tuple(ranges(characters["assigned"])),
        letters=tuple(ranges(characters["labels"])),
        folds=dict(pair(line) for line in lines(folder.joinpath("folds.txt"))),
        romanizations=dict(map(pair, romanizations["letters"])),
        spelled_out=dict(map(pair, romanizations["spelled out"])),
        legal_endings=_endings(forms["trailing"]),
        legal_beginnings=frozenset(forms["leading"]),
        attached_forms=sorted(forms["attached"], key=len, reverse=True),
        written_on_forms=tuple(forms["written on"]),
        stem_endings=stem_endings,
        joining=frozenset(places["joining"]),
        stem_beginnings=frozenset([*words["leading"], *places["before"]]),
        common=frozenset(common).union(stem_endings),
        industry=frozenset(words["industry"]),
        numbers=dict(map(pair, words["numbers"])),
        label_beginnings=tuple(words["before labels"]),
        label_endings=_label_endings(words),
        same={spelling: first for first, *others in map(str.split, words["same"]) for spelling in others},
        mistyped=_mistyped(
            forms["trailing"], words["corporate"], but_not={*common, *stem_endings, *" ".join(words["same"]).split()}
        ),
        labels=frozenset([*beside["labels"], *places["codes"]]),
        marks=beside["marks"],
        other_names=_longest_first(beside["other names"]),
        tails=_longest_first(beside["tails"]),
        securities=_longest_first(beside["securities"]),
        separators=_longest_first(line.strip('"') for line in beside["separators"]),
        web_endings=tuple(lines(folder.joinpath("web_endings.txt"))),
        placeholders=_with_typing_errors(placeholders["names"]),
        placeholder_words=frozenset(placeholders["words"]),
        placeholder_beginnings=tuple(placeholders["beginnings"]),
    )


def _mistyped(legal_forms: Iterable[str], corporate: Iterable[str], *, but_not: set[str]) -> Mapping[str, str]:
    long = [form for form in legal_forms if len(form) >= _SHORTEST_LEGAL_FORM]
    long += [word for word in corporate if len(word) >= _SHORTEST_CORPORATE_WORD]
    return typing_errors([word for word in long if word.isascii() and word.isalpha()], but_not=but_not)


def _label_endings(words: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    long = [word for word in words["corporate"] if len(word) >= _SHORTEST_IN_LABEL]
    return tuple(_longest_first([*long, *words["behind labels"]]))


def _with_typing_errors(placeholders: Sequence[str]) -> frozenset[str]:
    long = [name for name in placeholders if len(name) >= _SHORTEST_PLACEHOLDER and name.isascii()]
    return frozenset(placeholders).union(typing_errors(long, but_not=()))


def _longest_first(phrases: Iterable[str]) -> Sequence[str]:
    return sorted(phrases, key=lambda phrase: (-len(phrase), phrase))


def _endings(forms: Iterable[str]) -> Endings:
    endings: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for form in forms:
        words = tuple(form.split(" "))
        endings[words[-1]].add(words)
    return {last: tuple(sorted(forms, key=lambda form: (-len(form), form))) for last, forms in endings.items()}
