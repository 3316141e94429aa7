"""Profile `escrow-2`: the domains of a website, the core name, its variants, the brands of domains, a fallback."""

from __future__ import annotations

from collections.abc import Sequence

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation.escrow_2.lexicon import Lexicon, read_lexicon
from escrow.psi.normalisation.escrow_2.names import CompanyNames, NameKeys
from escrow.psi.normalisation.escrow_2.web import WebAddresses
from escrow.psi.normalisation.escrow_2.web_tables import read_web_tables

__all__ = ["MOST_KEYS_OF_A_ROW", "CompanyKeys"]

#: Variants past this number of keys are not made; a fallback always has room.
MOST_KEYS_OF_A_ROW = 8
#: One company alone has the domain, so that two letters name it, as no two letters of a name do.
_SHORTEST_BRAND = 2


class CompanyKeys:
    """The rules of `escrow-2`."""

    __slots__ = ("_names", "_web")

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        """Take the profile's own words, or others to measure what a rule is worth."""
        self._names = CompanyNames(lexicon or read_lexicon())
        self._web = WebAddresses(read_web_tables())

    def values_by_class(
        self, names: Sequence[str], websites: Sequence[str]
    ) -> tuple[tuple[MatchKeyClass, list[str]], ...]:
        """Give lists with one value for each row, empty for none; a class comes as often as a row has keys of it."""
        domains = self._web.keys_of_each(websites)
        found = self._names.keys_of_each(names)
        variants = list(map(self._variants, domains, found))
        return (
            *((MatchKeyClass.DOMAIN, column) for column in _columns(domains)),
            (MatchKeyClass.NAME, [keys.name for keys in found]),
            *((MatchKeyClass.VARIANT, column) for column in _columns(variants)),
            (MatchKeyClass.FALLBACK, [keys.fallback for keys in found]),
        )

    def _variants(self, domains: tuple[str, ...], found: NameKeys) -> tuple[str, ...]:
        """Put the brands that the domains say among the variants of the name, behind the likeliest of them."""
        if not domains:
            return found.variants
        brands = list(map(self._brand, domains))
        if len(brands) == 1 and (brands[0] == found.name or brands[0] in found.variants[:1]):
            return found.variants[: MOST_KEYS_OF_A_ROW - 3]
        shorter = map(self._names.in_label, brands)
        values = dict.fromkeys([*found.variants[:1], *brands, *shorter, *found.variants[1:]])
        room = MOST_KEYS_OF_A_ROW - len(domains) - 2
        return tuple([value for value in values if len(value) >= _SHORTEST_BRAND and value != found.name][:room])

    def _brand(self, domain: str) -> str:
        label = self._web.brand_of(domain)
        return label if label.isascii() and label.isalnum() else self._names.written_together(label)


def _columns(values: Sequence[Sequence[str]]) -> list[list[str]]:
    """Turn the values of each row into lists of first values, second values, and so on."""
    most = max(map(len, values), default=0)
    return [[each[place] if len(each) > place else "" for each in values] for place in range(most)]
