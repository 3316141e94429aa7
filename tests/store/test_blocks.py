"""Lists survive in the database, whole or as deltas, and neither side nor generation sees the other's."""

from __future__ import annotations

from sqlalchemy import func, select

from escrow.psi.records import ListRecords, apply_delta, difference
from escrow.store.blocks import (
    add_changes,
    load_ever_seen,
    load_list,
    pack_list,
    replace_list,
    waiting_records,
)
from escrow.store.database import Database, Transaction
from escrow.store.tables import list_changes, lists, tokens
from escrow.terms import Side
from tests.partnership_makers import NOON, Couple, active_partnership
from tests.store.list_makers import records_of, tokens_of

FIRST = records_of({1: (1, frozenset({(1, 11), (2, 12)})), 2: (2, frozenset({(1, 21)}))})
SECOND = records_of({2: (3, frozenset({(1, 21)})), 3: (1, frozenset({(2, 12), (3, 31)}))})
THIRD = records_of({3: (1, frozenset({(2, 32)})), 4: (2, frozenset())})


def _replace(tx: Transaction, couple: Couple, records: ListRecords, *, number: int, side: Side = Side.LEFT) -> None:
    seen = load_ever_seen(tx, couple.partnership_id, 0, side)
    packed = pack_list(records, ever_seen=seen)
    replace_list(tx, couple.partnership_id, 0, side, packed, number=number, sealed_digest=b"\x07" * 32, now=NOON)


def _change(tx: Transaction, couple: Couple, before: ListRecords, now: ListRecords, *, number: int) -> None:
    add_changes(
        tx,
        couple.partnership_id,
        0,
        Side.LEFT,
        difference(before, now),
        populations=now.population_sizes,
        number=number,
        sealed_digest=b"\x08" * 32,
        now=NOON,
    )


def test_a_list_that_was_never_applied_is_empty(database: Database) -> None:
    couple = active_partnership(database)
    with database.snapshot("load") as tx:
        assert load_list(tx, couple.partnership_id, 0, Side.LEFT) == ListRecords.empty()
        assert load_ever_seen(tx, couple.partnership_id, 0, Side.LEFT).size == 0
        assert waiting_records(tx, couple.partnership_id, 0, Side.LEFT) == 0


def test_a_list_comes_back_and_the_partner_s_is_another(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("write") as tx:
        _replace(tx, couple, FIRST, number=1)
        _replace(tx, couple, SECOND, number=1, side=Side.RIGHT)
    with database.snapshot("load") as tx:
        assert load_list(tx, couple.partnership_id, 0, Side.LEFT) == FIRST
        assert load_list(tx, couple.partnership_id, 0, Side.RIGHT) == SECOND


def test_deltas_lead_where_the_snapshot_leads(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("write") as tx:
        _replace(tx, couple, FIRST, number=1)
        _change(tx, couple, FIRST, SECOND, number=2)
        _change(tx, couple, SECOND, THIRD, number=3)
    with database.snapshot("load") as tx:
        assert load_list(tx, couple.partnership_id, 0, Side.LEFT) == THIRD
        assert apply_delta(FIRST, difference(FIRST, THIRD)) == THIRD


def test_what_is_known_of_a_list_follows_its_changes(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("write") as tx:
        _replace(tx, couple, FIRST, number=1)
        _change(tx, couple, FIRST, SECOND, number=2)
        known = tx.execute(select(lists)).one()
        assert (known.applied_number, known.applied_digest, known.applied_at) == (2, b"\x08" * 32, NOON)
        assert (known.accounts, known.customers, known.opportunities, known.prospects) == (2, 1, 0, 1)
        assert waiting_records(tx, couple.partnership_id, 0, Side.LEFT) == difference(FIRST, SECOND).accounts.size


def test_a_delta_rewrites_no_block(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("write") as tx:
        _replace(tx, couple, FIRST, number=1)
        before = tx.execute(select(tokens)).all()
        _change(tx, couple, FIRST, SECOND, number=2)
        assert tx.execute(select(tokens)).all() == before


def test_folding_forgets_no_token_and_leaves_no_change_behind(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("write") as tx:
        _replace(tx, couple, FIRST, number=1)
        _change(tx, couple, FIRST, SECOND, number=2)
        _replace(tx, couple, THIRD, number=3)
        assert load_list(tx, couple.partnership_id, 0, Side.LEFT) == THIRD
        assert tx.execute(select(func.count()).select_from(list_changes)).scalar_one() == 0
        seen = load_ever_seen(tx, couple.partnership_id, 0, Side.LEFT)
    everything = [tokens_of(each.tokens) for each in (FIRST, SECOND, THIRD)]
    assert tokens_of(seen) == set().union(*everything)


def test_an_empty_list_takes_the_place_of_a_full_one(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("write") as tx:
        _replace(tx, couple, FIRST, number=1)
        _replace(tx, couple, ListRecords.empty(), number=2)
        assert load_list(tx, couple.partnership_id, 0, Side.LEFT) == ListRecords.empty()
        assert tx.execute(select(lists.c.accounts)).scalar_one() == 0
