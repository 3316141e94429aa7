"""Events: numbered without gaps whoever writes, told with what caused them, and read by whom they concern."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event as Signal
from typing import Any
from uuid import uuid4

import pytest

from escrow import partnerships, wire
from escrow.access import Caller, Grant
from escrow.errors import EventsForgotten
from escrow.psi.matchkeys import MatchKeyClass
from escrow.store.database import Database
from escrow.store.states import EventType
from escrow.terms import CELLS, Level, Population, Side, Terms, uniform_levels
from escrow.webhooks import events
from tests.partnership_makers import NOON, Couple, active_partnership, invited_partnership, new_caller, seat
from tests.psi.making_lists import Account, records_of
from tests.submission_makers import OFFERED, TRUSTED, Desk, new_desk

CUSTOMER: Account = (Population.CUSTOMERS, frozenset({(MatchKeyClass.DOMAIN, 10)}))
LEFT, RIGHT = Side


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def read(database: Database, caller: Caller, *, after: int | None = None, limit: int = 100) -> events.EventPage:
    """Read a page of what an organization is told."""
    with database.snapshot("read events") as tx:
        return events.feed(tx, caller, after=after, limit=limit)


def told(desk: Desk, side: Side, *, after: int | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Read all that one side is told, as it travels."""
    page = read(desk.database, desk.couple.caller(side), after=after)
    assert not page.more
    return [(each.type.value, dict(each.data)) for each in page.items]


def last(desk: Desk, side: Side) -> int:
    """Tell where one side's feed ends."""
    return read(desk.database, desk.couple.caller(side)).next_after


def tell(database: Database, couple: Couple, number: int) -> None:
    """Tell both parties that a release was made."""
    with database.transaction("tell") as tx:
        said: events.Data = {"number": number}
        kind = EventType.RELEASE_MADE
        events.tell_both(tx, kind, partnership_id=couple.partnership_id, data=said, now=NOON)


def test_numbers_have_no_gaps_and_writers_do_not_lock_each_other_out(database: Database) -> None:
    one = active_partnership(database)
    # The other way round: whoever locked feeds in the order of seats would wait for the other one for ever.
    other = active_partnership(database, lookup=bytes(16), of=Couple(uuid4(), one.right, one.left, one.service_key))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: tell(database, one if number % 2 else other, number), range(24)))
    for caller in (one.left, one.right):
        found = read(database, caller).items
        assert [each.number for each in found] == list(range(1, len(found) + 1))
        assert {each.data["number"] for each in found if each.type is EventType.RELEASE_MADE} == set(range(24))


def test_no_reader_sees_a_number_before_a_lower_one(database: Database) -> None:
    couple = active_partnership(database)
    start, asked = read(database, couple.left).next_after, Signal()

    def second() -> None:
        asked.set()
        tell(database, couple, 2)

    with ThreadPoolExecutor(1) as pool:
        with database.transaction("the first writer") as tx:
            kind, said = EventType.RELEASE_MADE, {"number": 1}
            events.tell_both(tx, kind, partnership_id=couple.partnership_id, data=said, now=NOON)
            later = pool.submit(second)
            asked.wait()
            assert read(database, couple.left, after=start).items == ()
        later.result()
    found = read(database, couple.left, after=start).items
    assert [(each.number - start, each.data["number"]) for each in found] == [(1, 1), (2, 2)]


def test_what_is_rolled_back_was_never_told_and_leaves_no_hole(database: Database) -> None:
    couple = active_partnership(database)
    before = read(database, couple.left)
    with suppress(ZeroDivisionError), database.transaction("fail") as tx:
        partnerships.pause(tx, seat(tx, couple, LEFT), now=NOON)
        raise ZeroDivisionError
    assert read(database, couple.left) == before
    tell(database, couple, 1)
    assert read(database, couple.left, after=before.next_after).items[0].number == before.next_after + 1


def test_whoever_meets_is_told_of_it(database: Database) -> None:
    couple = invited_partnership(database, named=True)
    with database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, couple, LEFT), now=NOON)
    ours = [(each.type.value, dict(each.data)) for each in read(database, couple.left).items]
    theirs = [(each.type.value, dict(each.data)) for each in read(database, couple.right).items]
    left, right = str(couple.left.organization_id), str(couple.right.organization_id)
    assert ours == [
        ("partnership.invited", {"by": "ours", "partner_id": right}),
        ("partnership.ended", {"by": "ours"}),
    ]
    # Who never took the seat is told no more of it.
    assert theirs == [("partnership.invited", {"by": "theirs", "partner_id": left})]


