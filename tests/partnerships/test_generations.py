"""Generations: started by both sides, filled beside the live one, switched to in one step, and never looked back at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import func, select

from escrow import audit, partnerships, submissions
from escrow.errors import (
    GenerationMismatch,
    GenerationTooSoon,
    PartnershipEnded,
    PartnershipNotActive,
    ProfileMismatch,
)
from escrow.overlaps import overlaps_page
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import ListRecords
from escrow.reports.trail import shared_trail
from escrow.store.database import Database
from escrow.store.secrets import open_pepper
from escrow.store.states import SubmissionState
from escrow.store.tables import (
    accounts,
    chunks,
    envelopes,
    generation_proposals,
    generations,
    list_changes,
    lists,
    releases,
    tokens,
)
from escrow.terms import Level, Population, Side
from tests.partnership_makers import NOON, Couple, seat
from tests.psi.making_lists import records_of
from tests.remembered import remembered
from tests.submission_makers import Desk, desk_of, new_desk

DAYS_90 = timedelta(days=90)
LEFT, RIGHT = Side


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired, with lists that overlap in two accounts."""
    database = Database(database_url)

    def matched() -> Couple:
        made = new_desk(database, tmp_path)
        made.share(Level.ACCOUNTS)
        made.applied(LEFT, companies(1, 2, 3))
        made.applied(RIGHT, companies(2, 3, 4))
        return made.couple

    yield desk_of(remembered(database, "two lists that overlap in two accounts", matched), database, tmp_path)
    database.close()


def companies(*numbers: int, key: int = 0) -> ListRecords:
    """Make customers with one domain each, blinded under a key of their own for each generation."""
    domain = MatchKeyClass.DOMAIN
    return records_of({each: (Population.CUSTOMERS, frozenset({(domain, 1_000 * key + each)})) for each in numbers})


def started(desk: Desk, *, profile: str = "escrow-1") -> None:
    """Let both sides consent to generation 1."""
    for side in Side:
        desk.start_generation(side, profile=profile)


def filled(desk: Desk) -> None:
    """Let both sides fill generation 1 with what they have, and the worker do all that follows."""
    desk.applied(LEFT, companies(1, 2, 3, key=1), generation=1)
    desk.applied(RIGHT, companies(2, 3, 4, key=1), generation=1)


def shown(desk: Desk, side: Side) -> partnerships.Partnership:
    with desk.database.snapshot("show") as tx:
        return partnerships.show(tx, seat(tx, desk.couple, side), service_key=desk.couple.service_key, now=desk.clock())


def rows_read(desk: Desk, side: Side = LEFT) -> list[int]:
    with desk.database.transaction("read overlaps") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        page = overlaps_page(tx, party, after=None, limit=100, service_key=key, now=desk.clock())
    return [int.from_bytes(item.row) for item in page.items]


def actions(desk: Desk) -> list[str]:
    with desk.database.snapshot("look at the trail") as tx:
        return [entry.action for entry in audit.trail(tx, shared_trail(desk.couple.partnership_id))]


def states(desk: Desk) -> dict[int, tuple[str, bool]]:
    """Each generation's state, and whether it has a pepper."""
    with desk.database.snapshot("look at generations") as tx:
        rows = tx.execute(select(generations.c.generation, generations.c.state, generations.c.sealed_pepper))
        return {row.generation: (row.state, row.sealed_pepper is not None) for row in rows}


def test_a_generation_starts_with_the_consent_of_both(desk: Desk) -> None:
    desk.start_generation(LEFT)
    assert states(desk) == {0: ("live", True)}
    ours, theirs = shown(desk, LEFT).next_generation, shown(desk, RIGHT).next_generation
    assert ours is not None
    assert theirs is not None
    assert (ours.is_building, ours.consented_by_us, ours.consented_by_them) == (False, True, False)
    assert (theirs.consented_by_us, theirs.consented_by_them) == (False, True)
    desk.start_generation(RIGHT)
    assert states(desk) == {0: ("live", True), 1: ("building", True)}
    assert actions(desk)[-2:] == [audit.Action.GENERATION_PROPOSED, audit.Action.GENERATION_STARTED]


def test_the_same_word_again_changes_nothing(desk: Desk) -> None:
    for side in (LEFT, LEFT, RIGHT, RIGHT, LEFT):
        desk.start_generation(side)
    assert states(desk) == {0: ("live", True), 1: ("building", True)}
    assert actions(desk).count(audit.Action.GENERATION_PROPOSED) == 1
    assert actions(desk).count(audit.Action.GENERATION_STARTED) == 1


