"""How the protocol writes things down, and that nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.psi.encoding import b64url, base32, lp, u8, u16, u32, u64, unb64url, unbase32


def test_integers_are_big_endian_and_of_their_size() -> None:
    assert (u8(1), u16(1), u32(1), u64(1)) == (b"\1", b"\0\1", b"\0\0\0\1", b"\0\0\0\0\0\0\0\1")


@pytest.mark.parametrize(("write", "most"), [(u8, 2**8), (u16, 2**16), (u32, 2**32), (u64, 2**64)])
def test_an_integer_that_does_not_fit_is_not_cut(write: object, most: int) -> None:
    assert callable(write)
    for number in (-1, most):
        with pytest.raises(OverflowError):
            write(number)


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_prefixed_fields_are_never_read_as_others(some: list[bytes], others: list[bytes]) -> None:
    assert (b"".join(map(lp, some)) == b"".join(map(lp, others))) == (some == others)


@given(st.binary())
def test_both_alphabets_read_what_they_write(content: bytes) -> None:
    assert unbase32(base32(content)) == content
    assert unb64url(b64url(content)) == content


@given(st.text(alphabet=st.sampled_from("ABab27_-+/= \n\u017f0"), max_size=9))
def test_both_alphabets_read_nothing_but_what_they_write(text: str) -> None:
    for write, read in ((base32, unbase32), (b64url, unb64url)):
        try:
            content = read(text)
        except ValueError:
            continue
        assert write(content) == text


@pytest.mark.parametrize("text", ["AB==", "AA=", "A A", "A\nA", "A+", "A/", "AB", "é", "A", "=", "AAAA\n"])
def test_base64url_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - every reason is one to the caller
        unb64url(text)


@pytest.mark.parametrize("text", ["aa", "AB", "A", "AA======", "A1", "A A", "é", "========"])
def test_base32_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - every reason is one to the caller
        unbase32(text)
