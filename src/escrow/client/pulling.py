"""What overlaps, as the service tells it, taken into the mirror."""

from __future__ import annotations

from uuid import UUID

from escrow.client.mirror import Mirror, Overlapping
from escrow.client.sdk import Escrow
from escrow.terms import Cell
from escrow.wire import OverlapItem

__all__ = ["pull"]


def pull(service: Escrow, mirror: Mirror, partnership_id: UUID) -> bool:
    """Bring the mirror up to what the service shows; say whether anything may have changed. The caller keeps it."""
    mirror.drop_all()
    mirror.put(_overlapping(item) for item in service.overlaps(partnership_id))
    return True


def _overlapping(item: OverlapItem) -> Overlapping:
    return Overlapping(item.row, item.overlap, item.tier, Cell(item.ours, item.theirs), item.level)
