"""Moving up on this machine: by its user's word and one step at a time, with nothing kept longer than it must be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from escrow import wire
from escrow.client.carrying import export_home, import_home
from escrow.client.generations import OLD_KEY_LASTS, follow
from escrow.client.keyring import KeyringFile, keyring_object
from escrow.client.keyring_form import write_object
from escrow.client.seats import Consent, Seat
from escrow.errors import GenerationInvalid, PartnershipNotReady
from escrow.psi.encoding import b64url
from escrow.psi.keys import move_up
from escrow.psi.profile_ids import LATEST_PROFILE
from tests.client.fake_service import NOW, FakeService
from tests.client.making_keyrings import PASSPHRASE, QUICK, Machine, a_pair

NEXT = "escrow-2+made-up"


@pytest.fixture
def left(tmp_path: Path) -> Machine:
    return a_pair(tmp_path, FakeService())[0]


def shown(
    left: Machine, *, live: int = 0, building: int | None = None, profile: str = NEXT, latest: int | None = None
) -> wire.Partnership:
    """What a service shows that is at generation ``live`` and fills ``building``."""
    made = left.service.partnership(left.seat.partnership_id)
    live_profile = LATEST_PROFILE if live == 0 else profile
    following = None
    if building is not None:
        following = wire.NextGeneration(
            number=building,
            profile=profile,
            suite=1,
            state="building",
            fresh_pairing=False,
            consents=wire.Consents(ours=True, theirs=True),
            applied_number=0,
            applied_digest=None,
            applied_at=None,
            their_applied_at=None,
        )
    at = wire.Generation(number=live, profile=live_profile, suite=1, state="live")
    latest = max(live, building or 0) if latest is None else latest
    return made.model_copy(update={"generation": at, "next_generation": following, "latest_generation": latest})


def complete(told: wire.Partnership) -> wire.Partnership:
    """The same, with our own list applied in the building generation."""
    assert told.next_generation is not None
    following = told.next_generation.model_copy(update={"applied_at": NOW, "applied_number": 2})
    return told.model_copy(update={"next_generation": following})


def consented(left: Machine, *, profile: str = NEXT) -> Seat:
    return left.file.move(left.seat, lambda seat: replace(seat, consent=Consent(1, profile)))


def moved_up(left: Machine) -> Seat:
    return follow(left.file, consented(left), shown(left, building=1), now=NOW)


def kept(left: Machine) -> Seat:
    """The seat as the keyring file has it."""
    return KeyringFile.open(left.home, PASSPHRASE, random=bytes).keyring.seats[-1]


def test_without_consent_the_services_word_moves_nothing(left: Machine) -> None:
    before = left.seat
    assert follow(left.file, before, shown(left, building=1), now=NOW) == before
    assert kept(left).building is None


def test_with_consent_the_next_keys_are_made_and_their_root_is_erased(left: Machine) -> None:
    root = left.seat.live_keys.next_root
    seat = moved_up(left)
    assert seat.building is not None
    assert (seat.building.g, seat.building.profile_id) == (1, NEXT)
    assert seat.live_keys.next_root == b""
    assert seat.building.next_root not in {b"", root}
    assert kept(left) == seat


def test_both_partners_come_to_the_same_keys(tmp_path: Path) -> None:
    left, right = a_pair(tmp_path, FakeService())
    assert moved_up(left).building == moved_up(right).building


def test_the_switch_erases_the_old_keys(left: Machine) -> None:
    old, new = left.seat.live_keys, moved_up(left).building
    assert new is not None
    seat = follow(left.file, left.seat, shown(left, live=1), now=NOW)
    assert (seat.live_keys, seat.building, seat.consent) == (new, None, None)
    assert kept(left) == seat
    assert old.match_key not in (seat.live_keys.match_key, seat.live_keys.head_key, seat.live_keys.next_root)


def test_going_on_after_a_crash_between_any_two_steps_comes_to_the_same(left: Machine) -> None:
    new = moved_up(left).building
    for _ in range(2):
        assert follow(left.file, kept(left), shown(left, building=1), now=NOW).building == new
    for _ in range(2):
        assert follow(left.file, kept(left), shown(left, live=1), now=NOW).live_keys == new


def test_two_commands_that_move_up_at_once_make_one_set_of_keys(left: Machine) -> None:
    told, seen_by_both = shown(left, building=1), consented(left)
    first = follow(left.file, seen_by_both, told, now=NOW)
    assert follow(left.file, seen_by_both, told, now=NOW) == first


@pytest.mark.parametrize("number", [0, 2, 9])
def test_a_building_number_that_falls_or_jumps_is_refused(left: Machine, number: int) -> None:
    seat = consented(left)
    with pytest.raises(GenerationInvalid):
        follow(left.file, seat, shown(left, building=number), now=NOW)
    assert kept(left).building is None


def test_a_profile_that_nobody_here_consented_to_is_refused_and_both_are_named(left: Machine) -> None:
    seat = consented(left, profile=LATEST_PROFILE)
    with pytest.raises(GenerationInvalid, match=rf"{NEXT.replace('+', '.')}.*{LATEST_PROFILE.replace('+', '.')}"):
        follow(left.file, seat, shown(left, building=1), now=NOW)


@pytest.mark.parametrize("live", [1, 2])
def test_a_live_generation_that_we_hold_no_key_of_is_refused(left: Machine, live: int) -> None:
    seat = consented(left)
    with pytest.raises(GenerationInvalid, match="import the keyring"):
        follow(left.file, seat, shown(left, live=live), now=NOW)


def test_a_live_generation_that_falls_is_refused(left: Machine) -> None:
    moved_up(left)
    follow(left.file, left.seat, shown(left, live=1), now=NOW)
    for told in (shown(left), shown(left, building=1)):
        with pytest.raises(GenerationInvalid):
            follow(left.file, left.seat, told, now=NOW)
    assert kept(left).live_keys.g == 1


def test_a_started_generation_that_vanishes_is_refused(left: Machine) -> None:
    seat = moved_up(left)
    with pytest.raises(GenerationInvalid, match="does not show generation 1 any more"):
        follow(left.file, seat, shown(left), now=NOW)


def test_what_was_built_is_erased_once_it_is_cancelled_and_the_next_takes_another_number(left: Machine) -> None:
    live, built = left.seat.live_keys, moved_up(left).building
    assert built is not None
    seat = follow(left.file, left.seat, shown(left, latest=1), now=NOW)
    assert (seat.building, seat.consent, seat.complete_since) == (None, None, None)
    assert (seat.live_keys.match_key, seat.live_keys.next_number) == (live.match_key, 2)
    assert b64url(built.match_key) not in write_object(keyring_object(left.file.keyring)).decode()
    left.file.move(seat, lambda held: replace(held, consent=Consent(2, NEXT)))
    again = follow(left.file, left.seat, shown(left, building=2), now=NOW)
    assert again.building == move_up(built, g=2, profile_id=NEXT)


def test_partners_come_to_the_same_keys_though_one_never_saw_what_was_cancelled(tmp_path: Path) -> None:
    left, right = a_pair(tmp_path, FakeService())
    moved_up(left)
    follow(left.file, left.seat, shown(left, latest=1), now=NOW)
    right.file.move(right.seat, lambda held: held.passed(1))
    made = [
        follow(each.file, each.file.move(each.seat, second_consent), shown(each, building=2), now=NOW).building
        for each in (left, right)
    ]
    assert made[0] == made[1]
    assert made[0] is not None


def second_consent(seat: Seat) -> Seat:
    return replace(seat, consent=Consent(2, NEXT))


def test_a_consent_ends_with_its_proposal(left: Machine) -> None:
    assert follow(left.file, consented(left), shown(left), now=NOW).consent is None


def test_a_service_that_says_that_thousands_were_cancelled_is_not_believed(left: Machine) -> None:
    moved_up(left)
    with pytest.raises(GenerationInvalid, match="5,000"):
        follow(left.file, left.seat, shown(left, latest=5_000), now=NOW)


def test_an_older_copy_brings_no_cancelled_keys_back(left: Machine, tmp_path: Path) -> None:
    moved_up(left)
    carry(left, tmp_path / "older")
    seat = follow(left.file, left.seat, shown(left, latest=1), now=NOW)
    import_home(left.home, tmp_path / "older", PASSPHRASE, PASSPHRASE, random=bytes, stretching=QUICK)
    assert kept(left) == seat


def test_thirty_days_after_our_list_is_complete_the_old_key_is_erased_and_we_wait(left: Machine) -> None:
    told = complete(shown(left, building=1))
    moved_up(left)
    almost = NOW + OLD_KEY_LASTS - timedelta(seconds=1)
    for moment in (NOW, almost):
        assert follow(left.file, left.seat, told, now=moment).has_live_key
    seat = follow(left.file, left.seat, told, now=NOW + OLD_KEY_LASTS)
    assert kept(left).live_keys.match_key == b""
    with pytest.raises(PartnershipNotReady, match="your partner's list"):
        _ = seat.paired_keys
    switched = follow(left.file, seat, shown(left, live=1), now=NOW + 2 * OLD_KEY_LASTS)
    assert switched.paired_keys.g == 1


def test_until_our_list_is_complete_the_old_key_stays(left: Machine) -> None:
    seat = follow(left.file, moved_up(left), shown(left, building=1), now=NOW + 2 * OLD_KEY_LASTS)
    assert seat.has_live_key


def test_a_carried_keyring_has_both_keys_and_an_older_copy_brings_none_back(left: Machine, tmp_path: Path) -> None:
    early, late = tmp_path / "early", tmp_path / "late"
    carry(left, early)
    seat = moved_up(left)
    carry(left, late)
    other = replace(left.home, folder=tmp_path / "other")
    import_home(other, late, PASSPHRASE, PASSPHRASE, random=bytes, stretching=QUICK)
    assert KeyringFile.open(other, PASSPHRASE, random=bytes).keyring.seats[-1] == seat
    switched = follow(left.file, left.seat, shown(left, live=1), now=NOW)
    for older in (early, late):
        import_home(left.home, older, PASSPHRASE, PASSPHRASE, random=bytes, stretching=QUICK)
        assert kept(left) == switched


def carry(left: Machine, place: Path) -> None:
    export_home(left.home, left.file.keyring, place, PASSPHRASE, random=bytes, stretching=QUICK)
