"""The layout of blocks gives back what was put in, and forgets no token that was ever there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import StoredFormUnknown
from escrow.psi.records import TOKEN_DTYPE, ListRecords, apply_delta, difference, kinds_of, make_records
from escrow.psi.records.layout import Records
from escrow.store.packing import (
    PackedList,
    combine_changes,
    pack_list,
    read_account_blocks,
    read_format,
    read_token_blocks,
)
from tests.store.list_makers import Accounts, records_of, tokens_of

_ROWS = st.integers(1, 2**64 - 1) | st.integers(1, 9).map(lambda spread: spread << 60)
# Few values, and some that differ only in their last bytes, so that keys are shared and prefixes tie.
_KEYS = st.frozensets(st.tuples(st.integers(1, 4), st.integers(0, 6) | st.integers(2**125, 2**125 + 3)), max_size=4)
_ACCOUNTS = st.dictionaries(_ROWS, st.tuples(st.integers(1, 3), _KEYS), max_size=30)
_NONE = np.empty(0, TOKEN_DTYPE)


def unpacked(packed: PackedList) -> ListRecords:
    """Read the account blocks back."""
    return read_account_blocks(block.entries for block in packed.account_blocks)


def token_entries(packed: PackedList) -> Records:
    """Read the token blocks back."""
    return read_token_blocks(block.entries for block in packed.token_blocks)


@given(_ACCOUNTS)
def test_a_list_comes_back_as_it_was(accounts: Accounts) -> None:
    records = records_of(accounts)
    assert unpacked(pack_list(records, ever_seen=_NONE)) == records


def test_a_list_of_many_buckets_comes_back_as_it_was() -> None:
    generator = np.random.default_rng(7)
    rows = np.unique(generator.integers(1, 2**63, 5_000, dtype=np.uint64) * np.uint64(2))
    records = make_records(
        rows=rows,
        populations=generator.integers(1, 4, rows.size),
        token_rows=np.concatenate((rows, rows)),
        key_classes=np.repeat([1, 2], rows.size),
        tokens=generator.bytes(32 * rows.size),
    )
    packed = pack_list(records, ever_seen=_NONE)
    assert len(packed.account_blocks) == 2**packed.bucket_bits > 8
    assert unpacked(packed) == records
    entries = token_entries(packed)
    assert sorted(entries.tolist()) == sorted(records.tokens.tolist())


@given(_ACCOUNTS, _ACCOUNTS)
def test_a_token_that_no_account_has_any_more_keeps_an_entry_without_a_row(before: Accounts, now: Accounts) -> None:
    seen = token_entries(pack_list(records_of(before), ever_seen=_NONE))
    entries = token_entries(pack_list(records_of(now), ever_seen=seen))
    gone = entries[entries["row"] == 0]
    standing = records_of(now).tokens
    assert sorted(entries[entries["row"] != 0].tolist()) == sorted(standing.tolist())
    assert tokens_of(gone) == tokens_of(records_of(before).tokens) - tokens_of(standing)
    assert len(gone) == len(tokens_of(gone))


@given(_ACCOUNTS, _ACCOUNTS)
def test_each_token_block_is_in_token_order(before: Accounts, now: Accounts) -> None:
    packed = pack_list(records_of(now), ever_seen=records_of(before).tokens)
    for kind in (1, 2, 3):
        entries = read_token_blocks(block.entries for block in packed.token_blocks if block.kind == kind)
        values = [bytes(token) for token in entries["token"]]
        assert values == sorted(values)
        assert set(kinds_of(entries).tolist()) <= {kind}


@given(st.lists(_ACCOUNTS, min_size=1, max_size=5))
def test_changes_combined_lead_where_each_in_turn_leads(states: list[Accounts]) -> None:
    lists = [records_of(accounts) for accounts in states]
    changes = [difference(before, now) for before, now in pairwise(lists)]
    assert apply_delta(lists[0], combine_changes(changes)) == lists[-1]


def test_a_block_of_a_later_form_is_refused() -> None:
    with pytest.raises(StoredFormUnknown):
        read_format(b"\x02rest")