def test_both_parties_are_told_of_a_pairing_a_pause_and_the_end(desk: Desk) -> None:
    with desk.database.transaction("pause, resume and end") as tx:
        partnerships.pause(tx, seat(tx, desk.couple, RIGHT), now=NOON)
        partnerships.pause(tx, seat(tx, desk.couple, RIGHT), now=NOON)
        partnerships.resume(tx, seat(tx, desk.couple, RIGHT), now=NOON)
        partnerships.end(tx, seat(tx, desk.couple, LEFT), now=NOON)
        partnerships.end(tx, seat(tx, desk.couple, LEFT), now=NOON)
    moves = [("accepted", RIGHT), ("activated", LEFT), ("paused", RIGHT), ("resumed", RIGHT), ("ended", LEFT)]
    for side in Side:
        found = [(kind, data["by"]) for kind, data in told(desk, side) if kind != "partnership.invited"]
        assert found == [(f"partnership.{move}", "ours" if by is side else "theirs") for move, by in moves]


def test_both_parties_are_told_of_terms_and_of_requests_for_others(desk: Desk) -> None:
    after = {side: last(desk, side) for side in Side}
    looser = Terms(levels=uniform_levels(Level.COUNTS), disclosure=TRUSTED)
    desk.state(LEFT, looser)
    desk.state(LEFT, looser)
    with desk.database.transaction("ask and answer") as tx:
        left, right = (seat(tx, desk.couple, side) for side in Side)
        asked = partnerships.request_terms(tx, right, looser, offered=OFFERED, lasts=timedelta(days=1), now=NOON)
        partnerships.answer_terms(tx, left, asked.number, looser, offered=OFFERED, now=NOON)
        asked = partnerships.request_terms(tx, left, looser, offered=OFFERED, lasts=timedelta(days=1), now=NOON)
        partnerships.close_request(tx, right, asked.number, now=NOON)
    for side in Side:
        ours, theirs = ("ours", "theirs") if side is LEFT else ("theirs", "ours")
        assert told(desk, side, after=after[side]) == [
            ("terms.changed", {"by": ours, "number": 2}),
            ("terms.requested", {"by": theirs, "request": 1}),
            ("terms.answered", {"by": ours, "request": 1}),
            ("terms.changed", {"by": theirs, "number": 2}),
            ("terms.requested", {"by": ours, "request": 2}),
            ("terms.request-closed", {"by": theirs, "request": 2}),
        ]


