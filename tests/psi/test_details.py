"""The padded JSON inside an envelope: its size tells a class only, and nothing undeclared comes in."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import EnvelopeInvalid, EnvelopeTooLarge
from escrow.psi.details import Detail, padded_details, read_padded_details
from escrow.psi.envelope_format import PADDED_SIZES
from escrow.terms import DETAIL_FIELDS

TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1)
DETAILS: st.SearchStrategy[dict[str, Detail]] = st.dictionaries(st.sampled_from(DETAIL_FIELDS), TEXTS | NUMBERS)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(DETAIL_FIELDS), inner, max_size=3),
    max_leaves=4,
)


def sealed_text(length: int) -> bytes:
    """Give details whose JSON has exactly this length."""
    frame = len('{"account_name":""}')
    return padded_details({"account_name": "x" * (length - frame)}, fields=DETAIL_FIELDS)


def read(text: bytes, size: int = 256) -> dict[str, Detail]:
    return read_padded_details(text.ljust(size, b" "), fields=DETAIL_FIELDS)


@given(DETAILS)
def test_details_are_read_as_they_were_written_in_nfc(details: dict[str, Detail]) -> None:
    padded = padded_details(details, fields=DETAIL_FIELDS)
    composed = {
        name: unicodedata.normalize("NFC", value) if isinstance(value, str) else value
        for name, value in details.items()
    }
    assert len(padded) in PADDED_SIZES
    assert read_padded_details(padded, fields=DETAIL_FIELDS) == composed


@pytest.mark.parametrize("size", PADDED_SIZES)
def test_the_smallest_size_that_fits_is_taken(size: int) -> None:
    assert len(sealed_text(size)) == size
    assert len(sealed_text(size // 2 + 1)) == max(size, 256)


def test_details_larger_than_the_largest_size_are_refused() -> None:
    with pytest.raises(EnvelopeTooLarge):
        sealed_text(4097)


def test_a_field_that_is_not_shared_is_not_written() -> None:
    with pytest.raises(EnvelopeInvalid, match="not declared"):
        padded_details({"owner_email": "a@example.com"}, fields=("account_name",))


def test_a_reader_takes_custom_fields_and_no_others() -> None:
    written = padded_details({"custom.renewal": "May"}, fields=("custom.renewal",))
    assert read_padded_details(written) == {"custom.renewal": "May"}
    with pytest.raises(EnvelopeInvalid, match="not declared"):
        read_padded_details(padded_details({"renewal": "May"}, fields=("renewal",)))


def test_a_refusal_repeats_neither_the_field_nor_the_value() -> None:
    with pytest.raises(EnvelopeInvalid) as refused:
        padded_details({"canary-field": "canary-value"}, fields=())
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("value", [True, None, 1.5, float("nan"), ["a"], {"a": "b"}, 2**53, -(2**53), "\ud800", b"a"])
def test_a_value_that_json_would_not_carry_to_everyone_is_not_written(value: Detail) -> None:
    with pytest.raises(EnvelopeInvalid):
        padded_details({"tier": value}, fields=("tier",))


@given(ANY_JSON)
def test_any_json_is_read_as_details_or_refused(value: object) -> None:
    text = json.dumps(value, ensure_ascii=True).encode()
    try:
        details = read(text, next(size for size in PADDED_SIZES if len(text) <= size))
    except EnvelopeInvalid:
        return
    assert details == value
    assert all(type(each) in (str, int) for each in details.values())


@given(st.binary(max_size=4096))
def test_any_bytes_are_refused_with_one_error(unverified: bytes) -> None:
    with pytest.raises(EnvelopeInvalid):
        read_padded_details(unverified, fields=DETAIL_FIELDS)


def test_json_nested_without_end_is_refused() -> None:
    with pytest.raises(EnvelopeInvalid):
        read(b'{"tier":' + b"[" * 4000 + b"}", 4096)


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(EnvelopeInvalid):
        read(b'{"tier":' + b"9" * 4000 + b"}", 4096)


def test_the_order_of_fields_and_the_spacing_are_the_writers_own() -> None:
    assert read(b'{ "tier" : "gold",\n"stage": 1 }') == {"stage": 1, "tier": "gold"}


def test_only_declared_fields_are_read() -> None:
    padded = padded_details({"tier": "gold"}, fields=DETAIL_FIELDS)
    with pytest.raises(EnvelopeInvalid, match="not declared"):
        read_padded_details(padded, fields=("stage",))
