"""Records: the canonical form, hostile bytes, and the laws of snapshots and deltas."""

from __future__ import annotations

import struct
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import FallbackNotUnique, MatchKeyAmbiguous, RecordsInvalid
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import (
    ListRecords,
    SubmissionKind,
    apply_delta,
    check_list,
    chunk_digest,
    difference,
    join,
    make_records,
    pack_chunk,
    parse_chunk,
    split,
    submission_digest,
    with_tokens,
)
from escrow.terms import Population
from tests.psi.making_lists import LISTS, Account, records_of, token_of

CUSTOMERS, PROSPECTS = Population.CUSTOMERS, Population.PROSPECTS
DOMAIN, NAME, VARIANT, FALLBACK = MatchKeyClass


def header(accounts: int, tokens: int) -> bytes:
    return struct.pack(">4sBBHII", b"ESCK", 1, 0, 0, accounts, tokens)


def account(row: int, population: int = 1, flags: int = 0, segments: int = 0) -> bytes:
    return struct.pack(">QBBI", row, population, flags, segments)


def token(number: int, row: int, key_class: int = 1) -> bytes:
    return struct.pack(">16sQB", token_of(number), row, key_class)


def test_a_chunk_is_these_very_bytes() -> None:
    records = records_of({2: (PROSPECTS, frozenset({(NAME, 7)})), 1: (CUSTOMERS, frozenset({(NAME, 9), (DOMAIN, 8)}))})
    expected = header(2, 3) + account(1, 1) + account(2, 3) + token(8, 1, 1) + token(9, 1, 2) + token(7, 2, 2)
    assert pack_chunk(records) == expected
    assert len(expected) == 16 + 2 * 14 + 3 * 25


@given(LISTS)
def test_what_is_packed_is_what_is_parsed(accounts: dict[int, Account]) -> None:
    records = records_of(accounts)
    assert parse_chunk(pack_chunk(records)) == records


def test_a_removed_account_travels_without_tokens() -> None:
    chunk = header(2, 1) + account(1, 0) + account(2) + token(1, 2)
    assert pack_chunk(parse_chunk(chunk)) == chunk


@pytest.mark.parametrize(
    ("reason", "chunk"),
    [
        ("no whole header", b""),
        ("no whole header", header(0, 0)[:-1]),
        ("version 1", b"ESCX" + header(0, 0)[4:]),
        ("version 1", b"ESCK\x02" + header(0, 0)[5:]),
        ("version 1", b"ESCK\x01\x01" + header(0, 0)[6:]),
        ("version 1", b"ESCK\x01\x00\x00\x01" + header(0, 0)[8:]),
        ("as long as", header(1, 0)),
        ("as long as", header(2**32 - 1, 2**32 - 1)),
        ("as long as", header(1, 0) + account(1) + b"\x00"),
        ("row zero", header(1, 0) + account(0)),
        ("ascending order of their rows", header(2, 0) + account(2) + account(1)),
        ("ascending order of their rows", header(2, 0) + account(1) + account(1)),
        ("flag", header(1, 0) + account(1, flags=1)),
        ("population", header(1, 0) + account(1, population=4)),
        ("no segments", header(1, 0) + account(1, population=0, segments=1)),
        ("key class", header(1, 1) + account(1) + token(1, 1, 0)),
        ("key class", header(1, 1) + account(1) + token(1, 1, 5)),
        ("order of row, key class", header(2, 2) + account(1) + account(2) + token(1, 2) + token(1, 1)),
        ("order of row, key class", header(1, 2) + account(1) + token(1, 1, 2) + token(1, 1, 1)),
        ("order of row, key class", header(1, 2) + account(1) + token(9, 1) + token(1, 1)),
        ("order of row, key class", header(1, 2) + account(1) + token(3, 1) + token(2, 1)),
        ("order of row, key class", header(1, 2) + account(1) + token(1, 1) + token(1, 1)),
        ("no account", header(0, 1) + token(1, 1)),
        ("no account", header(1, 1) + account(1) + token(1, 2)),
        ("no account", header(2, 1) + account(1) + account(3) + token(1, 2)),
        ("no account", header(1, 1) + account(1, population=0) + token(1, 1)),
    ],
)
def test_a_chunk_out_of_form_is_refused_with_the_reason(reason: str, chunk: bytes) -> None:
    with pytest.raises(RecordsInvalid, match=reason):
        parse_chunk(chunk)


