"""The layout of envelopes: exact to the byte, and hostile bytes meet one error and no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import EnvelopeInvalid
from escrow.psi.envelope_format import (
    LARGEST_UPLOAD,
    MOST_WRAPS,
    PADDED_SIZES,
    WRAP_BYTES,
    Body,
    pack_body,
    served,
    split_body,
    split_served,
    split_uploaded,
    uploaded,
)
from tests.psi.making_envelopes import shows

SIZES = st.sampled_from(PADDED_SIZES)
BODIES = st.builds(
    Body,
    nonce=st.binary(min_size=12, max_size=12),
    commit=st.binary(min_size=32, max_size=32),
    ciphertext=SIZES.map(lambda size: bytes(size + 16)),
)
WRAPS = st.binary(min_size=WRAP_BYTES, max_size=WRAP_BYTES)
TOKEN_WRAPS = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16), WRAPS), min_size=1, max_size=4, unique_by=lambda pair: pair[0]
)
READERS: tuple[Callable[[bytes], object], ...] = (split_body, split_uploaded, split_served)

HEADER = 47
SMALLEST = pack_body(Body(bytes(12), bytes(32), bytes(272)))


def entries(count: int) -> list[tuple[bytes, bytes]]:
    return [(number.to_bytes(16, "big"), bytes(WRAP_BYTES)) for number in range(count)]


@given(BODIES, TOKEN_WRAPS)
def test_an_uploaded_envelope_is_read_as_it_was_written(body: Body, wraps: list[tuple[bytes, bytes]]) -> None:
    split = split_uploaded(uploaded(pack_body(body), wraps))
    assert split_body(split.body) == body
    assert split.wraps == tuple(wraps)


@given(BODIES, WRAPS)
def test_a_served_envelope_is_read_as_it_was_written(body: Body, wrap: bytes) -> None:
    split = split_served(served(pack_body(body), wrap))
    assert (split_body(split.body), split.wrap) == (body, wrap)


@given(st.binary(max_size=600))
def test_hostile_bytes_meet_one_error(unverified: bytes) -> None:
    for reader in READERS:
        with pytest.raises(EnvelopeInvalid):
            reader(unverified)


@given(st.binary(min_size=44, max_size=44), SIZES, st.integers(0, 3000), st.binary(max_size=3))
def test_a_header_may_claim_what_it_likes(middle: bytes, size: int, follows: int, more: bytes) -> None:
    unverified = b"\1" + middle + (size + 16).to_bytes(2, "big") + bytes(follows) + more
    fits = len(unverified) - HEADER - size - 16
    assert _reads(split_body, unverified) == (fits == 0)
    assert _reads(split_served, unverified) == (fits == WRAP_BYTES)
    assert not _reads(split_uploaded, unverified) or fits % 64 == 0


def _reads(reader: Callable[[bytes], object], unverified: bytes) -> bool:
    try:
        reader(unverified)
    except EnvelopeInvalid:
        return False
    return True


def test_every_cut_and_every_extra_byte_is_refused() -> None:
    envelope = uploaded(SMALLEST, entries(1))
    short = [envelope[:length] for length in range(len(envelope))]
    for unverified in (*short, envelope + b"\0", envelope + bytes(63)):
        with pytest.raises(EnvelopeInvalid):
            split_uploaded(unverified)


def test_only_version_one_and_the_five_sizes_are_read() -> None:
    for version in (0, 2, 255):
        with pytest.raises(EnvelopeInvalid, match="version"):
            split_body(bytes([version]) + SMALLEST[1:])
    read = [size for size in range(5000) if _reads(split_body, pack_body(Body(bytes(12), bytes(32), bytes(size))))]
    assert read == [272, 528, 1040, 2064, 4112]


def test_an_envelope_has_from_1_to_32_wraps() -> None:
    assert [len(split_uploaded(uploaded(SMALLEST, entries(count))).wraps) for count in (1, MOST_WRAPS)] == [1, 32]
    for count in (0, MOST_WRAPS + 1):
        with pytest.raises(EnvelopeInvalid, match="1 to 32"):
            split_uploaded(uploaded(SMALLEST, entries(count)))


def test_a_token_has_one_wrap() -> None:
    with pytest.raises(EnvelopeInvalid, match="one wrap for each token"):
        split_uploaded(uploaded(SMALLEST, entries(2) + entries(1)))


def test_the_largest_upload_is_one_that_is_read() -> None:
    largest = uploaded(pack_body(Body(bytes(12), bytes(32), bytes(4112))), entries(MOST_WRAPS))
    split_uploaded(largest)
    assert len(largest) == LARGEST_UPLOAD


def test_no_token_and_no_wrap_is_printed() -> None:
    token, wrap = bytes(range(16)), bytes(range(100, 148))
    split = split_uploaded(uploaded(SMALLEST, [(token, wrap)]))
    assert not shows(split, token)
    assert not shows(split_served(served(SMALLEST, wrap)), wrap)
