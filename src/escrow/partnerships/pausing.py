"""The pause: while either party pauses, nothing is matched, released or read; only who paused resumes.

Submissions are received and applied all the same, so that after a pause the lists are those of today.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, update

from escrow import audit
from escrow.access import Party
from escrow.store import jobs
from escrow.store.database import Transaction
from escrow.store.states import EventType, JobType
from escrow.store.tables import parties
from escrow.webhooks import events

__all__ = ["pause", "resume"]


def pause(tx: Transaction, party: Party, *, now: datetime) -> None:
    """Pause from this party's seat; paused again, it stays paused since the first time.

    Raises:
        PartnershipNotActive: no lists are compared.
    """
    party.must_be_active()
    running = and_(_seat(party), parties.c.paused_at.is_(None))
    if tx.execute(update(parties).where(running).values(paused_at=now)).rowcount:
        audit.record(tx, audit.Action.PAUSED, trail_id=party.partnership_id, caller=party.caller, now=now)
        partnership_id = party.partnership_id
        events.tell_both(tx, EventType.PARTNERSHIP_PAUSED, partnership_id=partnership_id, by=party.side, now=now)


def resume(tx: Transaction, party: Party, *, now: datetime) -> None:
    """Take this party's pause back and ask for what was left undone; the other party's pause stays.

    Raises:
        PartnershipNotActive: no lists are compared.
    """
    party.must_be_active()
    paused = and_(_seat(party), parties.c.paused_at.is_not(None))
    if tx.execute(update(parties).where(paused).values(paused_at=None)).rowcount:
        # Matching asks for a release when it is done.
        jobs.enqueue(tx, JobType.MATCH, party.partnership_id, due_at=now)
        audit.record(tx, audit.Action.RESUMED, trail_id=party.partnership_id, caller=party.caller, now=now)
        partnership_id = party.partnership_id
        events.tell_both(tx, EventType.PARTNERSHIP_RESUMED, partnership_id=partnership_id, by=party.side, now=now)


def _seat(party: Party) -> ColumnElement[bool]:
    return and_(parties.c.partnership_id == party.partnership_id, parties.c.side == party.side.value)
