"""What an organization may be told now of what happened: read anew each time, by the terms of that moment.

The reader stands in the trail under a name of its own: an endpoint, or a mail digest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from escrow.access import Caller, Grant, Party, party_of
from escrow.changes import changes_page
from escrow.deliveries.sentences import CellLine
from escrow.errors import NotFound, PartnershipNotActive, PartnershipPaused
from escrow.organizations import organization
from escrow.releases import report_of
from escrow.reports.report import ReleaseView
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.states import ChangeKind, Scope
from escrow.store.tables import parties
from escrow.terms import Cell

__all__ = ["Reader", "changed_overlaps", "counts_of_release", "link_to", "partner_name", "release_of"]

#: Of the entries of a change feed so many are counted, unless somebody has the time for more.
_MOST_CHANGES = 1_000


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told: an organization, under the name that the trail gets, with what a key to read has."""

    organization_id: UUID
    name: str
    service_key: SealingKey = field(repr=False)
    now: datetime

    def seat(self, tx: Transaction, partnership_id: UUID) -> Party | None:
        """Give the seat that may read now, if it may."""
        caller = Caller(self.organization_id, self.name, Grant(frozenset({Scope.READ})))
        try:
            party = party_of(tx, caller, partnership_id)
            party.must_be_readable()
        except (NotFound, PartnershipNotActive, PartnershipPaused):
            return None
        return party


def partner_name(tx: Transaction, organization_id: UUID, partnership_id: UUID | None) -> str:
    """Name the other organization of a partnership, where there is one yet."""
    query = select(parties.c.organization_id).where(
        parties.c.partnership_id == partnership_id,
        parties.c.organization_id != organization_id,
    )
    partner_id = tx.execute(query).scalar_one_or_none()
    return "a partner" if partner_id is None else organization(tx, partner_id).name


def link_to(link: str, partnership_id: UUID | None) -> str | None:
    """Fill in the operator's link, where there is one and the news is of a partnership."""
    return link.replace("{partnership_id}", str(partnership_id)) if link and partnership_id else None


def release_of(tx: Transaction, reader: Reader, partnership_id: UUID, number: int) -> ReleaseView | None:
    """Give what the reader is shown of a release now; nothing where there is none, or it is not read now."""
    party = reader.seat(tx, partnership_id)
    if party is None or number < 1:
        return None
    try:
        read = report_of(tx, party, number, service_key=reader.service_key, now=reader.now)
    except NotFound:
        return None
    return ReleaseView(read.number, read.made_at, read.matrix, read.made_under)


def counts_of_release(
    tx: Transaction, reader: Reader, partnership_id: UUID, *, number: int, before: int
) -> Sequence[CellLine]:
    """Give the cells of a release that show a number now, each with what it showed in the release ``before``."""
    release = release_of(tx, reader, partnership_id, number)
    earlier = release_of(tx, reader, partnership_id, before)
    if release is None:
        return ()
    shown = {cell: count.number for cell, count in release.matrix.items() if count.number is not None}
    return [_cell_line(cell, count, release, earlier) for cell, count in shown.items()]


def _cell_line(cell: Cell, number: int, release: ReleaseView, before: ReleaseView | None) -> CellLine:
    line = CellLine(cell, number, is_approximate=release.is_approximate(cell))
    if before is None:
        return line
    return replace(line, before=before.matrix[cell].number, was_approximate=before.is_approximate(cell))


def changed_overlaps(
    tx: Transaction, reader: Reader, partnership_id: UUID, told: Mapping[str, Any], *, most: int = _MOST_CHANGES
) -> Sequence[CellLine] | None:
    """Count the rows that entered, moved or changed, by the cell each is in now; ``told`` is the event's range.

    None where the list is to be read anew.
    """
    party = reader.seat(tx, partnership_id)
    after, through = told["after"], told["through"]
    if party is None or after is None or through is None or told["reset"]:
        return None
    page = changes_page(tx, party, after=after, limit=most, service_key=reader.service_key, now=reader.now)
    items = [each for each in page.items if each.number <= through]
    if any(each.kind is ChangeKind.RESET for each in items):
        return None
    now_in = {each.row: each.cell for each in items}
    is_cut = page.more and page.next_after < through
    counted = Counter(now_in.values()).items()
    return [CellLine(cell, rows, is_least=is_cut) for cell, rows in counted if cell is not None]
