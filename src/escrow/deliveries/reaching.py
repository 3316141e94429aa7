"""Which endpoints and mail digests a key may know of: one that is bound to partnerships, those for them alone."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from escrow.access import Caller, not_found
from escrow.deliveries.filters import Filter
from escrow.store.database import Transaction
from escrow.store.tables import parties

__all__ = ["is_reached", "within"]


def is_reached(caller: Caller, told_of: Filter) -> bool:
    """Tell whether what is told of so much is the key's to know of."""
    bound_to = caller.grant.partnership_ids
    return bound_to is None or (told_of.partnership_ids is not None and told_of.partnership_ids <= bound_to)


def within(tx: Transaction, caller: Caller, wanted: Filter) -> Filter:
    """Hold a filter to the partnerships that the key is for, or raise NotFound."""
    bound_to = caller.grant.partnership_ids
    if wanted.partnership_ids is None:
        return replace(wanted, partnership_ids=bound_to)
    seats = select(parties.c.partnership_id).where(parties.c.organization_id == caller.organization_id)
    reached = set(tx.execute(seats).scalars())
    if not wanted.partnership_ids <= (reached if bound_to is None else reached & bound_to):
        raise not_found()
    return wanted
