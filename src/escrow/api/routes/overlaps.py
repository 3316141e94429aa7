"""Overlaps: which of the caller's own rows are on both lists."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from escrow import access, changes, errors, overlaps, wire
from escrow.api.cursors import Cursors
from escrow.api.dependencies import AskedCursor, AskedLimit, PartnershipId, ReadKey, Serving, page_size
from escrow.api.idempotency import Router
from escrow.api.problems import problems
from escrow.overlaps import OverlappingRow
from escrow.psi.encoding import b64url
from escrow.wire.values import PopulationWord

__all__ = ["router"]

router = Router(tags=["overlaps"])

AskedOurs = Annotated[PopulationWord | None, Query(alias="ours", description="Only rows of this population of ours.")]
AskedTheirs = Annotated[PopulationWord | None, Query(alias="theirs", description="Only with this one of theirs.")]


@router.get(
    "/v1/partnerships/{partnership_id}/overlaps",
    summary="The caller's rows that overlap",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PartnershipPaused),
)
def list_overlaps(
    partnership_id: PartnershipId,
    key: ReadKey,
    service: Serving,
    cursor: AskedCursor = None,
    limit: AskedLimit = None,
    ours: AskedOurs = None,
    theirs: AskedTheirs = None,
) -> wire.OverlapPage:
    """Page through the caller's own rows that overlap in cells open at accounts or above."""
    with service.database.transaction("list overlaps") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        cursors = Cursors.within("overlaps", party)
        page = overlaps.overlaps_page(
            tx,
            party,
            after=cursors.read(cursor, length=8),
            limit=page_size(service, limit),
            ours=ours,
            theirs=theirs,
            service_key=service.sealing_key,
            now=service.now(),
        )
        changes_after = changes.last_change(tx, party) if cursor is None else None
        return wire.OverlapPage(
            items=tuple(map(_told, page.items)), next=cursors.write(page.next), changes_after=changes_after
        )


def _told(found: OverlappingRow) -> wire.OverlapItem:
    return wire.OverlapItem(
        row=found.row,
        match_id=found.match_id,
        overlap=b64url(found.overlap),
        tier=found.tier,
        ours=found.cell.ours,
        theirs=found.cell.theirs,
        level=found.level,
    )
