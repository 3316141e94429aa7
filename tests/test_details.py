"""Details: asked for, taken in and handed on only for rows that overlap in cells open at details."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from escrow import partnerships
from escrow.changes import last_change
from escrow.details import (
    DetailsBatch,
    DetailsPage,
    SealedDetails,
    WantedPage,
    details_page,
    store_details,
    wanted_details,
)
from escrow.errors import DetailsNotWanted, EnvelopeInvalid, PartnershipNotActive, SubmissionChanged, TermsChanged
from escrow.psi.envelope_format import PADDED_SIZES, WRAP_BYTES, Body, pack_body, split_served, uploaded
from escrow.psi.matchkeys import MatchKeyClass
from escrow.store.database import Database
from escrow.store.states import SubmissionType
from escrow.store.tables import envelopes
from escrow.terms import CELLS, Cell, Level, Population, Side, Terms
from tests.partnership_makers import seat
from tests.psi.making_lists import Account, records_of, token_of
from tests.submission_makers import Desk, new_desk

DOMAIN, NAME = MatchKeyClass.DOMAIN, MatchKeyClass.NAME
CUSTOMERS, OPPORTUNITIES, PROSPECTS = Population

#: Row 1 meets 21 in a cell at details, row 2 meets 22 in a cell at accounts, row 3 meets nobody.
LEVELS = {Cell(CUSTOMERS, CUSTOMERS): Level.DETAILS, Cell(PROSPECTS, CUSTOMERS): Level.ACCOUNTS}
LEFT = {1: (CUSTOMERS, 10), 2: (PROSPECTS, 11), 3: (CUSTOMERS, 12)}
RIGHT = {21: (CUSTOMERS, 10), 22: (CUSTOMERS, 11)}
BODY = pack_body(Body(bytes(12), bytes(32), b"c" * (PADDED_SIZES[0] + 16)))


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired, with lists that overlap."""
    database = Database(database_url)
    made = new_desk(database, tmp_path)
    made.share(LEVELS, fields=("account_name", "domain"))
    made.applied(Side.LEFT, records_of(accounts(LEFT)))
    made.applied(Side.RIGHT, records_of(accounts(RIGHT)))
    yield made
    database.close()


def accounts(by_row: dict[int, tuple[Population, int]]) -> dict[int, Account]:
    """Give each account one domain, and a name of its own that nobody else has."""
    return {
        number: (population, frozenset({(DOMAIN, domain), (NAME, 1_000 + number)}))
        for number, (population, domain) in by_row.items()
    }


def row(number: int) -> bytes:
    """Write a row as it travels."""
    return number.to_bytes(8)


def wrap(token: int) -> bytes:
    """Make a wrap that can be told from others."""
    return token.to_bytes(WRAP_BYTES)


def sealed(number: int, population: Population, *tokens: int, body: bytes = BODY) -> SealedDetails:
    """Make an envelope with a wrap for each of these tokens."""
    return SealedDetails(row(number), population, uploaded(body, [(token_of(token), wrap(token)) for token in tokens]))


def wanted(desk: Desk, side: Side, *, after: bytes | None = None, limit: int = 100) -> WantedPage:
    """Ask which rows to seal."""
    with desk.database.transaction("wanted") as tx:
        return wanted_details(tx, seat(tx, desk.couple, side), after=after, limit=limit, now=desk.clock())


def store(desk: Desk, side: Side, *items: SealedDetails, terms_number: int = 2, submission: int | None = None) -> int:
    """Upload envelopes bound to what is current."""
    applied = desk.standing().applied[side].number
    batch = DetailsBatch(terms_number, applied if submission is None else submission, items)
    with desk.database.transaction("store") as tx:
        return store_details(
            tx, seat(tx, desk.couple, side), batch, service_key=desk.couple.service_key, now=desk.clock()
        )


def fetch(
    desk: Desk, side: Side, *, after: bytes | None = None, limit: int = 100, changed_after: int | None = None
) -> DetailsPage:
    """Read the partner's envelopes."""
    with desk.database.transaction("fetch") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        return details_page(
            tx, party, after=after, limit=limit, changed_after=changed_after, service_key=key, now=desk.clock()
        )


def last(desk: Desk, side: Side) -> int:
    """Tell where a side's change feed ends."""
    with desk.database.snapshot("last change") as tx:
        return last_change(tx, seat(tx, desk.couple, side))


def stored(desk: Desk) -> int:
    """Count the stored envelopes, whoever may read them."""
    with desk.database.snapshot("count") as tx:
        return tx.execute(select(func.count()).select_from(envelopes)).scalar_one()


