"""A party says that its counts are right, and releases begin."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from escrow import partnerships
from escrow.errors import (
    ListMissing,
    PartnershipNotActive,
)
from escrow.store.database import Database, Transaction
from escrow.store.states import JobType
from escrow.store.tables import jobs
from escrow.terms import Side
from tests.partnership_makers import (
    NOON,
    accepted_partnership,
    active_partnership,
    apply_list,
    seat,
)


def _due(tx: Transaction, partnership_id: UUID) -> set[str]:
    return set(tx.execute(select(jobs.c.type).where(jobs.c.partnership_id == partnership_id)).scalars())


def test_a_party_without_a_list_cannot_call_it_ready(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("ready") as tx, pytest.raises(ListMissing):
        partnerships.say_ready(tx, seat(tx, couple, Side.LEFT), now=NOON)


def test_a_party_that_is_not_active_cannot_be_ready(database: Database) -> None:
    couple = accepted_partnership(database)
    with database.transaction("ready") as tx, pytest.raises(PartnershipNotActive):
        partnerships.say_ready(tx, seat(tx, couple, Side.LEFT), now=NOON)


def test_a_party_that_is_ready_says_so_to_both_and_asks_for_a_release(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("ready") as tx:
        apply_list(tx, couple)
        partnerships.say_ready(tx, seat(tx, couple, Side.LEFT), now=NOON)
        assert partnerships.show(
            tx, seat(tx, couple, Side.LEFT), service_key=couple.service_key, now=NOON
        ).our_list.ready
        assert partnerships.show(
            tx, seat(tx, couple, Side.RIGHT), service_key=couple.service_key, now=NOON
        ).their_list.ready
        assert JobType.RELEASE.value in _due(tx, couple.partnership_id)
