"""Websites and mail addresses as people type them → the domain keys of one cell, in order of appearance.

A fast path reads what nearly every export holds, a bare ASCII host or its address without a path; everything else goes
the long way. Both give the same answer wherever both apply, and a property test holds them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from escrow.psi.normalisation.escrow_2.addresses import Address, addresses_in, joined_address
from escrow.psi.normalisation.escrow_2.redirects import Redirects
from escrow.psi.normalisation.escrow_2.spelling import LONGEST_LABEL
from escrow.psi.normalisation.escrow_2.web_tables import Rule, WebTables

__all__ = ["LONGEST_CELL", "MOST_KEYS", "WebAddresses"]

#: One cell gives this many keys, the first ones.
MOST_KEYS = 4
#: Characters of a cell that are read; an address that is cut off here gives nothing.
LONGEST_CELL = 2048
#: Redirections that are followed, each inside the one before.
_DEEPEST = 3

#: A host of plain labels, a scheme in front or not, a slash behind or not; possessive, so that it never backtracks.
_PLAIN = re.compile(r"(?:https?://)?(?:www\.(?=[a-z0-9-]+\.))?+([a-z0-9]++(?:[.-][a-z0-9]++)*+)/?")
#: The same over many lines; one of another form gives an empty host.
_PLAIN_LINES = re.compile(rf"^(?:{_PLAIN.pattern}$|.*$)", re.MULTILINE)
#: Hosts of one site for telephones or languages, before its domain.
_SAME_SITE = re.compile(r"(?:(?:m|mobile|web|touch|[a-z]{2}(?:-[a-z]{2})?)\.)?")
_NO_STEPS: frozenset[str] = frozenset()
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][a-z]{2})?")


class WebAddresses:
    """The domain keys of a website: registrable domains, and the hosts of platforms' customers."""

    __slots__ = ("_known", "_plain_suffixes", "_redirects", "_rules", "_spelling", "_tables")

    def __init__(self, tables: WebTables) -> None:
        self._tables = tables
        self._rules = dict(tables.rules)
        self._known = tables.placeholders.union(self._rules)
        #: Suffixes below which a plain host can lead to no other.
        self._plain_suffixes = frozenset(
            name for name, rule in self._rules.items() if rule is Rule.SUFFIX and name not in tables.hyphenated
        )
        self._redirects = Redirects(tables)
        self._spelling = tables.spelling

    def keys_of(self, website: str) -> tuple[str, ...]:
        """Give the domain keys of one cell, international labels in Unicode, none twice; no key if it names no site."""
        plain = _PLAIN.fullmatch(website.lower()) if len(website) <= LONGEST_CELL else None
        return self._of_plain_host(plain[1]) if plain is not None else self.keys_of_any_spelling(website)

    def keys_of_each(self, websites: Sequence[str]) -> list[tuple[str, ...]]:
        """Give the keys of each of many websites, the plain ones read in one go."""
        if not websites:
            return []
        one_line_each = [website if _is_one_line(website) else "\t" for website in websites]
        hosts: list[str] = _PLAIN_LINES.findall("\n".join(one_line_each).lower())
        known, suffixes = self._known, self._plain_suffixes
        return [
            # Nearly every host is a domain already: one label under a suffix, and nothing that a rule speaks of.
            (host,)
            if host not in known
            and len(host) <= LONGEST_LABEL
            and (cut := host.partition("."))[2] in suffixes
            and f"{cut[0]}.*" not in known
            else self._of_plain_host(host)
            if host
            else self.keys_of_any_spelling(website)
            for host, website in zip(hosts, websites, strict=True)
        ]

    def brand_of(self, key: str) -> str:
        """Give the label of a key, for brand words; empty for a platform's customer and for a word of every site."""
        label, _, suffix = key.partition(".")
        hosted = self._tables.hosted
        if suffix in hosted or suffix.partition(".")[2] in hosted:
            return ""
        says_something = len(label) > (2 if label.isdigit() else 1) and label not in self._tables.generic_labels
        return label if says_something else ""

    def keys_of_any_spelling(self, website: str) -> tuple[str, ...]:
        """Do as `keys_of` does, without its fast path."""
        if not website:
            return ()
        text = self._spelling.of_text(website[:LONGEST_CELL])
        if max(len(website), len(text)) > LONGEST_CELL:
            text = text[:LONGEST_CELL] + "_"  # no host ends so, hence what is cut off gives nothing
        keys: dict[str, None] = {}
        for key in filter(None, map(self._key_of, addresses_in(text))):
            keys[key] = None
            if len(keys) == MOST_KEYS:
                break
        return tuple(keys) or self._of_joined(text)

    def _of_joined(self, text: str) -> tuple[str, ...]:
        """Read a cell that is one address with a blank or a comma in it."""
        address = joined_address(text, is_suffix=self._is_suffix)
        key = self._key_of(address) if address else ""
        return (key,) if key else ()

    def _is_suffix(self, name: str) -> bool:
        return self._rules.get(name) is Rule.SUFFIX and name not in self._tables.hosted

    def _of_plain_host(self, host: str) -> tuple[str, ...]:
        key = self._key_of(Address(host))
        return (key,) if key else ()

    def _key_of(self, address: Address, depth: int = 0) -> str:
        host = self._spelling.of_host(address.host)
        if not host:
            return ""
        for inner in self._redirects.inside(host, address.rest):
            if depth < _DEEPEST and (key := self._first_key(inner, depth + 1)):
                return key
        key = self._registrable(host)
        return "" if not key or "_" in key or self._names_nobody(key, host, address) else key

    def _first_key(self, text: str, depth: int) -> str:
        found = (self._key_of(address, depth) for address in addresses_in(text))
        return next(filter(None, found), "")

    def _names_nobody(self, key: str, host: str, address: Address) -> bool:
        """Say whether the address is a placeholder, somebody's page on another's site, or free mail."""
        names = tuple(self._names(key))
        tables = self._tables
        if not tables.placeholders.isdisjoint(names):
            return True
        if address.is_mail:
            return not tables.free_mail.isdisjoint(names)
        if _SAME_SITE.fullmatch(host.removesuffix(key)) is None:
            names = (host,)
        return self._is_page(names, address.path)

    def _names(self, key: str) -> Iterator[str]:
        """Yield what the tables may call this key: itself, and its label under every public suffix."""
        label, _, suffix = key.partition(".")
        yield key
        if self._is_suffix(suffix):
            yield f"{label}.*"

    def _is_page(self, names: Sequence[str], path: str) -> bool:
        """Say whether a path is a page of one of the host's customers, not one of its own."""
        steps = [step for step in path.split("/") if step]
        first = steps[:2] if len(steps) > 1 and _LANGUAGE.fullmatch(steps[0]) else steps[:1]
        if first and not self._tables.pages.isdisjoint(names):
            return self._tables.own_pages.isdisjoint(first)
        return any(not self._tables.page_paths.get(name, _NO_STEPS).isdisjoint(first) for name in names)

    def _registrable(self, host: str) -> str:
        """Walk from the whole host to its last label; the first rule met is the longest. No rule: no such domain."""
        below, name = "", host
        rules = self._rules
        while name:
            rule = rules.get(name)
            if rule is Rule.SUFFIX:
                return below
            if rule is not None:
                decided = self._by_special_rule(rule, host, below, name)
                if decided is not None:
                    return decided
            below, name = name, name.partition(".")[2]
        return ""

    def _by_special_rule(self, rule: Rule, host: str, below: str, name: str) -> str | None:
        """Apply a wildcard's or a platform's rule; ``below`` is one label more than ``name``. None: walk on."""
        if rule is Rule.NOBODY:
            return ""
        if rule in (Rule.TENANTS, Rule.SHARED):
            return self._on_platform(rule, host, below, name)
        if not below:
            return "" if rule is Rule.SUFFIX_AND_WILDCARD else None
        if below in self._tables.exceptions:
            return below
        return _one_label_more(host, below)

    def _on_platform(self, rule: Rule, host: str, below: str, platform: str) -> str:
        is_own = not below or below.partition(".")[0] in self._tables.own_labels
        if rule is Rule.TENANTS:
            if is_own:
                return platform
            is_region = host != below and below.partition(".")[0] in self._tables.regions
            return _one_label_more(host, below) if is_region else below
        # Customers' hosts may stand below the platform's own: acme.privacy.example.
        return platform if is_own and host in (below, platform) else ""


def _is_one_line(website: str) -> bool:
    return len(website) <= LONGEST_CELL and "\n" not in website


def _one_label_more(host: str, suffix: str) -> str:
    """Give the suffix with the label before it, or nothing if the host has none."""
    labels = host.removesuffix(suffix).split(".")
    return f"{labels[-2]}.{suffix}" if len(labels) > 1 else ""
