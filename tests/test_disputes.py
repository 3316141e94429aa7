"""Disputes: what a party can dispute, what goes and comes back, and what neither side learns by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from escrow import audit, disputes, partnerships, submissions
from escrow.details import DetailsBatch, SealedDetails, ServedDetails, details_page, store_details
from escrow.disputes import Dispute, DisputePage, NamedMatch
from escrow.errors import DisputesTooMany, NotFound, PartnershipNotActive, PartnershipPaused
from escrow.matching import match_lists
from escrow.overlaps import OverlappingRow, overlaps_page
from escrow.psi.envelope_format import PADDED_SIZES, WRAP_BYTES, Body, pack_body, uploaded
from escrow.psi.matchkeys import MatchKeyClass
from escrow.releases import exact_counts, releases_of, report_of
from escrow.reports.matrix import CellCount
from escrow.reports.trail import own_trail, shared_trail
from escrow.store.database import Database
from escrow.store.disputed import pairs_in_dispute
from escrow.store.states import DisputeReason, SubmissionType
from escrow.store.tables import disputed_pairs, envelopes, matches
from escrow.store.tables import disputes as disputes_table
from escrow.terms import CELLS, Cell, Level, Population, Side, Terms, Tier, uniform_levels
from tests.partnership_makers import seat
from tests.psi.making_lists import Account, records_of, token_of
from tests.psi.reference_matching import find
from tests.submission_makers import Desk, new_desk

DOMAIN, NAME = MatchKeyClass.DOMAIN, MatchKeyClass.NAME
CUSTOMERS, OPPORTUNITIES, PROSPECTS = Population
LEFT, RIGHT = Side
BOTH_CUSTOMERS = Cell(CUSTOMERS, CUSTOMERS)
WRONG = DisputeReason.DIFFERENT_COMPANY
DAY = timedelta(days=1)
BODY = pack_body(Body(bytes(12), bytes(32), bytes(PADDED_SIZES[0] + 16)))


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def customer(*domains: int, names: tuple[int, ...] = ()) -> Account:
    """Make a customer by its domains and names."""
    return CUSTOMERS, frozenset({*((DOMAIN, each) for each in domains), *((NAME, each) for each in names)})


def row(number: int) -> bytes:
    """Write a row as it travels."""
    return number.to_bytes(8)


def lists_apply(desk: Desk, left: dict[int, Account], right: dict[int, Account]) -> None:
    """Apply a list on each side, and let what follows be done."""
    desk.applied(LEFT, records_of(left))
    desk.applied(RIGHT, records_of(right))


def overlaps(desk: Desk, side: Side) -> dict[int, OverlappingRow]:
    """Read what a side is told, by row."""
    with desk.database.transaction("read") as tx:
        key = desk.couple.service_key
        page = overlaps_page(tx, seat(tx, desk.couple, side), after=None, limit=100, service_key=key, now=desk.clock())
    return {int.from_bytes(item.row): item for item in page.items}


def told(desk: Desk) -> tuple[list[int], list[int]]:
    """Name the rows that each side reads as overlapping."""
    return list(overlaps(desk, LEFT)), list(overlaps(desk, RIGHT))


def named(desk: Desk, side: Side, number: int) -> NamedMatch:
    """Name all that a row overlaps with, as the list of overlaps has it."""
    return NamedMatch(row(number), overlaps(desk, side)[number].match_id)


def dispute(desk: Desk, side: Side, wrong: NamedMatch, *, most_open: int = 10) -> Dispute:
    """Dispute a match; the worker does not work yet."""
    with desk.database.transaction("dispute") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        return disputes.dispute(tx, party, wrong, WRONG, most_open=most_open, service_key=key, now=desk.clock())


def withdraw(desk: Desk, side: Side, number: int) -> Dispute:
    """Withdraw a dispute; the worker does not work yet."""
    with desk.database.transaction("withdraw") as tx:
        return disputes.withdraw(tx, seat(tx, desk.couple, side), number, now=desk.clock())


def disputed_rows(desk: Desk, side: Side, *, after: bytes | None = None, limit: int = 100) -> list[int]:
    """Read which rows of a side the other one disputes."""
    with desk.database.transaction("read") as tx:
        party = seat(tx, desk.couple, side)
        page = disputes.disputed_rows(tx, party, after=after, limit=limit, now=desk.clock())
    return [int.from_bytes(each) for each in page.items]


def own_disputes(desk: Desk, side: Side, *, before: int | None = None, limit: int = 100) -> DisputePage:
    """Read the disputes that a side made."""
    with desk.database.transaction("read") as tx:
        return disputes.disputes_of(tx, seat(tx, desk.couple, side), before=before, limit=limit, now=desk.clock())


def stored_rows(desk: Desk) -> list[tuple[int, int]]:
    """Read which pairs are stored as matches, whoever may read them."""
    with desk.database.snapshot("matches") as tx:
        query = select(matches.c.left_row, matches.c.right_row).order_by(matches.c.left_row, matches.c.right_row)
        return [(int.from_bytes(left), int.from_bytes(right)) for left, right in tx.execute(query)]


def share_details(desk: Desk, side: Side, number: int, *domains: int) -> None:
    """Upload an envelope for a row of a side, with a wrap for each of these domains."""
    envelope = uploaded(BODY, [(token_of(domain), bytes(WRAP_BYTES)) for domain in domains])
    batch = DetailsBatch(2, desk.standing().applied[side].number, (SealedDetails(row(number), CUSTOMERS, envelope),))
    with desk.database.transaction("store") as tx:
        store_details(tx, seat(tx, desk.couple, side), batch, service_key=desk.couple.service_key, now=desk.clock())


def details(desk: Desk, side: Side) -> tuple[ServedDetails, ...]:
    """Read the partner's details."""
    with desk.database.transaction("fetch") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        return details_page(tx, party, after=None, limit=100, service_key=key, now=desk.clock()).items


