"""The frozen data files of the web rules, read into look-up tables; nothing else is consulted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources.abc import Traversable

from escrow.psi.normalisation.data_files import folder_of, lines, ranges, sections
from escrow.psi.normalisation.escrow_2.spelling import Spelling

__all__ = ["Redirect", "Rule", "WebTables", "read_web_tables"]


class Rule(IntEnum):
    """What a name in the table of hosts says about itself and the names below it."""

    #: A public suffix: each name directly below is a domain, the name itself is none.
    SUFFIX = 1
    #: Every name directly below is a suffix (`*.ck`); the name itself need not be one.
    WILDCARD = 2
    SUFFIX_AND_WILDCARD = 3
    #: A company that gives hosts to customers: each name directly below is another owner's, or one of its own.
    TENANTS = 4
    #: A company whose customers share its hosts: a name below says nothing about the owner, unless it is its own.
    SHARED = 5
    #: All of this host is somebody else's pages.
    NOBODY = 6


@dataclass(frozen=True, slots=True)
class Redirect:
    """An address that only leads to another: in this parameter, or in the rest of the path if there is none."""

    path: str
    parameter: str


@dataclass(frozen=True, slots=True)
class WebTables:
    """Everything that the web rules look up. Names may be patterns: `amazon.*` means under every public suffix."""

    rules: Mapping[str, Rule]
    #: Names that a wildcard rule does not cover.
    exceptions: frozenset[str]
    #: Suffixes whose tenants have no brand of their own making: the private section, less the registries in it.
    hosted: frozenset[str]
    own_labels: frozenset[str]
    #: Labels of regions and machines, which stand between some platforms and their customers.
    regions: frozenset[str]
    pages: frozenset[str]
    #: First steps of the paths that are customers' pages, on hosts that have many pages of their own.
    page_paths: Mapping[str, frozenset[str]]
    own_pages: frozenset[str]
    free_mail: frozenset[str]
    placeholders: frozenset[str]
    generic_labels: frozenset[str]
    redirects: Mapping[str, Sequence[Redirect]]
    hyphenated: Sequence[str]
    spelling: Spelling


def read_web_tables(version: str = "escrow-2") -> WebTables:
    """Read the data files frozen under this version."""
    folder = folder_of(version)
    characters = sections(folder.joinpath("host_characters.txt"))
    spelling = Spelling(
        assigned=["\x00-\x7f", *ranges(characters["assigned"])],
        in_labels=["a-z0-9", *ranges(characters["labels"])],
    )
    platforms = sections(folder.joinpath("platforms.txt"))
    pages = sections(folder.joinpath("page_hosts.txt"))
    redirects = sections(folder.joinpath("redirects.txt"))
    suffixes = _SuffixList.read(folder.joinpath("public_suffix_list.dat"))
    hosting = dict.fromkeys(platforms["hosting"], Rule.SUFFIX)
    return WebTables(
        rules=suffixes.rules
        | hosting
        | dict.fromkeys(platforms["tenants"], Rule.TENANTS)
        | dict.fromkeys(platforms["shared"], Rule.SHARED)
        | dict.fromkeys([*pages["nobody"], *platforms["nobody"]], Rule.NOBODY),
        exceptions=suffixes.exceptions,
        hosted=(suffixes.private - frozenset(platforms["registries"])).union(hosting, platforms["tenants"]),
        own_labels=frozenset(platforms["own labels"]),
        regions=frozenset(platforms["regions"]),
        pages=frozenset(pages["pages"]).union(lines(folder.joinpath("shorteners.txt"))),
        page_paths={host: frozenset(steps) for host, *steps in map(str.split, pages["page paths"])},
        own_pages=frozenset(pages["own pages"]),
        free_mail=frozenset(lines(folder.joinpath("free_mail.txt"))),
        placeholders=frozenset(lines(folder.joinpath("placeholder_domains.txt"))),
        generic_labels=frozenset(lines(folder.joinpath("generic_labels.txt"))),
        redirects=_redirects(redirects["parameters"]),
        hyphenated=tuple(redirects["hyphenated"]),
        spelling=spelling,
    )


def _redirects(lines: Sequence[str]) -> Mapping[str, list[Redirect]]:
    """Read lines of host, path and parameter, `*` for the rest of the path."""
    redirects: dict[str, list[Redirect]] = {}
    for line in lines:
        host, path, parameter = line.split(" ")
        redirects.setdefault(host, []).append(Redirect(path, "" if parameter == "*" else parameter))
    return redirects


@dataclass(frozen=True, slots=True)
class _SuffixList:
    rules: dict[str, Rule]
    exceptions: frozenset[str]
    #: The names in the private section, wildcards without their star.
    private: frozenset[str]

    @classmethod
    def read(cls, file: Traversable) -> _SuffixList:
        """Read rules as publicsuffix.org/list describes them: plain, `*.` in front, or `!` for an exception."""
        rules: dict[str, Rule] = {}
        exceptions: set[str] = set()
        icann, _, private = file.read_text(encoding="utf-8").partition("===BEGIN PRIVATE DOMAINS===")
        for written in _rules(icann + private):
            if written.startswith("!"):
                exceptions.add(written[1:])
                continue
            name = written.removeprefix("*.")
            rule = Rule.SUFFIX if name == written else Rule.WILDCARD
            rules[name] = Rule.SUFFIX_AND_WILDCARD if rules.get(name, rule) is not rule else rule
        return cls(rules, frozenset(exceptions), frozenset(name.removeprefix("*.") for name in _rules(private)))


def _rules(text: str) -> Iterator[str]:
    for line in text.splitlines():
        rule = line.strip()
        if rule and not rule.startswith(("//", "==")):
            yield rule
