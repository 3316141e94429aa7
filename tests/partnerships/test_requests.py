"""A step-up opens for both at the same instant, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from escrow import audit, partnerships
from escrow.errors import DisclosureTooWeak, NotFound, PartnershipNotActive, TermsRequestLapsed
from escrow.overlaps import overlaps_page
from escrow.partnerships import TermsDocument, TermsRequest
from escrow.psi.matchkeys import MatchKeyClass
from escrow.reports.trail import shared_trail
from escrow.store.database import Database
from escrow.terms import Cell, DisclosureRule, Level, Population, Side, Terms, Tier, uniform_levels
from tests.partnership_makers import NOON, invited_partnership, seat
from tests.psi.making_lists import records_of
from tests.submission_makers import OFFERED, TRUSTED, Desk, new_desk

LEFT, RIGHT = Side
MONTH = timedelta(days=30)
CELL = Cell(Population.CUSTOMERS, Population.PROSPECTS)
#: What left asks for: one cell at accounts, which right sees turned round.
ASKED = Terms({**uniform_levels(Level.COUNTS), CELL: Level.ACCOUNTS}, fields=("domain",), disclosure=TRUSTED)
ANSWER = replace(ASKED.transposed, fields=("region",))


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired, with every cell at counts."""
    database = Database(database_url)
    desk = new_desk(database, tmp_path)
    desk.share(Level.COUNTS)
    yield desk
    database.close()


def request(desk: Desk, side: Side = LEFT, terms: Terms = ASKED) -> TermsRequest:
    with desk.database.transaction("request terms") as tx:
        party = seat(tx, desk.couple, side)
        return partnerships.request_terms(tx, party, terms, offered=OFFERED, lasts=MONTH, now=desk.clock())


def answer(
    desk: Desk, number: int, side: Side = RIGHT, terms: Terms = ANSWER, offered: tuple[DisclosureRule, ...] = OFFERED
) -> TermsDocument:
    with desk.database.transaction("answer") as tx:
        party = seat(tx, desk.couple, side)
        return partnerships.answer_terms(tx, party, number, terms, offered=offered, now=desk.clock())


def close(desk: Desk, number: int, side: Side) -> None:
    with desk.database.transaction("close") as tx:
        partnerships.close_request(tx, seat(tx, desk.couple, side), number, now=desk.clock())


def seen(desk: Desk, side: Side) -> list[tuple[int, bool]]:
    """The requests that this side sees open: number, and whether it is its own."""
    with desk.database.snapshot("show requests") as tx:
        found = partnerships.open_requests(tx, seat(tx, desk.couple, side), now=desk.clock())
    return [(each.number, each.is_ours) for each in found]


def document(desk: Desk, side: Side) -> TermsDocument:
    with desk.database.snapshot("show terms") as tx:
        return partnerships.terms_document(tx, seat(tx, desk.couple, side))


def test_a_request_made_with_a_preset_that_is_offered_no_more_opens_nothing(desk: Desk) -> None:
    asked = request(desk)
    stricter = DisclosureRule(50)
    with pytest.raises(DisclosureTooWeak):
        answer(desk, asked.number, terms=replace(ANSWER, disclosure=stricter), offered=(stricter,))
    assert document(desk, LEFT).ours.levels[CELL] is Level.COUNTS


def test_a_request_alone_changes_nothing(desk: Desk) -> None:
    before = document(desk, LEFT)
    request(desk)
    assert document(desk, LEFT) == before
    assert (seen(desk, LEFT), seen(desk, RIGHT)) == ([(1, True)], [(1, False)])


def test_each_side_reads_the_request_from_its_own_seat(desk: Desk) -> None:
    request(desk)
    with desk.database.snapshot("show requests") as tx:
        (of_right,) = partnerships.open_requests(tx, seat(tx, desk.couple, RIGHT), now=desk.clock())
    assert of_right.terms == ASKED.transposed


