"""Submitting: first a snapshot, then deltas; resumed where it stopped; the state follows only what was applied."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from escrow.client.submission_plan import Plan
from escrow.client.submitting import Submitter
from escrow.client.way_back import WayBack, cost_of_going_back, way_back
from escrow.errors import (
    ExportShrunk,
    GenerationInvalid,
    NothingToWithdraw,
    PartnershipNotReady,
    ServiceRefused,
    ServiceUnreachable,
    SubmissionRejected,
    SubmittedElsewhere,
)
from escrow.psi.matchkeys import MatchKeyClass
from escrow.terms import Population
from tests.client.fake_service import ALLOWANCE, LEFT_ORG, FakeService, Json, Seat
from tests.client.making_keyrings import Machine, a_pair
from tests.client.making_lists import ACME, BOLT, COIL, DUNE, C, Company, plan, row_of, state_of, submit, submitter


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def left(tmp_path: Path, service: FakeService) -> Machine:
    return a_pair(tmp_path, service)[0]


def seat(service: FakeService, machine: Machine) -> Seat:
    return service.deals[machine.seat.partnership_id].seats[LEFT_ORG]


def puts(service: FakeService) -> int:
    return sum(request.startswith("PUT") and "/chunks/" in request for request in service.requests)


def test_the_first_list_is_a_snapshot(left: Machine, service: FakeService) -> None:
    made, submitted = submit(left, ACME, BOLT)
    assert submitted.is_applied
    assert (made.announced.type, made.announced.number, made.announced.base) == ("snapshot", 1, 0)
    assert seat(service, left).records == made.content.records


def test_the_second_list_is_a_delta_of_what_changed(left: Machine, service: FakeService) -> None:
    submit(left, ACME, BOLT, COIL)
    made, _ = submit(left, ACME, (*BOLT[:3], C), DUNE)
    assert (made.announced.type, made.announced.number, made.announced.base) == ("delta", 2, 1)
    assert made.announced.accounts == 3
    assert made.removed == 1
    assert seat(service, left).records == made.content.records
    sizes = seat(service, left).records.population_sizes
    assert sizes == {Population.CUSTOMERS: 2, Population.OPPORTUNITIES: 0, Population.PROSPECTS: 1}


def test_an_unchanged_list_sends_nothing(left: Machine, service: FakeService) -> None:
    submit(left, ACME, BOLT)
    service.requests.clear()
    made, submitted = submit(left, ACME, BOLT)
    assert made.is_empty
    assert submitted.submission is None
    assert not [request for request in service.requests if request.startswith(("PUT", "POST"))]


def test_an_unchanged_list_can_still_be_said_to_be_ready(left: Machine, service: FakeService) -> None:
    submit(left, ACME)
    submitter(left).send(plan(left, ACME), ready=True, wait=True)
    assert seat(service, left).is_ready


def test_a_list_changed_through_and_through_is_a_snapshot(left: Machine) -> None:
    submit(left, ACME, BOLT)
    assert plan(left, COIL, DUNE).announced.type == "snapshot"


@pytest.mark.parametrize("damage", [b"", b"not a database"])
def test_over_a_list_that_this_machine_does_not_know_it_sends_nothing_unasked(left: Machine, damage: bytes) -> None:
    submit(left, ACME, BOLT)
    state_of(left).applied_file.write_bytes(damage)
    with pytest.raises(SubmittedElsewhere, match=r"list number 1 .*keyring import.*--snapshot"):
        plan(left, ACME, BOLT).must_follow_ours()
    meant = plan(left, ACME, BOLT, as_snapshot=True)
    meant.must_follow_ours()
    assert (meant.announced.type, meant.announced.base) == ("snapshot", 1)


def test_a_snapshot_over_the_list_of_another_machine_keeps_account_ids(left: Machine, service: FakeService) -> None:
    submit(left, ACME, BOLT)
    rows = row_of(left, "001")
    seat(service, left).uploads[2] = seat(service, left).uploads[1]
    seat(service, left).applied_number = 2
    assert plan(left, ACME, BOLT, COIL).was_lost
    made = plan(left, ACME, BOLT, COIL, as_snapshot=True)
    assert (made.announced.type, made.announced.number) == ("snapshot", 3)
    assert submitter(left).send(made, ready=False, wait=True).is_applied
    assert row_of(left, "001") == rows


def test_a_snapshot_that_is_asked_for_goes_out_though_nothing_changed(left: Machine) -> None:
    submit(left, ACME, BOLT)
    made = plan(left, ACME, BOLT, as_snapshot=True)
    assert (made.announced.type, made.is_empty) == ("snapshot", False)


def test_a_machine_that_died_before_it_heard_of_its_success_goes_on_by_itself(
    left: Machine, service: FakeService
) -> None:
    submit(left, ACME)
    made = plan(left, ACME, BOLT)

    def dies(_: str, path: str, body: Json) -> Json:
        if path.endswith("/complete"):
            raise KeyboardInterrupt
        return body

    service.tamper = dies
    with pytest.raises(KeyboardInterrupt):
        submitter(left).send(made, ready=False, wait=True)
    service.tamper = None
    assert seat(service, left).applied_number == 2
    again = plan(left, ACME, BOLT)
    again.must_follow_ours()
    assert again.is_empty


def test_an_upload_that_was_cut_off_goes_on_with_the_missing_chunks(left: Machine, service: FakeService) -> None:
    service.chunk_bytes = 160
    companies = [ACME, BOLT, COIL, DUNE]
    made = plan(left, *companies)
    assert len(made.chunks) > 2

    def one_chunk_only(_: int) -> None:
        raise ServiceUnreachable("the line was cut")

    with pytest.raises(ServiceUnreachable):
        submitter(left).send(made, ready=False, wait=True, progress=one_chunk_only)
    assert puts(service) == 1
    again, submitted = submit(left, *companies)
    assert submitted.is_applied
    assert again.announced == made.announced
    assert puts(service) == len(made.chunks)


def test_no_state_is_kept_of_a_rejected_list(left: Machine, service: FakeService) -> None:
    submit(left, ACME)
    service.outcome = "rejected"
    with pytest.raises(SubmissionRejected, match="match-key-ambiguous"):
        submit(left, ACME, BOLT)
    service.outcome = "applied"
    made, submitted = submit(left, ACME, COIL)
    assert (made.announced.type, made.announced.number, made.announced.base) == ("delta", 3, 1)
    assert submitted.is_applied


def test_without_waiting_the_next_command_takes_the_list_as_applied(left: Machine, service: FakeService) -> None:
    service.outcome = "received"
    _, submitted = submit(left, ACME, BOLT, wait=False)
    assert not submitted.is_applied
    with state_of(left).applied() as kept:
        assert kept is None
    applying = seat(service, left)
    service.apply(applying, applying.uploads[1])
    assert plan(left, ACME, BOLT).is_empty


def test_a_list_that_is_being_applied_is_waited_for(left: Machine, service: FakeService) -> None:
    service.outcome = "received"
    submit(left, ACME, wait=False)
    service.outcome = "applied"
    slept: list[float] = []

    def then_apply(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            service.apply(seat(service, left), seat(service, left).uploads[1])

    Submitter(left.service, state_of(left), left.seat.paired_keys, sleep=then_apply).settle(wait=True)
    assert slept == sorted(slept)
    assert plan(left, ACME).is_empty


def test_a_service_that_went_back_to_an_older_list_is_told_apart_from_another_machine(
    left: Machine, service: FakeService
) -> None:
    submit(left, ACME)
    before = copy.copy(seat(service, left))
    submit(left, ACME, BOLT)
    service.deals[left.seat.partnership_id].seats[LEFT_ORG] = before
    with pytest.raises(SubmittedElsewhere, match=r"list number 1 .* number 2 .*backup.*--snapshot"):
        plan(left, ACME, BOLT).must_follow_ours()


def test_another_machine_that_was_faster_is_named(left: Machine) -> None:
    made = plan(left, ACME)
    submit(left, BOLT)
    with pytest.raises(SubmittedElsewhere, match="keyring import"):
        submitter(left).send(made, ready=False, wait=True)


def test_a_service_at_another_generation_is_not_followed(left: Machine, service: FakeService) -> None:
    def later(_: str, __: str, body: Json) -> Json:
        if isinstance(body.get("generation"), dict):
            body["generation"] = {"number": 1, "profile": "escrow-9", "suite": 1, "state": "live"}
        return body

    service.tamper = later
    with pytest.raises(GenerationInvalid):
        plan(left, ACME)


def test_nothing_is_submitted_to_a_partnership_that_is_not_active(left: Machine, service: FakeService) -> None:
    service.deals[left.seat.partnership_id].state = "ended"
    with pytest.raises(PartnershipNotReady):
        plan(left, ACME)


def test_a_plan_says_exactly_what_would_leave(left: Machine, service: FakeService) -> None:
    before = len(service.requests)
    made = plan(left, ACME, BOLT, ("005", "", "acme-rockets.com", C))
    assert made.population_sizes == {Population.CUSTOMERS: 1, Population.OPPORTUNITIES: 1, Population.PROSPECTS: 0}
    assert made.tokens_by_class[MatchKeyClass.DOMAIN] == 2
    assert made.tokens_by_class[MatchKeyClass.NAME] == 2
    accounts, tokens = made.sample
    assert made.bytes_to_send == sum(map(len, made.chunks))
    assert bytes.fromhex(accounts[0]) in made.chunks[0]
    assert bytes.fromhex(tokens[0]) in made.chunks[0]
    assert not [request for request in service.requests[before:] if not request.startswith("GET")]


def test_neither_names_nor_websites_are_in_what_leaves(left: Machine, service: FakeService) -> None:
    submit(left, ACME, BOLT, COIL, DUNE)
    sent = b"".join(service.bodies).lower()
    for _, name, website, _ in (ACME, BOLT, COIL, DUNE):
        assert name.lower().encode() not in sent
        assert website.lower().encode() not in sent
    assert b"rockets" not in sent


def test_a_revoked_key_changes_no_state(left: Machine, service: FakeService) -> None:
    submit(left, ACME)
    with state_of(left).applied() as kept:
        assert kept is not None
        before = kept.sent
    left.service = service.escrow("esk_revoked")
    with pytest.raises(ServiceRefused):
        submit(left, BOLT)
    with state_of(left).applied() as kept:
        assert kept is not None
        assert kept.sent == before


def many(start: int, size: int) -> list[Company]:
    """Companies whose names and websites nobody else has."""
    return [(str(each), f"Company {each}", f"company-{each}.com", C) for each in range(start, start + size)]


def test_an_export_that_would_take_most_of_the_list_away_is_refused_with_the_numbers(left: Machine) -> None:
    submit(left, *many(100, 100))
    plan(left, *many(100, 50)).must_not_shrink(0.5)
    with pytest.raises(ExportShrunk, match="49 accounts where the service has 100, and would remove 51"):
        plan(left, *many(100, 49)).must_not_shrink(0.5)


def test_another_list_of_the_same_size_is_refused_as_one_that_shrank(left: Machine) -> None:
    submit(left, *many(100, 100))
    with pytest.raises(ExportShrunk, match="remove 100"):
        plan(left, *many(300, 100)).must_not_shrink(0.99)


def test_a_short_list_may_shrink(left: Machine) -> None:
    submit(left, *many(100, 99))
    plan(left, ACME).must_not_shrink(0.0)


def back_from(made: Plan, *, left: int) -> WayBack:
    return way_back(made, cost_of_going_back(made), ALLOWANCE.model_copy(update={"left": left}))


def test_what_a_list_takes_away_is_priced_as_what_returns(left: Machine) -> None:
    submit(left, *many(100, 100))
    made = plan(left, *many(100, 90))
    submit(left, *many(100, 90))
    again = plan(left, *many(100, 100)).charge
    assert again is not None
    assert cost_of_going_back(made) == again.fifths > 0


def test_keys_that_accounts_lose_have_a_price_too(left: Machine) -> None:
    submit(left, *many(100, 3))
    made = plan(left, *((each, name, "", stage) for each, name, _, stage in many(100, 3)))
    assert (made.gone, cost_of_going_back(made) > 0) == (0, True)


def test_a_list_that_only_grows_has_nothing_to_go_back_to(left: Machine) -> None:
    submit(left, *many(100, 3))
    assert cost_of_going_back(plan(left, *many(100, 5))) == 0


def test_what_could_not_be_had_again_must_be_meant(left: Machine) -> None:
    submit(left, *many(100, 100))
    made = plan(left, *many(100, 90))
    cost = cost_of_going_back(made)
    back_from(made, left=cost).must_be_meant(0.5)
    with pytest.raises(ExportShrunk, match="would need an allowance of about"):
        back_from(made, left=cost - 1).must_be_meant(0.5)
    back_from(made, left=cost - 1).must_be_meant(1.0)


def test_what_the_list_itself_is_charged_is_not_left_for_going_back(left: Machine) -> None:
    submit(left, *many(100, 100))
    made = plan(left, *many(110, 100))
    assert made.charge is not None
    assert back_from(made, left=5_000).left == 5_000 - made.charge.fifths


def test_an_ordinary_day_goes_on_when_the_allowance_is_spent(left: Machine) -> None:
    submit(left, *many(100, 100))
    back_from(plan(left, *many(100, 99)), left=0).must_be_meant(0.5)


def test_an_upload_that_the_service_deleted_is_begun_anew(left: Machine, service: FakeService) -> None:
    service.chunk_bytes = 250
    made = plan(left, ACME, BOLT, COIL, DUNE)

    def forget_once(_: int) -> None:
        if len(puts_of(service)) == 1:
            seat(service, left).uploads.clear()

    assert submitter(left).send(made, ready=False, wait=True, progress=forget_once).is_applied
    assert seat(service, left).records == made.content.records


def puts_of(service: FakeService) -> list[str]:
    return [request for request in service.requests if request.startswith("PUT") and "/chunks/" in request]


def test_after_a_withdrawal_the_whole_list_goes_again_and_nothing_is_called_lost(
    left: Machine, service: FakeService
) -> None:
    submit(left, ACME, BOLT)
    rows = row_of(left, "001")
    assert submitter(left).withdraw(None, wait=True).number == 1
    assert seat(service, left).records.accounts.size == 0
    made, submitted = submit(left, ACME, COIL)
    assert (made.announced.type, made.announced.number, made.announced.base) == ("snapshot", 3, 2)
    assert (made.was_lost, submitted.is_applied) == (False, True)
    assert row_of(left, "001") == rows


def test_a_list_that_waits_to_be_applied_is_withdrawn_before_the_applied_one(
    left: Machine, service: FakeService
) -> None:
    submit(left, ACME)
    service.outcome = "received"
    submit(left, BOLT, wait=False)
    assert submitter(left).withdraw(None, wait=True).number == 2
    service.outcome = "applied"
    made, _ = submit(left, ACME, COIL)
    assert (made.announced.type, made.announced.number, made.announced.base) == ("delta", 3, 1)


def test_an_upload_that_was_cut_off_is_withdrawn_first(left: Machine, service: FakeService) -> None:
    submit(left, ACME)
    left.service.open_submission(left.seat.partnership_id, plan(left, ACME, BOLT).announced)
    assert submitter(left).withdraw(None, wait=True).number == 2
    assert seat(service, left).applied_number == 1


def test_without_a_list_there_is_nothing_to_withdraw(left: Machine) -> None:
    with pytest.raises(NothingToWithdraw):
        submitter(left).withdraw(None, wait=True)
    submit(left, ACME)
    submitter(left).withdraw(None, wait=True)
    with pytest.raises(NothingToWithdraw):
        submitter(left).withdraw(None, wait=True)


def test_a_list_withdrawn_by_another_machine_while_it_is_waited_for_is_told(
    left: Machine, service: FakeService
) -> None:
    service.outcome = "received"
    made = plan(left, ACME)
    working = submitter(left)
    working.send(made, ready=False, wait=False)
    seat(service, left).uploads[1].state = "withdrawn"
    with pytest.raises(SubmittedElsewhere, match="withdrew"):
        working.send(made, ready=False, wait=True)