def test_an_owner_alone_is_told_of_its_submissions_and_both_of_a_release(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    after = {side: last(desk, side) for side in Side}
    desk.applied(LEFT, records_of({1: CUSTOMER}))
    desk.applied(RIGHT, records_of(dict.fromkeys(range(21, 28), CUSTOMER)))
    desk.applied(RIGHT, records_of({21: CUSTOMER}))
    assert told(desk, LEFT, after=after[LEFT]) == [
        ("submission.applied", {"number": 1}),
        ("release.made", {"number": 1}),
    ]
    assert told(desk, RIGHT, after=after[RIGHT]) == [
        ("submission.rejected", {"code": "match-key-ambiguous", "number": 1}),
        ("submission.applied", {"number": 2}),
        ("release.made", {"number": 1}),
    ]


def test_both_parties_are_told_of_generations(desk: Desk) -> None:
    for side in Side:
        desk.applied(side, records_of({1: CUSTOMER}))
    after = {side: last(desk, side) for side in Side}
    desk.start_generation(LEFT)
    with desk.database.transaction("cancel") as tx:
        partnerships.cancel_generation(tx, seat(tx, desk.couple, RIGHT), 1, now=NOON)
    desk.start_generation(LEFT)
    desk.start_generation(RIGHT)
    for side in Side:
        desk.applied(side, records_of({1: CUSTOMER}), generation=1)
    found = [each for each in told(desk, LEFT, after=after[LEFT]) if each[0].startswith("generation.")]
    assert found == [
        ("generation.proposed", {"by": "ours", "generation": 1}),
        ("generation.cancelled", {"by": "theirs", "generation": 1}),
        ("generation.proposed", {"by": "ours", "generation": 1}),
        ("generation.started", {"by": "theirs", "generation": 1}),
        ("generation.live", {"generation": 1}),
    ]


def test_the_partner_is_told_of_a_jump_and_of_no_size(desk: Desk) -> None:
    domains = {number: (Population.CUSTOMERS, frozenset({(MatchKeyClass.DOMAIN, number)})) for number in range(1, 900)}
    desk.applied(LEFT, records_of({1: domains[1]}))
    desk.applied(RIGHT, records_of({1: domains[1]}))
    after = {side: last(desk, side) for side in Side}
    desk.applied(LEFT, records_of({number: domains[number] for number in range(1, 500)}))
    assert [kind for kind, _ in told(desk, LEFT, after=after[LEFT])] == ["submission.applied"]
    alarms = told(desk, RIGHT, after=after[RIGHT])
    assert ("alarm.raised", {"reason": "list-grew"}) in alarms
    assert {kind for kind, _ in alarms} == {"alarm.raised"}


def test_a_partnership_at_counts_is_told_of_no_overlap_whatever_matches(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    desk.applied(LEFT, records_of({1: CUSTOMER}))
    desk.applied(RIGHT, records_of({21: CUSTOMER}))
    desk.applied(RIGHT, records_of({}))
    for side in Side:
        assert "overlaps.changed" not in {kind for kind, _ in told(desk, side)}


def test_a_submission_is_told_of_the_same_whatever_it_overlaps_with(desk: Desk) -> None:
    levels = dict.fromkeys(CELLS, Level.ACCOUNTS)
    desk.share(levels)
    desk.applied(RIGHT, records_of({21: CUSTOMER}))
    after = last(desk, LEFT)
    desk.submit(LEFT, records_of({1: CUSTOMER}))
    assert desk.worker.run_once()
    assert told(desk, LEFT, after=after) == [("submission.applied", {"number": 1})]


def test_a_key_for_some_partnerships_is_told_of_those_and_goes_on_past_the_others(database: Database) -> None:
    one = active_partnership(database)
    other = active_partnership(database, lookup=bytes(16), of=one)
    bound = Caller(one.left.organization_id, "", Grant(partnership_ids=frozenset({one.partnership_id})))
    everything = read(database, one.left)
    own = read(database, bound)
    assert {each.partnership_id for each in everything.items} == {one.partnership_id, other.partnership_id}
    assert own.items == tuple(each for each in everything.items if each.partnership_id == one.partnership_id)
    assert own.next_after == everything.next_after == len(everything.items)


def test_a_stranger_is_told_nothing(desk: Desk) -> None:
    with desk.database.transaction("a stranger") as tx:
        stranger = new_caller(tx, "Initech")
    assert read(desk.database, stranger) == events.EventPage((), 0, more=False)


def test_pages_follow_each_other(database: Database) -> None:
    couple = active_partnership(database)
    for number in range(5):
        tell(database, couple, number)
    everything = read(database, couple.left)
    pages = [read(database, couple.left, limit=3)]
    while pages[-1].more:
        pages.append(read(database, couple.left, after=pages[-1].next_after, limit=3))
    assert tuple(each for page in pages for each in page.items) == everything.items
    assert (len(pages), pages[-1].next_after) == (3, everything.next_after)


def test_what_is_old_goes_and_who_asks_for_it_is_told_so(database: Database) -> None:
    couple = active_partnership(database)
    for number in range(5):
        tell(database, couple, number)
    end = read(database, couple.left).next_after
    with database.transaction("forget") as tx:
        assert events.forget_old_events(tx, before=NOON + timedelta(days=1), batch=3) is False
    assert {read(database, caller).items[0].number for caller in (couple.left, couple.right)} == {1, 4}
    done = False
    while not done:
        with database.transaction("forget") as tx:
            done = events.forget_old_events(tx, before=NOON + timedelta(days=1))
    for after in (0, end - 1, end + 1):
        with pytest.raises(EventsForgotten) as caught:
            read(database, couple.left, after=after)
        assert caught.value.last_number == end
    assert (
        read(database, couple.left) == read(database, couple.left, after=end) == events.EventPage((), end, more=False)
    )
    tell(database, couple, 9)
    assert [each.number for each in read(database, couple.left).items] == [end + 1]


def test_every_type_has_a_model_of_its_own_on_the_wire() -> None:
    schema = wire.EventPage.model_json_schema()
    mapping = schema["properties"]["items"]["items"]["discriminator"]["mapping"]
    assert set(mapping) == {kind.value for kind in EventType}
