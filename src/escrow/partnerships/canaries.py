"""Canaries: what each client vouches for its normalisation with, passed on to the partner's, which compares."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, select, update

from escrow.access import Party
from escrow.errors import GenerationMismatch
from escrow.standing import building_standing, standing_of
from escrow.store.database import Transaction
from escrow.store.tables import parties
from escrow.terms import Side

__all__ = ["Canary", "canaries_of", "tell_canary"]


@dataclass(frozen=True, slots=True)
class Canary:
    """The last canary that a party's client told, and the generation whose key it was made with."""

    generation: int
    canary: bytes


def tell_canary(tx: Transaction, party: Party, canary: Canary) -> None:
    """Keep a party's canary in place of the one before.

    Raises:
        PartnershipNotActive: no lists are compared.
        GenerationMismatch: the generation is neither live nor being built.
    """
    party.must_be_active()
    building = building_standing(tx, party.partnership_id)
    live = standing_of(tx, party.partnership_id).live.number
    if canary.generation not in {live, live if building is None else building.live.number}:
        raise GenerationMismatch(f"Generation {live} is live here, and generation {canary.generation} takes no list.")
    seat = and_(parties.c.partnership_id == party.partnership_id, parties.c.side == party.side.value)
    values = {"canary_generation": canary.generation, "canary": canary.canary}
    tx.execute(update(parties).where(seat).values(values))


def canaries_of(tx: Transaction, party: Party) -> dict[Side, Canary]:
    """Give the canaries that the parties have told, by side."""
    query = select(parties.c.side, parties.c.canary_generation, parties.c.canary).where(
        parties.c.partnership_id == party.partnership_id, parties.c.canary.is_not(None)
    )
    return {Side(row.side): Canary(row.canary_generation, row.canary) for row in tx.execute(query)}
