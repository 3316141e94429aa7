"""What a list of accounts is worth before it is sent: numbers, reasons and examples, for its owner alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from escrow.counts import counted
from escrow.terms import Population

__all__ = [
    "NONE_IDLE",
    "Example",
    "IdleEntries",
    "IdleEntry",
    "JoinedAccount",
    "JoinedBy",
    "Quality",
    "ReasonCount",
    "SharedKey",
]


@dataclass(frozen=True, slots=True)
class Example:
    """A row of the export, to be found and put right."""

    crm_id: str = field(repr=False)
    name: str = field(repr=False)
    website: str = field(repr=False)

    def to_object(self) -> Mapping[str, object]:
        """Give it as programs read it."""
        return {"crm_id": self.crm_id, "name": self.name, "website": self.website}


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many rows share a reason, and the first of them."""

    reason: str
    told: str
    rows: int
    examples: tuple[Example, ...] = field(repr=False)

    def to_object(self) -> Mapping[str, object]:
        """Give it as programs read it."""
        examples = [each.to_object() for each in self.examples]
        return {"reason": self.reason, "detail": self.told, "rows": self.rows, "examples": examples}


class JoinedBy(StrEnum):
    """What makes rows one account; all but a website can join what is not one company."""

    WEBSITE = "website"
    NAME = "name"
    VARIANT = "variant"
    ALIAS = "alias"

    @property
    def told(self) -> str:
        """Say it in words."""
        return "part of the name" if self is JoinedBy.VARIANT else self.value


@dataclass(frozen=True, slots=True)
class JoinedAccount:
    """An account of several rows: how many, the first of them, and all that it takes to join them."""

    rows: int
    joined_by: tuple[JoinedBy, ...]
    examples: tuple[Example, ...] = field(repr=False)

    @property
    def told(self) -> str:
        """Say how many rows are joined by what."""
        ways = " and ".join(way.told for way in self.joined_by)
        return f"{counted(self.rows, 'row')} joined by {ways}"

    @property
    def more(self) -> str:
        """Say how many rows are not shown; nothing where all are."""
        unseen = self.rows - len(self.examples)
        return f"and {counted(unseen, 'more row')}" if unseen else ""

    def to_object(self) -> Mapping[str, object]:
        """Give it as programs read it."""
        examples = [each.to_object() for each in self.examples]
        return {"rows": self.rows, "joined_by": [way.value for way in self.joined_by], "examples": examples}


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A key that several accounts have, as it would be read, so that it names none of them."""

    value: str = field(repr=False)
    key_class: str
    accounts: int

    def to_object(self) -> Mapping[str, object]:
        """Give it as programs read it."""
        return {"value": self.value, "class": self.key_class, "accounts": self.accounts}


@dataclass(frozen=True, slots=True)
class IdleEntry:
    """An entry of a file of the owner's that names no account of the list, and may be misspelled."""

    names: tuple[str, ...] = field(default=(), repr=False)
    domains: tuple[str, ...] = field(default=(), repr=False)
    crm_ids: tuple[str, ...] = field(default=(), repr=False)

    @property
    def words(self) -> str:
        """All that it says, on one line."""
        return ", ".join((*self.names, *self.domains, *self.crm_ids))

    def to_object(self) -> Mapping[str, object]:
        """Give it as programs read it."""
        return {"names": list(self.names), "domains": list(self.domains), "crm_ids": list(self.crm_ids)}


@dataclass(frozen=True, slots=True)
class IdleEntries:
    """How many entries of one file name no account of the list, and the first of them."""

    count: int
    examples: tuple[IdleEntry, ...] = field(repr=False)


NONE_IDLE = IdleEntries(0, ())


