"""The account state: what was sent is remembered whole, found by row, and replaced all or nothing."""

from __future__ import annotations

import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from escrow.client.columns import Meaning
from escrow.client.list_making import make_list
from escrow.client.sources import CrmRows
from escrow.client.state import AccountState, Sent, SentList
from escrow.errors import HomeBusy, StateInvalid
from escrow.psi.keys import generation_keys
from escrow.psi.matchkeys import Suite
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.terms import Population
from tests.client.fake_service import LEFT_ORG
from tests.client.making_lists import ACME, BOLT, COIL, C, Company, P, crm_rows

KEYS = generation_keys(b"r" * 32, partnership_id=LEFT_ORG, g=0, suite=Suite.HMAC, profile_id=LATEST_PROFILE)
SENT = Sent(1, b"d" * 32, 0, LATEST_PROFILE)


def a_list(*companies: Company, state: AccountState | None = None) -> SentList:
    return made_of(crm_rows(*companies), state)


def made_of(rows: CrmRows, state: AccountState | None = None) -> SentList:
    if state is None:
        return make_list(rows, keys=KEYS, own_secret=b"o" * 32, kept=None)
    with state.applied() as kept:
        return make_list(rows, keys=KEYS, own_secret=b"o" * 32, kept=kept)


def remember(state: AccountState, content: SentList, sent: Sent = SENT) -> None:
    state.write_pending(sent, content)
    state.settle(applied_number=sent.number, applied_digest=sent.digest)


@pytest.fixture
def state(tmp_path: Path) -> AccountState:
    return AccountState(tmp_path)


def test_the_records_that_went_out_are_remembered(state: AccountState) -> None:
    content = a_list(ACME, BOLT, COIL)
    remember(state, content)
    with state.applied() as kept:
        assert kept is not None
        assert kept.sent == SENT
        assert kept.records == content.records


def test_an_account_is_found_by_its_row_with_all_its_crm_rows(state: AccountState) -> None:
    second = ("009", "ACME rockets", "acme-rockets.com", P)
    content = a_list(BOLT, second, COIL, ACME)
    remember(state, content)
    row = int(content.rows[content.accounts.account_ids.index("009")]).to_bytes(8, "big")
    with state.applied() as kept:
        assert kept is not None
        (account,) = kept.find([b"\xff" * 8, row])
    assert account.row == row
    assert account.population is Population.CUSTOMERS
    assert sorted(account.crm_ids) == ["001", "009"]
    assert account.name == ACME[1]
    assert account.leading[Meaning.CRM_ID] == "001"
    assert "rockets" not in repr(account).lower()


@pytest.mark.parametrize("name", ["A\x1fB", "\x1f", "A\0B", 'A "B", [C]', "Ünï\nAG", ""])
def test_a_value_is_remembered_whatever_signs_it_holds(state: AccountState, name: str) -> None:
    content = a_list(ACME, ("002", name, "bolt-forge.com", C))
    remember(state, content)
    row = int(content.rows[content.accounts.account_ids.index("002")]).to_bytes(8, "big")
    with state.applied() as kept:
        assert kept is not None
        (account,) = kept.find([row])
        assert account.leading[Meaning.ACCOUNT_NAME] == name
        assert kept.earlier().account_ids == {"001", "002"}


def test_account_ids_are_kept_and_never_given_to_another(state: AccountState) -> None:
    remember(state, a_list(ACME, BOLT))
    later = a_list(BOLT, ("001", "Coil & Cable Ltd", "coilcable.co.uk", C), state=state)
    assert later.accounts.account_ids[0] == "002"
    remember(state, a_list(BOLT, state=state), Sent(2, b"e" * 32, 0, LATEST_PROFILE))
    with state.applied() as kept:
        assert kept is not None
        assert kept.earlier().account_ids == {"001", "002"}
        assert kept.earlier().account_of_crm_id == {"002": "002"}


def test_a_pending_list_is_not_the_applied_one(state: AccountState) -> None:
    state.write_pending(SENT, a_list(ACME))
    state.settle(applied_number=0, applied_digest=None)
    with state.applied() as kept:
        assert kept is None
    assert state.pending_file.exists()


def test_a_pending_list_that_another_one_overtook_is_dropped(state: AccountState) -> None:
    state.write_pending(SENT, a_list(ACME))
    state.settle(applied_number=1, applied_digest=b"another".ljust(32))
    with state.applied() as kept:
        assert kept is None
    assert not state.pending_file.exists()


def test_the_state_of_a_newer_version_is_not_taken_for_lost(state: AccountState) -> None:
    remember(state, a_list(ACME))
    with closing(sqlite3.connect(state.applied_file)) as database, database:
        database.execute("UPDATE submission SET format = 9")
    with pytest.raises(StateInvalid, match="version"), state.applied():
        pass


def test_a_damaged_part_says_what_to_do(state: AccountState) -> None:
    remember(state, a_list(ACME))
    with closing(sqlite3.connect(state.applied_file)) as database, database:
        database.execute("DROP TABLE arrays")
    with pytest.raises(StateInvalid, match="snapshot"):
        _find_anything(state)


def _find_anything(state: AccountState) -> None:
    with state.applied() as kept:
        assert kept is not None
        list(kept.find([b"12345678"]))


def test_one_command_at_a_time_works_on_a_list(state: AccountState) -> None:
    with state.held(), pytest.raises(HomeBusy), AccountState(state.folder).held():
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_its_owner_may_read_it(state: AccountState) -> None:
    remember(state, a_list(ACME))
    assert stat.S_IMODE(state.applied_file.stat().st_mode) == 0o600


def test_values_with_any_character_come_back_as_they_were(state: AccountState) -> None:
    odd: Company = ('1\u2028"\\', "Ünï\ncôde\x1f, Inc.", "unicode.example.org", C)
    remember(state, a_list(odd, BOLT))
    with state.applied() as kept:
        assert kept is not None
        rows = [int(row).to_bytes(8, "big") for row in kept.records.rows]
        names = {account.name for account in kept.find(rows)}
    assert odd[1] in names


def test_one_of_a_hundred_thousand_accounts_is_found_again(state: AccountState) -> None:
    count = 100_000
    ids = [f"{number:08}" for number in range(count)]
    rows = CrmRows(
        {
            Meaning.CRM_ID: ids,
            Meaning.ACCOUNT_NAME: [f"Company {number}" for number in range(count)],
            Meaning.WEBSITE: [f"company-{number}.com" for number in range(count)],
            Meaning.STAGE: ["customer"] * count,
        },
        np.ones(count, np.uint8),
        0,
    )
    content = made_of(rows)
    remember(state, content)
    with state.applied() as kept:
        assert kept is not None
        (account,) = kept.find([int(content.rows[77_777]).to_bytes(8, "big")])
    assert account.crm_ids == ("00077777",)
