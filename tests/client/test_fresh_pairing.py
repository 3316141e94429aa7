"""Fresh pairings between two machines and a real service: what is verified before what is sent, and what is erased."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from escrow.client import fresh_pairing
from escrow.client.generations import follow
from escrow.client.keyring import keyring_object
from escrow.client.keyring_form import write_object
from escrow.client.seats import Consent, Standing
from escrow.errors import (
    ConfirmationFailed,
    InviterMismatch,
    PartnershipNotReady,
    ServiceRefused,
    VerificationFailed,
)
from escrow.psi.encoding import b64url
from escrow.psi.keys import move_up
from escrow.psi.pairing import read_pairing_code
from escrow.psi.profile_ids import LATEST_PROFILE
from tests.api.serving import Served, served
from tests.client.making_pairs import Machine, Tamper, now, paired


@pytest.fixture(scope="module")
def api(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for all of them; each test makes a partnership of its own."""
    folder = tmp_path_factory.mktemp("service")
    url = f"sqlite:///{shutil.copy(migrated_file, folder / 'escrow.sqlite')}"
    with served(url, folder, limits={"generation_interval_seconds": 0}) as running:
        yield running


@pytest.fixture
def pair(api: Served, tmp_path: Path) -> tuple[Machine, Machine]:
    return paired(api, tmp_path)


def completed(starter: Machine, other: Machine) -> None:
    other.accept(starter.start())
    starter.advance()
    other.advance()


@pytest.mark.parametrize("starts", [0, 1])
def test_both_sides_come_to_the_same_keys_which_follow_from_none_before(
    pair: tuple[Machine, Machine], starts: int
) -> None:
    starter, other = pair[starts], pair[1 - starts]
    completed(starter, other)
    assert starter.seat.building == other.seat.building is not None
    assert starter.seat.check == other.seat.check is not None
    assert (starter.seat.fresh, other.seat.fresh) == (None, None)
    rotated = move_up(starter.seat.live_keys, g=1, profile_id=LATEST_PROFILE)
    assert starter.seat.newest_keys.match_key != rotated.match_key
    assert starter.seat.has_live_key


def test_the_secret_of_the_code_reaches_the_service_in_no_request_and_no_keyring(
    pair: tuple[Machine, Machine],
) -> None:
    left, right = pair
    code = left.start()
    psk = read_pairing_code(code).psk
    right.accept(code)
    left.advance()
    right.advance()
    for body in left.between.bodies + right.between.bodies:
        assert psk not in body
        assert b64url(psk).encode() not in body
    for machine in pair:
        assert b64url(psk) not in write_object(keyring_object(machine.file.keyring)).decode()


def test_every_state_of_it_is_read_again_from_the_keyring(pair: tuple[Machine, Machine]) -> None:
    left, right = pair
    code = left.start()
    seen = [standing(left)]
    right.accept(code)
    seen.append(standing(right))
    left.advance()
    right.advance()
    assert seen == [Standing.INVITED, Standing.ACCEPTED]
    assert (left.kept, right.kept) == (left.seat, right.seat)


def standing(machine: Machine) -> Standing:
    assert machine.kept == machine.seat
    return machine.seat.open_fresh.standing


def swapping(name: str) -> Tamper:
    return lambda _, body: {**body, name: b64url(bytes(range(32)))} if name in body else body


def test_a_swapped_key_of_the_acceptor_voids_it_and_the_live_generation_goes_on(
    pair: tuple[Machine, Machine],
) -> None:
    left, right = pair
    before = left.seat
    right.accept(left.start())
    left.between.tamper = swapping("acceptor_public")
    with pytest.raises(ConfirmationFailed, match="void and its keys are erased"):
        left.advance()
    assert left.kept == before
    assert right.advance().fresh is None
    left.between.tamper = None
    completed(left, right)
    assert left.seat.newest_keys.g == 1, "nothing was built under the number yet"


def test_a_swapped_key_of_the_starter_is_noticed_by_the_code(pair: tuple[Machine, Machine]) -> None:
    left, right = pair
    before, code = right.seat, left.start()
    right.between.tamper = swapping("inviter_public")
    with pytest.raises(InviterMismatch):
        right.accept(code)
    assert right.kept == before