@given(LISTS, st.data())
def test_hostile_bytes_are_read_canonically_or_refused(accounts: dict[int, Account], choice: st.DataObject) -> None:
    chunk = bytearray(pack_chunk(records_of(accounts)))
    for _ in range(choice.draw(st.integers(1, 4))):
        chunk[choice.draw(st.integers(0, len(chunk) - 1))] = choice.draw(st.integers(0, 255))
    hostile = bytes(chunk[: choice.draw(st.integers(0, len(chunk)))]) if choice.draw(st.booleans()) else bytes(chunk)
    try:
        records = parse_chunk(hostile)
    except RecordsInvalid:
        return
    assert pack_chunk(records) == hostile


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(unverified: bytes) -> None:
    try:
        parse_chunk(unverified)
    except RecordsInvalid:
        return


def test_records_are_made_from_any_order_and_repetitions() -> None:
    made = make_records(
        rows=np.array([5, 3], np.uint64),
        populations=np.array([1, 2], np.uint8),
        token_rows=np.array([5, 3, 5, 5, 5], np.uint64),
        key_classes=np.array([2, 1, 2, 1, 2], np.uint8),
        tokens=b"".join(token_of(number) for number in (6, 1, 5, 9, 6)),
    )
    chunk = header(2, 4) + account(3, 2) + account(5, 1) + token(1, 3) + token(9, 5) + token(5, 5, 2) + token(6, 5, 2)
    assert pack_chunk(made) == chunk


@pytest.mark.parametrize(("rows", "owner"), [([1, 1], 1), ([0], 0), ([1], 2)])
def test_records_that_name_no_account_are_not_made(rows: list[int], owner: int) -> None:
    with pytest.raises(RecordsInvalid):
        make_records(
            rows=np.array(rows, np.uint64),
            populations=np.ones(len(rows), np.uint8),
            token_rows=np.array([owner], np.uint64),
            key_classes=np.array([1], np.uint8),
            tokens=token_of(1),
        )


def test_other_tokens_in_place_of_the_old_are_put_in_order() -> None:
    records = records_of({1: (CUSTOMERS, frozenset({(NAME, 1), (NAME, 2), (DOMAIN, 3)})), 2: (CUSTOMERS, frozenset())})
    assert with_tokens(records, token_of(30) + token_of(20) + token_of(10)) == records_of(
        {1: (CUSTOMERS, frozenset({(NAME, 20), (NAME, 10), (DOMAIN, 30)})), 2: (CUSTOMERS, frozenset())}
    )


def test_arrays_of_another_byte_order_are_not_records() -> None:
    empty = ListRecords.empty()
    with pytest.raises(TypeError):
        ListRecords(empty.accounts.astype(empty.accounts.dtype.newbyteorder("<")), empty.tokens)


@given(LISTS, LISTS)
def test_a_delta_leads_from_one_list_to_the_other(before: dict[int, Account], now: dict[int, Account]) -> None:
    old, new = records_of(before), records_of(now)
    delta = difference(old, new)
    assert apply_delta(old, delta) == new
    assert apply_delta(new, delta) == new
    assert parse_chunk(pack_chunk(delta)) == delta
    changed = {row for row in before.keys() | now.keys() if before.get(row) != now.get(row)}
    assert set(delta.rows.tolist()) == changed


@given(st.lists(LISTS, min_size=2, max_size=4))
def test_a_snapshot_equals_the_deltas_that_lead_to_it(history: list[dict[int, Account]]) -> None:
    states = [records_of(accounts) for accounts in history]
    current = ListRecords.empty()
    for before, now in zip([ListRecords.empty(), *states], states, strict=False):
        current = apply_delta(current, difference(before, now))
    assert current == states[-1]


@given(LISTS, st.integers(16 + 14 + 4 * 25, 400))
def test_a_list_cut_into_chunks_is_joined_to_itself(accounts: dict[int, Account], most_bytes: int) -> None:
    records = records_of(accounts)
    chunks = [pack_chunk(part) for part in split(records, most_bytes)]
    assert all(len(chunk) <= most_bytes for chunk in chunks)
    assert join([parse_chunk(chunk) for chunk in chunks]) == records


