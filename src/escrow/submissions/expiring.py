"""Uploads that nobody goes on with are deleted, so that what was begun and left does not stay for ever.

Their number is free again: a client that comes back announces the same submission and uploads it from the start.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, delete, exists, select

from escrow import audit
from escrow.access import lock_partnership
from escrow.store.database import Transaction
from escrow.store.states import SubmissionState
from escrow.store.tables import chunks, submissions
from escrow.terms import Side

__all__ = ["forget_abandoned"]

_BATCH = 100


def forget_abandoned(tx: Transaction, *, resting_since: datetime, now: datetime) -> bool:
    """Delete some uploads to which nothing was added since then; tell whether that was all."""
    found = tx.execute(select(submissions).where(_abandoned(resting_since)).limit(_BATCH)).all()
    for upload in found:
        lock_partnership(tx, upload.partnership_id)
        # Looked for before the lock: it may have been completed or gone on with since.
        still = tx.execute(select(submissions.c.number).where(_is(upload), _abandoned(resting_since))).one_or_none()
        if still is not None:
            _forget(tx, upload, now)
    return len(found) < _BATCH


def _abandoned(resting_since: datetime) -> ColumnElement[bool]:
    goes_on = exists().where(
        chunks.c.partnership_id == submissions.c.partnership_id,
        chunks.c.side == submissions.c.side,
        chunks.c.number == submissions.c.number,
        chunks.c.arrived_at > resting_since,
    )
    is_open = submissions.c.state == SubmissionState.UPLOADING.value
    return and_(is_open, submissions.c.begun_at <= resting_since, ~goes_on)


def _forget(tx: Transaction, upload: Row[Any], now: datetime) -> None:
    tx.execute(delete(chunks).where(_is(upload, chunks)))
    tx.execute(delete(submissions).where(_is(upload)))
    detail = {"side": upload.side, "number": upload.number}
    action, trail_id = audit.Action.SUBMISSION_EXPIRED, upload.partnership_id
    audit.record(tx, action, trail_id=trail_id, side=Side(upload.side), caller=None, now=now, detail=detail)


def _is(upload: Row[Any], table: Table = submissions) -> ColumnElement[bool]:
    return and_(
        table.c.partnership_id == upload.partnership_id,
        table.c.side == upload.side,
        table.c.number == upload.number,
    )
