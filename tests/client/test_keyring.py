"""The keyring file: sealed, replaced whole, and never in the clear."""

from __future__ import annotations

import os
import re
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from escrow.client.cli.passphrases import PassphraseSource
from escrow.client.home import Home, held, replace_file
from escrow.client.keyring import Keyring, KeyringFile
from escrow.client.sealed_files import Passphrase
from escrow.client.seats import Seat, Standing
from escrow.errors import (
    HomeBusy,
    KeyringExists,
    KeyringInvalid,
    KeyringMissing,
    PartnershipHeld,
    PartnershipUnknown,
    PassphraseTooShort,
    PassphraseWrong,
)
from escrow.terms import Side
from tests.client.fake_service import FakeService
from tests.client.making_keyrings import PASSPHRASE, a_keyring, a_keyring_file, a_pair, two_machines


def opened(folder: Path, passphrase: Passphrase = PASSPHRASE) -> Keyring:
    return KeyringFile.open(Home.at(folder, {}), passphrase, random=os.urandom).keyring


def a_seat(label: str = "contoso") -> Seat:
    return Seat(partnership_id=uuid4(), label=label, side=Side.LEFT, standing=Standing.INVITED)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    file = a_keyring_file(tmp_path)
    assert opened(tmp_path) == file.keyring


def test_every_part_of_a_paired_and_an_invited_seat_is_read_again(tmp_path: Path) -> None:
    service = FakeService()
    left, right = a_pair(tmp_path, service)
    left.invite()
    assert left.seat.invited is not None
    assert opened(left.home.folder) == left.file.keyring
    assert opened(right.home.folder) == right.file.keyring
    accepting = two_machines(tmp_path / "again", service)[1]
    accepting.accept(left.invite().code)
    assert accepting.seat.exchange is not None
    assert opened(accepting.home.folder) == accepting.file.keyring


def test_nothing_of_it_is_in_the_file_in_the_clear(tmp_path: Path) -> None:
    file = a_keyring_file(tmp_path)
    sealed = (tmp_path / "keyring").read_bytes()
    assert file.keyring.api_key.encode() not in sealed
    assert b"escrow.test" not in sealed


def test_nothing_secret_is_printed(tmp_path: Path) -> None:
    left, right = a_pair(tmp_path, FakeService())
    invitation = left.invite()
    shown = repr((left.file, left.file.keyring, right.file.keyring, PASSPHRASE, invitation))
    keys = right.seat.paired_keys
    for secret in (left.file.keyring.own_secret, keys.match_key, keys.next_root):
        assert repr(secret) not in shown
    assert "esk_left" not in shown
    assert PASSPHRASE.text not in shown
    assert invitation.code not in shown


def test_a_wrong_passphrase_is_told_as_such(tmp_path: Path) -> None:
    a_keyring_file(tmp_path)
    with pytest.raises(PassphraseWrong, match="passphrase"):
        opened(tmp_path, Passphrase("another horse"))


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(PassphraseTooShort):
        Passphrase("short")


def test_a_short_passphrase_of_what_is_there_is_not_told_to_be_chosen_longer() -> None:
    source = PassphraseSource("ESCROW_EXPORT_PASSPHRASE", "the carried file", None)
    with pytest.raises(PassphraseTooShort, match="not the passphrase of the carried file"):
        source.find({"ESCROW_EXPORT_PASSPHRASE": "short"})


def test_a_file_that_is_no_keyring_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "keyring").write_bytes(b"junk" * 20)
    with pytest.raises(KeyringInvalid, match=re.escape(f"{tmp_path / 'keyring'}: ")):
        opened(tmp_path)


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    a_keyring_file(tmp_path)
    place = tmp_path / "keyring"
    sealed = place.read_bytes()
    for position in (*range(40), len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[position] ^= 1
        place.write_bytes(changed)
        with pytest.raises((PassphraseWrong, KeyringInvalid)):
            opened(tmp_path)


@pytest.mark.parametrize("kept", [0, 3, 36, 60, -1])
def test_a_file_cut_short_is_noticed(tmp_path: Path, kept: int) -> None:
    a_keyring_file(tmp_path)
    place = tmp_path / "keyring"
    place.write_bytes(place.read_bytes()[:kept])
    with pytest.raises((PassphraseWrong, KeyringInvalid)):
        opened(tmp_path)


def test_a_file_that_asks_for_too_much_work_is_refused_before_it_is_done(tmp_path: Path) -> None:
    a_keyring_file(tmp_path)
    place = tmp_path / "keyring"
    sealed = place.read_bytes()
    place.write_bytes(sealed[:5] + (2**32 - 1).to_bytes(4, "big") + sealed[9:])
    with pytest.raises(KeyringInvalid, match="work"):
        opened(tmp_path)


def test_a_home_without_a_keyring_says_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyringMissing, match="escrow init"):
        opened(tmp_path)


def test_a_keyring_is_never_overwritten_by_a_new_one(tmp_path: Path) -> None:
    a_keyring_file(tmp_path)
    with pytest.raises(KeyringExists):
        a_keyring_file(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    a_keyring_file(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / "keyring").stat().st_mode) == 0o600


def test_two_commands_at_once_lose_nothing(tmp_path: Path) -> None:
    a_keyring_file(tmp_path)
    seats = [a_seat(str(number)) for number in range(8)]

    def add(seat: Seat) -> None:
        file = KeyringFile.open(Home.at(tmp_path, {}), PASSPHRASE, random=os.urandom)
        file.update(lambda keyring: keyring.with_new_seat(seat))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, seats))
    assert {seat.label for seat in opened(tmp_path).seats} == {seat.label for seat in seats}


def test_a_lock_that_stays_held_ends_in_an_error(tmp_path: Path) -> None:
    with held(tmp_path / "lock"), pytest.raises(HomeBusy), held(tmp_path / "lock", seconds=0.0):
        pass


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    place = tmp_path / "keyring"
    replace_file(place, b"old")
    with pytest.raises(TypeError):
        replace_file(place, "not bytes")  # type: ignore[arg-type]
    assert place.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["keyring"]


def test_a_partnership_that_is_held_is_not_taken_again() -> None:
    seat = a_seat()
    keyring = a_keyring().with_new_seat(seat)
    with pytest.raises(PartnershipHeld):
        keyring.with_new_seat(replace(seat, label="other"))


def test_an_unknown_partnership_is_named() -> None:
    with pytest.raises(PartnershipUnknown):
        a_keyring().seat(uuid4())
