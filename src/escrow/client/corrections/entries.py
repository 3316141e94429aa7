"""The entries of an alias file and of a do-not-map list, as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["NO_CORRECTIONS", "Aliases", "Corrections", "Named", "spellings_of_id"]

_IN_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT, _LONG = 15, 18


@dataclass(frozen=True, slots=True)
class Named:
    """Accounts by what they are called: names, domains and CRM ids."""

    names: tuple[str, ...] = field(default=(), repr=False)
    domains: tuple[str, ...] = field(default=(), repr=False)
    crm_ids: tuple[str, ...] = field(default=(), repr=False)

    @property
    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield what gives match keys, as rows of a name and a website."""
        yield from ((name, "") for name in self.names)
        yield from (("", domain) for domain in self.domains)

    def __len__(self) -> int:
        return len(self.names) + len(self.domains) + len(self.crm_ids)

    def __add__(self, other: Named) -> Named:
        return Named(self.names + other.names, self.domains + other.domains, self.crm_ids + other.crm_ids)


@dataclass(frozen=True, slots=True)
class Aliases:
    """``one_company``: what is one account. ``apart``: groups of sides, no two sides of which are one account."""

    one_company: tuple[Named, ...] = ()
    apart: tuple[tuple[Named, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Corrections:
    """All that the owner says about a list; ``do_not_map`` is None where no such list was named."""

    aliases: Aliases = field(default_factory=Aliases)
    do_not_map: Named | None = None

    @property
    def are_none(self) -> bool:
        """Nothing is said."""
        return self == NO_CORRECTIONS


NO_CORRECTIONS = Corrections()


def spellings_of_id(crm_id: str) -> tuple[str, ...]:
    """Give a CRM id as it may be written elsewhere: Salesforce has one of 15 characters and one of 18 for a record."""
    if len(crm_id) == _LONG and crm_id.isascii() and crm_id.isalnum() and _checksum(crm_id[:_SHORT]) == crm_id[_SHORT:]:
        return crm_id, crm_id[:_SHORT]
    return (crm_id,)


def _checksum(short: str) -> str:
    """Say which letters of each five are capitals, in three characters."""
    fives = (short[start : start + 5] for start in range(0, _SHORT, 5))
    return "".join(_IN_CHECKSUM[sum(letter.isupper() << at for at, letter in enumerate(five))] for five in fives)
