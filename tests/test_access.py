"""Who is calling, and that nobody learns whether somebody else's partnership exists."""

from __future__ import annotations

import base64
import os
import threading
from datetime import timedelta
from uuid import uuid4

import pytest

from escrow import organizations
from escrow.access import Grant, authenticate, make_api_key, note_use, party_of
from escrow.errors import NotAuthenticated, NotFound, PartnershipNotActive, ScopeMissing
from escrow.store.database import Database, Transaction
from escrow.store.states import Scope
from escrow.terms import Side
from tests.partnership_makers import (
    NOON,
    accepted_partnership,
    active_partnership,
    invited_partnership,
    new_caller,
    seat,
)


def test_a_key_says_which_organization_calls(database: Database) -> None:
    with database.transaction("add") as tx:
        caller = new_caller(tx, "Acme")
        assert new_caller(tx, "Globex").organization_id != caller.organization_id


def test_a_key_that_was_never_given_out_is_refused(database: Database) -> None:
    with database.snapshot("try") as tx, pytest.raises(NotAuthenticated):
        authenticate(tx, make_api_key(random=os.urandom).presented, now=NOON)


@pytest.mark.parametrize(
    "damage", [lambda key: key[:-1], lambda key: key.upper(), lambda key: f"{key}\n", lambda _: ""]
)
def test_a_damaged_key_is_refused(database: Database, damage: object) -> None:
    assert callable(damage)
    with database.snapshot("try") as tx, pytest.raises(NotAuthenticated):
        authenticate(tx, damage(make_api_key(random=os.urandom).presented), now=NOON)


def test_a_mistyped_secret_fails_its_checksum(database: Database) -> None:
    presented = make_api_key(random=os.urandom).presented
    other = "a" if presented[30] != "a" else "b"
    with database.snapshot("try") as tx, pytest.raises(NotAuthenticated):
        authenticate(tx, presented[:30] + other + presented[31:], now=NOON)


def test_a_right_id_with_another_secret_is_refused(database: Database) -> None:
    with database.transaction("try") as tx:
        known = new_caller(tx, "Acme").api_key_id
        forged = make_api_key(random=lambda length: _of_id(known) if length == 8 else os.urandom(length))
        assert forged.api_key_id == known
        with pytest.raises(NotAuthenticated):
            authenticate(tx, forged.presented, now=NOON)


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


def key_with(tx: Transaction, grant: Grant) -> str:
    """Give Initech a key with this grant."""
    added = organizations.add_organization(tx, "Initech", organization_id=uuid4(), now=NOON)
    key = organizations.add_api_key(
        tx, added.organization_id, label="", grant=grant, random=os.urandom, now=NOON - timedelta(days=1)
    )
    return key.presented


def test_a_key_works_until_it_expires_and_not_a_moment_longer(database: Database) -> None:
    with database.transaction("try") as tx:
        key = key_with(tx, Grant(expires_at=NOON))
        authenticate(tx, key, now=NOON - timedelta(microseconds=1))
        with pytest.raises(NotAuthenticated):
            authenticate(tx, key, now=NOON)


def test_a_key_is_for_its_scopes_only(database: Database) -> None:
    with database.transaction("try") as tx:
        key = key_with(tx, Grant(scopes=frozenset({Scope.SUBMIT})))
        assert authenticate(tx, key, scope=Scope.SUBMIT, now=NOON) == authenticate(tx, key, now=NOON)
        with pytest.raises(ScopeMissing) as refused:
            authenticate(tx, key, scope=Scope.READ, now=NOON)
    assert refused.value.scope == "read"


def test_the_last_use_of_a_key_is_kept_to_the_hour(database: Database) -> None:
    with database.transaction("use") as tx:
        key = key_with(tx, Grant())
        caller = authenticate(tx, key, now=NOON)
        assert not caller.used_lately
        for minutes in (0, 59, 60, 61):
            note_use(tx, caller, now=NOON + timedelta(minutes=minutes))
        (kept,) = organizations.list_api_keys(tx, caller.organization_id)
        assert kept.last_used_at == NOON + timedelta(hours=1)
        assert authenticate(tx, key, now=NOON + timedelta(minutes=119)).used_lately
        assert not authenticate(tx, key, now=NOON + timedelta(hours=2)).used_lately
