"""Normalisation: a company's name and website → match keys, the same on both partners' machines.

A profile is code and frozen data files under one id; both partners must use the same one, and another id is another
profile. It is pure and deterministic: Unicode's stability policy fixes normalisation and case folding of every assigned
character, so only characters newer than a Python's Unicode tables could ever differ.

Partner's side only: nothing on the server's side may import this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from escrow.errors import ProfileUnknown
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.psi.normalisation.escrow_1.domains import Domains
from escrow.psi.normalisation.escrow_1.names import CoreNames
from escrow.psi.normalisation.escrow_1.tables import read_tables
from escrow.psi.profile_ids import LATEST_PROFILE

__all__ = ["LATEST", "Profile", "profile"]

LATEST = LATEST_PROFILE

#: The folder that holds each profile's data.
_DATA = {LATEST_PROFILE: "escrow-1"}


class Profile:
    """One way to normalise, under the id that both partners name.

    This profile makes keys of the classes domain and name; every key's value is in Unicode NFC.
    """

    __slots__ = ("_domains", "_names", "id")

    def __init__(self, profile_id: str, *, data: str) -> None:
        tables = read_tables(data)
        self.id = profile_id
        self._domains = Domains(tables)
        self._names = CoreNames(tables)

    def match_keys(self, name: str, website: str, country: str = "") -> tuple[MatchKey, ...]:  # noqa: ARG002
        """Give the match keys of one CRM row, domain first; a website or name that says nothing gives none.

        The country makes no difference yet.
        """
        values = ((_DOMAIN, self._domains.of(website)), (_NAME, self._names.of(name)))
        return tuple(MatchKey(key_class, value) for key_class, value in values if value)

    def values_by_class(
        self,
        names: Sequence[str],
        websites: Sequence[str],
        countries: Sequence[str] = (),  # noqa: ARG002
    ) -> tuple[tuple[MatchKeyClass, list[str]], ...]:
        """Give the values of the match keys of many rows, a list for each class: one for each row, empty for none."""
        return ((_DOMAIN, self._domains.of_each(websites)), (_NAME, list(map(self._names.of, names))))


_DOMAIN = MatchKeyClass.DOMAIN
_NAME = MatchKeyClass.NAME


@cache
def profile(profile_id: str = LATEST) -> Profile:
    """Give the profile of this id; an unknown one raises `ProfileUnknown`."""
    data = _DATA.get(profile_id)
    if data is None:
        raise ProfileUnknown(
            f"this version of escrow knows the profile {LATEST} and not the one asked for: update escrow"
        )
    return Profile(profile_id, data=data)