@pytest.mark.parametrize("number", [0, 2, 7])
def test_a_number_that_falls_or_jumps_is_refused(desk: Desk, number: int) -> None:
    with pytest.raises(GenerationMismatch):
        desk.start_generation(LEFT, number)
    started(desk)
    with pytest.raises(GenerationMismatch):
        desk.start_generation(LEFT, number)
    filled(desk)
    for falling in (0, 1):
        with pytest.raises(GenerationMismatch):
            desk.start_generation(LEFT, falling)


def test_both_sides_name_the_same_profile(desk: Desk) -> None:
    desk.start_generation(LEFT, profile="escrow-2")
    with pytest.raises(ProfileMismatch, match=r"escrow-2.*escrow-1"):
        desk.start_generation(RIGHT, profile="escrow-1")
    desk.start_generation(LEFT, profile="escrow-1")
    desk.start_generation(RIGHT, profile="escrow-1")
    with pytest.raises(ProfileMismatch, match=r"escrow-1.*escrow-2"):
        desk.start_generation(RIGHT, profile="escrow-2")


def test_between_two_generations_lie_ninety_days(desk: Desk) -> None:
    with pytest.raises(GenerationTooSoon, match="2027-01-31"):
        desk.start_generation(LEFT, interval=DAYS_90)
    desk.clock.move(DAYS_90)
    for side in Side:
        desk.start_generation(side, interval=DAYS_90)
    filled(desk)
    with pytest.raises(GenerationTooSoon):
        desk.start_generation(LEFT, 2, interval=DAYS_90)


def test_only_an_active_partnership_moves_up(desk: Desk) -> None:
    started(desk)
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, LEFT), now=NOON)
    assert states(desk) == {0: ("live", False), 1: ("building", False)}
    with pytest.raises(PartnershipNotActive):
        desk.start_generation(RIGHT)


def test_the_live_generation_serves_and_takes_lists_while_the_next_is_filled(desk: Desk) -> None:
    started(desk)
    assert desk.applied(LEFT, companies(1, 2, 3, key=1), generation=1).state is SubmissionState.APPLIED
    assert desk.applied(LEFT, companies(1, 2, 5)).state is SubmissionState.APPLIED
    assert (rows_read(desk), states(desk)[1]) == ([2], ("building", True))
    told = shown(desk, LEFT).next_generation
    assert told is not None
    assert (told.applied_number, told.their_applied_at) == (2, None)
    assert shown(desk, LEFT).our_list.applied_number == 3


def test_the_switch_brings_its_own_matches_and_erases_the_old_pepper(desk: Desk) -> None:
    started(desk)
    filled(desk)
    assert states(desk) == {0: ("retired", False), 1: ("live", True)}
    assert rows_read(desk) == [2, 3]
    assert shown(desk, LEFT).next_generation is None
    assert audit.Action.GENERATION_SWITCHED in actions(desk)
    with desk.database.snapshot("open") as tx, pytest.raises(PartnershipEnded):
        open_pepper(tx, desk.couple.partnership_id, 0, service_key=desk.couple.service_key)


def test_a_fresh_release_follows_the_switch(desk: Desk) -> None:
    started(desk)
    filled(desk)
    desk.clock.move(timedelta(days=1))
    desk.drain()
    with desk.database.snapshot("look") as tx:
        made = tx.execute(select(releases.c.generation).order_by(releases.c.number)).scalars().all()
    assert made == [0, 1]


def test_what_a_retired_generation_leaves_behind_is_purged(desk: Desk) -> None:
    started(desk)
    abandoned = desk.next(LEFT, [b"x"], accounts=0)
    desk.announce(LEFT, abandoned)
    filled(desk)
    desk.drain()
    with desk.database.snapshot("count") as tx:
        for table in (accounts, tokens, lists, list_changes, envelopes):
            assert tx.execute(select(func.count()).where(table.c.generation == 0)).scalar_one() == 0
        assert tx.execute(select(func.count()).where(chunks.c.sealed.is_not(None))).scalar_one() == 0
        assert tx.execute(select(func.count()).select_from(generation_proposals)).scalar_one() == 0
    assert desk.list_of(LEFT, 1).accounts.size == 3
    assert actions(desk).count(audit.Action.GENERATION_PURGED) == 1


