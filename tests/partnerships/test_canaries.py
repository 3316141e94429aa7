"""The service passes canaries on: each party's own, to both, and understands nothing of them."""

from __future__ import annotations

import pytest

from escrow import partnerships
from escrow.errors import GenerationMismatch, PartnershipNotActive
from escrow.partnerships import Canary
from escrow.store.database import Database
from escrow.terms import Side
from tests.partnership_makers import NOON, accepted_partnership, active_partnership, seat

FIRST, SECOND = (Canary(0, bytes([place]) * 32) for place in (1, 2))


def test_each_party_is_shown_its_own_canary_and_the_partners_last_one(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("canary") as tx:
        for canary in (FIRST, SECOND):
            partnerships.tell_canary(tx, seat(tx, couple, Side.LEFT), canary)
        left, right = (
            partnerships.show(tx, seat(tx, couple, side), service_key=couple.service_key, now=NOON) for side in Side
        )
    assert (left.our_canary, left.their_canary) == (SECOND, None)
    assert (right.our_canary, right.their_canary) == (None, SECOND)


def test_a_canary_is_of_a_generation_that_takes_lists(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("canary") as tx, pytest.raises(GenerationMismatch):
        partnerships.tell_canary(tx, seat(tx, couple, Side.LEFT), Canary(1, bytes(32)))


def test_nobody_vouches_before_the_pairing_is_complete(database: Database) -> None:
    couple = accepted_partnership(database)
    with database.transaction("canary") as tx, pytest.raises(PartnershipNotActive):
        partnerships.tell_canary(tx, seat(tx, couple, Side.LEFT), FIRST)
