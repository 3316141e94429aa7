"""Readiness: releases begin once each party has said that the counts of its list are right."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select, update

from escrow import audit
from escrow.access import Party
from escrow.errors import ListMissing
from escrow.store import jobs
from escrow.store.database import Transaction
from escrow.store.states import GenerationState, JobType
from escrow.store.tables import generations, lists, parties

__all__ = ["both_ready", "say_ready"]


def say_ready(tx: Transaction, party: Party, *, now: datetime) -> None:
    """Say that the counts of the list as applied are right; a release may follow.

    Raises:
        PartnershipNotActive: no lists are compared.
        ListMissing: the party has no list yet.
    """
    party.must_be_active()
    query = (
        select(lists.c.applied_number)
        .join_from(lists, generations)
        .where(
            lists.c.partnership_id == party.partnership_id,
            lists.c.side == party.side.value,
            generations.c.state == GenerationState.LIVE.value,
        )
    )
    applied = tx.execute(query).scalar_one_or_none()
    if applied is None:
        raise ListMissing("Submit a list first: there is none to call ready.")
    seat = and_(parties.c.partnership_id == party.partnership_id, parties.c.side == party.side.value)
    tx.execute(update(parties).where(seat).values(ready_submission=applied))
    jobs.enqueue(tx, JobType.RELEASE, party.partnership_id, due_at=now)
    audit.record(
        tx,
        audit.Action.READY_SAID,
        trail_id=party.partnership_id,
        caller=party.caller,
        now=now,
        detail={"submission": applied},
    )


def both_ready(tx: Transaction, partnership_id: UUID) -> bool:
    """Tell whether both parties have said so; once said, it holds for later submissions too."""
    query = select(func.count(parties.c.ready_submission)).where(parties.c.partnership_id == partnership_id)
    return tx.execute(query).scalar_one() == 2
