"""`escrow allowance`: what is left is told in accounts, and a grant is asked about before it is given."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from escrow import wire
from escrow.client.cli.commands import alone, command
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import Said, Session
from tests.client.fake_service import ALLOWANCE, FakeService
from tests.client.terminals import CSV, Partners


def test_what_is_left_is_told_in_accounts_and_until_when(paired: Partners, service: FakeService) -> None:
    service.allowance = ALLOWANCE.model_copy(update={"left": 1_500, "carried": 300, "granted": 150, "renewed": 75})
    left, _ = paired
    shown = left("allowance", "show").out
    assert f"about 100 new accounts of 166 left until {ALLOWANCE.renews_at:%Y-%m-%d %H:%M} UTC" in shown
    assert "about 20 carried over and 10 granted" in shown
    assert "may ask again about as much as your last one" in shown
    told = left("allowance", "show", "--json").json["allowance"]
    assert isinstance(told, dict)
    assert told["left"] == 1_500


def test_in_the_opening_nothing_renews(paired: Partners, service: FakeService) -> None:
    service.allowance = ALLOWANCE.model_copy(update={"is_opening": True, "renews_at": None})
    assert "of 166 may be asked about until both sides have had a list" in paired[0]("allowance", "show").out


def test_a_grant_is_given_only_once_it_was_said_to_be_meant(paired: Partners, service: FakeService) -> None:
    left, _ = paired
    assert left("allowance", "grant", "2000", "--json").exit_code == ExitCode.USAGE
    assert service.granted == []
    granted = left("allowance", "grant", "2000", "--yes", "--json").json
    assert (granted["granted_accounts"], service.granted) == (2_000, [2_000])
    assert "may ask about 1 account more" in left("allowance", "grant", "1", "--yes").out


@pytest.mark.parametrize("line", [("allowance", "grant", "--yes"), ("terms", "set", "--largest-list")])
def test_a_number_that_no_list_reaches_is_refused_as_usage(paired: Partners, line: tuple[str, ...]) -> None:
    refused = paired[0](*line, "99999999999999999999", "--json")
    assert (refused.exit_code, refused.error_code) == (ExitCode.USAGE, "usage")


def test_a_value_that_the_contract_has_no_room_for_is_told_as_usage(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @command(app, "grant", alone)
    def grant(_: Session) -> Said:
        raise AssertionError(wire.Grant.model_validate({"accounts": -77}))

    assert app(["--json"], standalone_mode=False) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert ('"usage"' in told, "accounts: " in told, "77" in told) == (True, True, False)


def test_a_grant_of_nothing_is_refused_before_anything_is_sent(paired: Partners, service: FakeService) -> None:
    assert paired[0]("allowance", "grant", "0", "--yes", "--json").exit_code == ExitCode.USAGE
    assert service.granted == []


def test_a_list_that_could_not_be_undone_is_refused_unless_it_is_meant(
    paired: Partners, export: Path, service: FakeService
) -> None:
    left, _ = paired
    header, *_ = CSV.splitlines()
    rows = [f"{each},Company {each},company-{each}.com,Customer,Ada" for each in range(100)]
    export.write_text("\n".join([header, *rows]))
    assert left("submit", export, "--json").json["way_back"] is None
    export.write_text("\n".join([header, *rows[:90]]))
    service.allowance = ALLOWANCE.model_copy(update={"left": 30})
    assert left("submit", export, "--json").error_code == "export-shrunk"
    planned = left("submit", export, "--dry-run")
    assert "about 2 are left then" in planned.out
    assert "could not be had again: without --allow-shrink" in planned.out
    shown = left("submit", export, "--allow-shrink")
    assert (shown.exit_code, "to be had again; about 2 are left then" in shown.out) == (0, True)


def test_a_dry_run_names_the_grant_that_a_list_needs(paired: Partners, export: Path, service: FakeService) -> None:
    left, _ = paired
    service.allowance = ALLOWANCE.model_copy(update={"left": 1})
    assert "run `escrow allowance grant 4`" in left("submit", export, "--dry-run").out
    service.allowance = service.allowance.model_copy(update={"is_opening": True})
    assert "raise `escrow terms set --largest-list`" in left("submit", export, "--dry-run").out
