"""Profile `escrow-1`: one domain and one core name of each row."""

from __future__ import annotations

from collections.abc import Sequence

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation.escrow_1.domains import Domains
from escrow.psi.normalisation.escrow_1.names import CoreNames
from escrow.psi.normalisation.escrow_1.tables import read_tables

__all__ = ["DomainAndName"]


class DomainAndName:
    """The rules of `escrow-1`."""

    __slots__ = ("_domains", "_names")

    def __init__(self) -> None:
        tables = read_tables("escrow-1")
        self._domains = Domains(tables)
        self._names = CoreNames(tables)

    def values_by_class(
        self, names: Sequence[str], websites: Sequence[str]
    ) -> tuple[tuple[MatchKeyClass, list[str]], ...]:
        """Give two lists, domains and core names, with one value for each row: empty for none."""
        domains, cores = self._domains.of_each(websites), list(map(self._names.of, names))
        return ((MatchKeyClass.DOMAIN, domains), (MatchKeyClass.NAME, cores))
