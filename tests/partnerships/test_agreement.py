"""Terms meet, and what a tightening forbids is gone when it commits."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from escrow import audit, partnerships
from escrow.errors import DisclosureTooWeak, PartnershipEnded
from escrow.partnerships import NOTHING_SHARED, TermsDocument
from escrow.presets import DISCLOSURE_PRESETS
from escrow.reports.trail import shared_trail
from escrow.store.database import Database, Transaction
from escrow.store.states import JobType
from escrow.store.tables import envelopes, jobs, matches, terms
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Side, Terms, Tier, uniform_levels
from tests.partnership_makers import NOON, Couple, active_partnership, invited_partnership, seat

ALL_DETAILS = Terms(
    levels=uniform_levels(Level.DETAILS),
    fields=("account_name", "domain"),
    counts_from=Tier.POSSIBLE,
    reveals_from=Tier.POSSIBLE,
)
CUSTOMERS, PROSPECTS = Population.CUSTOMERS, Population.PROSPECTS
BOTH_CUSTOMERS = Cell(CUSTOMERS, CUSTOMERS)
PROSPECT_OF_CUSTOMER = Cell(CUSTOMERS, PROSPECTS)


def _set(tx: Transaction, couple: Couple, side: Side, stated: Terms) -> TermsDocument:
    return partnerships.set_terms(tx, seat(tx, couple, side), stated, offered=DISCLOSURE_PRESETS.values(), now=NOON)


def _with_level(stated: Terms, cell: Cell, level: Level) -> Terms:
    return replace(stated, levels={**stated.levels, cell: level})


def _sharing_all(database: Database) -> Couple:
    """Two who share everything, with three matches and an envelope for each row.

    Left row 1 is a customer; it meets right row 1 (a customer, certain) and right row 2 (a prospect, likely). Left row
    2 is a customer and meets right row 3 (a prospect, certain).
    """
    couple = active_partnership(database)
    with database.transaction("share all") as tx:
        for side in Side:
            _set(tx, couple, side, ALL_DETAILS)
        _match(tx, couple, 1, 1, BOTH_CUSTOMERS, Tier.CERTAIN)
        _match(tx, couple, 1, 2, PROSPECT_OF_CUSTOMER, Tier.LIKELY)
        _match(tx, couple, 2, 3, PROSPECT_OF_CUSTOMER, Tier.CERTAIN)
        for side, row, population in (
            (Side.LEFT, 1, CUSTOMERS),
            (Side.LEFT, 2, CUSTOMERS),
            (Side.RIGHT, 1, CUSTOMERS),
            (Side.RIGHT, 2, PROSPECTS),
            (Side.RIGHT, 3, PROSPECTS),
        ):
            _envelope(tx, couple, side, row, population)
        tx.execute(delete(jobs))
    return couple


def _match(tx: Transaction, couple: Couple, left: int, right: int, cell: Cell, tier: Tier) -> None:
    tx.execute(
        insert(matches).values(
            partnership_id=couple.partnership_id,
            left_row=left.to_bytes(8),
            right_row=right.to_bytes(8),
            tier=tier,
            overlap=left.to_bytes(8),
            left_population=cell.ours,
            right_population=cell.theirs,
            token=bytes(16),
        )
    )


def _envelope(tx: Transaction, couple: Couple, side: Side, row: int, population: Population) -> None:
    tx.execute(
        insert(envelopes).values(
            partnership_id=couple.partnership_id,
            side=side.value,
            row=row.to_bytes(8),
            population=population,
            generation=0,
            submission=1,
            terms_number=2,
            sealed=b"sealed",
            stored_at=NOON,
        )
    )


def _matched(database: Database) -> set[tuple[int, int]]:
    with database.snapshot("read matches") as tx:
        rows = tx.execute(select(matches.c.left_row, matches.c.right_row)).all()
    return {(int.from_bytes(left), int.from_bytes(right)) for left, right in rows}


def _sealed(database: Database) -> dict[Side, set[int]]:
    with database.snapshot("read envelopes") as tx:
        rows = tx.execute(select(envelopes.c.side, envelopes.c.row)).all()
    return {side: {int.from_bytes(row) for owner, row in rows if owner == side.value} for side in Side}


def test_a_new_party_shares_nothing(database: Database) -> None:
    couple = active_partnership(database)
    with database.snapshot("read") as tx:
        document = partnerships.terms_document(tx, seat(tx, couple, Side.LEFT))
    assert document == TermsDocument(1, NOTHING_SHARED, NOTHING_SHARED, NOTHING_SHARED)


def test_until_somebody_accepts_there_are_no_terms_of_the_partner(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("set") as tx:
        document = _set(tx, couple, Side.LEFT, ALL_DETAILS)
    assert (document.number, document.ours, document.theirs, document.effective) == (2, ALL_DETAILS, None, None)


def test_each_party_sees_the_cells_from_its_own_side(database: Database) -> None:
    couple = active_partnership(database)
    left = _with_level(ALL_DETAILS, PROSPECT_OF_CUSTOMER, Level.COUNTS)
    with database.transaction("set") as tx:
        _set(tx, couple, Side.LEFT, left)
        _set(tx, couple, Side.RIGHT, ALL_DETAILS)
        ours = partnerships.terms_document(tx, seat(tx, couple, Side.LEFT))
        theirs = partnerships.terms_document(tx, seat(tx, couple, Side.RIGHT))
    assert ours.ours == left
    assert theirs.theirs == left.transposed
    assert ours.effective is not None
    assert theirs.effective == ours.effective.transposed
    assert ours.effective.levels[PROSPECT_OF_CUSTOMER] is Level.COUNTS


def test_terms_that_change_nothing_keep_their_number_and_ask_for_no_work(database: Database) -> None:
    couple = _sharing_all(database)
    with database.transaction("set") as tx:
        assert _set(tx, couple, Side.LEFT, ALL_DETAILS).number == 2
        assert tx.execute(select(jobs)).all() == []


def test_every_statement_of_terms_is_kept(database: Database) -> None:
    couple = _sharing_all(database)
    with database.transaction("set") as tx:
        assert _set(tx, couple, Side.LEFT, NOTHING_SHARED).number == 3
        assert _set(tx, couple, Side.LEFT, ALL_DETAILS).number == 4
        kept = tx.execute(select(terms.c.number).where(terms.c.side == "left").order_by(terms.c.number)).scalars()
        assert list(kept) == [1, 2, 3, 4]


def test_new_terms_are_matched_again_and_audited(database: Database) -> None:
    couple = _sharing_all(database)
    with database.transaction("set") as tx:
        _set(tx, couple, Side.RIGHT, NOTHING_SHARED)
        assert [job.type for job in tx.execute(select(jobs))] == [JobType.MATCH.value]
        last = list(audit.trail(tx, shared_trail(couple.partnership_id)))[-1]
    assert (last.action, last.detail) == (audit.Action.TERMS_SET, {"number": 3})


def test_an_ended_partnership_takes_no_terms(database: Database) -> None:
    couple = _sharing_all(database)
    with database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, couple, Side.LEFT), now=NOON)
        with pytest.raises(PartnershipEnded):
            _set(tx, couple, Side.RIGHT, NOTHING_SHARED)


def test_removing_a_field_deletes_every_envelope_of_that_owner_alone(database: Database) -> None:
    couple = _sharing_all(database)
    with database.transaction("tighten") as tx:
        _set(tx, couple, Side.LEFT, replace(ALL_DETAILS, fields=("domain",)))
    assert _sealed(database) == {Side.LEFT: set(), Side.RIGHT: {1, 2, 3}}
    assert _matched(database) == {(1, 1), (1, 2), (2, 3)}


def test_adding_a_field_deletes_nothing(database: Database) -> None:
    couple = _sharing_all(database)
    with database.transaction("loosen") as tx:
        _set(tx, couple, Side.LEFT, replace(ALL_DETAILS, fields=(*ALL_DETAILS.fields, "region")))
    assert _sealed(database) == {Side.LEFT: {1, 2}, Side.RIGHT: {1, 2, 3}}


@pytest.mark.parametrize("side", list(Side))
def test_a_cell_without_details_keeps_its_matches_and_only_envelopes_needed_elsewhere(
    database: Database, side: Side
) -> None:
    couple = _sharing_all(database)
    cell = PROSPECT_OF_CUSTOMER if side is Side.LEFT else PROSPECT_OF_CUSTOMER.transposed
    with database.transaction("tighten") as tx:
        _set(tx, couple, side, _with_level(ALL_DETAILS, cell, Level.ACCOUNTS))
    assert _matched(database) == {(1, 1), (1, 2), (2, 3)}
    assert _sealed(database) == {Side.LEFT: {1}, Side.RIGHT: {1}}


@pytest.mark.parametrize("level", [Level.HIDDEN, Level.COUNTS])
def test_a_cell_below_accounts_keeps_no_match(database: Database, level: Level) -> None:
    couple = _sharing_all(database)
    with database.transaction("tighten") as tx:
        _set(tx, couple, Side.LEFT, _with_level(ALL_DETAILS, PROSPECT_OF_CUSTOMER, level))
    assert _matched(database) == {(1, 1)}
    assert _sealed(database) == {Side.LEFT: {1}, Side.RIGHT: {1}}


def test_a_stricter_tier_keeps_no_match_that_it_does_not_reveal(database: Database) -> None:
    couple = _sharing_all(database)
    with database.transaction("tighten") as tx:
        _set(tx, couple, Side.RIGHT, replace(ALL_DETAILS, reveals_from=Tier.CERTAIN))
    assert _matched(database) == {(1, 1), (2, 3)}
    assert _sealed(database) == {Side.LEFT: {1, 2}, Side.RIGHT: {1, 3}}


_LEVELS = st.lists(st.sampled_from(Level), min_size=9, max_size=9)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(levels=_LEVELS, reveals_from=st.sampled_from(Tier), fields=st.sets(st.sampled_from(("domain", "region"))))
def test_terms_come_back_as_they_were_stated(
    database: Database, levels: list[Level], reveals_from: Tier, fields: set[str]
) -> None:
    stated = Terms(
        levels=dict(zip(CELLS, levels, strict=True)),
        fields=tuple(sorted(fields)),
        counts_from=Tier.POSSIBLE,
        reveals_from=reveals_from,
        largest_list=7,
    )
    couple = invited_partnership(database, lookup=uuid4().bytes)
    with database.transaction("set") as tx:
        assert _set(tx, couple, Side.LEFT, stated).ours == stated


def test_no_terms_show_counts_more_freely_than_every_preset(database: Database) -> None:
    couple = active_partnership(database)
    trusted = DISCLOSURE_PRESETS["trusted"]
    for loose in (replace(trusted, threshold=4), replace(trusted, interval=trusted.interval / 2)):
        with pytest.raises(DisclosureTooWeak), database.transaction("ask for too much") as tx:
            _set(tx, couple, Side.LEFT, replace(ALL_DETAILS, disclosure=loose))


def test_the_operators_own_preset_may_be_looser_than_the_usual_ones(database: Database) -> None:
    couple, own = active_partnership(database), DisclosureRule(3)
    with database.transaction("set terms") as tx:
        told = partnerships.set_terms(
            tx,
            seat(tx, couple, Side.LEFT),
            replace(ALL_DETAILS, disclosure=own),
            offered=[*DISCLOSURE_PRESETS.values(), own],
            now=NOON,
        )
    assert told.ours.disclosure == own
    assert told.effective is not None
    assert told.effective.disclosure == NOTHING_SHARED.disclosure
