"""`escrow doctor` finds what is wrong, says what to do, changes nothing and tells no secret."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from escrow.client.cli.exits import ExitCode
from escrow.client.doctor.checks import State
from escrow.client.doctor.machine import look_at_encoding, look_at_normalisation
from escrow.client.doctor.network import Reach, look_at_certificate, look_at_clock
from escrow.client.doctor.partnerships import look_at_shown
from escrow.client.doctor.permissions import opens_to_others
from escrow.client.transport import Connection
from escrow.psi.profile_ids import LATEST_PROFILE
from tests.client.fake_service import FakeService, Json
from tests.client.making_keyrings import PASSPHRASE, a_pair
from tests.client.terminals import Answered, Partners

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
REACH = Reach("https://escrow.test", "esk_key", None, None, None)


def found(answered: Answered) -> dict[str, Json]:
    checks = answered.json["checks"]
    assert isinstance(checks, list)
    return {check["name"]: check for check in checks}


def states(answered: Answered) -> dict[str, str]:
    return {name: str(check["state"]) for name, check in found(answered).items()}


def test_a_paired_machine_is_well_but_for_lists_that_were_not_sent(paired: Partners) -> None:
    answered = paired[0]("doctor", "--json")
    assert answered.exit_code == ExitCode.DONE
    told = states(answered)
    assert {told[name] for name in ("our list", "their list")} == {"warn"}
    well = (
        "normalisation",
        "home folder",
        "key file",
        "key file opens",
        "service",
        "version",
        "API key",
        "scopes",
        "keys",
        "state",
    )
    assert {told[name] for name in well} == {"ok"}


def test_an_installation_that_makes_other_match_keys_than_the_published_ones_fails() -> None:
    row = {"profile_id": LATEST_PROFILE, "name": "Globex Inc.", "website": "", "country": ""}
    keys = [{"class": each, "value": "globex"} for each in ("name", "fallback")]
    assert look_at_normalisation([{**row, "keys": keys}]).state is State.OK
    assert look_at_normalisation([{**row, "keys": keys}, {**row, "keys": keys[:1]}]).state is State.FAIL


def test_the_doctor_tells_no_secret_and_moves_no_pairing_on(paired: Partners, service: FakeService) -> None:
    left, _ = paired
    before = len(service.requests)
    told = left("doctor").out + left("doctor", "--json").out
    assert "key file opens" in told
    for secret in ("esk_left", PASSPHRASE.text):
        assert secret not in told
    assert {request.split()[0] for request in service.requests[before:]} == {"GET"}


def test_before_init_the_machine_is_looked_at_and_says_where_to_begin(newcomers: Partners) -> None:
    answered = newcomers[0]("doctor", "--json")
    assert answered.exit_code == ExitCode.LOCAL
    assert "escrow init" in str(found(answered)["home folder"]["advice"])
    assert states(answered)["API key"] == "ok"


def test_offline_the_service_fails_once_and_what_needs_it_is_skipped(
    paired: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> httpx.Response:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(httpx.Client, "send", unreachable)
    answered = paired[0]("doctor", "--json")
    assert answered.exit_code == ExitCode.UNREACHABLE
    told = states(answered)
    assert (told["service"], told["key file opens"]) == ("fail", "ok")
    assert {told[name] for name in ("clock", "certificate", "version", "API key", "state")} == {"skip"}


def test_a_revoked_key_fails(paired: Partners, service: FakeService) -> None:
    service.revoked.add("esk_left")
    answered = paired[0]("doctor", "--json")
    told = states(answered)
    assert (answered.exit_code, told["API key"], told["state"]) == (ExitCode.UNREACHABLE, "fail", "skip")
    assert "has expired" in str(found(answered)["API key"]["reason"])


def test_a_list_that_is_gone_from_this_machine_is_told(paired: Partners, export: Path) -> None:
    left, _ = paired
    left("submit", export)
    assert "list here" not in states(left("doctor", "--json"))
    (kept,) = left.home.glob("partnerships/*/list.sqlite")
    kept.unlink()
    assert "--snapshot" in str(found(left("doctor", "--json"))["list here"]["advice"])


def test_the_key_of_another_organization_fails(paired: Partners, service: FakeService) -> None:
    service.tamper = lambda _, path, body: (
        {**body, "organization_id": "33333333-3333-4333-8333-333333333333"} if path == "/v1/organization" else body
    )
    answered = paired[0]("doctor", "--json")
    assert states(answered)["API key"] == "fail"
    assert "keyring api-key" in str(found(answered)["API key"]["advice"])


def test_a_key_that_lacks_scopes_or_ends_soon_is_told(paired: Partners, service: FakeService) -> None:
    service.scopes = ["read"]
    service.key_expires = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    answered = paired[0]("doctor", "--json")
    assert answered.exit_code == ExitCode.DONE
    assert "not submit, terms, pair" in str(found(answered)["scopes"]["reason"])
    assert "without webhooks" in str(found(answered)["scopes"]["reason"])
    assert states(answered)["key expiry"] == "warn"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists instead")
def test_a_key_file_that_others_may_read_fails(paired: Partners) -> None:
    left, _ = paired
    (left.home / "keyring").chmod(0o644)
    answered = left("doctor", "--json")
    assert answered.exit_code == ExitCode.LOCAL
    assert "chmod 600" in str(found(answered)["key file"]["advice"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists instead")
def test_a_passphrase_file_that_others_may_read_is_warned_of(paired: Partners, tmp_path: Path) -> None:
    left, _ = paired
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE.text, encoding="utf-8")
    secret.chmod(0o644)
    assert "passphrase file" not in states(left("doctor", "--json"))
    asked = ("doctor", "--json", "--passphrase-file", secret)
    answered = left(*asked)
    assert (answered.exit_code, states(answered)["passphrase file"]) == (ExitCode.DONE, "warn")
    assert "chmod 600" in str(found(answered)["passphrase file"]["advice"])
    secret.chmod(0o600)
    assert states(left(*asked))["passphrase file"] == "ok"


def test_a_wrong_passphrase_fails_and_a_missing_one_is_only_not_looked_at(
    paired: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, _ = paired
    left.passphrase = "another passphrase"
    assert states(left("doctor", "--json"))["key file opens"] == "fail"
    left.passphrase = ""
    with Path(os.devnull).open(encoding="utf-8") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        answered = left("doctor", "--json")
    assert (answered.exit_code, states(answered)["key file opens"]) == (ExitCode.DONE, "skip")


def test_a_damaged_state_file_is_found(paired: Partners, export: Path) -> None:
    left, _ = paired
    left("submit", export)
    assert states(left("doctor", "--json"))["state files"] == "ok"
    (kept,) = left.home.glob("partnerships/*/list.sqlite")
    kept.write_bytes(bytes(16) + kept.read_bytes()[16:])
    answered = left("doctor", "--json")
    assert (answered.exit_code, states(answered)["state files"]) == (ExitCode.LOCAL, "fail")


def test_a_generation_that_this_machine_is_not_at_fails(tmp_path: Path) -> None:
    left, _ = a_pair(tmp_path, FakeService())
    shown = left.service.partnership(left.seat.partnership_id)
    assert shown.generation is not None
    moved = shown.model_copy(update={"generation": shown.generation.model_copy(update={"number": 1})})
    told = {each.name: each.state.value for each in look_at_shown(left.seat, moved, "contoso", now=NOW)}
    assert told["keys"] == "fail"


@pytest.mark.parametrize(("seconds", "state"), [(1, "ok"), (-60, "warn"), (3_600, "fail")])
def test_a_clock_that_is_off_is_told_with_how_much(seconds: int, state: str) -> None:
    check = look_at_clock(NOW + timedelta(seconds=seconds), now=NOW)
    assert check.state.value == state
    assert f"{abs(seconds):,}" in check.reason


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (5, "warn")])
def test_a_certificate_that_ends_soon_is_told(days: int, state: str) -> None:
    assert look_at_certificate(NOW + timedelta(days=days), REACH, now=NOW).state.value == state


def test_the_clock_of_the_service_is_read_from_its_answer() -> None:
    dated = {"Date": "Sat, 21 Nov 2026 10:00:00 GMT"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=dated, json={}))
    assert Connection("https://escrow.test", "esk_key", transport=transport).look("/healthz").clock == NOW


def test_an_output_that_cannot_write_names_is_told() -> None:
    assert look_at_encoding("ascii").state.value == "warn"
    assert look_at_encoding("utf-8").state.value == "ok"


@pytest.mark.parametrize(
    ("sddl", "open_to_others"),
    [
        ("O:S-1-5-21-1G:S-1-5-21-2D:PAI(A;;FA;;;S-1-5-21-1)(A;;FA;;;SY)(A;;FA;;;BA)", []),
        ("O:BAG:BAD:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)", ["users"]),
        ("O:BAG:BAD:(A;;FR;;;WD)", ["everyone"]),
        ("O:BAG:BAD:(D;;FA;;;WD)(A;;FA;;;S-1-5-21-1)", []),
    ],
)
def test_an_access_list_of_windows_is_read_in_every_language(sddl: str, open_to_others: list[str]) -> None:
    assert opens_to_others(sddl) is bool(open_to_others)


def test_an_authority_file_that_cannot_be_read_is_a_local_mistake(partners: Partners, tmp_path: Path) -> None:
    answered = partners[0]("invite", "--ca-file", tmp_path / "none.pem", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.LOCAL, "ca-file-invalid")


def test_a_proxy_that_cannot_be_is_a_local_mistake(partners: Partners) -> None:
    answered = partners[0]("invite", "--proxy", "nonsense", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.LOCAL, "proxy-invalid")


def test_escrow_alone_says_how_to_begin(newcomers: Partners) -> None:
    answered = newcomers[0]()
    assert answered.exit_code == ExitCode.DONE
    for command in ("escrow init", "escrow doctor", "--help"):
        assert command in answered.out


def test_a_status_without_a_partnership_says_both_ways_to_one(partners: Partners) -> None:
    told = partners[0]("status").out
    assert "escrow invite" in told
    assert "escrow accept CODE" in told