def test_an_answer_opens_for_both_in_one_transaction(desk: Desk) -> None:
    for side in Side:
        accounts = {1: (Population.CUSTOMERS if side is LEFT else Population.PROSPECTS, frozenset({(_DOMAIN, 1)}))}
        desk.applied(side, records_of(accounts))
    desk.drain()
    told = answer(desk, request(desk).number)
    assert told.effective is not None
    assert told.effective.levels[CELL.transposed] is Level.ACCOUNTS
    assert document(desk, LEFT).ours == ASKED
    assert document(desk, RIGHT).ours == ANSWER
    assert seen(desk, LEFT) == seen(desk, RIGHT) == []
    desk.drain()
    for side in Side:
        with desk.database.transaction("list overlaps") as tx:
            page = overlaps_page(
                tx,
                seat(tx, desk.couple, side),
                after=None,
                limit=5,
                service_key=desk.couple.service_key,
                now=desk.clock(),
            )
        assert len(page.items) == 1


_DOMAIN = MatchKeyClass.DOMAIN


def test_an_answer_that_is_refused_changes_neither_side(desk: Desk) -> None:
    number, before = request(desk).number, document(desk, LEFT)
    with pytest.raises(DisclosureTooWeak):
        answer(desk, number, terms=replace(ANSWER, disclosure=DisclosureRule(3)))
    assert document(desk, LEFT) == before


def test_a_request_lapses_when_its_asker_says_other_terms(desk: Desk) -> None:
    number = request(desk).number
    desk.state(LEFT, Terms(uniform_levels(Level.HIDDEN)))
    assert seen(desk, RIGHT) == []
    with pytest.raises(TermsRequestLapsed):
        answer(desk, number)
    assert document(desk, LEFT).ours == Terms(uniform_levels(Level.HIDDEN))


def test_other_terms_of_the_one_who_answers_leave_it_open(desk: Desk) -> None:
    number = request(desk).number
    desk.state(RIGHT, Terms(uniform_levels(Level.HIDDEN)))
    answer(desk, number)
    assert document(desk, RIGHT).ours == ANSWER


def test_a_request_lapses_in_time(desk: Desk) -> None:
    number = request(desk).number
    desk.clock.move(MONTH)
    assert seen(desk, RIGHT) == []
    with pytest.raises(TermsRequestLapsed):
        answer(desk, number)


def test_an_answered_request_is_not_answered_again(desk: Desk) -> None:
    number = request(desk).number
    answer(desk, number)
    with pytest.raises(TermsRequestLapsed):
        answer(desk, number)


def test_nobody_answers_a_request_of_ones_own_or_one_that_is_not_there(desk: Desk) -> None:
    number = request(desk).number
    for asked in (number, number + 1):
        with pytest.raises(NotFound):
            answer(desk, asked, LEFT, ASKED)


@pytest.mark.parametrize("side", Side)
def test_either_side_closes_a_request_and_closing_twice_is_closing_once(desk: Desk, side: Side) -> None:
    number = request(desk).number
    close(desk, number, side)
    close(desk, number, side)
    assert seen(desk, LEFT) == seen(desk, RIGHT) == []
    with pytest.raises(TermsRequestLapsed):
        answer(desk, number)
    assert actions(desk).count(audit.Action.TERMS_REQUEST_CLOSED) == 1


def test_a_new_request_takes_the_place_of_the_one_before_and_leaves_the_partners(desk: Desk) -> None:
    request(desk)
    request(desk, RIGHT, ANSWER)
    request(desk, terms=replace(ASKED, reveals_from=Tier.LIKELY))
    assert seen(desk, LEFT) == [(2, False), (3, True)]


def test_both_trails_tell_who_asked_and_who_answered(desk: Desk) -> None:
    answer(desk, request(desk).number)
    assert actions(desk)[-2:] == [audit.Action.TERMS_REQUESTED, audit.Action.TERMS_ANSWERED]


def test_before_anybody_accepts_there_is_nobody_to_ask(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("request terms") as tx:
        party = seat(tx, couple, LEFT)
        with pytest.raises(PartnershipNotActive):
            partnerships.request_terms(tx, party, ASKED, offered=OFFERED, lasts=MONTH, now=NOON)


def actions(desk: Desk) -> list[str]:
    with desk.database.snapshot("read trail") as tx:
        return [entry.action for entry in audit.trail(tx, shared_trail(desk.couple.partnership_id))]
