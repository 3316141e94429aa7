"""The trail is numbered without gaps, and a changed line does not go unnoticed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import delete, update

from escrow import audit
from escrow.access import Caller
from escrow.audit import Action
from escrow.errors import TrailBroken
from escrow.reports.trail import own_trail, shared_trail
from escrow.store.database import Database, Transaction
from escrow.store.tables import audit_entries
from escrow.terms import Side
from tests.partnership_makers import NOON

PARTNERSHIP = uuid4()
TRAIL = shared_trail(PARTNERSHIP)
CALLER = Caller(uuid4(), "abcdefghijkl")


def _three_entries(tx: Transaction) -> None:
    for number in (1, 2, 3):
        audit.record(tx, Action.TERMS_SET, trail_id=PARTNERSHIP, caller=CALLER, now=NOON, detail={"number": number})


def test_entries_come_back_in_order_and_as_written(database: Database) -> None:
    with database.transaction("write") as tx:
        _three_entries(tx)
    with database.snapshot("read") as tx:
        audit.verify(tx, TRAIL)
        entries = list(audit.trail(tx, TRAIL))
    assert [(entry.number, entry.detail) for entry in entries] == [(n, {"number": n}) for n in (1, 2, 3)]
    assert {(entry.organization_id, entry.api_key_id, entry.at) for entry in entries} == {
        (CALLER.organization_id, CALLER.api_key_id, NOON)
    }


def test_trails_are_numbered_apart(database: Database) -> None:
    with database.transaction("write") as tx:
        _three_entries(tx)
        other = uuid4()
        audit.record(tx, Action.INVITED, trail_id=other, caller=None, now=NOON)
        assert [entry.number for entry in audit.trail(tx, shared_trail(other))] == [1]


def test_what_a_party_does_for_itself_is_on_its_own_trail_alone(database: Database) -> None:
    with database.transaction("write") as tx:
        for side in Side:
            audit.record(tx, Action.SUBMISSION_BEGUN, trail_id=PARTNERSHIP, side=side, caller=CALLER, now=NOON)
        audit.record(tx, Action.MATCHED, trail_id=PARTNERSHIP, caller=None, now=NOON)
        assert [len(list(audit.trail(tx, own_trail(PARTNERSHIP, side)))) for side in Side] == [1, 1]
        assert list(audit.trail(tx, TRAIL)) == []


def test_an_entry_of_one_partys_own_says_whose_it_is(database: Database) -> None:
    with database.transaction("write") as tx, pytest.raises(ValueError, match="says whose it is"):
        audit.record(tx, Action.DISPUTED, trail_id=PARTNERSHIP, caller=CALLER, now=NOON)


def test_a_trail_is_paged_from_its_first_entry_on(database: Database) -> None:
    with database.transaction("write") as tx:
        _three_entries(tx)
        first = audit.page(tx, TRAIL, after=None, limit=2)
        assert ([entry.number for entry in first.items], first.next) == ([1, 2], 2)
        last = audit.page(tx, TRAIL, after=first.next, limit=2)
        assert ([entry.number for entry in last.items], last.next) == ([3], None)


@pytest.mark.parametrize(
    "change",
    [
        {"detail": '{"number":9}'},
        {"action": "ended"},
        {"api_key_id": "somebodyelse"},
        {"digest": bytes(32)},
        {"number": 7},
    ],
)
def test_a_changed_entry_breaks_the_trail(database: Database, change: dict[str, object]) -> None:
    with database.transaction("write") as tx:
        _three_entries(tx)
        tx.execute(update(audit_entries).where(audit_entries.c.number == 2).values(change))
        with pytest.raises(TrailBroken):
            audit.verify(tx, TRAIL)


@pytest.mark.parametrize("caller", [CALLER, None])
def test_what_is_done_over_and_over_is_told_once(database: Database, caller: Caller | None) -> None:
    with database.transaction("write") as tx:
        for detail in ({"number": 1}, {"number": 1}, {"number": 2}):
            audit.record_once(tx, Action.REPORT_READ, trail_id=PARTNERSHIP, caller=caller, now=NOON, detail=detail)
        audit.record_once(
            tx, Action.REPORT_READ, trail_id=PARTNERSHIP, caller=Caller(uuid4(), "x"), now=NOON, detail={"number": 1}
        )
        assert [entry.detail for entry in audit.trail(tx, TRAIL)] == [{"number": 1}, {"number": 2}, {"number": 1}]


def test_a_removed_entry_breaks_the_trail(database: Database) -> None:
    with database.transaction("write") as tx:
        _three_entries(tx)
        tx.execute(delete(audit_entries).where(audit_entries.c.number == 1))
        with pytest.raises(TrailBroken):
            audit.verify(tx, TRAIL)