def test_a_crash_before_the_switch_commits_leaves_the_old_generation_whole(desk: Desk) -> None:
    started(desk)
    desk.applied(LEFT, companies(1, 2, 3, key=1), generation=1)
    desk.submit(RIGHT, companies(2, 3, 4, key=1), generation=1)
    desk.worker.run_once()
    assert (rows_read(desk), states(desk)) == ([2, 3], {0: ("live", True), 1: ("building", True)})
    with pytest.raises(RuntimeError):
        crash_in_a_switch(desk)
    assert (rows_read(desk), states(desk)) == ([2, 3], {0: ("live", True), 1: ("building", True)})
    desk.drain()
    assert (rows_read(desk), states(desk)) == ([2, 3], {0: ("retired", False), 1: ("live", True)})


def crash_in_a_switch(desk: Desk) -> None:
    with desk.database.transaction("crash") as tx:
        partnerships.switch(tx, desk.couple.partnership_id, now=desk.clock())
        raise RuntimeError


def test_no_reader_sees_a_switch_without_its_matches(desk: Desk) -> None:
    started(desk)
    desk.applied(LEFT, companies(1, 2, 3, key=1), generation=1)
    desk.submit(RIGHT, companies(2, 3, 4, key=1), generation=1)
    while desk.worker.run_once():
        assert rows_read(desk) == [2, 3]


def test_in_a_pause_nothing_is_switched(desk: Desk) -> None:
    started(desk)
    with desk.database.transaction("pause") as tx:
        partnerships.pause(tx, seat(tx, desk.couple, LEFT), now=NOON)
    filled(desk)
    assert states(desk)[1] == ("building", True)
    with desk.database.transaction("resume") as tx:
        partnerships.resume(tx, seat(tx, desk.couple, LEFT), now=NOON)
    desk.drain()
    assert states(desk)[1] == ("live", True)


def test_a_list_of_the_retired_generation_is_rejected_or_refused(desk: Desk) -> None:
    started(desk)
    desk.applied(LEFT, companies(1, 2, 3, key=1), generation=1)
    desk.submit(RIGHT, companies(2, 3, 4, key=1), generation=1)
    desk.worker.run_once()
    late = desk.submit(LEFT, companies(1, 2)).number
    with desk.database.transaction("the late list waits") as tx:
        partnerships.switch(tx, desk.couple.partnership_id, now=desk.clock())
    desk.drain()
    assert desk.submission(LEFT, late).state is SubmissionState.REJECTED
    problem = desk.submission(LEFT, late).problem
    assert problem is not None
    assert problem.code == "generation-invalid"
    with pytest.raises(GenerationMismatch):
        desk.submit(LEFT, companies(1, 2), generation=0)


@pytest.mark.parametrize("generation", [2, 9])
def test_a_list_of_a_generation_that_nobody_started_is_refused(desk: Desk, generation: int) -> None:
    started(desk)
    with pytest.raises(GenerationMismatch):
        desk.submit(LEFT, companies(1), generation=generation)


def test_a_new_generation_asks_about_no_more_than_the_live_one(desk: Desk) -> None:
    started(desk)
    refused = desk.applied(LEFT, companies(1, 2, 3, 4, key=1), generation=1)
    assert refused.state is SubmissionState.REJECTED
    assert refused.problem is not None
    assert refused.problem.code == "generation-outgrown"
    assert "live" in refused.problem.detail
    desk.applied(LEFT, companies(1, 2, 3, 4))
    assert desk.applied(LEFT, companies(1, 2, 3, 4, key=1), generation=1).state is SubmissionState.APPLIED


def test_a_withdrawn_list_is_not_left_behind_in_the_building_generation(desk: Desk) -> None:
    started(desk)
    live = desk.submission(LEFT, 1).number
    desk.applied(LEFT, companies(1, 2, 3, key=1), generation=1)
    withdraw(desk, live)
    assert shown_beside(desk).applied_number == 0
    desk.applied(RIGHT, companies(2, 3, 4, key=1), generation=1)
    assert (rows_read(desk), states(desk)[1]) == ([], ("building", True))


def test_a_list_of_the_building_generation_alone_is_withdrawn_and_the_live_one_stays(desk: Desk) -> None:
    started(desk)
    beside = desk.applied(LEFT, companies(1, 2, 3, key=1), generation=1).number
    withdraw(desk, beside)
    assert shown_beside(desk).applied_number == 0
    assert rows_read(desk) == [2, 3]
    assert desk.applied(LEFT, companies(1, 2, key=1), generation=1).state is SubmissionState.APPLIED


def cancel(desk: Desk, side: Side, number: int = 1) -> None:
    with desk.database.transaction("cancel") as tx:
        partnerships.cancel_generation(tx, seat(tx, desk.couple, side), number, now=desk.clock())


