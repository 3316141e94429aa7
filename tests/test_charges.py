"""Rule 8 with a database: what lists are charged, when they are refused for it, and what the other side is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from escrow import audit, partnerships
from escrow.allowance import AllowanceRule, ListLimits
from escrow.applying import commit, prepare
from escrow.errors import ListMissing
from escrow.psi.records import ListRecords
from escrow.reports.trail import shared_trail
from escrow.spending import Allowance
from escrow.standing import standing_of
from escrow.store.database import Database
from escrow.store.states import AlarmReason, PartnershipState, SubmissionState, SubmissionType
from escrow.submissions import Submission
from escrow.terms import Level, Population, Side
from tests.partnership_makers import active_partnership, seat
from tests.store.list_makers import Accounts, records_of
from tests.submission_makers import Desk, new_desk

CUSTOMER, OPPORTUNITY, PROSPECT = 1, 2, 3
DOMAIN = 1
MONTH = timedelta(days=30)
#: Ten keys in a period, and no share of the list.
SETTINGS = {"allowance_keys": 10, "allowance_percent": 0}
RULE = AllowanceRule(least_tokens=10, percent=0)
LIMITS = ListLimits(1_000, rule=RULE)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return new_desk(database, tmp_path, **SETTINGS)


def accounts(*rows: int, population: int = CUSTOMER, keys: int = 1) -> ListRecords:
    """Accounts whose keys are their own."""
    return records_of({row: (population, frozenset((DOMAIN, row * 100 + key) for key in range(keys))) for row in rows})


def both_begin(desk: Desk, *rows: int) -> None:
    """Give both sides a first list, right the same one as left."""
    for side in Side:
        assert desk.applied(side, accounts(*rows)).state is SubmissionState.APPLIED


def allowance(desk: Desk, side: Side = Side.LEFT) -> Allowance:
    with desk.database.snapshot("allowance") as tx:
        return partnerships.show_allowance(tx, seat(tx, desk.couple, side), limits=LIMITS, now=desk.clock())


def grant(desk: Desk, more: int, *, to: Side) -> None:
    with desk.database.transaction("grant") as tx:
        partnerships.grant_allowance(tx, seat(tx, desk.couple, to.other), more, rule=RULE, now=desk.clock())


def code(submission: Submission) -> str:
    assert submission.problem is not None
    return submission.problem.code


def test_a_first_list_may_be_far_larger_than_an_allowance(desk: Desk) -> None:
    both_begin(desk, *range(1, 101))
    assert allowance(desk).spent == 0
    assert allowance(desk).total == 100 * 5


def test_until_the_other_side_has_a_list_all_counts_against_the_ceiling(desk: Desk) -> None:
    desk.share(Level.COUNTS, largest_list=10)
    assert desk.applied(Side.LEFT, accounts(1)).state is SubmissionState.APPLIED
    assert desk.applied(Side.LEFT, accounts(*range(2, 12), keys=3)).state is SubmissionState.APPLIED
    assert (allowance(desk).is_opening, allowance(desk).left) == (True, 10 * 4 * 5 - 31 * 5)
    refused = desk.applied(Side.LEFT, accounts(*range(12, 22)))
    assert (refused.state, code(refused)) == (SubmissionState.REJECTED, "ceiling-exceeded")
    assert desk.list_of(Side.LEFT).rows.tolist() == list(range(2, 12))


def test_a_first_list_with_a_hoard_of_keys_is_refused(desk: Desk) -> None:
    desk.share(Level.COUNTS, largest_list=10)
    assert code(desk.applied(Side.LEFT, accounts(*range(1, 11), keys=5))) == "ceiling-exceeded"


def test_after_the_first_list_new_accounts_come_off_the_allowance(desk: Desk) -> None:
    both_begin(desk, 1)
    desk.applied(Side.LEFT, accounts(1, 2, 3))
    assert (allowance(desk).limit, allowance(desk).spent, allowance(desk).left) == (50, 10, 40)


def test_a_list_that_asks_about_too_much_is_rejected_with_what_is_left_and_when_it_renews(desk: Desk) -> None:
    both_begin(desk, 1)
    desk.applied(Side.LEFT, accounts(1, 2))
    refused = desk.applied(Side.LEFT, accounts(*range(1, 13)))
    assert refused.problem is not None
    assert (refused.problem.code, refused.problem.limit, refused.problem.left) == ("allowance-exceeded", 50, 45)
    assert refused.problem.renews_at == desk.clock() + MONTH
    assert desk.list_of(Side.LEFT).rows.tolist() == [1, 2]
    assert allowance(desk).left == 45


def test_removing_refunds_nothing_and_what_returns_is_charged_again(desk: Desk) -> None:
    both_begin(desk, 1, 2)
    desk.applied(Side.LEFT, accounts(1))
    assert allowance(desk).spent == 0
    desk.applied(Side.LEFT, accounts(1, 2))
    assert allowance(desk).spent == 5


def test_a_move_between_populations_costs_a_fifth(desk: Desk) -> None:
    both_begin(desk, 1, 2)
    moved = accounts(1), accounts(2, population=PROSPECT)
    desk.applied(Side.LEFT, moved[1], type=SubmissionType.DELTA)
    assert allowance(desk).spent == 1


def test_a_snapshot_and_a_delta_to_the_same_list_are_charged_alike(desk: Desk) -> None:
    both_begin(desk, 1, 2)
    desk.applied(Side.LEFT, accounts(3), type=SubmissionType.DELTA)
    desk.applied(Side.RIGHT, accounts(1, 2, 3))
    assert allowance(desk, Side.LEFT) == allowance(desk, Side.RIGHT)


def test_a_new_period_brings_a_new_allowance_and_what_one_left_over(desk: Desk) -> None:
    both_begin(desk, 1)
    desk.applied(Side.LEFT, accounts(1, 2, 3, 4, 5))
    desk.clock.move(MONTH)
    assert (allowance(desk).limit, allowance(desk).carried, allowance(desk).spent) == (50 + 30, 30, 0)
    desk.clock.move(MONTH)
    assert (allowance(desk).limit, allowance(desk).carried) == (50 + 50, 50)


def test_what_was_carried_over_is_carried_no_further(desk: Desk) -> None:
    both_begin(desk, 1)
    desk.clock.move(MONTH)
    desk.applied(Side.LEFT, accounts(*range(1, 12)))
    assert allowance(desk).left == 50
    desk.clock.move(MONTH)
    assert (allowance(desk).carried, allowance(desk).limit) == (0, 50)


def test_an_allowance_follows_the_size_of_the_list_at_the_start_of_the_period(
    database: Database, tmp_path: Path
) -> None:
    desk = new_desk(database, tmp_path, allowance_keys=1)
    both_begin(desk, *range(1, 101))
    desk.applied(Side.LEFT, accounts(*range(1, 111)))
    refused = desk.applied(Side.LEFT, accounts(*range(1, 112)))
    assert code(refused) == "allowance-exceeded"
    desk.clock.move(MONTH)
    assert desk.applied(Side.LEFT, accounts(*range(1, 122))).state is SubmissionState.APPLIED


def test_a_grant_raises_what_may_be_spent_in_this_period_alone(desk: Desk) -> None:
    both_begin(desk, 1)
    grant(desk, 5, to=Side.LEFT)
    assert (allowance(desk).limit, allowance(desk).granted) == (75, 25)
    assert allowance(desk, Side.RIGHT).granted == 0
    assert desk.applied(Side.LEFT, accounts(*range(1, 17))).state is SubmissionState.APPLIED
    desk.clock.move(MONTH)
    assert (allowance(desk).granted, allowance(desk).carried) == (0, 0)


def test_a_grant_stands_on_the_trail_of_both_and_of_the_partnership(desk: Desk) -> None:
    both_begin(desk, 1)
    grant(desk, 5, to=Side.LEFT)
    couple = desk.couple
    with desk.database.snapshot("trails") as tx:
        of_each = (couple.left.organization_id, couple.right.organization_id)
        for trail_id in (shared_trail(couple.partnership_id), *of_each):
            (entry,) = [e for e in audit.trail(tx, trail_id) if e.action == audit.Action.ALLOWANCE_GRANTED]
            assert (entry.organization_id, entry.detail["accounts"]) == (couple.right.organization_id, 5)
            audit.verify(tx, trail_id)


def test_nothing_is_granted_to_a_partner_without_a_list(desk: Desk) -> None:
    with pytest.raises(ListMissing):
        grant(desk, 5, to=Side.LEFT)


def test_a_list_that_was_prepared_twice_is_charged_once(desk: Desk) -> None:
    both_begin(desk, 1)
    desk.submit(Side.LEFT, accounts(1, 2))
    lost = prepare(desk.database, desk.couple.partnership_id, Side.LEFT, service_key=desk.couple.service_key)
    assert lost is not None
    desk.drain()
    with desk.database.transaction("the worker that was thought dead") as tx:
        commit(tx, lost, limits=LIMITS, now=desk.clock())
    assert allowance(desk).spent == 5


def test_a_rejected_list_is_charged_nothing(desk: Desk) -> None:
    both_begin(desk, 1)
    desk.applied(Side.LEFT, accounts(*range(1, 30)))
    assert (allowance(desk).spent, allowance(desk).total) == (0, 5)


def test_whether_a_list_is_refused_does_not_depend_on_matches(desk: Desk) -> None:
    desk.applied(Side.LEFT, accounts(1))
    desk.applied(Side.RIGHT, accounts(*range(1, 50)))
    matching = desk.applied(Side.LEFT, accounts(*range(1, 30)))
    other = desk.applied(Side.LEFT, accounts(1, *range(102, 130)))
    assert matching.problem == other.problem


def test_an_end_and_a_fresh_pairing_reset_nothing(desk: Desk) -> None:
    both_begin(desk, *range(1, 21))
    desk.applied(Side.LEFT, accounts(*range(1, 24)))
    again = pair_again(desk)
    assert (allowance(again).is_opening, allowance(again).left) == (False, 35)
    assert code(again.applied(Side.LEFT, accounts(*range(1, 24)))) == "allowance-exceeded"


def test_after_a_while_a_fresh_pairing_may_ask_about_as_much_as_the_last_list(desk: Desk) -> None:
    both_begin(desk, *range(1, 21))
    desk.clock.move(timedelta(days=90))
    again = pair_again(desk)
    assert allowance(again).renewed == 100
    assert again.applied(Side.LEFT, accounts(*range(201, 224))).state is SubmissionState.APPLIED
    assert (allowance(again).spent, allowance(again).total) == (15, 43 * 5)


def test_a_partnership_with_somebody_else_has_a_ceiling_of_its_own(desk: Desk) -> None:
    both_begin(desk, *range(1, 21))
    other = Desk(desk.database, active_partnership(desk.database, lookup=b"\x08" * 16), desk.worker, desk.clock)
    assert allowance(other).is_opening


def test_a_list_of_a_new_generation_is_counted_whole_and_charged_nothing(desk: Desk) -> None:
    both_begin(desk, 1, 2)
    for side in Side:
        desk.start_generation(side)
    for fresh in ((11, 12), (13, 14)):
        applied = desk.applied(Side.LEFT, accounts(*fresh), generation=1)
        assert applied.state is SubmissionState.APPLIED
    assert (allowance(desk).spent, allowance(desk).total) == (0, 2 * 5 + 2 * 5)


def test_too_many_prospects_for_the_rest_of_a_list_are_refused(desk: Desk) -> None:
    customers = {row: (CUSTOMER, frozenset({(DOMAIN, row)})) for row in range(1, 11)}
    prospects = {row: (PROSPECT, frozenset({(DOMAIN, row)})) for row in range(11, 62)}
    refused = desk.applied(Side.LEFT, records_of(customers | prospects))
    assert refused.problem is not None
    assert (refused.problem.code, refused.problem.limit) == ("prospects-too-many", 50)
    del prospects[61]
    assert desk.applied(Side.LEFT, records_of(customers | prospects)).state is SubmissionState.APPLIED


def test_accounts_without_a_key_make_no_room_for_prospects(desk: Desk) -> None:
    nameless: Accounts = {row: (CUSTOMER, frozenset()) for row in range(100, 140)}
    prospects: Accounts = {row: (PROSPECT, frozenset({(DOMAIN, row)})) for row in range(11, 62)}
    refused = desk.applied(Side.LEFT, records_of({**nameless, **prospects}))
    assert refused.problem is not None
    assert (refused.problem.code, refused.problem.limit) == ("prospects-too-many", 50)


def test_charged_changes_are_accounts_by_the_population_they_come_to(desk: Desk) -> None:
    both_begin(desk, 1, 2, 3)
    desk.applied(Side.LEFT, accounts(3), type=SubmissionType.DELTA)
    desk.applied(Side.LEFT, accounts(2, population=OPPORTUNITY, keys=2), type=SubmissionType.DELTA)
    with desk.database.snapshot("changes") as tx:
        changes = standing_of(tx, desk.couple.partnership_id).sides[Side.LEFT].changes
    assert changes.populations == {Population.CUSTOMERS: 3, Population.OPPORTUNITIES: 1, Population.PROSPECTS: 0}


def test_the_other_side_is_told_a_size_in_which_no_account_shows(desk: Desk) -> None:
    both_begin(desk, *range(1, 73))
    assert size_of_left(desk) == 64
    desk.applied(Side.LEFT, accounts(*range(1, 60)))
    assert size_of_left(desk) == 64
    desk.applied(Side.LEFT, accounts(*range(1, 50)))
    assert size_of_left(desk) == 0


def test_a_jump_within_a_day_raises_an_alarm_that_both_trails_keep(database: Database, tmp_path: Path) -> None:
    desk = new_desk(database, tmp_path, allowance_keys=1_000)
    both_begin(desk, *range(1, 101))
    desk.clock.move(timedelta(days=2))
    desk.applied(Side.LEFT, accounts(*range(1, 141)))
    assert alarms_of_left(desk) == []
    desk.clock.move(timedelta(hours=1))
    desk.applied(Side.LEFT, accounts(*range(1, 152)))
    desk.applied(Side.LEFT, accounts(*range(1, 200)))
    assert alarms_of_left(desk) == [AlarmReason.LIST_GREW]
    with desk.database.snapshot("trail") as tx:
        actions = [entry.action for entry in audit.trail(tx, shared_trail(desk.couple.partnership_id))]
    assert actions.count(audit.Action.ALARM_RAISED) == 1


def test_half_of_an_allowance_spent_within_a_day_raises_an_alarm(desk: Desk) -> None:
    both_begin(desk, 1)
    desk.applied(Side.LEFT, accounts(*range(1, 7)))
    assert alarms_of_left(desk) == []
    desk.applied(Side.LEFT, accounts(*range(1, 8)))
    assert alarms_of_left(desk) == [AlarmReason.ALLOWANCE_HALF_SPENT]
    desk.clock.move(timedelta(days=31))
    assert alarms_of_left(desk) == []


def size_of_left(desk: Desk) -> int | None:
    return left_as_told(desk).size


def alarms_of_left(desk: Desk) -> list[AlarmReason]:
    return [alarm.reason for alarm in left_as_told(desk).alarms]


def left_as_told(desk: Desk) -> partnerships.TheirList:
    """Show what the right party sees of the left one's list."""
    with desk.database.snapshot("show") as tx:
        party, key = seat(tx, desk.couple, Side.RIGHT), desk.couple.service_key
        return partnerships.show(tx, party, service_key=key, now=desk.clock()).their_list


def pair_again(desk: Desk) -> Desk:
    """End the partnership, purge it, and let the same two pair afresh."""
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, Side.RIGHT), now=desk.clock())
    desk.drain()
    couple = active_partnership(desk.database, lookup=b"\x09" * 16, of=desk.couple, now=desk.clock())
    again = Desk(desk.database, couple, desk.worker, desk.clock)
    with desk.database.snapshot("standing") as tx:
        assert standing_of(tx, desk.couple.partnership_id).state is PartnershipState.ENDED
    return again
