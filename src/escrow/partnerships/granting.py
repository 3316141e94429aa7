"""Allowances: what a party may still ask about, and what its partner grants beyond it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from escrow import audit, spending
from escrow.access import Party
from escrow.allowance import AllowanceRule, ListLimits
from escrow.errors import ListMissing
from escrow.spending import Allowance
from escrow.standing import standing_of
from escrow.store.database import Transaction
from escrow.store.tables import organizations

__all__ = ["grant_allowance", "show_allowance"]


def show_allowance(tx: Transaction, party: Party, *, limits: ListLimits, now: datetime) -> Allowance:
    """Show what the party's own lists may still ask about.

    Raises:
        PartnershipNotActive: there is no place for lists.
    """
    party.must_be_active()
    return spending.allowance_of(tx, standing_of(tx, party.partnership_id), party.side, limits=limits, now=now)


def grant_allowance(tx: Transaction, party: Party, accounts: int, *, rule: AllowanceRule, now: datetime) -> None:
    """Let the partner ask about so many accounts more until its period ends; each grant adds to those before.

    Raises:
        PartnershipNotActive: there is no place for lists.
        ListMissing: the partner has had no list yet, so its terms alone bound the first one.
    """
    party.must_be_active()
    standing = standing_of(tx, party.partnership_id)
    if not spending.grant(tx, standing, party.side.other, accounts, rule=rule, now=now):
        raise ListMissing(
            "Your partner has had no list yet: what its first one may ask about follows the largest list of your terms."
        )
    both = sorted(each.organization_id for each in standing.sides.values())
    query = select(organizations.c.organization_id).where(organizations.c.organization_id.in_(both))
    tx.execute(query.order_by(organizations.c.organization_id).with_for_update(key_share=True))
    detail: audit.Detail = {"partnership_id": str(party.partnership_id), "accounts": accounts}
    action, caller = audit.Action.ALLOWANCE_GRANTED, party.caller
    audit.record(tx, action, trail_id=party.partnership_id, caller=caller, now=now, detail=detail)
    for each in both:
        audit.record_for_organization(tx, action, organization_id=each, caller=caller, now=now, detail=detail)
