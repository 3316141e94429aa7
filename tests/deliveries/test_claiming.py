"""Several endpoints are claimed, and several attempts settled, in one transaction; each has its lease all the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from escrow.deliveries.claiming import Taken, claim
from escrow.deliveries.lanes import SLOW, Lane
from escrow.deliveries.outbox import Attempt
from escrow.deliveries.settling import Ended, Settling, settle_alone, settle_together
from escrow.store.database import Database
from escrow.store.states import AttemptOutcome, DeliveryState, EndpointState
from escrow.store.tables import endpoints
from escrow.webhooks import events
from tests.deliveries.posting import Desk, desk_of

LEASE = timedelta(minutes=1)


@pytest.fixture
def desk(database: Database) -> Desk:
    """An organization."""
    return desk_of(database)


def claimed(desk: Desk, *, lane: Lane = Lane.ALL, most: int = 10) -> Taken:
    """Claim what is due."""
    with desk.database.transaction("claim") as tx:
        return claim(tx, most=most, lane=lane, now=desk.now, lease=LEASE)


def ends(
    desk: Desk, taken: Taken, outcome: AttemptOutcome = AttemptOutcome.ACCEPTED, lasted: timedelta = timedelta()
) -> list[Ended]:
    """Let every attempt that was claimed end like that."""
    return [Ended(made, Attempt(outcome, None, desk.now, lasted), 0) for made in taken.claims]


def settled(desk: Desk, ended: Sequence[Ended]) -> Sequence[Ended]:
    """Settle together, and give what is to be settled alone."""
    with desk.database.transaction("settle") as tx:
        return settle_together(tx, ended, by=Settling(timedelta(days=5), desk.now))


def states(desk: Desk, endpoint_ids: Sequence[UUID]) -> list[DeliveryState]:
    """Where the last delivery of each stands."""
    return [desk.log(each)[-1].state for each in endpoint_ids]


def test_what_waits_for_several_endpoints_is_claimed_and_settled_together(desk: Desk) -> None:
    endpoint_ids = [desk.enabled() for _ in range(3)]
    for _ in range(2):
        desk.tell()
    first = claimed(desk)
    assert sorted(made.endpoint.endpoint_id for made in first.claims) == sorted(endpoint_ids)
    assert claimed(desk).looked_at == 0
    assert settled(desk, ends(desk, first)) == []
    second = claimed(desk)
    assert {made.number for made in second.claims} == {made.number + 1 for made in first.claims}
    settled(desk, ends(desk, second))
    assert states(desk, endpoint_ids) == [DeliveryState.DELIVERED] * 3
    assert claimed(desk).looked_at == 0


def test_who_waited_for_longest_is_claimed_first(desk: Desk) -> None:
    endpoint_ids = []
    for _ in range(3):
        endpoint_ids.append(desk.enabled())
        desk.later(seconds=1)
    desk.tell()
    assert [made.endpoint.endpoint_id for made in claimed(desk, most=2).claims] == endpoint_ids[:2]


def test_an_attempt_whose_lease_ran_out_is_not_settled_with_the_others(desk: Desk) -> None:
    lost, kept = desk.enabled(), desk.enabled()
    desk.tell()
    stale = claimed(desk)
    desk.later(seconds=LEASE.total_seconds())
    again = claimed(desk)
    settled(desk, [*ends(desk, stale), *ends(desk, Taken(again.claims[:1], 1), AttemptOutcome.STATUS)])
    taken = again.claims[0].endpoint.endpoint_id
    other = kept if taken == lost else lost
    assert [each.outcome for each in desk.log(taken)[-1].attempts] == [AttemptOutcome.CUT_OFF, AttemptOutcome.STATUS]
    assert [each.outcome for each in desk.log(other)[-1].attempts] == [AttemptOutcome.CUT_OFF]


def test_an_attempt_that_decides_over_its_endpoint_is_settled_alone(desk: Desk) -> None:
    gone, living = desk.enabled(), desk.enabled()
    desk.tell()
    taken = claimed(desk)
    ended = [
        *ends(
            desk, Taken([each for each in taken.claims if each.endpoint.endpoint_id == gone], 1), AttemptOutcome.GONE
        ),
        *ends(desk, Taken([each for each in taken.claims if each.endpoint.endpoint_id == living], 1)),
    ]
    assert settled(desk, ended) == ended[:1]
    assert states(desk, [gone, living]) == [DeliveryState.PENDING, DeliveryState.DELIVERED]
    with desk.database.transaction("settle") as tx:
        settle_alone(tx, ended[0], by=Settling(timedelta(days=5), desk.now))
    assert desk.endpoint(gone).state is EndpointState.DISABLED


def test_a_receiver_that_took_long_is_in_the_other_lane_until_it_is_quick_again(desk: Desk) -> None:
    desk.enabled()
    for lane, other, lasted in (
        (Lane.QUICK, Lane.PATIENT, SLOW + timedelta(milliseconds=1)),
        (Lane.PATIENT, Lane.QUICK, SLOW),
        (Lane.QUICK, Lane.PATIENT, timedelta()),
    ):
        desk.tell()
        assert claimed(desk, lane=other).looked_at == 0
        taken = claimed(desk, lane=lane)
        assert len(taken.claims) == 1
        settled(desk, ends(desk, taken, lasted=lasted))


def test_a_feed_of_which_nothing_is_kept_is_not_looked_at_again_and_again(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    desk.later(days=100)
    with desk.database.transaction("forget") as tx:
        events.forget_old_events(tx, before=desk.now)
    assert claimed(desk).looked_at == 1
    assert claimed(desk).looked_at == 0
    desk.tell()
    assert [made.event_number for made in claimed(desk).claims] == [2]
    with desk.database.snapshot("look") as tx:
        looked_at = select(endpoints.c.looked_at_event).where(endpoints.c.endpoint_id == endpoint_id)
        assert tx.execute(looked_at).scalar_one() == 2