def stored_envelopes(desk: Desk) -> int:
    with desk.database.snapshot("count") as tx:
        return tx.execute(select(func.count()).select_from(envelopes)).scalar_one()


@pytest.mark.parametrize("side", Side)
def test_a_disputed_match_is_gone_for_both_sides_before_anything_is_matched_again(desk: Desk, side: Side) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10), 2: customer(11)}, {1: customer(10), 2: customer(11)})
    dispute(desk, side, named(desk, side, 1))
    assert told(desk) == ([2], [2])
    desk.drain()
    assert told(desk) == ([2], [2])
    assert stored_rows(desk) == [(2, 2)]


def test_a_withdrawn_dispute_brings_the_match_back_with_the_next_matching(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    before = overlaps(desk, LEFT), overlaps(desk, RIGHT)
    made = dispute(desk, RIGHT, named(desk, RIGHT, 21))
    desk.drain()
    withdrawn = withdraw(desk, RIGHT, made.number)
    assert (withdrawn.withdrawn_at, told(desk)) == (desk.clock(), ([], []))
    desk.drain()
    assert (overlaps(desk, LEFT), overlaps(desk, RIGHT)) == before
    assert withdraw(desk, RIGHT, made.number) == withdrawn


def test_disputing_again_is_the_same_dispute(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    wrong = named(desk, LEFT, 1)
    made = dispute(desk, LEFT, wrong)
    desk.drain()
    assert dispute(desk, LEFT, wrong) == made
    assert own_disputes(desk, LEFT).items == (made,)


def test_everything_that_is_not_told_is_the_same_error(desk: Desk) -> None:
    desk.share({BOTH_CUSTOMERS: Level.ACCOUNTS, Cell(PROSPECTS, CUSTOMERS): Level.COUNTS})
    prospect = (PROSPECTS, frozenset({(DOMAIN, 11)}))
    lists_apply(desk, {1: customer(10), 2: prospect, 3: customer(12)}, {21: customer(10), 22: customer(11)})
    ours, theirs = named(desk, LEFT, 1), named(desk, RIGHT, 21)
    never_told = [
        NamedMatch(row(1), bytes(16)),
        NamedMatch(row(1), theirs.match_id),
        NamedMatch(row(21), theirs.match_id),
        NamedMatch(row(2), ours.match_id),
        NamedMatch(row(3), ours.match_id),
        NamedMatch(row(99), ours.match_id),
    ]
    said = set()
    for wrong in never_told:
        with pytest.raises(NotFound) as refused:
            dispute(desk, LEFT, wrong)
        said.add(refused.value.message)
    assert len(said) == 1
    assert told(desk) == ([1], [21])


def test_what_terms_have_closed_can_be_disputed_no_more(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    wrong = named(desk, LEFT, 1)
    desk.state(RIGHT, Terms(levels=uniform_levels(Level.COUNTS)))
    with pytest.raises(NotFound):
        dispute(desk, LEFT, wrong)


def test_match_ids_of_the_two_sides_have_nothing_in_common_and_tell_no_row(desk: Desk) -> None:
    desk.share(Level.DETAILS, fields=("domain",))
    lists_apply(desk, {1: customer(10)}, {1: customer(10)})
    for side in Side:
        share_details(desk, side, 1, 10)
    ids = {overlaps(desk, side)[1].match_id for side in Side} | {details(desk, side)[0].match_id for side in Side}
    assert len(ids) == 4
    assert not any(row(1) in each for each in ids)


def test_a_list_of_overlaps_reads_the_same_however_many_accounts_of_the_partners_a_row_meets(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    alone = overlaps(desk, LEFT)
    desk.applied(RIGHT, records_of({22: customer(10)}), type=SubmissionType.DELTA)
    assert stored_rows(desk) == [(1, 21), (1, 22)]
    assert overlaps(desk, LEFT) == alone


def test_a_row_is_disputed_with_all_that_it_overlaps_with(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10), 2: customer(11)}, {21: customer(10), 22: customer(10, 11)})
    dispute(desk, LEFT, named(desk, LEFT, 1))
    assert told(desk) == ([2], [22])
    assert disputed_rows(desk, RIGHT) == [21, 22]


def test_of_two_accounts_whose_details_are_read_one_alone_is_disputed(desk: Desk) -> None:
    desk.share(Level.DETAILS, fields=("domain",))
    lists_apply(desk, {1: customer(10)}, {21: customer(10), 22: customer(10)})
    for number in (21, 22):
        share_details(desk, RIGHT, number, 10)
    share_details(desk, LEFT, 1, 10)
    wrong = details(desk, LEFT)[0]
    dispute(desk, LEFT, NamedMatch(wrong.row, wrong.match_id))
    assert told(desk) == ([1], [22])
    assert [each.owner_row for each in details(desk, LEFT)] == [row(22)]
    assert [each.row for each in details(desk, RIGHT)] == [row(22)]
    assert stored_envelopes(desk) == 2
    desk.drain()
    assert told(desk) == ([1], [22])


def test_a_match_whose_details_are_not_served_is_not_disputed_by_its_own_id(desk: Desk) -> None:
    desk.share(Level.DETAILS, fields=("domain",))
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    share_details(desk, RIGHT, 21, 10)
    wrong = details(desk, LEFT)[0]
    desk.share(Level.ACCOUNTS)
    with pytest.raises(NotFound):
        dispute(desk, LEFT, NamedMatch(wrong.row, wrong.match_id))


def test_details_of_a_disputed_match_are_deleted_in_its_transaction(desk: Desk) -> None:
    desk.share(Level.DETAILS, fields=("domain",))
    lists_apply(desk, {1: customer(10), 2: customer(11)}, {1: customer(10), 2: customer(11)})
    for side in Side:
        for number in (1, 2):
            share_details(desk, side, number, 9 + number)
    dispute(desk, LEFT, named(desk, LEFT, 1))
    assert stored_envelopes(desk) == 2
    assert [each.row for side in Side for each in details(desk, side)] == [row(2), row(2)]


def test_a_weaker_match_stands_once_the_stronger_one_is_disputed(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS, reveals_from=Tier.LIKELY)
    left = {1: customer(10, names=(5,))}
    lists_apply(desk, left, {21: customer(10), 22: customer(names=(5,))})
    assert told(desk) == ([1], [21])
    first = dispute(desk, LEFT, named(desk, LEFT, 1))
    desk.drain()
    assert told(desk) == ([1], [22])
    second = dispute(desk, LEFT, named(desk, LEFT, 1))
    assert (first.number, second.number, told(desk)) == (1, 2, ([], []))


def test_a_dispute_parts_the_overlap_that_the_match_held_together(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    left = {1: customer(10), 2: customer(11)}
    right = {21: customer(10), 22: customer(11), 23: customer(10, 11)}
    lists_apply(desk, left, right)
    assert len({item.overlap for item in overlaps(desk, RIGHT).values()}) == 1
    dispute(desk, RIGHT, named(desk, RIGHT, 23))
    for _ in range(2):
        assert len({item.overlap for item in overlaps(desk, RIGHT).values()}) == 2
        desk.drain()


def test_matching_that_ran_into_a_dispute_does_not_bring_the_match_back(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    dispute(desk, LEFT, named(desk, LEFT, 1))
    for _ in range(2):
        match_lists(desk.database, desk.couple.partnership_id, service_key=desk.couple.service_key, now=desk.clock())
        assert stored_rows(desk) == []


def test_a_dispute_stays_when_lists_change_and_when_terms_do(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    dispute(desk, LEFT, named(desk, LEFT, 1))
    desk.applied(RIGHT, records_of({}))
    desk.applied(RIGHT, records_of({21: customer(10)}))
    desk.share(Level.COUNTS)
    desk.drain()
    desk.share(Level.ACCOUNTS)
    desk.drain()
    assert told(desk) == ([], [])
    assert disputed_rows(desk, RIGHT) == [21]


def test_a_dispute_outlives_the_generation_it_was_made_in(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10), 2: customer(11)}, {1: customer(10), 2: customer(11)})
    made, kept = dispute(desk, LEFT, named(desk, LEFT, 1)), named(desk, LEFT, 2)
    for side in Side:
        desk.start_generation(side)
    for side in Side:
        desk.applied(side, records_of({1: customer(110), 2: customer(111)}), generation=1)
    assert desk.standing().live.number == 1
    assert (told(desk), disputed_rows(desk, RIGHT)) == (([2], [2]), [1])
    assert named(desk, LEFT, 2) != kept
    withdraw(desk, LEFT, made.number)
    desk.drain()
    assert told(desk) == ([1, 2], [1, 2])


def test_the_partner_is_told_its_own_row_while_the_cell_is_open_to_it_and_no_longer(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    made = dispute(desk, LEFT, named(desk, LEFT, 1))
    assert (disputed_rows(desk, LEFT), disputed_rows(desk, RIGHT)) == ([], [21])
    assert own_disputes(desk, RIGHT).items == ()
    desk.state(LEFT, Terms(levels=uniform_levels(Level.COUNTS)))
    assert disputed_rows(desk, RIGHT) == []
    desk.state(LEFT, Terms(levels=uniform_levels(Level.ACCOUNTS)))
    desk.drain()
    assert disputed_rows(desk, RIGHT) == [21]
    withdraw(desk, LEFT, made.number)
    assert disputed_rows(desk, RIGHT) == []


def test_the_partner_is_not_told_that_a_disputed_account_has_moved_where_nothing_is_open(desk: Desk) -> None:
    desk.share({BOTH_CUSTOMERS: Level.ACCOUNTS})
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    dispute(desk, LEFT, named(desk, LEFT, 1))
    desk.applied(LEFT, records_of({1: (PROSPECTS, frozenset({(DOMAIN, 10)}))}))
    assert disputed_rows(desk, RIGHT) == []
    desk.applied(LEFT, records_of({1: customer(10)}))
    assert disputed_rows(desk, RIGHT) == [21]


def test_withdrawing_a_list_hides_what_was_disputed_of_it(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    dispute(desk, LEFT, named(desk, LEFT, 1))
    with desk.database.transaction("withdraw a list") as tx:
        party = seat(tx, desk.couple, LEFT)
        submissions.withdraw(tx, party, 1, service_key=desk.couple.service_key, now=desk.clock())
    assert disputed_rows(desk, RIGHT) == []


def test_a_number_of_the_partners_is_as_absent_as_one_that_is_not_there(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    dispute(desk, LEFT, named(desk, LEFT, 1))
    for number in (1, 2):
        with pytest.raises(NotFound):
            withdraw(desk, RIGHT, number)
    assert told(desk) == ([], [])


def test_a_party_has_no_more_disputes_open_than_it_may(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10), 2: customer(11)}, {1: customer(10), 2: customer(11)})
    made = dispute(desk, LEFT, named(desk, LEFT, 1), most_open=1)
    with pytest.raises(DisputesTooMany):
        dispute(desk, LEFT, named(desk, LEFT, 2), most_open=1)
    withdraw(desk, LEFT, made.number)
    assert dispute(desk, LEFT, named(desk, LEFT, 2), most_open=1).number == 2
    assert dispute(desk, LEFT, NamedMatch(row(2), own_disputes(desk, LEFT).items[0].match_id), most_open=1).number == 2


def test_disputes_are_listed_by_page(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    many = {number: customer(number) for number in range(1, 4)}
    lists_apply(desk, many, many)
    for number in many:
        dispute(desk, LEFT, named(desk, LEFT, number))
    first = own_disputes(desk, LEFT, limit=2)
    assert ([item.number for item in first.items], first.next) == ([3, 2], 2)
    assert [item.number for item in own_disputes(desk, LEFT, before=first.next).items] == [1]
    assert disputed_rows(desk, RIGHT, limit=2) == [1, 2]
    assert disputed_rows(desk, RIGHT, after=row(2), limit=2) == [3]


def test_the_next_release_counts_without_it_and_none_comes_before_its_time(desk: Desk) -> None:
    desk.share({BOTH_CUSTOMERS: Level.ACCOUNTS})
    both = {number: customer(number) for number in range(1, 4)}
    lists_apply(desk, both, both)
    made = dispute(desk, LEFT, named(desk, LEFT, 1))
    desk.drain()
    assert numbers_shown(desk) == [3]
    desk.clock.move(DAY)
    desk.drain()
    assert numbers_shown(desk) == [2, 3]
    desk.clock.move(DAY)
    desk.drain()
    assert numbers_shown(desk) == [2, 3]
    withdraw(desk, LEFT, made.number)
    desk.drain()
    assert numbers_shown(desk) == [3, 2, 3]


def numbers_shown(desk: Desk) -> list[int | None]:
    """Read the one open cell of each release, newest first, and see that both sides read the same."""
    shown = []
    with desk.database.transaction("read reports") as tx:
        left, right = (seat(tx, desk.couple, side) for side in Side)
        for item in releases_of(tx, left, before=None, limit=10).items:
            ours, theirs = (
                report_of(tx, each, item.number, service_key=desk.couple.service_key, now=desk.clock())
                for each in (left, right)
            )
            assert ours.matrix == theirs.matrix.transposed
            assert ours.matrix[Cell(PROSPECTS, PROSPECTS)] == CellCount.hidden()
            shown.append(ours.matrix[BOTH_CUSTOMERS].number)
    return shown


def test_a_dispute_and_its_end_are_in_the_trail_and_no_row_is(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    made = dispute(desk, LEFT, named(desk, LEFT, 1))
    dispute(desk, LEFT, NamedMatch(made.row, made.match_id))
    withdraw(desk, LEFT, made.number)
    withdraw(desk, LEFT, made.number)
    own_disputes(desk, LEFT)
    disputed_rows(desk, RIGHT)
    actions = audit.Action.DISPUTED, audit.Action.DISPUTE_WITHDRAWN, audit.Action.DISPUTES_READ
    with desk.database.snapshot("trail") as tx:
        at = desk.couple.partnership_id
        entries = [entry for side in Side for entry in audit.trail(tx, own_trail(at, side))]
        assert {entry.action for entry in audit.trail(tx, shared_trail(at))}.isdisjoint(actions)
    left, right = desk.couple.left.organization_id, desk.couple.right.organization_id
    assert [(each.action, each.organization_id, each.detail) for each in entries if each.action in actions] == [
        (actions[0], left, {"number": 1, "reason": "different-company"}),
        (actions[1], left, {"number": 1}),
        (actions[2], left, {"rows": 1}),
        (actions[2], right, {"rows": 0}),
    ]


def test_in_a_pause_nothing_is_disputed_withdrawn_or_read(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10), 2: customer(11)}, {1: customer(10), 2: customer(11)})
    wrong = named(desk, LEFT, 1)
    made = dispute(desk, LEFT, named(desk, LEFT, 2))
    with desk.database.transaction("pause") as tx:
        partnerships.pause(tx, seat(tx, desk.couple, RIGHT), now=desk.clock())
    for refused in (
        lambda: dispute(desk, LEFT, wrong),
        lambda: withdraw(desk, LEFT, made.number),
        lambda: own_disputes(desk, LEFT),
        lambda: disputed_rows(desk, RIGHT),
    ):
        with pytest.raises(PartnershipPaused):
            refused()


def test_an_end_purges_disputes(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: customer(10)}, {21: customer(10)})
    dispute(desk, LEFT, named(desk, LEFT, 1))
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, LEFT), now=desk.clock())
    with pytest.raises(PartnershipNotActive):
        own_disputes(desk, LEFT)
    desk.drain()
    with desk.database.snapshot("count") as tx:
        for table in (disputes_table, disputed_pairs):
            assert tx.execute(select(func.count()).select_from(table)).scalar_one() == 0


#: At most five accounts, so that no key can stand on too many.
LISTS = st.dictionaries(
    st.integers(1, 6),
    st.tuples(
        st.sampled_from(Population),
        st.frozensets(st.tuples(st.sampled_from([DOMAIN, NAME]), st.integers(0, 3)), max_size=3),
    ),
    max_size=5,
)
LEVELS = st.fixed_dictionaries(dict.fromkeys(CELLS, st.sampled_from(Level)))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=LISTS, right=LISTS, choice=st.data())
def test_what_is_stored_and_counted_is_that_of_the_plain_lists_without_the_disputed_pairs(
    desk: Desk, left: dict[int, Account], right: dict[int, Account], choice: st.DataObject
) -> None:
    levels = choice.draw(LEVELS)
    desk.share(levels, reveals_from=Tier.LIKELY)
    lists_apply(desk, left, right)
    for _ in range(2):
        side = choice.draw(st.sampled_from(Side))
        if rows := overlaps(desk, side):
            dispute(desk, side, named(desk, side, choice.draw(st.sampled_from(sorted(rows)))), most_open=1_000)
            desk.drain()
    with desk.database.snapshot("disputed") as tx:
        disputed = pairs_in_dispute(tx, desk.couple.partnership_id)
    without = frozenset((int.from_bytes(ours), int.from_bytes(theirs)) for ours, theirs in disputed)
    listed, counted = (
        find(left, right, levels=levels, band=band, at_least=Tier.LIKELY, revealing=revealing, without=without)
        for band, revealing in (({Level.ACCOUNTS, Level.DETAILS}, True), ({Level.COUNTS}, False))
    )
    assert stored_rows(desk) == sorted(listed.tiers)
    made = exact_counts(desk.list_of(LEFT), desk.list_of(RIGHT), desk.standing().effective, disputed=disputed)
    assert made == {cell: number for found in (listed, counted) for cell, number in found.counts.items()}
