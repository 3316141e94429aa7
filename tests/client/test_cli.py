"""The command line as a person or a script uses it, against a service on a real loopback socket."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from escrow.client.cli.app import app, run
from escrow.client.cli.commands import answer, report_error, take_any_name
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import Said
from escrow.client.fresh_pairing import seat_without_keys
from escrow.client.home import Home
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.psi.encoding import b64url
from escrow.psi.profile_ids import FIRST_PROFILE
from tests.client.fake_service import LEFT_ORG, RIGHT_ORG, FakeService, Json
from tests.client.making_keyrings import PASSPHRASE
from tests.client.terminals import CSV, Partners

GUARDED: Json = {"threshold": 10, "step": 5, "interval_seconds": 604_800, "least_changes": 50, "noise": True}


def a_report(number: int, first: int = 31) -> Json:
    words = ("customers", "opportunities", "prospects")
    closed: Json = {"level": "counts", "level_then": "counts", "state": "withheld", "number": None, "salt": None}
    cells: list[Json] = [{"ours": ours, "theirs": theirs, **closed} for ours in words for theirs in words]
    cells[0] |= {"state": "public", "number": first}
    return {
        "partnership_id": str(LEFT_ORG),
        "number": number,
        "made_at": "2026-11-21T10:00:00Z",
        "our_list": {
            "number": 1,
            "digest": "A" * 43,
            "salt": None,
            "accounts": 90,
            "populations": dict.fromkeys(words, 30),
            "applied_at": "2026-11-21T09:00:00Z",
        },
        "cells": cells,
        "counts_from": "likely",
        "reveals_from": "certain",
        "disclosure": {"threshold": 5, "step": 1, "interval_seconds": 86_400, "least_changes": 1, "noise": False},
        "margin": None,
        "signed": None,
    }


def test_from_nothing_to_one_check(newcomers: Partners) -> None:
    left, right = newcomers
    assert [partner("init").exit_code for partner in newcomers] == [0, 0]
    code = str(left("invite", "--to", str(RIGHT_ORG), "--label", "contoso", "--json").json["code"])
    assert right("accept", code, "--json").json["pairing"] == "accepted"
    assert "paired here, active at the service" in left("status").out
    checks = {partner("keyring", "show-check", "--json").json["check"] for partner in newcomers}
    assert len(checks) == 1


def test_an_unnamed_acceptor_is_confirmed_by_a_person(partners: Partners) -> None:
    left, right = partners
    code = str(left("invite", "--json").json["code"])
    right("accept", code)
    refused = left("submit", "nothing.csv", "--json")
    assert (refused.exit_code, refused.error_code) == (ExitCode.LOCAL, "partnership-not-ready")
    assert left("confirm", "--json").exit_code == ExitCode.USAGE
    assert left("confirm", "--yes", "--json").json["pairing"] == "paired"


def test_a_partner_who_lacks_the_latest_profile_is_invited_under_an_older_one(partners: Partners) -> None:
    left, right = partners
    code = str(left("invite", "--to", str(RIGHT_ORG), "--profile", FIRST_PROFILE, "--json").json["code"])
    assert right("accept", code, "--json").json["pairing"] == "accepted"
    refused = left("invite", "--profile", "escrow-0+psl-1999-12-31", "--json")
    assert refused.error_code == "profile-unknown"


def test_a_mistyped_code_is_told_as_such(partners: Partners) -> None:
    answered = partners[1]("accept", "ABCDE-FGHIJ", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.VERIFICATION, "pairing-code-invalid")
    assert answered.out == ""


def test_a_dry_run_sends_nothing_and_shows_what_would_leave(
    paired: Partners, export: Path, service: FakeService
) -> None:
    left, _ = paired
    before = len(service.requests)
    planned = left("submit", export, "--dry-run", "--json").json
    assert planned["populations"] == {"customers": 1, "opportunities": 1, "prospects": 1}
    assert planned["sent_tokens"] == {"domain": 3, "name": 3, "variant": 1, "fallback": 3}
    assert (planned["type"], planned["dry_run"]) == ("snapshot", True)
    assert not [request for request in service.requests[before:] if not request.startswith("GET")]
    shown = left("submit", export, "--dry-run")
    assert "Nothing was sent" in shown.out
    assert "Acme" not in shown.out + shown.err


def test_a_list_is_submitted_and_then_only_its_changes(paired: Partners, export: Path, service: FakeService) -> None:
    left, _ = paired
    first = left("submit", export, "--ready", "--json").json
    assert (first["state"], first["type"]) == ("applied", "snapshot")
    assert left("submit", export, "--json").json["state"] == "unchanged"
    export.write_text(CSV + "004,Dune Logistics,dunelogistics.com,Prospect,Dee\n", encoding="utf-8")
    second = left("submit", export, "--json").json
    assert (second["type"], second["sent_accounts"], second["accounts"]) == ("delta", 1, 4)
    assert next(iter(service.deals.values())).seats[LEFT_ORG].is_ready


def test_an_export_that_shrank_is_refused_unless_it_is_meant(paired: Partners, export: Path) -> None:
    left, _ = paired
    header, *_ = CSV.splitlines()
    rows = [f"{each},Company {each},company-{each}.com,Customer,Ada" for each in range(100)]
    export.write_text("\n".join([header, *rows]))
    assert left("submit", export, "--json").json["state"] == "applied"
    export.write_text("\n".join([header, *rows[:1]]))
    refused = left("submit", export, "--json")
    assert (refused.exit_code, refused.error_code) == (ExitCode.INPUT, "export-shrunk")
    shown = left("submit", export, "--allow-shrink")
    assert (shown.exit_code, "1 account of 1 row\n" in shown.out) == (0, True)


def test_columns_and_stages_said_by_hand_are_remembered(paired: Partners, tmp_path: Path) -> None:
    left, _ = paired
    odd = tmp_path / "odd.csv"
    odd.write_text("Key,Firm,Homepage,Phase\n1,Acme Rockets,acme-rockets.com,Signed\n2,Bolt,bolt.com,Dead\n")
    said = ("--map", "crm_id=Key", "--map", "account_name=Firm", "--map", "stage=Phase")
    stages = ("--population", "Signed=customers", "--population", "Dead=skip")
    assert left("submit", odd, *said, "--dry-run", "--json").error_code == "stage-unknown"
    planned = left("submit", odd, *said, *stages, "--dry-run", "--json").json
    assert planned["populations"] == {"customers": 1, "opportunities": 0, "prospects": 0}
    again = left("submit", odd, "--dry-run")
    assert again.exit_code == 0
    assert ["account_name", "Firm"] in [line.split() for line in again.err.splitlines()]


@pytest.mark.parametrize("option", [("--map", "nonsense"), ("--map", "shoe_size=Key"), ("--population", "x=friends")])
def test_a_mapping_that_means_nothing_is_a_usage_error(paired: Partners, export: Path, option: tuple[str, str]) -> None:
    answered = paired[0]("submit", export, *option, "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.USAGE, "usage")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("conformance", "run", "--json"), "Missing argument"),
        (("pause", "--json", "--partnership"), "Option '--partnership' requires an argument"),
        (("status", "--no-such", "--json"), "No such option: --no-such"),
        (("explain", "--jsonl", "--name", "Acme", "--id", "1", "--json"), "--jsonl takes no --name and no --id"),
        (("explain", "--id", "1", "--website", "acme.com", "--json"), "--id takes no --website"),
        (("explain", "--name", "Acme", "--and-id", "1", "--json"), "--name takes no --and-id"),
    ],
)
def test_a_usage_error_in_json_says_what_is_wrong(
    line: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*line]) == ExitCode.USAGE
    assert told in json.loads(capsys.readouterr().err)["error"]["detail"]


def test_an_export_that_cannot_be_read_exits_with_its_own_code(paired: Partners, tmp_path: Path) -> None:
    answered = paired[0]("submit", tmp_path / "absent.csv", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.INPUT, "export-missing")


def test_terms_start_from_a_preset_and_single_cells_change_it(paired: Partners) -> None:
    left, _ = paired
    set_ = ("terms", "set", "--json", "--preset", "counts-only", "--level", "customers:opportunities=details")
    document = left(*set_, "--fields", "domain,account_name").json
    ours = document["ours"]
    assert isinstance(ours, dict)
    levels = {(cell["ours"], cell["theirs"]): cell["level"] for cell in ours["levels"]}
    assert levels["customers", "opportunities"] == "details"
    assert set(levels.values()) == {"counts", "details"}
    assert ours["fields"] == ["account_name", "domain"]
    assert left("terms", "set", "--level", "customers:opportunities=hidden", "--json").exit_code == 0
    assert "hidden" in left("terms", "show").out


def test_terms_without_a_word_are_counts_only_the_first_time_and_change_nothing_later(paired: Partners) -> None:
    left, _ = paired
    ours = left("terms", "set", "--json").json["ours"]
    assert isinstance(ours, dict)
    assert {cell["level"] for cell in ours["levels"]} == {"counts"}
    again = left("terms", "set", "--json")
    assert (again.exit_code, again.error_code) == (ExitCode.USAGE, "usage")


def test_a_preset_of_the_services_own_is_known_by_its_name(paired: Partners) -> None:
    left, _ = paired
    ours = left("terms", "set", "--disclosure", "own", "--json").json["ours"]
    assert isinstance(ours, dict)
    assert ours["disclosure"]["threshold"] == 3
    refused = left("terms", "set", "--disclosure", "lenient", "--json")
    assert refused.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "said",
    [
        ("--preset", "everything"),
        ("--level", "customers=details"),
        ("--level", "customers:friends=details"),
        ("--fields", "shoe_size"),
        ("--counts-from", "surely"),
        ("--reveals-from", "possible"),
    ],
)
def test_terms_that_mean_nothing_are_a_usage_error(paired: Partners, said: tuple[str, str]) -> None:
    assert paired[0]("terms", "set", *said, "--json").exit_code == ExitCode.USAGE


def test_terms_that_the_service_changes_are_not_confirmed(paired: Partners, service: FakeService) -> None:
    left, _ = paired
    left("terms", "set", "--preset", "counts-only")

    def loosen(method: str, path: str, body: Json) -> Json:
        if method == "PUT" and path.endswith("/terms"):
            body = json.loads(json.dumps(body).replace('"counts"', '"details"'))
        return body

    service.tamper = loosen
    answered = left("terms", "set", "--preset", "counts-only", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.VERIFICATION, "verification-failed")


def test_before_the_first_release_a_report_says_so(paired: Partners) -> None:
    left, _ = paired
    assert left("report", "--json").json["number"] is None
    assert "no release yet" in left("report").out


def test_a_report_is_shown_with_withheld_cells_as_withheld(paired: Partners, service: FakeService) -> None:
    service.reports[1] = a_report(1)
    left, _ = paired
    shown = left("report", "--plays").out
    assert "31" in shown
    assert shown.count("withheld") >= 8
    assert "Northwind" in shown
    assert "introduc" in shown.lower()
    assert left("report", "--json").json["number"] == 1


def test_numbers_with_noise_are_marked_and_told_how_far_off_they_may_be(paired: Partners, service: FakeService) -> None:
    service.reports[1] = a_report(1) | {"disclosure": GUARDED, "margin": 16}
    left, _ = paired
    shown = left("report").out
    assert "≈ 31" in shown
    assert "within 16 of the shared primary domains 95 times in 100" in shown
    told: dict[str, Any] = left("report", "--json").json
    assert told["margin"] == 16
    assert {each["number"] for each in told["cells"] if each["approximate"]} == {31}


def test_the_status_says_until_when_the_next_release_waits(paired: Partners, service: FakeService) -> None:
    left, _ = paired
    assert "the next one not before" not in left("status").out
    service.next_release_from = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
    assert "none yet; the next one not before 2026-12-24 18:00 UTC" in left("status").out


def test_a_report_is_written_in_the_format_of_its_name(paired: Partners, service: FakeService, tmp_path: Path) -> None:
    service.reports[1] = a_report(1)
    left, _ = paired
    for name, start in (("r.html", "<!doctype html>"), ("r.csv", "ours,theirs"), ("r.json", "{")):
        assert left("report", "--output", tmp_path / name).exit_code == 0
        assert (tmp_path / name).read_text(encoding="utf-8").lower().startswith(start)
    assert left("report", "--output", tmp_path / "r.pdf", "--json").exit_code == ExitCode.USAGE


def test_a_history_that_was_cut_short_is_noticed(paired: Partners, service: FakeService) -> None:
    left, _ = paired
    service.reports = {1: a_report(1), 2: a_report(2)}
    left("report")
    del service.reports[2]
    answered = left("report", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.VERIFICATION, "verification-failed")
    assert left("report", "--release", "1", "--json").exit_code == 0


def test_overlaps_are_joined_back_to_the_crm(
    paired: Partners, export: Path, service: FakeService, tmp_path: Path
) -> None:
    left, _ = paired
    left("submit", export)
    seat = next(iter(service.deals.values())).seats[LEFT_ORG]
    customers = seat.records.accounts[seat.records.accounts["population"] == 1]
    item = {"row": b64url(customers["row"].tobytes()), "overlap": "o1", "tier": "certain", "level": "accounts"}
    item["match_id"] = b64url(bytes(16))
    service.overlaps = [{**item, "ours": "customers", "theirs": "prospects"}]
    listed = left("overlaps", "--cell", "customers:prospects", "--json").json["items"]
    assert isinstance(listed, list)
    assert [(each["account_name"], each["crm_ids"]) for each in listed] == [("Acme Rockets Inc", ["001"])]
    assert "Acme Rockets Inc" in left("overlaps").out
    left("overlaps", "--output", tmp_path / "overlaps.csv")
    assert "001" in (tmp_path / "overlaps.csv").read_text(encoding="utf-8")


def test_sync_needs_a_list(paired: Partners, export: Path) -> None:
    left, _ = paired
    assert left("sync", "--json").error_code == "state-invalid"
    left("submit", export)
    assert left("sync", "--json").json["sent"] == 0


def test_status_lists_every_partnership_and_chooses_by_label(paired: Partners) -> None:
    left, _ = paired
    left("invite", "--label", "fabrikam")
    stands = left("status", "--json").json["partnerships"]
    assert isinstance(stands, list)
    assert [(each["label"], each["pairing"]) for each in stands] == [("contoso", "paired"), ("fabrikam", "invited")]
    assert left("terms", "show", "--json").exit_code == 0
    assert left("terms", "show", "-p", "globex", "--json").error_code == "partnership-unknown"
    assert left("terms", "show", "-p", "Contoso", "--json").exit_code == 0
    assert left("terms", "show", "-p", str(stands[0]["partnership_id"])[:8], "--json").exit_code == 0
    assert left("invite", "--label", "contoso", "--json").exit_code == ExitCode.USAGE


def test_an_end_is_asked_for_and_then_final(paired: Partners) -> None:
    left, _ = paired
    assert left("end", "--json").exit_code == ExitCode.USAGE
    assert left("end", "--yes", "--json").json["pairing"] == "closed"
    assert left("submit", "x.csv", "--json").error_code == "partnership-not-ready"


def test_a_withdrawal_is_asked_for_and_says_what_follows(paired: Partners, export: Path) -> None:
    left, _ = paired
    assert left("submission", "withdraw", "--yes", "--json").error_code == "nothing-to-withdraw"
    left("submit", export, "--ready")
    assert left("submission", "withdraw", "--json").exit_code == ExitCode.USAGE
    told = left("submission", "withdraw", "--yes")
    assert "Submission 1 is withdrawn" in told.out
    assert "escrow submit FILE --ready" in told.out
    assert "counts as all new: about" in told.out
    assert left("submit", export, "--json").json["type"] == "snapshot"


def test_a_list_is_withdrawn_from_a_machine_that_has_lost_the_keys(
    paired: Partners, export: Path, tmp_path: Path, service: FakeService
) -> None:
    left, _ = paired
    left("submit", export)
    (partnership_id,) = service.deals
    new_machine = replace(left, home=tmp_path / "new")
    new_machine("init")
    lost = ("submission", "withdraw", "--partnership", str(partnership_id))
    assert " ".join(lost) in new_machine("status").out
    assert new_machine("submission", "withdraw", "--yes", "--json").error_code == "partnership-unknown"
    assert new_machine(*lost, "--json").exit_code == ExitCode.USAGE
    withdrawn = new_machine(*lost, "--yes", "--json").json["submission"]
    assert isinstance(withdrawn, dict)
    assert (withdrawn["number"], withdrawn["state"]) == (1, "withdrawn")
    assert new_machine(*lost, "--yes", "--json").error_code == "nothing-to-withdraw"
    assert new_machine(*lost[:3], str(RIGHT_ORG), "--yes", "--json").error_code == "partnership-unknown"


def test_a_list_is_withdrawn_while_new_keys_are_waited_for(
    paired: Partners, export: Path, tmp_path: Path, service: FakeService
) -> None:
    left, _ = paired
    left("submit", export)
    new_machine = replace(left, home=tmp_path / "new")
    new_machine("init")
    with Escrow(left.url, left.api_key) as escrow:
        seat = seat_without_keys(escrow.partnership(next(iter(service.deals))))
    file = KeyringFile.open(Home.at(new_machine.home, {}), PASSPHRASE, random=os.urandom)
    file.update(lambda keyring: keyring.with_new_seat(seat))
    assert "Submission 1 is withdrawn" in new_machine("submission", "withdraw", "--yes").out


def test_a_pause_is_shown_to_both_and_taken_back_by_whoever_paused(paired: Partners) -> None:
    left, right = paired
    assert left("pause", "--json").json["paused"] == {"ours": True, "theirs": False}
    assert "paused       by us" in left("status").out
    assert "paused       by them" in right("status").out
    assert right("resume", "--json").json["paused"] == {"ours": False, "theirs": True}
    assert "only they can take that back" in right("resume").out
    assert "nobody pauses" in left("resume").out
    assert "paused " not in left("status").out


def test_a_wrong_passphrase_has_its_exit_code(partners: Partners) -> None:
    left, _ = partners
    left.passphrase = "another horse"
    answered = left("status", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.LOCAL, "passphrase-wrong")


def test_the_passphrase_may_come_from_a_file(
    partners: Partners, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, _ = partners
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE.text + "\n")
    left.passphrase = "another horse"
    assert left("status", "--passphrase-file", secret).exit_code == 0
    monkeypatch.setenv("ESCROW_PASSPHRASE_FILE", str(secret))
    assert left("status").exit_code == 0


def test_a_command_in_a_home_that_is_not_there_makes_none(newcomers: Partners) -> None:
    left, _ = newcomers
    answered = left("status", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.LOCAL, "keyring-missing")
    assert not left.home.exists()


def test_a_home_is_initialised_once(partners: Partners) -> None:
    answered = partners[0]("init", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.LOCAL, "keyring-exists")


def test_a_refused_api_key_leaves_no_keyring(newcomers: Partners) -> None:
    left, _ = newcomers
    left.api_key = "esk_unknown"
    answered = left("init", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.REFUSED, "not-authenticated")
    assert not (left.home / "keyring").exists()


def test_a_service_that_is_away_has_its_exit_code(newcomers: Partners) -> None:
    left, _ = newcomers
    left.url = "http://127.0.0.1:9"
    answered = left("init", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.UNREACHABLE, "service-unreachable")


def test_plain_http_beyond_this_machine_is_refused(newcomers: Partners) -> None:
    left, _ = newcomers
    answered = left("init", "--url", "http://escrow.example.com", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.USAGE, "plain-http-refused")


def test_a_second_machine_goes_on_with_a_delta(paired: Partners, export: Path, tmp_path: Path) -> None:
    left, _ = paired
    left("submit", export)
    carried = tmp_path / "carried"
    left.monkeypatch.setenv("ESCROW_EXPORT_PASSPHRASE", "one time passphrase")
    assert left("keyring", "export", carried, "--json").json == {
        "file": str(carried),
        "partnerships": 1,
        "account_states": 1,
    }
    assert b"Acme" not in carried.read_bytes()
    assert left("keyring", "export", carried, "--json").error_code == "keyring-exists"
    left.home, left.passphrase = tmp_path / "second", "a passphrase of its own"
    assert left("keyring", "import", carried, "--json").exit_code == 0
    assert left("submit", export, "--json").json["state"] == "unchanged"


def test_an_import_takes_what_is_further_on_and_goes_back_on_nothing(
    paired: Partners, export: Path, tmp_path: Path
) -> None:
    left, right = paired
    left.monkeypatch.setenv("ESCROW_EXPORT_PASSPHRASE", "one time passphrase")
    left("terms", "set", "--preset", "full", "--fields", "domain")
    left("submit", export)
    left("keyring", "export", tmp_path / "old")
    left("terms", "set", "--preset", "hidden")
    export.write_text(CSV + "004,Dune Logistics,dunelogistics.com,Prospect,Dee\n", encoding="utf-8")
    left("submit", export)
    assert left("keyring", "import", tmp_path / "old", "--json").json["account_states"] == 0
    assert left("terms", "show", "--json").json["differs"] is False
    assert left("submit", export, "--json").json["state"] == "unchanged"
    refused = right("keyring", "import", tmp_path / "old", "--json")
    assert (refused.exit_code, refused.error_code) == (ExitCode.LOCAL, "keyring-exists")


def test_a_carried_file_that_was_changed_or_cut_changes_nothing(paired: Partners, tmp_path: Path) -> None:
    left, _ = paired
    carried = tmp_path / "carried"
    left.monkeypatch.setenv("ESCROW_EXPORT_PASSPHRASE", "one time passphrase")
    left("keyring", "export", carried)
    whole = carried.read_bytes()
    left.home = tmp_path / "second"
    for broken in (whole[:-1], whole[:50], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
        carried.write_bytes(broken)
        assert left("keyring", "import", carried, "--json").exit_code == ExitCode.LOCAL
        assert not (left.home / "keyring").exists()


def test_an_option_that_does_not_exist_is_a_usage_error(partners: Partners) -> None:
    assert partners[0]("status", "--nope").exit_code == ExitCode.USAGE
    answered = partners[0]("status", "--nope", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.USAGE, "usage")


def test_what_a_partner_is_called_cannot_act_on_the_terminal(partners: Partners, service: FakeService) -> None:
    left, right = partners

    def rename(_: str, __: str, body: Json) -> Json:
        return json.loads(json.dumps(body).replace("Northwind", "\\u001b[2J[red]evil[/]"))  # type: ignore[no-any-return]

    code = str(left("invite", "--to", str(RIGHT_ORG), "--json").json["code"])
    service.tamper = rename
    shown = right("accept", code).out
    assert "\x1b[2J" not in shown
    assert "[red]evil[/]" in shown


def commands() -> list[tuple[str, ...]]:
    """Every command of the app, with its group's name before it."""
    alone: list[tuple[str, ...]] = [(str(each.name),) for each in app.registered_commands]
    groups = [(group.name, group.typer_instance) for group in app.registered_groups]
    inside: list[tuple[str, ...]] = [
        (str(name), str(each.name)) for name, part in groups if part is not None for each in part.registered_commands
    ]
    return alone + inside


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_the_shared_options_and_a_help_text(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run([*command, "--help"]) == 0
    told = capsys.readouterr().out
    assert "--json" in told
    is_alone = command in {("conformance", "vectors"), ("conformance", "export")}
    for option in ("--home", "--passphrase-file", "--ca-file", "--proxy"):
        assert (option in told) is not is_alone
    names_none = is_alone or command in {("init",), ("invite",), ("accept",)}
    assert ("--partnership" in told) is not names_none


def test_the_exit_codes_are_in_the_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    run(["--help"])
    told = capsys.readouterr().out
    for code in ExitCode:
        assert f"{code.value} {code.meaning}" in told


def test_a_report_tells_how_old_both_lists_are_and_warns_of_an_old_one(paired: Partners, service: FakeService) -> None:
    left, _ = paired
    old_list: Json = {"number": 1, "digest": "A" * 43, "salt": None, "accounts": 90}
    old_list["applied_at"] = "2020-01-01T09:00:00Z"
    old_list["populations"] = dict.fromkeys(("customers", "opportunities", "prospects"), 30)
    service.reports[1] = a_report(1) | {"our_list": old_list}
    shown = left("report").out
    assert "days old (2020-01-01 09:00 UTC); older than 30 days: submit it again" in shown
    assert "Their list: age not known" in shown
    lists = left("report", "--json").json["lists"]
    assert isinstance(lists, dict)
    assert lists["ours"]["is_old"] is True
    assert lists["theirs"] == {"applied_at": None, "age": "age not known", "is_old": False}


def test_an_error_that_begins_with_the_name_of_a_file_leaves_it_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    report_error("export-missing", "accounts.csv is not there", is_json=False)
    assert capsys.readouterr().err == "escrow: accounts.csv is not there.\n"


def test_the_signs_of_a_report_are_plain_letters_where_the_output_lacks_them() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    take_any_name(stream)
    print("ours ↓   theirs →  ≈ 5 × Ł", file=stream, flush=True)
    assert written.getvalue().decode("ascii").rstrip() == "ours v   theirs >  ~ 5 x \\u0141"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("invite", "--to", "nope"), "give a whole id"),
        (("allowance", "grant", "many"), "give a whole number"),
        (("allowance", "grant", "0"), "give at least 1"),
        (("conformance", "vectors", "--seconds", "long", "x"), "give a number"),
    ],
)
def test_a_value_that_an_option_does_not_take_is_told_in_plain_words(
    newcomers: Partners, line: tuple[str, ...], told: str
) -> None:
    answered = newcomers[0](*line, "--json")
    assert (answered.error_code, told in answered.err) == ("usage", True), answered.err
    assert "Input should" not in newcomers[0](*line).err


@pytest.mark.parametrize("line", [("init",), ("invite",), ("accept", "CODE")])
def test_what_makes_a_partnership_has_no_option_that_names_one(newcomers: Partners, line: tuple[str, ...]) -> None:
    assert newcomers[0](*line, "--partnership", "acme", "--json").error_code == "usage"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_names_that_the_output_cannot_write_are_spelled_out(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="cp1252"))
    take_any_name(sys.stdout)
    answer(Said({"name": "Łódź 😀"}, lambda console: console.print("Łódź 😀")), is_json=bool(arguments))
    sys.stdout.flush()
    told = written.getvalue().decode("cp1252")
    assert json.loads(told) == {"name": "Łódź 😀"} if arguments else told == "\\u0141ód\\u017a \\U0001f600\n"
