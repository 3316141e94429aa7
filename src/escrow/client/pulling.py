"""What overlaps, taken into the mirror: by the change feed, or by the list where the feed begins anew."""

from __future__ import annotations

from uuid import UUID

from escrow import wire
from escrow.client.mirror import Mirror, Overlapping
from escrow.client.sdk import Escrow
from escrow.errors import ServiceAnswerInvalid
from escrow.terms import Cell

__all__ = ["pull"]

_CURSOR = "cursor"
#: How often the feed may say that the list is to be read again, within one pull.
_MOST_RESETS = 5


def pull(service: Escrow, mirror: Mirror, partnership_id: UUID) -> bool:
    """Bring the mirror up to what the service tells, with the feed's cursor; say whether anything changed.

    The caller keeps both as one: a mirror is never ahead of its cursor nor behind it.

    Raises:
        ServiceAnswerInvalid: the feed has no end.
    """
    known = mirror.heard(_CURSOR)
    has_moved = known is None
    after = _listed(service, mirror, partnership_id) if known is None else int(known)
    resets = 0
    while True:
        page = service.changes(partnership_id, after)
        has_moved = has_moved or bool(page.items)
        if any(item.kind == "reset" for item in page.items):
            resets += 1
            if resets > _MOST_RESETS:
                raise ServiceAnswerInvalid("the service begins its change feed anew again and again; try again later")
            after = _listed(service, mirror, partnership_id)
            continue
        if page.more and page.next_after <= after:
            raise ServiceAnswerInvalid("the service's change feed has no end; tell its operator")
        _apply(mirror, page.items)
        after = page.next_after
        if not page.more:
            mirror.hear(_CURSOR, str(after))
            return has_moved


def _listed(service: Escrow, mirror: Mirror, partnership_id: UUID) -> int:
    """Read the whole list into the mirror; give the number to go on from, which was there before the first page."""
    mirror.drop_all()
    after = 0
    for page in service.overlap_pages(partnership_id):
        after = after if page.changes_after is None else page.changes_after
        mirror.put(
            Overlapping(item.row, item.overlap, item.tier, Cell(item.ours, item.theirs), item.level)
            for item in page.items
        )
    return after


def _apply(mirror: Mirror, changes: tuple[wire.Change, ...]) -> None:
    """Take in changes in their order; each says all that is so now, so that the same twice is as once."""
    for change in changes:
        if change.row is None or change.kind == "details":
            continue
        if change.cell is None or change.tier is None or change.overlap is None:
            mirror.drop([change.row])
        else:
            cell = Cell(change.cell.ours, change.cell.theirs)
            mirror.put([Overlapping(change.row, change.overlap, change.tier, cell, change.cell.level)])
