"""Who is calling, and that nobody learns whether somebody else's partnership exists."""

from __future__ import annotations

import base64
import os
import threading
from uuid import uuid4

import pytest

from escrow.access import authenticate, make_api_key, party_of
from escrow.errors import NotAuthenticated, NotFound, PartnershipNotActive
from escrow.store.database import Database
from escrow.terms import Side
from tests.partnership_makers import accepted_partnership, active_partnership, invited_partnership, new_caller, seat


def test_a_key_says_which_organization_calls(database: Database) -> None:
    with database.transaction("add") as tx:
        caller = new_caller(tx, "Acme")
        assert new_caller(tx, "Globex").organization_id != caller.organization_id


def test_a_key_that_was_never_given_out_is_refused(database: Database) -> None:
    with database.snapshot("try") as tx, pytest.raises(NotAuthenticated):
        authenticate(tx, make_api_key(random=os.urandom).presented)


@pytest.mark.parametrize(
    "damage", [lambda key: key[:-1], lambda key: key.upper(), lambda key: f"{key}\n", lambda _: ""]
)
def test_a_damaged_key_is_refused(database: Database, damage: object) -> None:
    assert callable(damage)
    with database.snapshot("try") as tx, pytest.raises(NotAuthenticated):
        authenticate(tx, damage(make_api_key(random=os.urandom).presented))


def test_a_mistyped_secret_fails_its_checksum(database: Database) -> None:
    presented = make_api_key(random=os.urandom).presented
    other = "a" if presented[30] != "a" else "b"
    with database.snapshot("try") as tx, pytest.raises(NotAuthenticated):
        authenticate(tx, presented[:30] + other + presented[31:])


def test_a_right_id_with_another_secret_is_refused(database: Database) -> None:
    with database.transaction("try") as tx:
        known = new_caller(tx, "Acme").api_key_id
        forged = make_api_key(random=lambda length: _of_id(known) if length == 8 else os.urandom(length))
        assert forged.api_key_id == known
        with pytest.raises(NotAuthenticated):
            authenticate(tx, forged.presented)


def test_each_party_sees_itself_in_its_seat(database: Database) -> None:
    couple = active_partnership(database)
    with database.snapshot("look") as tx:
        assert seat(tx, couple, Side.LEFT).side is Side.LEFT
        assert seat(tx, couple, Side.RIGHT).organization_id == couple.right.organization_id


def test_a_foreign_and_an_absent_partnership_give_the_same_error(database: Database) -> None:
    couple = invited_partnership(database)
    with database.snapshot("look") as tx:
        with pytest.raises(NotFound) as foreign:
            party_of(tx, couple.right, couple.partnership_id)
        with pytest.raises(NotFound) as absent:
            party_of(tx, couple.right, uuid4())
    assert str(foreign.value) == str(absent.value)


def test_a_partnership_that_is_not_active_compares_no_lists(database: Database) -> None:
    couple = accepted_partnership(database)
    with database.snapshot("look") as tx, pytest.raises(PartnershipNotActive):
        seat(tx, couple, Side.LEFT).must_be_active()


def test_decisions_about_one_partnership_wait_for_each_other(database: Database) -> None:
    couple = active_partnership(database)
    order: list[str] = []

    def decide_second() -> None:
        with database.transaction("second") as tx:
            seat(tx, couple, Side.RIGHT)
            order.append("second")

    with database.transaction("first") as tx:
        seat(tx, couple, Side.LEFT)
        second = threading.Thread(target=decide_second)
        second.start()
        second.join(0.2)
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def _of_id(api_key_id: str) -> bytes:
    return base64.b32decode(api_key_id.upper() + "A===")