@pytest.mark.parametrize("side", Side)
def test_either_side_cancels_what_is_proposed_and_its_number_is_proposed_again(desk: Desk, side: Side) -> None:
    desk.start_generation(LEFT)
    for _ in range(2):
        cancel(desk, side)
    assert shown(desk, LEFT).next_generation is None
    assert actions(desk).count(audit.Action.GENERATION_CANCELLED) == 1
    started(desk)
    assert states(desk)[1] == ("building", True)


@pytest.mark.parametrize("side", Side)
def test_either_side_cancels_what_is_built_and_nothing_of_it_is_left(desk: Desk, side: Side) -> None:
    started(desk)
    desk.applied(LEFT, companies(1, 2, 3, key=1), generation=1)
    for _ in range(2):
        cancel(desk, side)
    assert states(desk) == {0: ("live", True), 1: ("cancelled", False)}
    desk.drain()
    assert rows_read(desk) == [2, 3]
    assert desk.applied(LEFT, companies(1, 2)).state is SubmissionState.APPLIED
    with desk.database.snapshot("count") as tx:
        assert tx.execute(select(func.count()).select_from(lists).where(lists.c.generation == 1)).scalar_one() == 0
    assert actions(desk).count(audit.Action.GENERATION_PURGED) == 1


def test_a_number_that_was_built_is_used_up_and_the_ninety_days_count_from_before(desk: Desk) -> None:
    desk.clock.move(DAYS_90)
    started(desk)
    cancel(desk, LEFT)
    assert shown(desk, RIGHT).latest_generation == 1
    with pytest.raises(GenerationMismatch, match="followed by 2"):
        desk.start_generation(LEFT, 1)
    for side in Side:
        desk.start_generation(side, 2, interval=DAYS_90)
    desk.applied(LEFT, companies(1, 2, 3, key=2), generation=2)
    desk.applied(RIGHT, companies(2, 3, 4, key=2), generation=2)
    assert states(desk) == {0: ("retired", False), 1: ("cancelled", False), 2: ("live", True)}
    assert rows_read(desk) == [2, 3]


def test_a_list_of_a_cancelled_generation_is_rejected_or_refused(desk: Desk) -> None:
    started(desk)
    waiting = desk.submit(LEFT, companies(1, 2, 3, key=1), generation=1).number
    cancel(desk, RIGHT)
    desk.drain()
    assert desk.submission(LEFT, waiting).state is SubmissionState.REJECTED
    with pytest.raises(GenerationMismatch):
        desk.submit(LEFT, companies(1, 2), generation=1)


def test_a_live_generation_is_not_cancelled(desk: Desk) -> None:
    started(desk)
    filled(desk)
    for number in (0, 1):
        with pytest.raises(GenerationMismatch, match="no generation is gone back to"):
            cancel(desk, LEFT, number)


def withdraw(desk: Desk, number: int) -> None:
    with desk.database.transaction("withdraw") as tx:
        party = seat(tx, desk.couple, LEFT)
        submissions.withdraw(tx, party, number, service_key=desk.couple.service_key, now=desk.clock())
    desk.drain()


def shown_beside(desk: Desk) -> partnerships.NextGeneration:
    told = shown(desk, LEFT).next_generation
    assert told is not None
    return told


def test_another_profile_may_make_twice_as_many_keys(desk: Desk) -> None:
    started(desk, profile="escrow-2")
    for size, state in ((6, SubmissionState.APPLIED), (7, SubmissionState.REJECTED)):
        made = companies(*range(1, size + 1), key=1)
        assert desk.applied(LEFT, made, generation=1, profile="escrow-2").state is state


@pytest.mark.parametrize("order", list(permutations([(LEFT, 1), (RIGHT, 1), (LEFT, 0)])))
def test_lists_of_two_generations_never_match(
    migrated_file: Path, tmp_path: Path, order: tuple[tuple[Side, int], ...]
) -> None:
    """Both generations hold the same bytes as tokens, and within neither do the two lists meet."""
    database = Database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'escrow.sqlite')}")
    desk = new_desk(database, tmp_path)
    desk.share(Level.ACCOUNTS)
    holds = {(LEFT, 0): (1, 2), (RIGHT, 0): (3, 4), (LEFT, 1): (3, 4), (RIGHT, 1): (1, 2)}
    for side in Side:
        desk.applied(side, companies(*holds[side, 0]))
    started(desk)
    for side, generation in order:
        if states(desk)[generation][0] != "retired":
            desk.applied(side, companies(*holds[side, generation]), generation=generation)
        assert rows_read(desk) == rows_read(desk, RIGHT) == []
    assert states(desk)[1][0] == "live"
    database.close()
