"""The end of a partnership, or of a generation: its keys go at once, its rows soon after."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, select, tuple_, update

from escrow import audit
from escrow.access import Party
from escrow.store import jobs
from escrow.store.database import Transaction
from escrow.store.secrets import erase_secrets
from escrow.store.states import EventType, GenerationState, JobType, PartnershipState, SubmissionState
from escrow.store.tables import (
    accounts,
    alarms,
    change_feeds,
    changes,
    chunks,
    disputed_pairs,
    disputes,
    envelopes,
    fresh_pairings,
    generation_proposals,
    generations,
    list_changes,
    lists,
    matches,
    partnerships,
    release_cells,
    releases,
    submissions,
    tokens,
)
from escrow.webhooks import events

__all__ = ["end", "purge", "purge_generation"]

#: What a purge deletes, those that refer to others first. Terms, submissions without their chunks and the trail stay,
#: and so does what each of the two has spent: it is of the pair, and a fresh pairing goes on from it.
_PURGED: tuple[Table, ...] = (
    alarms,
    change_feeds,
    changes,
    generation_proposals,
    fresh_pairings,
    envelopes,
    matches,
    disputed_pairs,
    disputes,
    list_changes,
    tokens,
    accounts,
    lists,
    chunks,
    release_cells,
    releases,
)


_OVER = (GenerationState.RETIRED.value, GenerationState.CANCELLED.value)
#: What the purge of such a generation deletes; releases stay, and its matches were replaced at the switch.
_OF_GENERATION: tuple[Table, ...] = (envelopes, list_changes, tokens, accounts, lists)


def end(tx: Transaction, party: Party, *, now: datetime) -> None:
    """End the partnership, or void its invitation; ended again, it stays as it was.

    The pepper and the sealing key are erased here, so that nothing of either list can be read from now on; the worker
    deletes the rows.
    """
    if party.state is PartnershipState.ENDED:
        return
    erase_secrets(tx, party.partnership_id)
    moved = partnerships.c.partnership_id == party.partnership_id
    tx.execute(update(partnerships).where(moved).values(state=PartnershipState.ENDED.value, ended_at=now))
    jobs.enqueue(tx, JobType.PURGE, party.partnership_id, due_at=now)
    audit.record(tx, audit.Action.ENDED, trail_id=party.partnership_id, caller=party.caller, now=now)
    partnership_id = party.partnership_id
    events.blank_ranges(tx, partnership_id, events.seated(tx, partnership_id).values())
    events.tell_both(tx, EventType.PARTNERSHIP_ENDED, partnership_id=partnership_id, by=party.side, now=now)


def purge(tx: Transaction, partnership_id: UUID, *, batch: int = 1_000, now: datetime) -> bool:
    """Delete up to ``batch`` rows that an ended partnership left behind; tell whether all are gone.

    The last call, which finds nothing more, writes ``purged`` into the trail.
    """
    query = select(partnerships.c.state).where(partnerships.c.partnership_id == partnership_id)
    if tx.execute(query).scalar_one_or_none() != PartnershipState.ENDED.value:
        return True
    if any(_delete_some(tx, table, partnership_id, batch) for table in _PURGED):
        return False
    audit.record_once(tx, audit.Action.PURGED, trail_id=partnership_id, caller=None, now=now)
    return True


def purge_generation(
    tx: Transaction, partnership_id: UUID, generation: int, *, batch: int = 1_000, now: datetime
) -> bool:
    """Delete up to ``batch`` rows that a retired or cancelled generation left behind; tell whether all are gone.

    The last call, which finds nothing more, writes ``generation-purged`` into the trail.
    """
    state = select(generations.c.state).where(
        generations.c.partnership_id == partnership_id, generations.c.generation == generation
    )
    if tx.execute(state).scalar_one_or_none() not in _OVER:
        return True
    if any(_delete_some(tx, table, partnership_id, batch, generation) for table in _OF_GENERATION):
        return False
    tx.execute(update(chunks).where(_unfinished_chunks(partnership_id, generation)).values(sealed=None))
    detail = {"generation": generation}
    audit.record_once(tx, audit.Action.GENERATION_PURGED, trail_id=partnership_id, caller=None, now=now, detail=detail)
    return True


def _unfinished_chunks(partnership_id: UUID, generation: int) -> ColumnElement[bool]:
    """Uploads that were never completed: of the others nothing is kept once they are settled."""
    unfinished = select(submissions.c.side, submissions.c.number).where(
        submissions.c.partnership_id == partnership_id,
        submissions.c.generation == generation,
        submissions.c.state == SubmissionState.UPLOADING.value,
    )
    return and_(chunks.c.partnership_id == partnership_id, tuple_(chunks.c.side, chunks.c.number).in_(unfinished))


def _delete_some(
    tx: Transaction, table: Table, partnership_id: UUID, batch: int, generation: int | None = None
) -> bool:
    """Delete some rows of one table, of one generation if asked, and tell whether there were any."""
    key = list(table.primary_key.columns)
    some = select(*key).where(table.c.partnership_id == partnership_id).limit(batch)
    if generation is not None:
        some = some.where(table.c.generation == generation)
    deleted = tx.execute(delete(table).where(tuple_(*key).in_(some)))
    return deleted.rowcount > 0
