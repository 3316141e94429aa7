"""Which of the partner's details to fetch: those of rows that the change feed names since they were fetched last."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from escrow.client.sdk import Escrow
from escrow.errors import ServiceAnswerInvalid
from escrow.wire.values import MOST_NUMBER

__all__ = ["Renewed", "renewed"]


@dataclass(frozen=True, slots=True)
class Renewed:
    """Rows of ours whose details may be other than known, None for all; the feed was read through this number."""

    rows: frozenset[bytes] | None
    through: int


def renewed(service: Escrow, partnership_id: UUID, known: int | None) -> Renewed:
    """Read which rows changed after the number through which their details are known; None if none are.

    Raises:
        ServiceAnswerInvalid: the feed has no end.
    """
    if known is None:
        return _all_rows(service, partnership_id)
    rows: set[bytes] = set()
    after, more = known, True
    while more:
        page = service.changes(partnership_id, after)
        if any(item.kind == "reset" for item in page.items):
            return _all_rows(service, partnership_id)
        if page.more and page.next_after <= after:
            raise ServiceAnswerInvalid("the service's change feed has no end; tell its operator")
        rows.update(item.row for item in page.items if item.row is not None)
        after, more = page.next_after, page.more
    return Renewed(frozenset(rows), after)


def _all_rows(service: Escrow, partnership_id: UUID) -> Renewed:
    """Ask from beyond the end of the feed, to be told where that is."""
    return Renewed(None, service.changes(partnership_id, MOST_NUMBER).next_after)
