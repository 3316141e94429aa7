"""Secrets of sent keys: a key is unique where one account alone has it, however many records say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from escrow.client.list_making import make_list
from escrow.client.row_secrets import RowSecrets
from escrow.client.state import AccountState, Sent, SentList
from escrow.psi.keys import generation_keys
from escrow.psi.matchkeys import MatchKeyClass, Suite
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.psi.records import ListRecords, make_records
from tests.client.fake_service import LEFT_ORG
from tests.client.making_lists import ACME, BOLT, crm_rows

KEYS = generation_keys(b"r" * 32, partnership_id=LEFT_ORG, g=0, suite=Suite.HMAC, profile_id=LATEST_PROFILE)


def a_list() -> SentList:
    return make_list(crm_rows(ACME, BOLT), keys=KEYS, own_secret=b"o" * 32, kept=None)


def with_name_as_variant(records: ListRecords, place: int, owner: int) -> ListRecords:
    """Let the account ``owner`` have the name of the account at ``place`` as a variant too, places in row order."""
    rows = records.rows
    is_name = (records.tokens["key_class"] == MatchKeyClass.NAME) & (records.tokens["row"] == rows[place])
    (name,) = records.tokens["token"][is_name]
    return make_records(
        rows=rows,
        populations=records.accounts["population"],
        token_rows=np.append(records.tokens["row"].astype(np.uint64), rows[owner]),
        key_classes=np.append(records.tokens["key_class"], np.uint8(MatchKeyClass.VARIANT)),
        tokens=records.tokens["token"].tobytes() + name.tobytes(),
    )


def unique_classes(folder: Path, content: SentList, place: int) -> dict[MatchKeyClass, bool]:
    """Tell which keys of an account no other account has."""
    state = AccountState(folder)
    state.write_pending(Sent(1, b"d" * 32, 0, LATEST_PROFILE), content)
    state.settle(applied_number=1, applied_digest=b"d" * 32)
    with state.applied() as kept:
        assert kept is not None
        (account,) = kept.find([int(content.records.rows[place]).to_bytes(8)])
        return {key.key_class: key.is_unique for key in RowSecrets(kept, KEYS).of(account)}


def test_a_word_that_is_name_and_variant_of_one_account_is_unique(tmp_path: Path) -> None:
    content = a_list()
    content = replace(content, records=with_name_as_variant(content.records, 0, 0))
    assert unique_classes(tmp_path, content, 0)[MatchKeyClass.NAME]


def test_a_word_that_is_the_name_of_one_account_and_a_variant_of_another_is_not(tmp_path: Path) -> None:
    content = a_list()
    content = replace(content, records=with_name_as_variant(content.records, 0, 1))
    found = unique_classes(tmp_path, content, 0)
    assert (found[MatchKeyClass.NAME], found[MatchKeyClass.DOMAIN]) == (False, True)
