"""Where a partnership stands: its state, a generation, the lists applied in it, and the terms on both sides.

Whoever computes outside of a write transaction reads the standing before, and again while writing: if the two are
equal, what was computed still holds. Nothing is ever read of two generations at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, select

from escrow.errors import PartnershipNotActive
from escrow.psi.records import Changes
from escrow.reports.disclosure import Conditions
from escrow.store.database import Transaction
from escrow.store.states import GenerationState, PartnershipState, SubmissionState
from escrow.store.tables import generations, lists, parties, partnerships, submissions
from escrow.store.tables import terms as terms_table
from escrow.terms import CELLS, DisclosureRule, Level, Population, Side, Terms, Tier, meet

__all__ = [
    "AppliedList",
    "Generation",
    "SideStanding",
    "Standing",
    "building_standing",
    "columns_of_rule",
    "columns_of_terms",
    "conditions_of_row",
    "standing_for",
    "standing_of",
    "terms_of_row",
]


@dataclass(frozen=True, slots=True)
class Generation:
    """What all tokens of a list belong to; the live one is matched and released."""

    number: int
    suite: int
    profile: str
    state: GenerationState = GenerationState.LIVE


@dataclass(frozen=True, slots=True)
class AppliedList:
    """One side's list in one generation, as it was last applied; one that is withdrawn is emptied soon.

    ``sealed_digest`` is the digest of submission ``number``, as `store.digests` seals it.
    """

    number: int
    sealed_digest: bytes
    applied_at: datetime
    populations: Mapping[Population, int]
    is_withdrawn: bool = False

    @property
    def accounts(self) -> int:
        """How many accounts it holds."""
        return sum(self.populations.values())


@dataclass(frozen=True, slots=True)
class SideStanding:
    """One party: who it is, its terms as it sees them, its list if one is applied, and what it said of it.

    ``ready`` says that the counts of its list are right, ``paused`` that nothing is to be compared for now. ``changes``
    is how many accounts its submissions have changed so far.
    """

    organization_id: UUID
    terms_number: int
    terms: Terms
    applied: AppliedList | None
    ready: bool
    paused: bool
    changes: Changes


@dataclass(frozen=True, slots=True)
class Standing:
    """One partnership at one moment, in one generation; a side is missing until the invitation is accepted."""

    partnership_id: UUID
    state: PartnershipState
    generation: Generation | None
    sides: Mapping[Side, SideStanding]

    @property
    def live(self) -> Generation:
        """The generation that this is about, the live one unless asked for otherwise, or PartnershipNotActive."""
        if self.generation is None:
            raise PartnershipNotActive(
                "This partnership has no live generation: its state tells whether it waits for one of you or has ended."
            )
        return self.generation

    @property
    def applied(self) -> Mapping[Side, AppliedList]:
        """The applied lists, by side."""
        return {side: each.applied for side, each in self.sides.items() if each.applied is not None}

    @property
    def is_paused(self) -> bool:
        """Whether either party pauses: then nothing is matched or released."""
        return any(side.paused for side in self.sides.values())

    @property
    def both_applied(self) -> bool:
        """Whether there are two lists to compare, in a partnership where lists are compared."""
        comparable = [each for each in self.applied.values() if not each.is_withdrawn]
        return self.state is PartnershipState.ACTIVE and len(comparable) == len(Side)

    @property
    def effective(self) -> Terms:
        """The meet of both sides' terms, seen from the left; only where both sides are there."""
        return meet(self.sides[Side.LEFT].terms, self.sides[Side.RIGHT].terms.transposed)

    def effective_for(self, side: Side) -> Terms:
        """The meet of both sides' terms, as this side sees it."""
        return self.effective if side is Side.LEFT else self.effective.transposed


def standing_of(tx: Transaction, partnership_id: UUID) -> Standing:
    """Read where a partnership stands in its live generation."""
    return _standing_in(tx, partnership_id, _generation(tx, partnership_id, GenerationState.LIVE))


def building_standing(tx: Transaction, partnership_id: UUID) -> Standing | None:
    """Read where a partnership stands in the generation that is filled beside the live one, if there is one."""
    building = _generation(tx, partnership_id, GenerationState.BUILDING)
    return None if building is None else _standing_in(tx, partnership_id, building)


def standing_for(tx: Transaction, partnership_id: UUID, generation: int) -> Standing:
    """Read where a partnership stands for a list of this generation: in the building one if it is that, else live."""
    building = building_standing(tx, partnership_id)
    if building is not None and building.live.number == generation:
        return building
    return standing_of(tx, partnership_id)


