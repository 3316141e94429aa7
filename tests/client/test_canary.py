"""Two clients that normalise otherwise find out before a list goes up; two that do alike hear nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from escrow import wire
from escrow.client.canary import must_normalise_alike, own_digest
from escrow.errors import NormalisationDiffers
from escrow.psi.canary import canary
from escrow.psi.profile_ids import PROFILE_IDS
from tests.client.fake_service import RIGHT_ORG, FakeService
from tests.client.making_keyrings import Machine, a_pair


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def pair(tmp_path: Path, service: FakeService) -> tuple[Machine, Machine]:
    return a_pair(tmp_path, service)


def compare(machine: Machine) -> None:
    must_normalise_alike(machine.service, machine.file, machine.seat, machine.seat.live_keys)


def canary_of_another_digest(machine: Machine, g: int = 0) -> wire.Canary:
    keys = machine.seat.live_keys
    made = canary(keys.head_key, owner_org_id=RIGHT_ORG, g=g, profile_id=keys.profile_id, digest=bytes(32))
    return wire.Canary(generation=g, canary=made)


def test_both_canaries_are_told_at_pairing_and_differ_by_their_owner(
    pair: tuple[Machine, Machine], service: FakeService
) -> None:
    seats = service.deals[pair[0].seat.partnership_id].seats.values()
    assert len({seat.canary.canary for seat in seats if seat.canary}) == 2
    for machine in pair:
        compare(machine)


def test_a_canary_that_is_there_already_is_not_told_again(pair: tuple[Machine, Machine], service: FakeService) -> None:
    before = len(service.requests)
    compare(pair[0])
    assert {request.split()[0] for request in service.requests[before:]} == {"GET"}


def test_a_partner_who_normalises_otherwise_stops_the_list(pair: tuple[Machine, Machine]) -> None:
    left, right = pair
    right.service.tell_canary(right.seat.partnership_id, canary_of_another_digest(left))
    with pytest.raises(NormalisationDiffers, match="escrow doctor"):
        compare(left)
    compare(right)
    compare(left)


def test_a_service_that_hands_our_own_canary_back_is_caught(
    pair: tuple[Machine, Machine], service: FakeService
) -> None:
    seats = service.deals[pair[0].seat.partnership_id].seats
    own = pair[0].service.partnership(pair[0].seat.partnership_id).canaries.ours
    seats[RIGHT_ORG].canary = own
    with pytest.raises(NormalisationDiffers):
        compare(pair[0])


def test_what_cannot_be_compared_stops_nothing(pair: tuple[Machine, Machine], service: FakeService) -> None:
    left, _ = pair
    theirs = service.deals[left.seat.partnership_id].seats[RIGHT_ORG]
    for untold in (None, canary_of_another_digest(left, g=1)):
        theirs.canary = untold
        compare(left)


def test_the_digest_tells_profiles_apart() -> None:
    assert len(set(map(own_digest, PROFILE_IDS))) == len(PROFILE_IDS)
