"""What the renderers render: one party's view of a release, and its list of overlaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from escrow.psi.encoding import base32
from escrow.reports.disclosure import Conditions
from escrow.reports.matrix import OverlapMatrix
from escrow.reports.noise import margin
from escrow.terms import Cell, Level, Population, Tier, fields_in_order

__all__ = ["DetailValue", "ListedOverlap", "OverlapList", "ReleaseView", "Report"]

DetailValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """What one party may see of a release, cells seen from its side."""

    number: int
    made_at: datetime
    matrix: OverlapMatrix
    conditions: Conditions

    @property
    def margin(self) -> int | None:
        """How far approximate numbers are from what was counted, with 95 %; None if no shown number is approximate."""
        return margin(self.conditions.rule) if any(map(self.is_approximate, self.matrix)) else None

    def is_approximate(self, cell: Cell) -> bool:
        """Tell whether a number is shown there that noise was added to; numbers of listed accounts are exact."""
        count = self.matrix[cell]
        return self.conditions.rule.noise and count.level is Level.COUNTS and count.number is not None

    def is_approximate_total(self, *, ours: Population | None = None, theirs: Population | None = None) -> bool:
        """Tell whether a total is shown, of all cells, a row or a column, that adds up any such number."""
        summed = (cell for cell in self.matrix if ours in (None, cell.ours) and theirs in (None, cell.theirs))
        return self.matrix.total(ours=ours, theirs=theirs) is not None and any(map(self.is_approximate, summed))


@dataclass(frozen=True, slots=True)
class Report:
    """A release as one party reads it, or that there is none yet; ``ours`` and ``theirs`` are the organizations' names.

    The two times tell how old either list is, where that is known.
    """

    ours: str
    theirs: str
    release: ReleaseView | None
    our_list_at: datetime | None = None
    their_list_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListedOverlap:
    """One of our accounts that is also theirs, and what they share of one of their accounts that it met.

    ``row`` and ``match_id`` are how the match is disputed: alone where details are shared, with all others of our
    account where none are.

    ``overlap`` is the escrow's opaque name of the company; ``crm_ids`` join back to our CRM; ``shared`` is by field.
    """

    overlap: str
    account_name: str
    crm_ids: tuple[str, ...]
    cell: Cell
    tier: Tier
    level: Level
    shared: Mapping[str, DetailValue] = field(default_factory=dict, repr=False)
    row: bytes = b""
    match_id: bytes = b""

    @property
    def match_letters(self) -> str:
        """The match id as a person copies it: letters and digits, which never begin an option or a formula."""
        return base32(self.match_id).lower()


@dataclass(frozen=True, slots=True)
class OverlapList:
    """Our accounts that overlap, in the order they are to be read."""

    ours: str
    theirs: str
    items: tuple[ListedOverlap, ...]

    @property
    def shared_fields(self) -> tuple[str, ...]:
        """The fields that at least one item has."""
        present = {name for item in self.items for name in item.shared}
        return fields_in_order(present)
