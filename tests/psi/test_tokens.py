"""Tokens and rows: one by one and in bulk the same, separate for every kind, and nothing to read in them."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import RowInvalid
from escrow.psi.matchkeys import Kind, MatchKey, MatchKeyClass
from escrow.psi.tokens import AccountSecret, Blinder, account_secret, check_row, check_rows, row, rows, wrap_key
from tests.psi.making_envelopes import account, shows

MATCH_KEY, OWN_SECRET = bytes(range(32)), bytes(range(32, 64))
PARTNERSHIP = UUID(int=1)

CLASSES = st.sampled_from(MatchKeyClass)
SECRETS = st.binary(min_size=32, max_size=32)
# Around one and two blocks of SHA-512, where a padding mistake would show.
TEXTS = st.one_of(st.text(max_size=20), st.integers(100, 280).map(lambda length: "x" * length))


@given(SECRETS, CLASSES, st.lists(TEXTS, max_size=8))
def test_tokens_in_bulk_are_those_made_one_by_one(
    match_key: bytes, key_class: MatchKeyClass, values: list[str]
) -> None:
    bulk = Blinder(match_key).tokens(key_class.kind, values)
    assert bulk == b"".join(account_secret(match_key, MatchKey(key_class, value)).token for value in values)


def test_the_same_value_of_two_kinds_never_meets() -> None:
    assert len({Blinder(MATCH_KEY).tokens(kind, ["acme"]) for kind in Kind}) == len(Kind)


def test_a_name_meets_a_variant() -> None:
    name, variant = (MatchKey(key_class, "acme") for key_class in (MatchKeyClass.NAME, MatchKeyClass.VARIANT))
    assert account_secret(MATCH_KEY, name) == account_secret(MATCH_KEY, variant)


def test_every_owner_and_every_account_has_a_wrap_key_of_its_own() -> None:
    made = {wrap_key(account(number), UUID(int=owner)) for number in range(3) for owner in range(3)}
    assert len(made) == 9
    assert {len(key) for key in made} == {64}


def test_a_token_does_not_give_the_wrap_key() -> None:
    one, other = account(1), account(2)
    assert wrap_key(AccountSecret(one.secret, other.token), PARTNERSHIP) == wrap_key(one, PARTNERSHIP)


@given(SECRETS, st.uuids(), st.lists(st.text(max_size=20), max_size=8))
def test_rows_in_bulk_are_those_made_one_by_one(own_secret: bytes, partnership: UUID, ids: list[str]) -> None:
    bulk = rows(own_secret, partnership_id=partnership, account_ids=ids)
    assert bulk == b"".join(row(own_secret, partnership_id=partnership, account_id=each) for each in ids)


def test_a_row_tells_nothing_over_partnerships_or_accounts() -> None:
    made = {row(OWN_SECRET, partnership_id=UUID(int=p), account_id=str(a)) for p in range(10) for a in range(10)}
    assert len(made) == 100


def test_rows_read_as_the_records_want_them() -> None:
    packed = rows(OWN_SECRET, partnership_id=PARTNERSHIP, account_ids=["1", "2"])
    first = row(OWN_SECRET, partnership_id=PARTNERSHIP, account_id="1")
    assert np.frombuffer(packed, ">u8")[0] == int.from_bytes(first, "big")


@pytest.mark.parametrize("unverified", [bytes(8), b"", b"\1" * 7, b"\1" * 9])
def test_no_row_is_zero_or_of_another_length(unverified: bytes) -> None:
    with pytest.raises(RowInvalid):
        check_row(unverified)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_zero_row_among_many_is_found(place: int) -> None:
    made = [b"\1" * 8, b"\2" * 8]
    made.insert(place, bytes(8))
    with pytest.raises(RowInvalid):
        check_rows(b"".join(made))


def test_a_row_with_any_bit_set_is_one() -> None:
    for bit in range(64):
        check_row((1 << bit).to_bytes(8, "big"))


def test_no_secret_of_tokens_is_printed() -> None:
    made = account_secret(MATCH_KEY, MatchKey(MatchKeyClass.NAME, "acme"))
    assert not shows(made, made.secret)
    assert not shows(made, made.token)
    assert not shows(Blinder(MATCH_KEY), MATCH_KEY)
    assert "acme" not in repr(MatchKey(MatchKeyClass.NAME, "acme"))
