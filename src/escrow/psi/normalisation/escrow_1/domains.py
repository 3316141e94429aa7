"""Websites and mail addresses as people type them → the registrable domain, or nothing.

A fast path reads what nearly every export holds, a bare ASCII host or its address without a path; everything else goes
the long way. Both give the same answer wherever both apply, and a property test holds them together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from escrow.psi.normalisation.escrow_1.tables import Rule, Tables

__all__ = ["Domains"]

#: A host of plain labels, a scheme in front or not, a slash behind or not; possessive, so that it never backtracks.
_PLAIN = re.compile(r"(?:https?://)?(?:www\.(?=[a-z0-9-]+\.))?+([a-z0-9]++(?:[.-][a-z0-9]++)*+)/?")
#: The same over many lines; one of another form gives an empty host.
_PLAIN_LINES = re.compile(rf"^(?:{_PLAIN.pattern}$|.*$)", re.MULTILINE)
_SCHEMES = re.compile(r"(?:[a-z]*:?//+|(?:https?|mailto|ftp):/*)+")
_AFTER_HOST = re.compile(r"[/?#]")
_BETWEEN_PIECES = re.compile(r"[\s<>()\[\]{}\"'`,;|]+")
_SPELLED_AT = re.compile(r"\s*[\[({]\s*at\s*[\])}]\s*")
#: Soft hyphen, zero-width and direction marks, byte order mark: invisible, and often pasted along.
_INVISIBLE = dict.fromkeys([0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF])
_SPELLINGS = _INVISIBLE | {0x3002: ".", ord("\\"): "/"}


class Domains:
    """The registrable domain of an address; the private section of the suffix list and platforms count as suffixes."""

    __slots__ = ("_exceptions", "_free_mail", "_known", "_page_hosts", "_placeholders", "_rules")

    def __init__(self, tables: Tables) -> None:
        self._rules = dict(tables.suffixes.rules)
        self._exceptions = tables.suffixes.exceptions
        self._page_hosts = tables.page_hosts
        self._free_mail = tables.free_mail
        self._placeholders = tables.placeholder_domains
        self._known = self._placeholders.union(self._rules)

    def of(self, website: str) -> str:
        """Give the registrable domain, international labels in Unicode, or an empty string if there is none."""
        plain = _PLAIN.fullmatch(website.lower())
        return self._of_plain_host(plain[1]) if plain is not None else self.of_any_spelling(website)

    def of_each(self, websites: Sequence[str]) -> list[str]:
        """Give the domain of each of many websites, the plain ones read in one go, which takes half the time."""
        hosts: list[str] = _PLAIN_LINES.findall("\n".join(websites).lower())
        if len(hosts) != len(websites):  # some website has a line break in it
            return list(map(self.of, websites))
        known, rule_of = self._known, self._rules.get
        return [
            # Nearly every host is a domain already: one label under a suffix, and nothing that a rule speaks of.
            host
            if host not in known and rule_of(host.partition(".")[2]) is Rule.SUFFIX
            else self._of_plain_host(host)
            if host
            else self.of_any_spelling(website)
            for host, website in zip(hosts, websites, strict=True)
        ]

    def of_any_spelling(self, website: str) -> str:
        """Do as `of` does, without its fast path."""
        if not website:
            return ""
        text = _SPELLED_AT.sub("@", _folded(website).translate(_SPELLINGS))
        found = (self._of_piece(piece) for piece in _BETWEEN_PIECES.split(text))
        return next(filter(None, found), "")

    def _of_plain_host(self, host: str) -> str:
        domain = self._registrable(host)
        return "" if domain in self._placeholders else domain

    def _of_piece(self, piece: str) -> str:
        """Read one address: schemes off, then user, host and port, then whatever follows."""
        schemes = _SCHEMES.match(piece)
        authority, *path = _AFTER_HOST.split(piece[schemes.end() if schemes else 0 :], maxsplit=1)
        _, at, place = authority.rpartition("@")
        domain = self._registrable(_host(place.partition(":")[0]))
        is_mail = bool(at) and not (schemes and "//" in schemes[0])
        is_free_mail = is_mail and domain in self._free_mail
        is_page = any(path) and domain in self._page_hosts
        return "" if is_free_mail or is_page or domain in self._placeholders else domain

    def _registrable(self, host: str) -> str:
        """Walk from the whole host to its last label; the first rule met is the longest. No rule: no such domain."""
        below, name = "", host
        rules = self._rules
        while name:
            rule = rules.get(name)
            if rule is not None:
                if rule is Rule.SUFFIX:
                    return below
                decided = self._by_special_rule(rule, host, below, name)
                if decided is not None:
                    return decided
            below, name = name, name.partition(".")[2]
        return ""

    def _by_special_rule(self, rule: Rule, host: str, below: str, name: str) -> str | None:
        """Apply a wildcard or a platform's rule; ``below`` is one label more than ``name``. None: the walk goes on."""
        if rule is Rule.TENANTS:
            return below or name
        if not below:
            return "" if rule is Rule.SUFFIX_AND_WILDCARD else None
        if below in self._exceptions:
            return below
        return _one_label_more(host, below)


def _one_label_more(host: str, suffix: str) -> str:
    """Give the suffix with the label before it, or nothing if the host has none."""
    labels = host.removesuffix(suffix).split(".")
    return f"{labels[-2]}.{suffix}" if len(labels) > 1 else ""


def _host(unverified: str) -> str:
    """Give the host without its www and with international labels in Unicode, or nothing if it is not one."""
    labels = [_label(label) for label in unverified.rstrip(".").split(".")]
    if labels[0] == "www" and len(labels) > 2:
        labels = labels[1:]
    return ".".join(labels) if all(map(_is_label, labels)) else ""


def _label(label: str) -> str:
    """Decode an international label (RFC 3492); one that does not decode, or decodes to ASCII, stays as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        decoded = _folded(label[4:].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label
    return label if decoded.isascii() else decoded


def _is_label(label: str) -> bool:
    hyphen_at_an_end = label.startswith("-") or label.endswith("-")
    return bool(label) and not hyphen_at_an_end and all(map(_stands_in_a_label, label))


def _stands_in_a_label(character: str) -> bool:
    return character == "-" or character.isalnum() or unicodedata.category(character).startswith("M")


def _folded(text: str) -> str:
    """Give compatibility-composed lower case; ß stays, since it is a letter of its own in host names (IDNA 2008)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
