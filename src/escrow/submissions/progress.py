"""How far a party's own submissions have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, func, select

from escrow.access import Party
from escrow.errors import NotFound
from escrow.store.database import Transaction
from escrow.store.states import SubmissionState, SubmissionType
from escrow.store.tables import chunks, submissions

__all__ = ["Problem", "Submission", "find", "found", "last_number", "missing_chunks", "of_submission", "submission_of"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a list was rejected; where a limit was met, the limit, what was left of it and when it renews.

    Limits are in accounts, those of a ceiling or an allowance in fifths of a token.
    """

    code: str
    detail: str
    limit: int | None = None
    left: int | None = None
    renews_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One upload and how far it has come; ``missing`` are the positions of chunks that have not arrived."""

    number: int
    type: SubmissionType
    base: int
    state: SubmissionState
    accounts: int
    chunks: int
    missing: tuple[int, ...]
    received_at: datetime | None
    applied_at: datetime | None
    problem: Problem | None


def submission_of(tx: Transaction, party: Party, number: int) -> Submission:
    """Tell how far one of the party's own submissions has come, or raise NotFound."""
    row = found(tx, party, number)
    announced = tx.execute(
        select(func.count()).select_from(chunks).where(of_submission(chunks, party, number))
    ).scalar_one()
    return Submission(
        number=row.number,
        type=SubmissionType(row.type),
        base=row.base,
        state=SubmissionState(row.state),
        accounts=row.accounts,
        chunks=announced,
        missing=missing_chunks(tx, party, number),
        received_at=row.received_at,
        applied_at=row.applied_at,
        problem=None if row.problem_code is None else _problem(row),
    )


def _problem(row: Row[Any]) -> Problem:
    return Problem(
        row.problem_code,
        row.problem_detail,
        limit=row.problem_limit,
        left=row.problem_left,
        renews_at=row.problem_renews_at,
    )


def last_number(tx: Transaction, party: Party) -> int:
    """Give the last number that was used up; an upload that is not complete uses none."""
    used = select(func.max(submissions.c.number)).where(
        submissions.c.partnership_id == party.partnership_id,
        submissions.c.side == party.side.value,
        submissions.c.state != SubmissionState.UPLOADING.value,
    )
    return tx.execute(used).scalar_one() or 0


def missing_chunks(tx: Transaction, party: Party, number: int) -> tuple[int, ...]:
    """Tell which announced chunks have not arrived, by position."""
    absent = select(chunks.c.position).where(of_submission(chunks, party, number), chunks.c.arrived_at.is_(None))
    return tuple(tx.execute(absent.order_by(chunks.c.position)).scalars())


def find(tx: Transaction, party: Party, number: int) -> Row[Any] | None:
    return tx.execute(select(submissions).where(of_submission(submissions, party, number))).one_or_none()


def found(tx: Transaction, party: Party, number: int) -> Row[Any]:
    row = find(tx, party, number)
    if row is None:
        raise NotFound("There is no such submission.")
    return row


def of_submission(table: Table, party: Party, number: int) -> ColumnElement[bool]:
    return and_(
        table.c.partnership_id == party.partnership_id,
        table.c.side == party.side.value,
        table.c.number == number,
    )