def test_an_account_that_fits_in_no_chunk_is_not_cut() -> None:
    records = records_of({1: (CUSTOMERS, frozenset({(DOMAIN, 1), (DOMAIN, 2)}))})
    assert len(split(records, 16 + 14 + 2 * 25)) == 1
    with pytest.raises(ValueError, match="larger than a chunk"):
        split(records, 16 + 14 + 2 * 25 - 1)


def test_an_empty_list_is_one_empty_chunk() -> None:
    assert [pack_chunk(part) for part in split(ListRecords.empty(), 100)] == [header(0, 0)]


def test_chunks_out_of_order_or_repeated_are_not_joined() -> None:
    first, second = records_of({1: (CUSTOMERS, frozenset())}), records_of({2: (CUSTOMERS, frozenset())})
    for parts in ([second, first], [first, first], [first, ListRecords.empty(), first]):
        with pytest.raises(RecordsInvalid):
            join(parts)


def test_a_key_on_five_accounts_may_stay_and_on_six_may_not() -> None:
    check_list(
        records_of({row: (CUSTOMERS, frozenset({(NAME, 1), (VARIANT, 1), (DOMAIN, row)})) for row in range(1, 6)})
    )
    six = records_of({row: (CUSTOMERS, frozenset({(NAME if row % 2 else VARIANT, 1)})) for row in range(1, 7)})
    with pytest.raises(MatchKeyAmbiguous):
        check_list(six)


def test_keys_of_two_kinds_or_that_share_half_their_bytes_are_not_one_key() -> None:
    accounts: dict[int, Account] = {row: (CUSTOMERS, frozenset({(DOMAIN, 4 + row % 4)})) for row in range(1, 13)}
    accounts |= {row: (CUSTOMERS, frozenset({(NAME, 4 + row % 4)})) for row in range(13, 25)}
    check_list(records_of(accounts))


def test_a_fallback_key_stands_on_one_account() -> None:
    check_list(records_of({1: (CUSTOMERS, frozenset({(FALLBACK, 1)})), 2: (CUSTOMERS, frozenset({(NAME, 1)}))}))
    with pytest.raises(FallbackNotUnique):
        check_list(records_of({row: (CUSTOMERS, frozenset({(FALLBACK, 1)})) for row in (1, 2)}))


def test_an_account_has_at_most_as_many_keys_as_said() -> None:
    records = records_of({1: (CUSTOMERS, frozenset({(NAME, 1), (DOMAIN, 2), (DOMAIN, 3)}))})
    check_list(records, most_tokens_of_account=3)
    with pytest.raises(RecordsInvalid):
        check_list(records, most_tokens_of_account=2)


def test_a_whole_list_holds_no_removed_accounts() -> None:
    with pytest.raises(RecordsInvalid):
        check_list(parse_chunk(header(1, 0) + account(1, 0)))


def test_population_sizes_leave_removed_accounts_out() -> None:
    sizes = parse_chunk(header(3, 0) + account(1, 0) + account(2, 3) + account(3, 3)).population_sizes
    assert sizes == {Population.CUSTOMERS: 0, Population.OPPORTUNITIES: 0, Population.PROSPECTS: 2}


def test_what_a_list_holds_is_not_printed() -> None:
    assert repr(records_of({1: (CUSTOMERS, frozenset({(NAME, 1)}))})) == "ListRecords(1 accounts, 1 tokens)"


def test_the_digest_of_a_submission_covers_everything_it_says() -> None:
    stated = {
        "partnership_id": UUID(int=1),
        "g": 0,
        "profile_id": "escrow-1+psl-2026-10-23",
        "kind": SubmissionKind.SNAPSHOT,
        "number": 1,
        "base": 0,
        "chunk_digests": (chunk_digest(b"one"), chunk_digest(b"two")),
    }
    others = {
        "partnership_id": UUID(int=2),
        "g": 1,
        "profile_id": "escrow-2+psl-2026-10-23",
        "kind": SubmissionKind.DELTA,
        "number": 2,
        "base": 1,
        "chunk_digests": (chunk_digest(b"two"), chunk_digest(b"one")),
    }
    digests = {submission_digest(**(stated | {name: other})) for name, other in others.items()}  # type: ignore[arg-type]
    digests.add(submission_digest(**stated))  # type: ignore[arg-type]
    assert len(digests) == len(others) + 1
