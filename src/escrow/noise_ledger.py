"""What releases with noise have told, in the database: of the pair of organizations, so that it outlives an end.

Each entry is written in the transaction that writes its release, and entries are numbered without gaps: of two
partnerships of one pair that would spend at once, the second one waits for the first, and then looks again.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, insert, select

from escrow.reports.noise import EPSILON, PERIOD, Spent
from escrow.standing import Standing
from escrow.store.database import Transaction
from escrow.store.tables import noise_spent, spending
from escrow.terms import Cell, Level, Side

__all__ = ["cells_with_noise", "lock", "recently_spent", "spend"]

_THOUSAND = 1_000


def cells_with_noise(standing: Standing) -> tuple[Cell, ...]:
    """Give the cells whose count is told with noise, seen from the left; without any a release spends nothing."""
    if len(standing.sides) < len(Side) or not standing.effective.disclosure.noise:
        return ()
    return tuple(cell for cell, level in standing.effective.levels.items() if level is Level.COUNTS)


def lock(tx: Transaction, standing: Standing) -> None:
    """Let nobody else spend for the two organizations until this transaction ends; after the partnership's own lock."""
    lower, higher = _pair(standing)
    row = and_(spending.c.organization_id == lower, spending.c.partner_id == higher)
    tx.execute(select(spending.c.spent).where(row).with_for_update())


def recently_spent(tx: Transaction, standing: Standing, *, now: datetime) -> tuple[Spent, ...]:
    """Give what the two organizations have spent within the last period, oldest first."""
    recent = and_(_of_pair(standing), noise_spent.c.spent_at > now - PERIOD)
    rows = tx.execute(select(noise_spent).where(recent).order_by(noise_spent.c.number))
    return tuple(Spent(row.spent_at, Fraction(row.epsilon_thousandths, _THOUSAND)) for row in rows)


def spend(tx: Transaction, standing: Standing, *, now: datetime) -> None:
    """Write down one release more."""
    lower, higher = _pair(standing)
    last = tx.execute(select(func.max(noise_spent.c.number)).where(_of_pair(standing))).scalar_one()
    tx.execute(
        insert(noise_spent).values(
            organization_id=lower,
            partner_id=higher,
            number=(last or 0) + 1,
            spent_at=now,
            epsilon_thousandths=int(EPSILON * _THOUSAND),
        )
    )


def _pair(standing: Standing) -> tuple[UUID, UUID]:
    """Name the two in one order, whoever has invited whom."""
    lower, higher = sorted((standing.sides[side].organization_id for side in Side), key=lambda each: each.bytes)
    return lower, higher


def _of_pair(standing: Standing) -> ColumnElement[bool]:
    lower, higher = _pair(standing)
    return and_(noise_spent.c.organization_id == lower, noise_spent.c.partner_id == higher)
