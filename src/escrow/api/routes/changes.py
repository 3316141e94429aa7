"""Changes: what became of the caller's rows in the list of overlaps."""

from __future__ import annotations

from escrow import access, changes, errors, wire
from escrow.api.dependencies import AskedLimit, PartnershipId, ReadKey, Serving, page_size
from escrow.api.idempotency import Router
from escrow.api.problems import problems
from escrow.api.routes.events import AskedAfter
from escrow.changes import ChangeItem
from escrow.psi.encoding import b64url

__all__ = ["router"]

router = Router(tags=["overlaps"])


@router.get(
    "/v1/partnerships/{partnership_id}/changes",
    summary="What changed in the caller's list of overlaps",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PartnershipPaused),
)
def list_changes(
    partnership_id: PartnershipId,
    key: ReadKey,
    service: Serving,
    after: AskedAfter = None,
    limit: AskedLimit = None,
) -> wire.ChangePage:
    """Page through what changed in cells open at accounts or above, by the terms of now.

    The first page of the overlaps says from where on. An entry states what its row is listed as now, so that reading
    one twice does no harm. After a `reset` the overlaps are listed again.
    """
    with service.database.transaction("list changes") as tx:
        page = changes.changes_page(
            tx,
            access.party_of(tx, key.admit(tx), partnership_id),
            after=after or 0,
            limit=page_size(service, limit),
            service_key=service.sealing_key,
            now=service.now(),
        )
        return wire.ChangePage(items=tuple(map(_told, page.items)), next_after=page.next_after, more=page.more)


def _told(item: ChangeItem) -> wire.Change:
    return wire.Change(
        number=item.number,
        kind=item.kind.value,
        row=item.row,
        cell=_level(item),
        was=None if item.was is None else wire.CellName(ours=item.was.ours, theirs=item.was.theirs),
        tier=item.tier,
        overlap=None if item.overlap is None else b64url(item.overlap),
        match_id=item.match_id,
        occurred_at=item.occurred_at,
    )


def _level(item: ChangeItem) -> wire.CellLevel | None:
    if item.cell is None or item.level is None:
        return None
    return wire.CellLevel(ours=item.cell.ours, theirs=item.cell.theirs, level=item.level)
