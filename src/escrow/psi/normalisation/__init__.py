"""Normalisation: a company's name and website → match keys, the same on both partners' machines.

A profile is code and frozen data files under one id; both partners must use the same one, and another id is another
profile. It is pure and deterministic: Unicode's stability policy fixes normalisation and case folding of every assigned
character, so only characters newer than a Python's Unicode tables could ever differ.

Partner's side only: nothing on the server's side may import this package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Protocol

from escrow.errors import ProfileUnknown
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.psi.normalisation.escrow_1.rules import DomainAndName
from escrow.psi.normalisation.escrow_2.rules import CompanyKeys
from escrow.psi.profile_ids import FIRST_PROFILE, LATEST_PROFILE, PROFILE_IDS

__all__ = ["LATEST", "Profile", "Rules", "profile"]

LATEST = LATEST_PROFILE


class Rules(Protocol):
    """What a profile does; every value is in Unicode NFC."""

    def values_by_class(
        self, names: Sequence[str], websites: Sequence[str]
    ) -> tuple[tuple[MatchKeyClass, list[str]], ...]:
        """Give lists of values, each with one for every row: empty for none, strongest class first."""


class Profile:
    """One way to normalise, under the id that both partners name."""

    __slots__ = ("_rules", "id")

    def __init__(self, profile_id: str, rules: Rules) -> None:
        self.id = profile_id
        self._rules = rules

    def match_keys(self, name: str, website: str, country: str = "") -> tuple[MatchKey, ...]:  # noqa: ARG002
        """Give the match keys of one CRM row, strongest class first; a website or name that says nothing gives none.

        The country makes no difference yet.
        """
        values = self._rules.values_by_class([name], [website])
        return tuple(MatchKey(key_class, value) for key_class, (value,) in values if value)

    def values_by_class(
        self,
        names: Sequence[str],
        websites: Sequence[str],
        countries: Sequence[str] = (),  # noqa: ARG002
    ) -> tuple[tuple[MatchKeyClass, list[str]], ...]:
        """Give the values of the match keys of many rows: lists with one for each row, empty for none.

        A class whose keys a row may have several of comes several times.
        """
        return self._rules.values_by_class(names, websites)


_RULES: Mapping[str, Callable[[], Rules]] = {FIRST_PROFILE: DomainAndName, LATEST_PROFILE: CompanyKeys}


@cache
def profile(profile_id: str = LATEST) -> Profile:
    """Give the profile of this id; an unknown one raises `ProfileUnknown`."""
    rules = _RULES.get(profile_id)
    if rules is None:
        known = " and ".join(PROFILE_IDS)
        raise ProfileUnknown(f"this version of escrow has the profiles {known}, not the one asked for: update escrow")
    return Profile(profile_id, rules())
