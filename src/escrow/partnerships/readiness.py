"""Readiness: releases begin once each party has said that the counts of its list are right."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, update

from escrow import audit
from escrow.access import Party
from escrow.errors import ListMissing
from escrow.standing import standing_of
from escrow.store import jobs
from escrow.store.database import Transaction
from escrow.store.states import JobType
from escrow.store.tables import parties

__all__ = ["say_ready"]


def say_ready(tx: Transaction, party: Party, *, now: datetime) -> None:
    """Say that the counts of the list as applied are right; a release may follow.

    Raises:
        PartnershipNotActive: no lists are compared.
        ListMissing: the party has no list yet.
    """
    party.must_be_active()
    applied = standing_of(tx, party.partnership_id).applied.get(party.side)
    if applied is None or applied.is_withdrawn:
        raise ListMissing("Submit a list first: there is none to call ready.")
    seat = and_(parties.c.partnership_id == party.partnership_id, parties.c.side == party.side.value)
    tx.execute(update(parties).where(seat).values(ready_submission=applied.number))
    jobs.enqueue(tx, JobType.RELEASE, party.partnership_id, due_at=now)
    audit.record(
        tx,
        audit.Action.READY_SAID,
        trail_id=party.partnership_id,
        side=party.side,
        caller=party.caller,
        now=now,
        detail={"submission": applied.number},
    )
