"""What is sealed opens under its key, in its place, unchanged; and nowhere else."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import SealBroken, SealingKeyInvalid
from escrow.store.sealing import SealingKey, context

PLACE = context("chunks", UUID(int=1), "left", 3)
KEY = SealingKey(bytes(range(32)))


@given(st.binary(max_size=200))
def test_what_is_sealed_opens(plaintext: bytes) -> None:
    assert KEY.open(KEY.seal(plaintext, context=PLACE), context=PLACE) == plaintext


def test_sealing_twice_looks_different() -> None:
    assert KEY.seal(b"same", context=PLACE) != KEY.seal(b"same", context=PLACE)


def test_any_changed_byte_is_refused() -> None:
    sealed = KEY.seal(b"details", context=PLACE)
    for position in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[position] ^= 1
        with pytest.raises(SealBroken):
            KEY.open(bytes(damaged), context=PLACE)


def test_any_cut_is_refused() -> None:
    sealed = KEY.seal(b"details", context=PLACE)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            KEY.open(sealed[:length], context=PLACE)


def test_a_value_copied_to_another_place_does_not_open() -> None:
    with pytest.raises(SealBroken):
        KEY.open(KEY.seal(b"details", context=PLACE), context=context("chunks", UUID(int=1), "right", 3))


def test_another_key_does_not_open() -> None:
    with pytest.raises(SealBroken):
        SealingKey.make().open(KEY.seal(b"details", context=PLACE), context=PLACE)


def test_a_key_under_a_key_seals_as_before() -> None:
    inner = SealingKey.make()
    carried = KEY.open_key(KEY.seal_key(inner, context=PLACE), context=PLACE)
    assert carried.open(inner.seal(b"details", context=PLACE), context=PLACE) == b"details"


def test_places_are_told_apart_however_their_names_are_cut() -> None:
    assert context("a", "bc") != context("ab", "c")
    assert context("a", b"") != context("a")
    assert context("a", uuid4()) != context("a", uuid4())


def test_a_key_comes_back_from_its_file_which_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    KEY.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SealingKey.read(path).open(KEY.seal(b"details", context=PLACE), context=PLACE) == b"details"


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    KEY.write(path)
    with pytest.raises(FileExistsError):
        SealingKey.make().write(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"escrow-sealing-key-1:", b"escrow-sealing-key-2:" + b"A" * 44, b"\xff\xfe", b"escrow-sealing-key-1:AAAA"],
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sealing.key"
    path.write_bytes(content)
    with pytest.raises(SealingKeyInvalid):
        SealingKey.read(path)


def test_a_missing_key_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SealingKeyInvalid, match="escrow-server init"):
        SealingKey.read(tmp_path / "sealing.key")


def test_a_key_is_never_printed() -> None:
    assert bytes(range(32)).hex() not in repr(KEY)
    assert repr(KEY) == "SealingKey(…)"
