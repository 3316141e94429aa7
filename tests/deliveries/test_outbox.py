"""Every event is delivered, in order, by its id once in effect; whoever fails, and however often."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from escrow.deliveries import endpoints
from escrow.deliveries.dispatcher import Dispatcher
from escrow.deliveries.filters import Filter
from escrow.deliveries.lanes import Lane
from escrow.deliveries.outbox import Claim
from escrow.deliveries.schedule import retry_after
from escrow.errors import EndpointNotConfirmed
from escrow.store.database import Database
from escrow.store.states import AttemptOutcome, DeliveryState, DisabledBecause, EndpointKind, EndpointState, EventType
from escrow.webhooks.egress import Answer, Posting
from tests.deliveries.posting import Desk, desk_of
from tests.partnership_makers import NOON, active_partnership

FAILED = Answer(500)


@pytest.fixture
def desk(database: Database) -> Desk:
    """An organization."""
    return desk_of(database)


def numbers(desk: Desk) -> list[int]:
    """The numbers of the events that were posted, in their order."""
    return [body["number"] for body in desk.egress.bodies]


def test_every_event_since_the_endpoint_was_made_is_posted_once_in_its_order(desk: Desk) -> None:
    desk.tell()
    endpoint_id = desk.enabled()
    for _ in range(3):
        desk.tell()
    desk.dispatch()
    desk.dispatch()
    assert numbers(desk) == [2, 3, 4]
    assert {each.state for each in desk.log(endpoint_id)} == {DeliveryState.DELIVERED}


def test_nothing_but_a_challenge_is_posted_before_it_is_answered(desk: Desk) -> None:
    endpoint_id, _ = desk.add()
    desk.tell()
    desk.egress.answers = [Answer(200, body=b'{"ok":true}')]
    with desk.database.transaction("confirm") as tx:
        endpoints.confirm_endpoint(tx, desk.caller, endpoint_id, by=desk.by)
    desk.dispatch()
    assert [body["type"] for body in desk.egress.bodies] == ["endpoint.challenge"]
    assert desk.endpoint(endpoint_id).state is EndpointState.UNCONFIRMED
    with pytest.raises(EndpointNotConfirmed), desk.database.transaction("enable") as tx:
        endpoints.change_endpoint(tx, desk.caller, endpoint_id, enabled=True, by=desk.by)
    desk.confirm(endpoint_id)
    assert desk.endpoint(endpoint_id).state is EndpointState.ENABLED
    assert [each.type for each in desk.log(endpoint_id)][-1] == "endpoint.disabled"


def echoed_whole(posting: Posting) -> Answer:
    return Answer(200, body=posting.body)


@pytest.mark.parametrize("answer", [echoed_whole, Answer(200), Answer(200, body=b"[" * 1_000), Answer(500)])
def test_who_echoes_all_or_nothing_has_not_answered_the_challenge(
    desk: Desk, answer: Answer | Callable[[Posting], Answer]
) -> None:
    endpoint_id, _ = desk.add()
    desk.egress.answers = [answer]
    with desk.database.transaction("confirm") as tx:
        endpoints.confirm_endpoint(tx, desk.caller, endpoint_id, by=desk.by)
    desk.dispatch()
    assert desk.endpoint(endpoint_id).state is EndpointState.UNCONFIRMED


def test_a_failed_delivery_is_tried_by_the_schedule_under_the_same_id_and_then_given_up(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    desk.egress.answers = [FAILED] * 20
    desk.dispatch()
    for made, wait in enumerate((5, 300, 1_800, 7_200, 18_000, 36_000, 36_000), start=1):
        desk.later(seconds=wait - 1)
        desk.dispatch()
        assert len(desk.egress.posted) == made
        desk.later(seconds=1)
        desk.dispatch()
        assert len(desk.egress.posted) == made + 1
    desk.later(days=2)
    desk.dispatch()
    delivery = desk.log(endpoint_id)[-1]
    assert (delivery.state, len(delivery.attempts)) == (DeliveryState.FAILED, 8)
    assert len({each.headers["webhook-id"] for each in desk.egress.posted}) == 1


def test_a_later_event_of_the_same_partnership_waits_and_one_of_another_does_not(desk: Desk) -> None:
    desk.enabled()
    couples = [active_partnership(desk.database, lookup=bytes([each]) * 16) for each in (1, 2)]
    first, second = (each.partnership_id for each in couples)
    desk.egress.answers = [FAILED]
    desk.tell(EventType.RELEASE_MADE, first, number=1)
    desk.tell(EventType.RELEASE_MADE, first, number=2)
    desk.tell(EventType.RELEASE_MADE, second, number=3)
    desk.dispatch()
    assert [body["data"]["number"] for body in desk.egress.bodies] == [1, 3]
    desk.later(seconds=5)
    desk.dispatch()
    assert [body["data"]["number"] for body in desk.egress.bodies] == [1, 3, 1, 2]


def test_a_dead_endpoint_delays_no_other(desk: Desk) -> None:
    dead, alive = desk.enabled(), desk.enabled()
    desk.egress.answers = [FAILED]
    desk.tell()
    desk.dispatch()
    states = [desk.log(each)[-1].state for each in (dead, alive)]
    assert sorted(state.value for state in states) == ["delivered", "pending"]


def test_a_time_that_the_receiver_asks_for_is_waited_for(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    desk.egress.answers = [Answer(429, retry_after="120")]
    desk.dispatch()
    desk.later(seconds=119)
    desk.dispatch()
    assert len(desk.egress.posted) == 1
    desk.later(seconds=1)
    desk.dispatch()
    outcomes = [each.outcome for each in desk.log(endpoint_id)[-1].attempts]
    assert outcomes == [AttemptOutcome.LATER, AttemptOutcome.ACCEPTED]


def test_an_endpoint_that_says_it_is_gone_is_disabled_which_the_others_are_told(desk: Desk) -> None:
    gone = desk.enabled()
    desk.tell()
    desk.egress.answers = [Answer(410)]
    desk.dispatch()
    endpoint = desk.endpoint(gone)
    assert (endpoint.state, endpoint.disabled_because) == (EndpointState.DISABLED, DisabledBecause.GONE)
    assert desk.told() == ["endpoint.disabled"] * 2
    assert desk.trail()[-1] == "endpoint-disabled"
    other = desk.enabled()
    desk.tell()
    desk.dispatch()
    assert len(desk.egress.posted) == 1
    assert desk.log(other)[-1].state is DeliveryState.DELIVERED


def test_an_endpoint_that_only_failed_for_five_days_is_disabled_and_told_what_it_missed_once_it_is_back(
    desk: Desk,
) -> None:
    endpoint_id = desk.enabled()
    desk.egress.answers = [FAILED] * 50
    for _ in range(6):
        desk.tell()
    for _ in range(30):
        desk.dispatch()
        desk.later(hours=6)
    endpoint = desk.endpoint(endpoint_id)
    assert (endpoint.state, endpoint.disabled_because) == (EndpointState.DISABLED, DisabledBecause.FAILING)
    posted = len(desk.egress.posted)
    desk.tell()
    desk.later(days=1)
    desk.dispatch()
    assert len(desk.egress.posted) == posted
    desk.egress.answers.clear()
    with desk.database.transaction("enable") as tx:
        endpoints.change_endpoint(tx, desk.caller, endpoint_id, enabled=True, by=desk.by)
    desk.dispatch()
    assert numbers(desk)[-1] == 8
    assert desk.endpoint(endpoint_id).failing_since is None


def test_one_success_ends_a_time_of_failure(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.egress.answers = [FAILED]
    desk.tell()
    desk.dispatch()
    assert desk.endpoint(endpoint_id).failing_since == desk.now
    desk.later(seconds=5)
    desk.dispatch()
    assert desk.endpoint(endpoint_id).failing_since is None


def test_types_and_partnerships_that_are_not_asked_for_are_not_posted(desk: Desk) -> None:
    ours, others = (active_partnership(desk.database, lookup=bytes([each]) * 16) for each in (1, 2))
    caller = ours.left
    desk.caller = caller
    wanted = Filter(frozenset({EventType.RELEASE_MADE}), frozenset({ours.partnership_id}))
    desk.enabled(wanted=wanted)
    desk.tell()
    desk.tell(EventType.RELEASE_MADE, ours.partnership_id, number=1)
    desk.tell(EventType.PARTNERSHIP_PAUSED, ours.partnership_id, by="ours")
    desk.tell(EventType.RELEASE_MADE, others.partnership_id, number=2)
    desk.dispatch()
    assert [(body["type"], body["data"]) for body in desk.egress.bodies] == [("release.made", {"number": 1})]


def claimed_by(dispatcher: Dispatcher) -> Claim:
    """Have what is due first claimed."""
    (claimed,) = dispatcher.claim().claims
    return claimed


class Killed(BaseException):
    """The process ends here."""


def killed_while_posting(desk: Desk) -> None:
    """The process ends when the request may have arrived, and before anything was noted."""
    desk.egress.answers.insert(0, Killed())
    with pytest.raises(Killed):
        desk.dispatch()


def killed_before_posting(desk: Desk) -> None:
    """The process ends with the delivery claimed."""
    claimed_by(desk.dispatcher())


def killed_while_noting(desk: Desk) -> None:
    """The process ends inside of the transaction that notes the attempt, so nothing of it is kept."""

    class Breaking(Database):
        def transaction(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a test's own
            if name == "settle a delivery":
                raise Killed
            return super().transaction(name)

    breaking = Breaking(desk.database.engine.url.render_as_string(hide_password=False))
    whole, desk.database = desk.database, breaking
    with pytest.raises(Killed):
        desk.dispatch()
    desk.database = whole
    breaking.close()


@pytest.mark.parametrize("kill", [killed_while_posting, killed_before_posting, killed_while_noting])
def test_a_worker_that_is_killed_loses_and_reorders_nothing(desk: Desk, kill: Callable[[Desk], None]) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    desk.tell()
    kill(desk)
    desk.dispatch()  # the lease is not over
    desk.later(seconds=desk.settings.webhook_lease_seconds)
    desk.dispatch()
    once = list(dict.fromkeys(numbers(desk)))
    assert once == [1, 2]
    first, second = desk.log(endpoint_id)[-2:]
    assert [each.outcome for each in first.attempts] == [AttemptOutcome.CUT_OFF, AttemptOutcome.ACCEPTED]
    assert len(second.attempts) == 1


def test_on_a_database_of_its_own_a_new_process_does_not_wait_for_the_lease_of_a_dead_one(desk: Desk) -> None:
    from escrow.deliveries import outbox  # noqa: PLC0415 - what a process does at its start

    desk.enabled()
    desk.tell()
    killed_before_posting(desk)
    with desk.database.transaction("start") as tx:
        outbox.take_over(tx, now=desk.now)
    desk.dispatch()
    assert numbers(desk) == [1]


def test_two_dispatchers_never_have_one_endpoint_at_once(desk: Desk) -> None:
    desk.enabled()
    desk.tell()
    desk.tell()
    one, other = desk.dispatcher(), desk.dispatcher()
    claimed = claimed_by(one)
    assert other.claim().looked_at == 0
    one.deliver(claimed)
    assert claimed_by(other).number == claimed.number + 1


def test_a_dispatcher_that_lost_its_lease_notes_nothing(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    slow = desk.dispatcher()
    claimed = claimed_by(slow)
    desk.later(seconds=desk.settings.webhook_lease_seconds)
    desk.dispatch()
    slow.deliver(claimed)
    assert len(desk.egress.posted) == 1
    outcomes = [each.outcome for each in desk.log(endpoint_id)[-1].attempts]
    assert outcomes == [AttemptOutcome.CUT_OFF, AttemptOutcome.ACCEPTED]


def test_what_failed_last_is_passed_over_where_the_healthy_are_asked_for(desk: Desk) -> None:
    desk.enabled()
    desk.egress.answers = [FAILED]
    desk.tell()
    desk.dispatch()
    desk.later(seconds=5)
    dispatcher = desk.dispatcher()
    assert dispatcher.claim(Lane.QUICK).looked_at == 0
    assert len(dispatcher.claim(Lane.PATIENT).claims) == 1


def test_an_endpoint_that_is_disabled_while_it_is_posted_to_keeps_what_waits(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    dispatcher = desk.dispatcher()
    claimed = claimed_by(dispatcher)
    with desk.database.transaction("disable") as tx:
        endpoints.change_endpoint(tx, desk.caller, endpoint_id, enabled=False, by=desk.by)
    dispatcher.deliver(claimed)
    assert desk.egress.posted == []
    assert desk.log(endpoint_id)[-1].state is DeliveryState.PENDING
    with desk.database.transaction("enable") as tx:
        endpoints.change_endpoint(tx, desk.caller, endpoint_id, enabled=True, by=desk.by)
    desk.dispatch()
    assert numbers(desk) == [1]


def test_an_event_is_not_lost_when_its_endpoint_is_off_for_no_longer_than_a_post_takes(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    dispatcher = desk.dispatcher()
    claimed = claimed_by(dispatcher)

    def turned(*, enabled: bool) -> None:
        with desk.database.transaction("turn it off or on") as tx:
            endpoints.change_endpoint(tx, desk.caller, endpoint_id, enabled=enabled, by=desk.by)

    turned(enabled=False)
    desk.egress.afterwards = lambda: turned(enabled=True)
    dispatcher.deliver(claimed)
    assert desk.egress.posted == []
    desk.dispatch()
    assert numbers(desk) == [1]


def test_an_attempt_that_is_cut_off_again_and_again_is_made_ever_more_seldom(desk: Desk) -> None:
    desk.enabled()
    desk.tell()
    made = 0
    for _ in range(24 * 60):
        made += len(desk.dispatcher().claim(Lane.QUICK).claims)
        desk.later(seconds=60)
    assert made == 11


@pytest.mark.parametrize("asked", ["Mon, 01 Jan 2027 00:00:00 +99999999999999", "9" * 400, "soon", ""])
def test_a_time_that_cannot_be_read_is_none(asked: str) -> None:
    assert retry_after(asked, now=NOON) is None


def test_a_removed_endpoint_leaves_nothing(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    claimed = claimed_by(desk.dispatcher())
    with desk.database.transaction("remove") as tx:
        endpoints.remove_endpoint(tx, desk.caller, endpoint_id, now=desk.now)
    desk.dispatcher().deliver(claimed)
    assert desk.egress.posted == []
    assert desk.log(endpoint_id) == ()


def test_what_was_delivered_is_delivered_again_under_its_id_when_it_is_replayed(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    for _ in range(3):
        desk.tell()
    desk.dispatch()
    first, *_, last = [each.number for each in desk.log(endpoint_id)][1:]
    with desk.database.transaction("replay") as tx:
        again = endpoints.replay(tx, desk.caller, endpoint_id, first=first + 1, last=last, most=100, now=desk.now)
    desk.dispatch()
    assert again == 2
    assert numbers(desk) == [1, 2, 3, 2, 3]
    ids = [each.headers["webhook-id"] for each in desk.egress.posted]
    assert ids[1:3] == ids[3:]


def test_a_replay_has_the_whole_schedule_before_it(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    desk.tell()
    desk.egress.answers = [FAILED] * 9
    for _ in range(12):
        desk.dispatch()
        desk.later(hours=12)
    assert desk.log(endpoint_id)[-1].state is DeliveryState.FAILED
    with desk.database.transaction("replay") as tx:
        endpoints.replay(tx, desk.caller, endpoint_id, first=1, last=99, most=100, now=desk.now)
    desk.dispatch()
    assert desk.log(endpoint_id)[-1].state is DeliveryState.PENDING


def test_a_trial_is_posted_once(desk: Desk) -> None:
    endpoint_id = desk.enabled()
    with desk.database.transaction("try") as tx:
        endpoints.try_endpoint(tx, desk.caller, endpoint_id, by=desk.by)
        endpoints.try_endpoint(tx, desk.caller, endpoint_id, by=desk.by)
    desk.egress.answers = [FAILED]
    desk.dispatch()
    desk.later(days=1)
    desk.dispatch()
    assert [body["type"] for body in desk.egress.bodies] == ["endpoint.test"]
    assert desk.endpoint(endpoint_id).failing_since is None


def test_an_event_that_is_not_kept_any_more_is_dropped(desk: Desk) -> None:
    from escrow.webhooks import events  # noqa: PLC0415 - what retention does

    endpoint_id = desk.enabled()
    desk.tell()
    desk.egress.answers = [FAILED]
    desk.dispatch()
    desk.later(seconds=10)
    with desk.database.transaction("forget") as tx:
        events.forget_old_events(tx, before=desk.now)
    desk.dispatch()
    assert desk.log(endpoint_id)[-1].state is DeliveryState.DROPPED


def test_a_chat_is_confirmed_by_the_first_message_that_it_takes(desk: Desk) -> None:
    endpoint_id, secret = desk.add(kind=EndpointKind.SLACK)
    assert secret is None
    with desk.database.transaction("confirm") as tx:
        endpoints.confirm_endpoint(tx, desk.caller, endpoint_id, by=desk.by)
    desk.egress.answers = [Answer(200, body=b"ok")]
    desk.dispatch()
    assert desk.endpoint(endpoint_id).state is EndpointState.ENABLED
    assert json.loads(desk.egress.posted[0].body)["text"] == "escrow will post here."


def test_nothing_secret_is_printed_or_stored_in_the_open(desk: Desk) -> None:
    endpoint_id, secret = desk.add(url="http://127.0.0.1:9/canary-path")
    assert secret is not None
    desk.confirm(endpoint_id)
    desk.tell()
    claimed = claimed_by(desk.dispatcher())
    printed = repr([claimed, desk.endpoint(endpoint_id), desk.log(endpoint_id), desk.trail()])
    with desk.database.snapshot("look") as tx:
        for table in ("endpoints", "deliveries", "audit_entries"):
            printed += repr(tx.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608 - three names
    assert "canary-path" not in printed
    assert secret.presented[6:20] not in printed