def _standing_in(tx: Transaction, partnership_id: UUID, generation: Generation | None) -> Standing:
    state = tx.execute(select(partnerships.c.state).where(partnerships.c.partnership_id == partnership_id)).scalar_one()
    applied = {} if generation is None else _applied(tx, partnership_id, generation.number)
    sides = dict(_sides(tx, partnership_id, applied))
    return Standing(partnership_id, PartnershipState(state), generation, sides)


def terms_of_row(row: Row[Any]) -> Terms:
    """Read a row of the table ``terms``: cells as its own party sees them."""
    return Terms(
        levels={cell: Level(int(digit)) for cell, digit in zip(CELLS, row.levels, strict=True)},
        fields=tuple(row.fields.split(",")) if row.fields else (),
        counts_from=Tier(row.counts_from),
        reveals_from=Tier(row.reveals_from),
        largest_list=row.largest_list,
        disclosure=_rule_of_row(row),
    )


def conditions_of_row(row: Row[Any]) -> Conditions:
    """Read the conditions in a row of the table ``terms`` or ``releases``."""
    return Conditions(_rule_of_row(row), Tier(row.counts_from), Tier(row.reveals_from))


def _rule_of_row(row: Row[Any]) -> DisclosureRule:
    return DisclosureRule(
        threshold=row.threshold,
        step=row.step,
        interval=timedelta(seconds=row.interval_seconds),
        least_changes=row.least_changes,
        noise=row.noise,
    )


def columns_of_terms(stated: Terms) -> Mapping[str, object]:
    """Give terms as columns of the table ``terms`` or ``terms_requests``."""
    return {
        "levels": "".join(str(int(stated.levels[cell])) for cell in CELLS),
        "fields": ",".join(stated.fields),
        "counts_from": stated.counts_from,
        "reveals_from": stated.reveals_from,
        "largest_list": stated.largest_list,
        **columns_of_rule(stated.disclosure),
    }


def columns_of_rule(rule: DisclosureRule) -> Mapping[str, object]:
    """Give the rule as columns of such a row."""
    return {
        "threshold": rule.threshold,
        "step": rule.step,
        "interval_seconds": int(rule.interval.total_seconds()),
        "least_changes": rule.least_changes,
        "noise": rule.noise,
    }


def _generation(tx: Transaction, partnership_id: UUID, state: GenerationState) -> Generation | None:
    row = tx.execute(
        select(generations.c.generation, generations.c.suite, generations.c.profile).where(
            generations.c.partnership_id == partnership_id, generations.c.state == state.value
        )
    ).one_or_none()
    return None if row is None else Generation(row.generation, row.suite, row.profile, state)


def _applied(tx: Transaction, partnership_id: UUID, generation: int) -> Mapping[Side, AppliedList]:
    made_by = and_(
        submissions.c.partnership_id == lists.c.partnership_id,
        submissions.c.side == lists.c.side,
        submissions.c.number == lists.c.applied_number,
    )
    rows = tx.execute(
        select(lists, submissions.c.state)
        .outerjoin_from(lists, submissions, made_by)
        .where(lists.c.partnership_id == partnership_id, lists.c.generation == generation)
    )
    return {
        Side(row.side): AppliedList(
            number=row.applied_number,
            sealed_digest=row.applied_digest,
            applied_at=row.applied_at,
            populations={each: row._mapping[each.word] for each in Population},
            is_withdrawn=row.state == SubmissionState.WITHDRAWN.value,
        )
        for row in rows
    }


def _sides(
    tx: Transaction, partnership_id: UUID, applied: Mapping[Side, AppliedList]
) -> Iterator[tuple[Side, SideStanding]]:
    same_party = (terms_table.c.partnership_id == parties.c.partnership_id) & (terms_table.c.side == parties.c.side)
    rows = tx.execute(
        select(*_PARTY_COLUMNS, *terms_table.c)
        .join_from(parties, terms_table, same_party & (terms_table.c.number == parties.c.terms_number))
        .where(parties.c.partnership_id == partnership_id)
    )
    for row in rows:
        own = applied.get(Side(row.side))
        yield (
            Side(row.side),
            SideStanding(
                organization_id=row.organization_id,
                terms_number=row.number,
                terms=terms_of_row(row),
                applied=own,
                ready=row.ready_submission is not None,
                paused=row.paused_at is not None,
                changes=_changes(row),
            ),
        )


_PARTY_COLUMNS: tuple[ColumnElement[Any], ...] = (
    parties.c.organization_id,
    parties.c.ready_submission,
    parties.c.paused_at,
    parties.c.changes,
    *(parties.c[f"{population.word}_changes"] for population in Population),
)


def _changes(row: Row[Any]) -> Changes:
    populations = {population: row._mapping[f"{population.word}_changes"] for population in Population}
    return Changes(row.changes, populations)
