"""Alias files and do-not-map lists: what the owner says about a list decides which accounts it has and which stay."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.client.accounts import Accounts
from escrow.client.carrying import export_home, import_home
from escrow.client.cli.exits import ExitCode
from escrow.client.corrections import Aliases, Corrections, Named, read_aliases, read_do_not_map
from escrow.client.corrections.remembered import check_named, remember_use
from escrow.client.home import Home
from escrow.client.list_making import accounts_of_list, make_list
from escrow.client.row_secrets import RowSecrets
from escrow.errors import CorrectionsInvalid, DoNotMapMissing
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.psi.normalisation import LATEST
from escrow.psi.tokens import Blinder, account_secret
from escrow.terms import Population
from tests.client.fake_service import FakeService
from tests.client.making_keyrings import PASSPHRASE, QUICK, a_pair
from tests.client.making_lists import Company, crm_rows, row_of, state_of, submitter
from tests.client.terminals import Partner, Partners

KEY = bytes(range(32))
C, O, P = Population  # noqa: E741  # as the grid is spoken of

ACME: Company = ("001", "Acme Rockets Inc", "acme-rockets.com", C)
OLD: Company = ("002", "Wile Works", "wile-works.com", O)
BOLT: Company = ("003", "Bolt Brothers GmbH", "bolt-brothers.de", P)
BOLT_TOO: Company = ("004", "Bolt Brothers North", "bolt-brothers.de", P)
NO_KEY: Company = ("005", "", "", P)


def made(corrections: Corrections, *companies: Company) -> Accounts:
    return accounts_of_list(crm_rows(*companies), profile_id=LATEST, match_key=KEY, corrections=corrections)[1]


def grouped(accounts: Accounts) -> list[list[int]]:
    return [accounts.rows_of(account) for account in range(len(accounts))]


def same(*named: Named) -> Corrections:
    return Corrections(Aliases(one_company=named))


def apart(*sides: Named) -> Corrections:
    return Corrections(Aliases(apart=(sides,)))


def kept(**entries: tuple[str, ...]) -> Corrections:
    return Corrections(do_not_map=Named(**entries))


def has_domain(accounts: Accounts, account: int, domain: str) -> bool:
    token = Blinder(KEY).tokens(MatchKeyClass.DOMAIN.kind, [domain])
    own = accounts.keys.tokens[accounts.keys.accounts == account]
    return token in {each.tobytes() for each in own}


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    "named",
    [
        Named(domains=("acme-rockets.com", "www.wile-works.com")),
        Named(names=("ACME ROCKETS", "Wile Works Ltd")),
        Named(crm_ids=("001", "002")),
        Named(names=("Acme Rockets",), crm_ids=("002",)),
    ],
)
def test_what_is_one_company_becomes_one_account(named: Named) -> None:
    accounts = made(same(named), ACME, BOLT, OLD)
    assert grouped(accounts) == [[0, 2], [1]]
    assert accounts.populations.tolist() == [C, P]


def test_companies_that_share_a_row_become_one() -> None:
    groups = (Named(crm_ids=("001", "003")), Named(crm_ids=("002", "005")), Named(crm_ids=("003", "002")))
    assert grouped(made(same(*groups), ACME, OLD, BOLT, NO_KEY)) == [[0, 1, 2, 3]]


def test_an_alias_without_a_row_adds_its_keys_to_the_account() -> None:
    accounts = made(same(Named(domains=("acme-rockets.com", "acme-old.com"))), ACME)
    assert has_domain(accounts, 0, "acme-rockets.com")
    assert has_domain(accounts, 0, "acme-old.com")


def test_an_alias_that_names_nothing_here_is_told() -> None:
    dune = Named(domains=("dune.com", "dune.de"))
    assert made(same(dune), ACME).left_out.idle_aliases == (dune,)


def test_a_side_that_names_nothing_here_is_told() -> None:
    dune = Named(domains=("dune.com",))
    assert made(apart(Named(crm_ids=("003",)), dune), BOLT).left_out.idle_sides == (dune,)


def test_rows_that_are_kept_apart_are_accounts_of_their_own() -> None:
    assert grouped(made(Corrections(), BOLT, BOLT_TOO)) == [[0, 1]]
    accounts = made(apart(Named(crm_ids=("003",)), Named(crm_ids=("004",))), BOLT, ACME, BOLT_TOO)
    assert grouped(accounts) == [[0], [1], [2]]
    assert has_domain(accounts, 0, "bolt-brothers.de")
    assert has_domain(accounts, 2, "bolt-brothers.de")


def test_a_row_on_no_side_stays_with_the_first_side() -> None:
    third: Company = ("006", "Bolt Brothers South", "bolt-brothers.de", P)
    sides = apart(Named(crm_ids=("003",)), Named(crm_ids=("004",)))
    assert grouped(made(sides, third, BOLT_TOO, BOLT)) == [[0, 1], [2]]


def test_a_row_joined_by_name_is_kept_apart_too() -> None:
    named: Company = ("007", "Acme Rockets", "", P)
    assert grouped(made(Corrections(), named, ACME)) == [[0, 1]]
    assert grouped(made(apart(Named(crm_ids=("007",)), Named(crm_ids=("001",))), named, ACME)) == [[0], [1]]


def test_aliases_that_contradict_each_other_are_refused() -> None:
    one = Named(crm_ids=("001", "002"))
    sides = (Named(crm_ids=("001",)), Named(crm_ids=("002",)))
    with pytest.raises(CorrectionsInvalid, match="keeps apart what the alias file says is one company"):
        made(Corrections(Aliases((one,), (sides,))), ACME, OLD)


def test_a_row_on_two_sides_is_refused() -> None:
    sides = apart(Named(crm_ids=("001",)), Named(domains=("acme-rockets.com",)))
    with pytest.raises(CorrectionsInvalid, match="two of its sides"):
        made(sides, ACME)


@pytest.mark.parametrize(
    "entries",
    [{"crm_ids": ("004",)}, {"domains": ("www.bolt-brothers.de",)}, {"names": ("Bolt Brothers",)}],
)
def test_an_account_on_the_list_stays_with_all_its_rows(entries: dict[str, tuple[str, ...]]) -> None:
    accounts = made(kept(**entries), ACME, BOLT, BOLT_TOO)
    assert grouped(accounts) == [[0]]
    assert not has_domain(accounts, 0, "bolt-brothers.de")
    assert (accounts.left_out.kept_back_accounts, accounts.left_out.kept_back_rows) == (1, 2)


def test_the_list_applies_after_aliases() -> None:
    one = Aliases(one_company=(Named(domains=("acme-rockets.com", "acme-old.com"), crm_ids=("002",)),))
    accounts = made(Corrections(one, Named(domains=("acme-old.com",))), ACME, OLD, BOLT)
    assert grouped(accounts) == [[2]]


def test_a_name_on_the_list_keeps_back_names_that_say_more_around_it() -> None:
    around: Company = ("008", "Bolt Holdings GmbH", "", P)
    assert len(made(kept(names=("Bolt",)), around)) == 0


def test_an_id_of_salesforce_is_known_in_both_its_lengths() -> None:
    short, long = "0015g000wQfNsIh", "0015g000wQfNsIhAQK"
    for listed, exported in ((short, long), (long, short)):
        assert len(made(kept(crm_ids=(listed,)), (exported, "Acme Rockets", "", C))) == 0


def test_ids_that_only_begin_alike_are_not_mixed_up() -> None:
    assert len(made(kept(crm_ids=("000000000000000",)), ("000000000000000123", "Acme Rockets", "", C))) == 1


def test_entries_that_name_nothing_here_are_told() -> None:
    left_out = made(kept(domains=("dune.com", "acme-rockets.com"), crm_ids=("99",)), ACME).left_out
    assert left_out.kept_back_accounts == 1
    assert left_out.idle_do_not_map == (Named(domains=("dune.com",)), Named(crm_ids=("99",)))


def test_an_entry_that_gives_no_key_is_refused() -> None:
    with pytest.raises(CorrectionsInvalid, match="would keep nothing back"):
        made(kept(domains=("gmail.com",)), ACME)


some = st.lists(st.sampled_from("abcdef"), unique=True, min_size=1, max_size=6)


@given(listed=some, exported=some)
def test_a_list_with_accounts_kept_back_is_the_list_of_the_others(listed: list[str], exported: list[str]) -> None:
    rows: list[Company] = [(one, f"{one * 3}zig Works", f"{one}-zig.com", C) for one in exported]
    others = [row for row in rows if row[0] not in listed]
    accounts = made(kept(domains=tuple(f"{one}-zig.com" for one in listed)), *rows)
    assert len(accounts) == len(others)
    if others:
        plain = made(Corrections(), *others)
        assert accounts.account_ids == plain.account_ids
        assert accounts.keys.tokens.tobytes() == plain.keys.tokens.tobytes()
        assert accounts.left_out.ambiguous_keys == plain.left_out.ambiguous_keys


def test_both_forms_of_an_alias_file_say_the_same(tmp_path: Path) -> None:
    toml = written(
        tmp_path,
        "aliases.toml",
        '[[one_company]]\nnames = ["Acme"]\ndomains = ["acme.com"]\n[[keep_apart]]\ncrm_ids = ["4", "5"]\n',
    )
    table = written(
        tmp_path,
        "aliases.csv",
        "rule,group,name,domain,crm_id\nsame,a,Acme,acme.com,\napart,b,,,4\napart,b,,,5\n\n",
    )
    assert read_aliases(toml) == read_aliases(table)


def test_both_forms_of_a_do_not_map_list_say_the_same(tmp_path: Path) -> None:
    toml = written(tmp_path, "list.toml", 'domains = ["acme.com"]\ncrm_ids = ["4"]\n')
    assert read_do_not_map(toml) == read_do_not_map(written(tmp_path, "list.csv", "domain,crm_id\nacme.com,\n,4\n"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", ""),
        ("a.csv", "acme.com\n"),
        ("a.csv", "domain\n"),
        ("a.csv", 'domain\n"acme\n'),
        ("a.csv", "domain\nacme.com,more\n"),
        ("a.toml", "domains = 'acme.com'"),
        ("a.toml", "domain = ['acme.com']"),
        ("a.toml", "domains = ['']"),
        ("a.toml", "domains = ["),
        ("a.toml", ""),
    ],
)
def test_a_list_that_would_be_read_otherwise_than_meant_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(CorrectionsInvalid):
        read_do_not_map(written(tmp_path, name, text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "rule,group,name\nsame,a,Acme\n"),
        ("a.csv", "rule,group,name\napart,a,Acme\n"),
        ("a.csv", "rule,group,name\njoin,a,Acme\n"),
        ("a.csv", "rule,group,name\nsame,,Acme\n"),
        ("a.csv", "rule,group,name\nsame,a,\n"),
        ("a.csv", "group,name\na,Acme\n"),
        ("a.toml", "[one_company]\nnames = ['a', 'b']"),
        ("a.toml", "[[one_company]]\nnames = ['a']"),
        ("a.toml", "[[apart]]\nnames = ['a', 'b']"),
    ],
)
def test_an_alias_file_that_says_nothing_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(CorrectionsInvalid):
        read_aliases(written(tmp_path, name, text))


def said(partner: Partner, *arguments: str | Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(partner(*arguments, "--json").out)
    return answer


def test_an_account_that_is_put_on_the_list_is_removed_by_a_delta(
    paired: Partners, export: Path, tmp_path: Path
) -> None:
    left, _ = paired
    left("submit", export)
    listed = written(tmp_path, "list.csv", "domain\nbolt-brothers.de\n")
    told = said(left, "submit", export, "--do-not-map", listed)
    assert (told["type"], told["removed_accounts"], told["accounts"]) == ("delta", 1, 2)
    assert (told["kept_back_accounts"], told["sent_accounts"]) == (1, 1)
    assert "1 account kept back by your do-not-map list" in left("submit", export, "--do-not-map", listed).out
    assert said(left, "check", export, "--do-not-map", listed)["kept_back_accounts"] == 1


def test_a_forgotten_list_is_refused_until_its_owner_does_without(
    paired: Partners, export: Path, tmp_path: Path
) -> None:
    left, _ = paired
    listed = written(tmp_path, "list.csv", "domain\nbolt-brothers.de\n")
    assert left("submit", export, "--do-not-map", listed, "--dry-run").exit_code == 0
    assert left("submit", export, "--dry-run").exit_code == 0
    left("submit", export, "--do-not-map", listed)
    for more in ((), ("--dry-run",)):
        refused = left("submit", export, "--json", *more)
        assert (refused.exit_code, refused.error_code) == (ExitCode.LOCAL, "do-not-map-missing")
    assert left("submit", export, "--no-do-not-map", "--dry-run").exit_code == 0
    assert left("submit", export, "--json").error_code == "do-not-map-missing"
    assert said(left, "submit", export, "--no-do-not-map")["accounts"] == 3
    assert left("submit", export).exit_code == 0


def test_the_use_of_a_list_is_noted_before_anything_is_sent(
    paired: Partners, export: Path, tmp_path: Path, service: FakeService
) -> None:
    left, _ = paired
    listed = written(tmp_path, "list.csv", "domain\nbolt-brothers.de\n")
    before = len(service.requests)
    cut_off = left("submit", export, "--do-not-map", listed, "--proxy", "http://127.0.0.1:9", "--json")
    assert cut_off.exit_code == ExitCode.UNREACHABLE
    assert len(service.requests) == before
    assert left("submit", export, "--json").error_code == "do-not-map-missing"


def test_a_list_and_doing_without_one_are_not_said_together(paired: Partners, export: Path) -> None:
    refused = paired[0]("submit", export, "--do-not-map", "list.csv", "--no-do-not-map", "--json")
    assert refused.exit_code == ExitCode.USAGE


def test_the_project_file_names_both_files(paired: Partners, export: Path, tmp_path: Path) -> None:
    written(tmp_path, "list.csv", "domain\nbolt-brothers.de\n")
    written(tmp_path, "aliases.toml", '[[one_company]]\ncrm_ids = ["001", "003"]\n')
    place = written(tmp_path, "escrow.toml", f'[source]\npath = "{export}"\n[corrections]\naliases = "aliases.toml"\n')
    assert said(paired[0], "submit", "--config", place, "--dry-run")["accounts"] == 2
    with place.open("a", encoding="utf-8") as project:
        project.write('do_not_map = "list.csv"\n')
    told = said(paired[0], "submit", "--config", place, "--dry-run")
    assert (told["accounts"], told["kept_back_accounts"]) == (1, 1)
    assert said(paired[0], "check", "--config", place)["accounts"] == 1


def test_the_secret_of_a_key_that_an_alias_added_is_made_again(tmp_path: Path, service: FakeService) -> None:
    machine, _ = a_pair(tmp_path, service)
    keys, state, work = machine.seat.paired_keys, state_of(machine), submitter(machine)
    aliases = Aliases((Named(crm_ids=("001",), domains=("acme-old.com",)),))
    content = make_list(
        crm_rows(ACME),
        keys=keys,
        own_secret=machine.file.keyring.own_secret,
        kept=None,
        corrections=Corrections(aliases),
    )
    work.send(work.plan(work.settle(wait=True), content, None), ready=False, wait=True)
    with state.applied() as kept_list:
        assert kept_list is not None
        (account,) = kept_list.find([row_of(machine, "001")])
        made_again = {each.secret.token for each in RowSecrets(kept_list, keys).of(account)}
    assert account_secret(keys.match_key, MatchKey(MatchKeyClass.DOMAIN, "acme-old.com")).token in made_again


def test_that_a_list_was_used_goes_along_to_another_machine(tmp_path: Path, service: FakeService) -> None:
    machine, _ = a_pair(tmp_path, service)
    remember_use(state_of(machine).folder, datetime.now(UTC))
    place, other = tmp_path / "carried", Home.at(tmp_path / "other", {})
    other.make()
    export_home(machine.home, machine.file.keyring, place, PASSPHRASE, random=os.urandom, stretching=QUICK)
    import_home(other, place, PASSPHRASE, PASSPHRASE, random=os.urandom, stretching=QUICK)
    with pytest.raises(DoNotMapMissing):
        check_named(other.partnership(machine.seat.partnership_id))