def test_only_rows_in_cells_open_at_details_are_wanted(desk: Desk) -> None:
    assert wanted(desk, Side.LEFT) == WantedPage((row(1),), terms_number=2, submission=1, next=None)
    assert wanted(desk, Side.RIGHT).rows == (row(21),)


def test_an_envelope_is_handed_on_with_the_wrap_of_the_matched_token_alone(desk: Desk) -> None:
    assert store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10, 1_001)) == 1
    (served,) = fetch(desk, Side.RIGHT).items
    assert (served.row, served.owner_row, served.population) == (row(21), row(1), CUSTOMERS)
    assert (served.submission, served.terms_number) == (1, 2)
    assert split_served(served.envelope).body == BODY
    assert split_served(served.envelope).wrap == wrap(10)
    assert token_of(10) not in served.envelope
    assert fetch(desk, Side.LEFT).items == ()


def test_of_the_wraps_only_those_of_matched_tokens_are_kept(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    with_one = sealed_size(desk)
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10, 1_001))
    assert sealed_size(desk) == with_one


def test_what_was_sealed_is_wanted_no_more(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    assert wanted(desk, Side.LEFT).rows == ()


def test_a_later_envelope_takes_the_place_of_the_earlier_one(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    later = pack_body(Body(bytes(12), bytes(32), b"d" * (PADDED_SIZES[1] + 16)))
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10, body=later))
    (served,) = fetch(desk, Side.RIGHT).items
    assert split_served(served.envelope).body == later


@pytest.mark.parametrize(
    "unwanted",
    [
        sealed(2, PROSPECTS, 11),
        sealed(3, CUSTOMERS, 12),
        sealed(4, CUSTOMERS, 10),
        sealed(1, PROSPECTS, 10),
        sealed(1, CUSTOMERS, 1_001),
    ],
    ids=["cell at accounts", "no overlap", "no such row", "other population", "no wrap of the matched token"],
)
def test_a_batch_with_an_envelope_that_is_not_wanted_is_refused_whole(desk: Desk, unwanted: SealedDetails) -> None:
    with pytest.raises(DetailsNotWanted):
        store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10), unwanted)
    assert stored(desk) == 0


def test_bytes_that_are_no_envelope_are_refused(desk: Desk) -> None:
    for broken in (BODY, BODY + b"\0", b"", b"\x02" + BODY[1:] + bytes(64)):
        item = dataclasses.replace(sealed(1, CUSTOMERS, 10), unverified_envelope=broken)
        with pytest.raises(EnvelopeInvalid):
            store(desk, Side.LEFT, item)


def test_an_envelope_is_bound_to_the_current_terms_and_the_applied_submission(desk: Desk) -> None:
    with pytest.raises(TermsChanged):
        store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10), terms_number=1)
    with pytest.raises(SubmissionChanged):
        store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10), submission=0)


def test_a_cell_that_closes_takes_its_envelopes_with_it_at_once(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    desk.state(Side.RIGHT, Terms(levels=dict.fromkeys(CELLS, Level.ACCOUNTS)))
    assert stored(desk) == 0
    assert fetch(desk, Side.RIGHT).items == ()
    with pytest.raises(DetailsNotWanted):
        store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))


def test_narrowed_fields_take_the_envelopes_with_them_and_the_rows_are_wanted_again(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    desk.share(LEVELS, fields=("account_name",))
    assert stored(desk) == 0
    assert wanted(desk, Side.LEFT) == WantedPage((row(1),), terms_number=3, submission=1, next=None)


def test_terms_that_widen_have_the_envelopes_sealed_again_and_meanwhile_keep_them(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    desk.share(LEVELS, fields=("account_name", "domain", "region"))
    assert wanted(desk, Side.LEFT).rows == (row(1),)
    assert [item.terms_number for item in fetch(desk, Side.RIGHT).items] == [2]


def test_an_account_that_leaves_or_moves_loses_its_envelope(desk: Desk) -> None:
    for changed in ({1: (PROSPECTS, 10)}, {1: (CUSTOMERS, 10)}, {1: (CUSTOMERS, 77)}):
        desk.applied(Side.LEFT, records_of(accounts({1: (CUSTOMERS, 10)})), type=SubmissionType.DELTA)
        store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
        desk.applied(Side.LEFT, records_of(accounts(changed)), type=SubmissionType.DELTA)
        assert stored(desk) == (1 if changed == {1: (CUSTOMERS, 10)} else 0)


def test_a_new_match_has_the_envelope_sealed_again_with_a_wrap_for_it(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10, 1_001))
    desk.applied(
        Side.LEFT, records_of({1: (CUSTOMERS, frozenset({(DOMAIN, 10), (DOMAIN, 50)}))}), type=SubmissionType.DELTA
    )
    desk.applied(Side.RIGHT, records_of({30: (CUSTOMERS, frozenset({(DOMAIN, 50)}))}), type=SubmissionType.DELTA)
    assert wanted(desk, Side.LEFT).rows == (row(1),)
    with pytest.raises(DetailsNotWanted):
        store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10, 50))
    wraps = {item.row: split_served(item.envelope).wrap for item in fetch(desk, Side.RIGHT).items}
    assert wraps == {row(21): wrap(10), row(30): wrap(50)}