def test_a_forged_confirmation_gives_up_what_was_built_and_its_number(pair: tuple[Machine, Machine]) -> None:
    left, right = pair
    right.accept(left.start())
    left.advance()
    right.between.tamper = swapping("inviter_tag")
    with pytest.raises(ConfirmationFailed):
        right.advance()
    assert (right.kept.fresh, right.kept.building) == (None, None)
    right.between.tamper = None
    completed(right, left)
    assert left.seat.building == right.seat.building
    assert left.seat.newest_keys.g == 2


def test_a_service_that_names_other_parties_is_not_believed(pair: tuple[Machine, Machine], api: Served) -> None:
    left, right = pair
    right.accept(left.start())
    stranger = str(api.stranger.organization_id)
    left.between.tamper = lambda path, body: (
        {**body, "acceptor_organization_id": stranger} if path.endswith("/pairing") else body
    )
    with pytest.raises(VerificationFailed, match="others than you"):
        left.advance()
    assert left.kept.fresh is None


@pytest.mark.parametrize("starts", [True, False])
def test_a_machine_that_lost_everything_pairs_afresh_from_its_api_key_and_a_code(
    pair: tuple[Machine, Machine], tmp_path: Path, *, starts: bool
) -> None:
    left, right = pair
    new = Machine(left.owner, tmp_path / "new machine")
    if starts:
        seat = fresh_pairing.seat_without_keys(new.service.partnership(left.seat.partnership_id))
        right.accept(new.start(seat))
    else:
        new.accept(right.start())
    for machine in (new, right, new, right):
        machine.advance()
    assert new.seat.building == right.seat.building is not None
    assert (new.seat.side, new.seat.partner) == (left.seat.side, left.seat.partner)
    assert not new.seat.has_live_key
    assert new.seat.live_keys.next_root == b""
    assert right.seat.has_live_key
    new.cancel()
    with pytest.raises(PartnershipNotReady, match="no key of the live generation"):
        _ = new.seat.paired_keys


def test_an_old_copy_of_the_keyring_is_brought_up_by_a_fresh_pairing(pair: tuple[Machine, Machine]) -> None:
    left, _ = pair
    left.between.tamper = lambda _, body: (
        {**body, "generation": {**body["generation"], "number": 3}, "latest_generation": 3}
        if body.get("generation")
        else body
    )
    with pytest.raises(ServiceRefused, match="followed by 1"):
        left.start()
    assert (left.seat.live_keys.g, left.seat.has_live_key, left.seat.fresh) == (3, False, None)


def test_it_lapses_by_the_starters_own_clock(pair: tuple[Machine, Machine]) -> None:
    left, right = pair
    right.accept(left.start())
    assert left.advance(at=now() + timedelta(days=8)).fresh is None
    assert right.advance().fresh is None


@pytest.mark.parametrize("cancels", [0, 1])
def test_either_side_cancels_it_and_both_erase_it(pair: tuple[Machine, Machine], cancels: int) -> None:
    left, right = pair
    before = [machine.seat for machine in pair]
    right.accept(left.start())
    pair[cancels].cancel()
    assert [machine.advance() for machine in pair] == before
    completed(left, right)
    pair[cancels].cancel()
    for machine in pair:
        shown = machine.service.partnership(machine.seat.partnership_id)
        seat = follow(machine.file, machine.seat, shown, now=now())
        assert (seat.building, seat.live_keys.next_number, seat.has_live_key) == (None, 2, True)
    assert left.seat.live_keys == right.seat.live_keys


def test_the_code_of_another_partnership_is_refused_here(pair: tuple[Machine, Machine], api: Served) -> None:
    left, right = pair
    code = left.start()
    stranger = Machine(api.stranger, right.folder.parent / "stranger")
    with pytest.raises(ServiceRefused, match="no invitation waits"):
        stranger.accept(code)
    with pytest.raises(ServiceRefused, match="no invitation waits"):
        left.accept(code)


def test_what_the_service_refuses_leaves_nothing_behind(pair: tuple[Machine, Machine]) -> None:
    left, right = pair
    left.start()
    before = right.seat
    with pytest.raises(ServiceRefused, match="started a fresh pairing"):
        right.start()
    assert right.kept == before


def test_a_consent_to_a_rotation_makes_no_keys_for_a_fresh_pairing(pair: tuple[Machine, Machine]) -> None:
    left, right = pair
    completed(left, right)

    elsewhere = replace(left.seat, building=None, consent=Consent(1, LATEST_PROFILE))
    left.file.update(lambda keyring: keyring.with_seat(elsewhere))
    shown = left.service.partnership(left.seat.partnership_id)
    assert follow(left.file, elsewhere, shown, now=now()).building is None
