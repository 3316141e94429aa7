"""Terms on the client: what was asked for goes into use when answered, and never after our user said otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from escrow.client import agreeing
from escrow.errors import TermsElsewhere
from escrow.terms import CELLS, Level, Terms, uniform_levels
from tests.client.fake_service import FakeService
from tests.client.making_keyrings import Machine, a_pair

OPEN = Terms(uniform_levels(Level.DETAILS), fields=("domain",))
TIGHT = replace(OPEN, levels=uniform_levels(Level.COUNTS))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Our machine, which has asked for everything."""
    ours, _ = a_pair(tmp_path, FakeService())
    agreeing.set_terms(ours.service, ours.file, ours.seat, TIGHT)
    agreeing.ask(ours.service, ours.file, ours.seat, OPEN)
    return ours


def answered(machine: Machine) -> Terms:
    """What is confirmed here once the service says that the partner has answered with what we asked for."""
    machine.service.set_terms(machine.seat.partnership_id, OPEN)
    return agreeing.up_to_date(machine.service, machine.file, machine.seat).confirmed.terms


def test_what_was_asked_for_goes_into_use_when_it_is_answered(machine: Machine) -> None:
    assert agreeing.up_to_date(machine.service, machine.file, machine.seat).confirmed.terms == TIGHT
    assert answered(machine) == OPEN


def test_a_request_is_forgotten_when_our_terms_are_set(machine: Machine) -> None:
    agreeing.set_terms(machine.service, machine.file, machine.seat, replace(TIGHT, fields=()))
    assert answered(machine) == replace(TIGHT, fields=())


def test_a_request_is_forgotten_when_it_is_taken_back(machine: Machine) -> None:
    request = agreeing.ask(machine.service, machine.file, machine.seat, OPEN)
    agreeing.close_ours(machine.service, machine.file, machine.seat, request)
    assert answered(machine) == TIGHT


def test_a_request_is_forgotten_when_we_answer_the_partners(machine: Machine) -> None:
    request = machine.service.request_terms(machine.seat.partnership_id, OPEN)
    narrow = replace(OPEN, fields=("region",))
    with pytest.raises(AssertionError):  # this service cannot be answered
        agreeing.answer(machine.service, machine.file, machine.seat, request, narrow)
    assert answered(machine) == TIGHT


#: What a second machine of ours closes, which this one has not heard of.
CLOSED = replace(TIGHT, levels={**TIGHT.levels, CELLS[0]: Level.HIDDEN})
WIDER = replace(TIGHT, largest_list=300_000)


def held(machine: Machine) -> Terms:
    return machine.service.terms(machine.seat.partnership_id).ours.value()


def test_terms_that_another_machine_set_are_not_undone(machine: Machine) -> None:
    machine.service.set_terms(machine.seat.partnership_id, CLOSED)
    for say in (agreeing.set_terms, agreeing.ask):
        with pytest.raises(TermsElsewhere, match="customers:customers is counts here and hidden there") as refusal:
            say(machine.service, machine.file, machine.seat, WIDER)
    assert "`escrow terms confirm`" in refusal.value.message
    assert (held(machine), machine.seat.confirmed.terms) == (CLOSED, TIGHT)


def test_terms_that_were_taken_over_are_gone_on_from(machine: Machine) -> None:
    document = machine.service.set_terms(machine.seat.partnership_id, CLOSED)
    agreeing.take_over(machine.file, machine.seat, document)
    agreeing.set_terms(machine.service, machine.file, machine.seat, replace(CLOSED, largest_list=300_000))
    assert held(machine) == machine.seat.confirmed.terms == replace(CLOSED, largest_list=300_000)


def test_our_user_may_put_the_terms_of_this_machine_over_those_of_another(machine: Machine) -> None:
    machine.service.set_terms(machine.seat.partnership_id, CLOSED)
    agreeing.restate(machine.service, machine.file, machine.seat, WIDER)
    assert held(machine) == machine.seat.confirmed.terms == WIDER


def test_the_very_terms_of_the_service_are_confirmed_by_saying_them(machine: Machine) -> None:
    machine.service.set_terms(machine.seat.partnership_id, CLOSED)
    agreeing.set_terms(machine.service, machine.file, machine.seat, CLOSED)
    assert machine.seat.confirmed.terms == CLOSED
