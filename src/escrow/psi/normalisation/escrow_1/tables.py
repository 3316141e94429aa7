"""The frozen data files of a profile, read into look-up tables; nothing outside this package is consulted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources.abc import Traversable

from escrow.psi.normalisation.data_files import folder_of, lines, pair, sections

__all__ = ["LegalForms", "Rule", "SuffixRules", "Tables", "read_tables"]


class Rule(IntEnum):
    """What a name in the table of suffixes says about the names below it."""

    SUFFIX = 1
    #: Every name directly below is a suffix (`*.ck`); the name itself need not be one.
    WILDCARD = 2
    #: Both of them.
    SUFFIX_AND_WILDCARD = 3
    #: A host with tenants: each name directly below belongs to another owner, the bare name to the platform.
    TENANTS = 4


@dataclass(frozen=True, slots=True)
class SuffixRules:
    """The public suffix list and the platforms it lacks; ``exceptions`` are names that a wildcard does not cover."""

    rules: Mapping[str, Rule]
    exceptions: frozenset[str]


@dataclass(frozen=True, slots=True)
class LegalForms:
    """Legal forms as words; ``trailing`` goes from a form's last word to the forms that end so, longest first."""

    trailing: Mapping[str, tuple[tuple[str, ...], ...]]
    leading: frozenset[str]
    attached: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that a profile looks up."""

    suffixes: SuffixRules
    page_hosts: frozenset[str]
    free_mail: frozenset[str]
    placeholder_domains: frozenset[str]
    placeholder_names: frozenset[str]
    legal_forms: LegalForms
    folds: Mapping[str, str]


def read_tables(version: str) -> Tables:
    """Read the data files frozen under this version."""
    folder = folder_of(version)
    platforms = sections(folder.joinpath("platforms.txt"))
    return Tables(
        suffixes=_suffix_rules(folder.joinpath("public_suffix_list.dat"), tenants=platforms["tenants"]),
        page_hosts=frozenset(platforms["pages"]),
        free_mail=frozenset(lines(folder.joinpath("free_mail.txt"))),
        placeholder_domains=frozenset(lines(folder.joinpath("placeholder_domains.txt"))),
        placeholder_names=frozenset(lines(folder.joinpath("placeholder_names.txt"))),
        legal_forms=_legal_forms(sections(folder.joinpath("legal_forms.txt"))),
        folds=dict(pair(line) for line in lines(folder.joinpath("folds.txt"))),
    )


def _legal_forms(sections: Mapping[str, list[str]]) -> LegalForms:
    trailing: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for form in sections["trailing"]:
        words = tuple(form.split(" "))
        trailing[words[-1]].append(words)
    return LegalForms(
        trailing={last: tuple(sorted(forms, key=len, reverse=True)) for last, forms in trailing.items()},
        leading=frozenset(sections["leading"]),
        attached=tuple(sorted(sections["attached"], key=len, reverse=True)),
    )


def _suffix_rules(file: Traversable, *, tenants: Iterable[str]) -> SuffixRules:
    """Read rules as publicsuffix.org/list describes them: plain, `*.` in front, or `!` for an exception."""
    rules: dict[str, Rule] = dict.fromkeys(tenants, Rule.TENANTS)
    wildcards: list[str] = []
    exceptions: set[str] = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        rule = line.strip()
        if not rule or rule.startswith("//"):
            continue
        if rule.startswith("*."):
            wildcards.append(rule.removeprefix("*."))
        elif rule.startswith("!"):
            exceptions.add(rule.removeprefix("!"))
        else:
            rules[rule] = Rule.SUFFIX
    for parent in wildcards:
        rules[parent] = Rule.SUFFIX_AND_WILDCARD if rules.get(parent) is Rule.SUFFIX else Rule.WILDCARD
    return SuffixRules(rules, frozenset(exceptions))
