"""What is stored instead of a token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.psi.pepper import stored_index

PEPPER = bytes(range(32))


@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(min_size=16, max_size=16), max_size=6))
def test_many_tokens_in_one_call_are_stored_as_if_one_by_one(pepper: bytes, tokens: list[bytes]) -> None:
    together = stored_index(pepper, b"".join(tokens))
    assert together == b"".join(stored_index(pepper, token) for token in tokens)


def test_equal_tokens_and_no_others_have_equal_indexes() -> None:
    tokens = [number.to_bytes(16, "big") for number in (0, 1, 2, 1)]
    first, second, third, again = (stored_index(PEPPER, token) for token in tokens)
    assert second == again
    assert len({first, second, third, *tokens}) == 6


def test_another_pepper_gives_other_indexes() -> None:
    assert stored_index(PEPPER, bytes(16)) != stored_index(PEPPER[::-1], bytes(16))


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_pepper_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        stored_index(bytes(length), bytes(16))


@pytest.mark.parametrize("length", [1, 15, 17, 31])
def test_half_a_token_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="block length"):
        stored_index(PEPPER, bytes(length))
