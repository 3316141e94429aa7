"""`escrow check` says of a list what submitting it would do, and why rows and websites give nothing."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from escrow.client.cli.exits import ExitCode
from tests.client.fake_service import FakeService
from tests.client.terminals import CSV, Partner, Partners, files_of_at_most

MESSY = (
    CSV
    + """004,Acme Rockets,acme-rockets.com,Prospect,Ada
005,Test Account,n/a,Prospect,Ada
006,Dune Logistics,linkedin.com/company/dune,Prospect,Ada
007,<b>Elm</b>,elm@gmail.com,Prospect,Ada
008,x,example.com,Prospect,Ada
"""
    + "".join(f"1{at},Fir {word},fir-{word}.com,Prospect,Ada\n" for at, word in enumerate("abcdefgh"))
    + "".join(f"2{at},Gorse Nine,gorse-{word}.com,Customer,Ada\n" for at, word in enumerate("abcdefgh"))
)


def said(partner: Partner, *arguments: str | Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(partner(*arguments, "--json").out)
    return answer


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    file = tmp_path / "messy.csv"
    file.write_text(MESSY, encoding="utf-8")
    return file


def test_a_check_tells_the_numbers_of_a_dry_run(paired: Partners, messy: Path) -> None:
    left, _ = paired
    planned = said(left, "submit", messy, "--dry-run")
    checked = said(left, "check", messy)
    for name in ("accounts", "populations", "rows", "keys_left_out"):
        assert checked[name] == planned[name]
    assert checked["tokens"]["total"] == sum(planned["sent_tokens"].values())
    assert checked["keys_left_out"]["ambiguous"] > 0


def test_a_check_needs_no_keyring_and_asks_nobody(newcomers: Partners, messy: Path, service: FakeService) -> None:
    left, _ = newcomers
    before = len(service.requests)
    assert left("check", messy, "--json").exit_code == 0
    assert len(service.requests) == before
    assert not left.home.exists() or not any(left.home.iterdir())


def test_reasons_are_counted_with_examples(newcomers: Partners, messy: Path) -> None:
    checked = said(newcomers[0], "check", messy, "--examples", "1")
    assert {each["reason"]: each["rows"] for each in checked["websites_without_domain"]} == {
        "no-domain": 1,
        "platform-page": 1,
        "free-mail": 1,
        "placeholder": 1,
    }
    assert [each["examples"][0]["crm_id"] for each in checked["without_keys"]] == ["005", "008"]


def test_keys_that_are_held_back_are_told_with_how_many_have_them(newcomers: Partners, messy: Path) -> None:
    messy.write_text(MESSY + "301,Hazel Ten,,Prospect,Ada\n302,Hazel Eleven,,Prospect,Ada\n", encoding="utf-8")
    checked = said(newcomers[0], "check", messy)
    assert {"value": "gorsenine", "class": "name", "accounts": 8} in checked["ambiguous_keys"]
    assert sum(checked["ambiguous_by_class"].values()) == checked["keys_left_out"]["ambiguous"]
    assert {"value": "hazel", "class": "fallback", "accounts": 2} in checked["shared_fallbacks"]


def test_merged_rows_and_coverage_are_told(newcomers: Partners, messy: Path) -> None:
    checked = said(newcomers[0], "check", messy)
    assert (checked["accounts_of_several_rows"], checked["merged_rows"]) == (1, 1)
    assert checked["coverage"]["name_only"] == 2


def test_accounts_of_several_rows_are_shown_with_what_joins_them_those_to_doubt_first(
    newcomers: Partners, messy: Path
) -> None:
    messy.write_text(MESSY + "401,Quillwort,,Prospect,Ada\n402,Quillwort GmbH,,Prospect,Ada\n", encoding="utf-8")
    told = said(newcomers[0], "check", messy)["joined_accounts"]
    assert [(each["rows"], each["joined_by"]) for each in told] == [(2, ["name"]), (2, ["website"])]
    assert [[row["crm_id"] for row in each["examples"]] for each in told] == [["401", "402"], ["001", "004"]]
    shown = newcomers[0]("check", messy).out
    assert "2 rows joined by name" in shown
    assert "402 | Quillwort GmbH | (empty)" in shown


def test_no_more_joined_accounts_and_rows_are_shown_than_can_be_read(newcomers: Partners, messy: Path) -> None:
    many = "".join(f"5{at:02}{row},Row {row},many-{at}.com,Prospect,Ada\n" for at in range(22) for row in range(7))
    page = messy.with_name("quality.html")
    messy.write_text(CSV + many, encoding="utf-8")
    told = said(newcomers[0], "check", messy)["joined_accounts"]
    assert (len(told), len(told[0]["examples"])) == (20, 5)
    shown = newcomers[0]("check", messy, "--output", page).out
    for text in (shown, page.read_text(encoding="utf-8")):
        assert text.count("7 rows joined by website") == text.count("and 2 more rows") == 20
        assert re.search(r"and 2 more\b(?! row)", text)
    assert said(newcomers[0], "check", messy, "--examples", "0")["joined_accounts"] == []


def test_a_page_holds_no_control_character_of_the_list(newcomers: Partners, messy: Path) -> None:
    page = messy.with_name("quality.html")
    messy.write_text(CSV + "601,Elm\x1b[31m\u202e\x07,n/a,Prospect,Ada\n", encoding="utf-8")
    assert newcomers[0]("check", messy, "--output", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "Elm\N{REPLACEMENT CHARACTER}[31m" in text
    assert not {"\x1b", "\u202e", "\x07"} & set(text)


def test_a_check_is_written_as_html_that_holds_no_markup_of_the_list(newcomers: Partners, messy: Path) -> None:
    page = messy.with_name("quality.html")
    assert newcomers[0]("check", messy, "--output", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;Elm" in text
    assert "<b>" not in text


def test_entries_that_name_no_account_are_told_where_a_check_tells_anything(
    newcomers: Partners, messy: Path, tmp_path: Path
) -> None:
    do_not_map, aliases, page = tmp_path / "keep.csv", tmp_path / "same.toml", tmp_path / "quality.html"
    do_not_map.write_text("name,domain\n,quarry-of-none.com\nAcme Rockets,\nNobody <i>Here,\n", encoding="utf-8")
    together = '[[one_company]]\nnames = ["Zinnia Old"]\ndomains = ["zinnia.com"]\n'
    aliases.write_text(together + '[[keep_apart]]\ndomains = ["yarrow.com", "yarrow.de"]\n', encoding="utf-8")
    asked = ("check", messy, "--do-not-map", do_not_map, "--aliases", aliases)
    told = said(newcomers[0], *asked, "--examples", "1")
    assert told["not_found"] == {"do_not_map": 2, "aliases": 1, "keep_apart": 2}
    assert told["entries_not_found"]["do_not_map"] == [{"names": ["Nobody <i>Here"], "domains": [], "crm_ids": []}]
    shown = newcomers[0](*asked, "--output", page).out
    written = page.read_text(encoding="utf-8")
    for entry in ("quarry-of-none.com", "Zinnia Old, zinnia.com", "yarrow.de"):
        assert entry in shown
        assert entry in written
    assert "Nobody &lt;i&gt;Here" in written


def test_a_check_is_written_as_json(newcomers: Partners, messy: Path) -> None:
    file = messy.with_name("quality.json")
    told = said(newcomers[0], "check", messy, "--output", file)
    assert json.loads(file.read_text(encoding="utf-8")) == told


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no such modes and limits")
def test_a_file_that_cannot_be_written_leaves_the_one_of_before(
    newcomers: Partners, messy: Path, tmp_path: Path
) -> None:
    page = tmp_path / "reports" / "quality.html"
    page.parent.mkdir()
    assert newcomers[0]("check", messy, "--output", page).exit_code == ExitCode.DONE
    before = page.read_bytes()
    assert page.stat().st_mode & 0o777 == 0o600
    with files_of_at_most(100):
        answered = newcomers[0]("check", messy, "--output", page)
    assert (answered.exit_code, answered.out) == (ExitCode.LOCAL, "")
    assert str(page) in answered.err
    assert page.read_bytes() == before
    assert [*page.parent.iterdir()] == [page]


def test_an_output_of_another_kind_is_refused(newcomers: Partners, messy: Path) -> None:
    assert newcomers[0]("check", messy, "--json", "--output", "quality.pdf").exit_code == ExitCode.USAGE


def test_an_older_profile_can_be_asked_for(newcomers: Partners, messy: Path) -> None:
    checked = said(newcomers[0], "check", messy, "--profile", "escrow-1+psl-2026-10-22")
    assert checked["profile"].startswith("escrow-1")
    assert newcomers[0]("check", messy, "--json", "--profile", "escrow-9").error_code == "profile-unknown"


def test_an_account_is_explained_with_what_the_rest_of_the_list_does_to_it(newcomers: Partners, messy: Path) -> None:
    told = said(newcomers[0], "explain", "--file", messy, "--id", "001", "--and-id", "20")
    merged, ambiguous = told["accounts"]
    assert merged["crm_ids"] == ["001", "004"]
    assert {(key["value"], key["is_sent"]) for key in ambiguous["keys"] if key["class"] != "variant"} == {
        ("gorse-a.com", True),
        ("gorsenine", False),
        ("gorse", False),
    }
    assert told["match"]["tier"] is None


def test_two_rows_of_one_account_are_told_as_such(newcomers: Partners, messy: Path) -> None:
    assert (
        "rows of one account, joined by website"
        in newcomers[0]("explain", "--file", messy, "--id", "001", "--and-id", "004").out
    )


def test_an_id_that_is_not_in_the_list_is_refused(newcomers: Partners, messy: Path) -> None:
    assert newcomers[0]("explain", "--file", messy, "--id", "9", "--json").error_code == "record-ids-invalid"