@dataclass(frozen=True, slots=True)
class Quality:
    """A list as it would be submitted under a profile; nothing of it has left the machine.

    ``without_keys`` has the rows that give no key, ``no_domain`` the websites that give no domain, both by reason and
    the most frequent first; ``merged_rows`` are rows beyond the first of their account. ``ambiguous`` and ``shared``
    are the first of the keys that are held back, those that most accounts have first. ``joined`` are the first accounts
    of several rows: those that a website alone does not join, then the others, the largest first.
    """

    profile_id: str
    rows_read: int
    rows_skipped: int
    accounts: int
    accounts_of_several: int
    merged_rows: int
    populations: Mapping[Population, int]
    with_domain: int
    tokens: int
    most_tokens: int
    without_keys: tuple[ReasonCount, ...]
    no_domain: tuple[ReasonCount, ...]
    ambiguous_keys: int
    ambiguous_by_class: Mapping[str, int]
    ambiguous: tuple[SharedKey, ...]
    shared_fallbacks: int
    shared: tuple[SharedKey, ...]
    accounts_without_keys: int
    keys_past_the_most: int
    kept_back_accounts: int = 0
    idle_do_not_map: IdleEntries = NONE_IDLE
    idle_aliases: IdleEntries = NONE_IDLE
    idle_sides: IdleEntries = NONE_IDLE
    joined: tuple[JoinedAccount, ...] = ()

    @property
    def name_only(self) -> int:
        """Accounts that have no domain to be found by."""
        return self.accounts - self.with_domain

    @property
    def rows_without_keys(self) -> int:
        """Rows that name no company and are not sent."""
        return sum(each.rows for each in self.without_keys)

    @property
    def more_joined(self) -> str:
        """Say how many accounts of several rows are not shown; nothing where all are."""
        unseen = self.accounts_of_several - len(self.joined)
        return f"and {unseen:,} more" if unseen else ""

    @property
    def domain_share(self) -> float:
        """The share of accounts with a domain, 0 for an empty list."""
        return self.with_domain / self.accounts if self.accounts else 0.0

    @property
    def mean_tokens(self) -> float:
        """Tokens for each account, 0 for an empty list."""
        return self.tokens / self.accounts if self.accounts else 0.0

    def lines(self) -> list[tuple[str, str]]:
        """Give the numbers as labels and words, for a table."""
        joined = counted(self.merged_rows, "more row")
        lines = [
            ("Rows read", f"{self.rows_read:,}"),
            ("Rows of no population", f"{self.rows_skipped:,}"),
            ("Rows without keys, not sent", f"{self.rows_without_keys:,}"),
            ("Accounts", f"{self.accounts:,}"),
            *((f"  {population.word}", f"{self.populations[population]:,}") for population in Population),
            ("Accounts of several rows", f"{self.accounts_of_several:,} (joining {joined})"),
            ("Accounts with a domain", f"{self.with_domain:,} ({self.domain_share:.1%})"),
            ("Accounts with a name only", f"{self.name_only:,}"),
            ("Tokens", f"{self.tokens:,} ({self.mean_tokens:.2f} an account, at most {self.most_tokens})"),
            ("Ambiguous keys, not sent", f"{self.ambiguous_keys:,}{self._by_class}"),
            ("Shared fallbacks, not sent", f"{self.shared_fallbacks:,}"),
            ("Keys past the eighth, not sent", f"{self.keys_past_the_most:,}"),
        ]
        if self.accounts_without_keys:
            lines.append(("Accounts that no key is left of", f"{self.accounts_without_keys:,}"))
        if self.kept_back_accounts:
            lines.append(("Accounts kept back by your do-not-map list", f"{self.kept_back_accounts:,}"))
        if self.idle_do_not_map.count:
            lines.append(("Do-not-map entries with no account here", f"{self.idle_do_not_map.count:,}"))
        if self.idle_aliases.count:
            lines.append(("Companies of your alias file with no account here", f"{self.idle_aliases.count:,}"))
        if self.idle_sides.count:
            lines.append(("Entries kept apart with no account here", f"{self.idle_sides.count:,}"))
        return lines

    @property
    def _by_class(self) -> str:
        told = [f"{count:,} {key_class}" for key_class, count in self.ambiguous_by_class.items() if count]
        return f" ({', '.join(told)})" if told else ""

    @property
    def _idle(self) -> Mapping[str, IdleEntries]:
        return {"do_not_map": self.idle_do_not_map, "aliases": self.idle_aliases, "keep_apart": self.idle_sides}

    def to_object(self) -> Mapping[str, object]:
        """Give it as programs read it, in the words of `escrow submit --dry-run --json` where both say the same."""
        return {
            "profile": self.profile_id,
            "rows": {"read": self.rows_read, "skipped": self.rows_skipped, "without_keys": self.rows_without_keys},
            "accounts": self.accounts,
            "accounts_of_several_rows": self.accounts_of_several,
            "merged_rows": self.merged_rows,
            "joined_accounts": [each.to_object() for each in self.joined],
            "populations": {population.word: self.populations[population] for population in Population},
            "coverage": {
                "with_domain": self.with_domain,
                "name_only": self.name_only,
                "domain_share": round(self.domain_share, 4),
            },
            "tokens": {"total": self.tokens, "mean": round(self.mean_tokens, 3), "max": self.most_tokens},
            "keys_left_out": {
                "ambiguous": self.ambiguous_keys,
                "shared_fallback": self.shared_fallbacks,
                "past_the_most": self.keys_past_the_most,
            },
            "kept_back_accounts": self.kept_back_accounts,
            "not_found": {file: entries.count for file, entries in self._idle.items()},
            "entries_not_found": {
                file: [each.to_object() for each in entries.examples] for file, entries in self._idle.items()
            },
            "without_keys": [each.to_object() for each in self.without_keys],
            "websites_without_domain": [each.to_object() for each in self.no_domain],
            "ambiguous_by_class": dict(self.ambiguous_by_class),
            "accounts_without_keys_left": self.accounts_without_keys,
            "ambiguous_keys": [each.to_object() for each in self.ambiguous],
            "shared_fallbacks": [each.to_object() for each in self.shared],
        }