def test_a_cell_that_opens_later_finds_a_wrap_in_the_envelope_that_is_there(desk: Desk) -> None:
    desk.applied(
        Side.LEFT, records_of({1: (CUSTOMERS, frozenset({(DOMAIN, 10), (DOMAIN, 50)}))}), type=SubmissionType.DELTA
    )
    desk.applied(Side.RIGHT, records_of({30: (PROSPECTS, frozenset({(DOMAIN, 50)}))}), type=SubmissionType.DELTA)
    open_to = {**LEVELS, Cell(CUSTOMERS, PROSPECTS): Level.ACCOUNTS}
    desk.share(open_to)
    desk.drain()
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10, 50), terms_number=3)
    desk.share({**open_to, Cell(CUSTOMERS, PROSPECTS): Level.DETAILS})
    desk.drain()
    wraps = {item.row: split_served(item.envelope).wrap for item in fetch(desk, Side.RIGHT).items}
    assert wraps == {row(21): wrap(10), row(30): wrap(50)}


def test_pages_of_wanted_rows_and_of_details_follow_each_other(desk: Desk) -> None:
    more = {number: (CUSTOMERS, number) for number in range(31, 35)}
    for side in Side:
        desk.applied(side, records_of(accounts(more)), type=SubmissionType.DELTA)
    first = wanted(desk, Side.LEFT, limit=3)
    second = wanted(desk, Side.LEFT, after=first.next, limit=3)
    assert first.rows + second.rows == (row(1), *(row(number) for number in more))
    assert second.next is None
    store(desk, Side.LEFT, *(sealed(number, CUSTOMERS, number) for number in more))
    page = fetch(desk, Side.RIGHT, limit=3)
    rest = fetch(desk, Side.RIGHT, after=page.next, limit=3)
    assert [item.row for item in page.items + rest.items] == [row(number) for number in more]
    assert rest.next is None


def test_of_details_those_that_changed_are_asked_for_alone(desk: Desk) -> None:
    for side in Side:
        desk.applied(side, records_of(accounts({31: (CUSTOMERS, 31)})), type=SubmissionType.DELTA)
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10), sealed(31, CUSTOMERS, 31))
    known = last(desk, Side.RIGHT)
    assert fetch(desk, Side.RIGHT, changed_after=known).items == ()
    store(desk, Side.LEFT, sealed(31, CUSTOMERS, 31))
    assert [item.row for item in fetch(desk, Side.RIGHT, changed_after=known).items] == [row(31)]


@pytest.mark.parametrize("known", [0, 2**53 - 1], ids=["before the feed began", "beyond its end"])
def test_where_the_changes_begin_anew_all_details_are_given(desk: Desk, known: int) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    assert [item.row for item in fetch(desk, Side.RIGHT, changed_after=known).items] == [row(21)]


def test_a_database_page_holds_no_envelope_in_the_clear(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    with desk.database.snapshot("look") as tx:
        assert b"cccc" not in tx.execute(select(envelopes.c.sealed)).scalar_one()


def test_an_end_stops_details_and_purges_them(desk: Desk) -> None:
    store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, Side.RIGHT), now=desk.clock())
    for ask in (wanted, fetch):
        with pytest.raises(PartnershipNotActive):
            ask(desk, Side.RIGHT)
    with pytest.raises(PartnershipNotActive):
        store(desk, Side.LEFT, sealed(1, CUSTOMERS, 10))
    desk.clock.move(timedelta(seconds=1))
    desk.drain()
    assert stored(desk) == 0


def sealed_size(desk: Desk) -> int:
    """Tell how many bytes the one stored envelope has."""
    with desk.database.snapshot("size") as tx:
        return len(tx.execute(select(envelopes.c.sealed)).scalar_one())
