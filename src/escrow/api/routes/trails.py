"""The audit trail: who did what in a partnership, and to one's own organization."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

from escrow import access, audit, errors, wire
from escrow.api.cursors import Cursors
from escrow.api.dependencies import AskedCursor, AskedLimit, PartnershipId, ReadKey, Serving, page_size
from escrow.api.idempotency import Router
from escrow.api.problems import problems
from escrow.audit import AuditPage
from escrow.reports.trail import own_trail, shared_trail

__all__ = ["router"]

router = Router(tags=["audit"])

AskedTrail = Annotated[
    Literal["both", "ours"], Query(description="The trail that both parties see, or the caller's own.")
]


@router.get(
    "/v1/partnerships/{partnership_id}/audit",
    summary="The audit trail of a partnership",
    responses=problems(errors.ScopeMissing, errors.NotFound),
)
def list_partnership_entries(
    partnership_id: PartnershipId,
    key: ReadKey,
    service: Serving,
    trail: AskedTrail = "both",
    cursor: AskedCursor = None,
    limit: AskedLimit = None,
) -> wire.AuditPage:
    """Page through a trail, oldest first, also when the partnership has ended; each trail is numbered without gaps."""
    with service.database.snapshot("list audit entries") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        of_both = trail == "both"
        cursors, size = Cursors.within(f"audit/{trail}", party), page_size(service, limit)
        trail_id = shared_trail(partnership_id) if of_both else own_trail(partnership_id, party.side)
        return _told(audit.page(tx, trail_id, after=cursors.read_number(cursor), limit=size), cursors)


@router.get(
    "/v1/organization/audit",
    summary="The audit trail of the calling organization",
    responses=problems(errors.ScopeMissing, errors.NotFound),
)
def list_organization_entries(
    key: ReadKey, service: Serving, cursor: AskedCursor = None, limit: AskedLimit = None
) -> wire.AuditPage:
    """Page through what was done outside of any partnership, oldest first; not with a key bound to some of them."""
    with service.database.snapshot("list audit entries") as tx:
        caller = key.admit(tx)
        if caller.grant.partnership_ids is not None:
            raise access.not_found()
        cursors, size = Cursors.of("organization/audit", caller), page_size(service, limit)
        page = audit.page(tx, caller.organization_id, after=cursors.read_number(cursor), limit=size)
        return _told(page, cursors)


def _told(page: AuditPage, cursors: Cursors) -> wire.AuditPage:
    items = tuple(wire.AuditEntry.of(entry) for entry in page.items)
    return wire.AuditPage(items=items, next=cursors.write_number(page.next))
