"""Terms on the client: what was asked for goes into use when answered, and never after our user said otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from escrow.client import agreeing
from escrow.terms import Level, Terms, uniform_levels
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
