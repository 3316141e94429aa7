"""`escrow sync` at a terminal: what overlaps reaches the sinks of escrow.toml, and what fails is told and repeated."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from escrow.client.cli.exits import ExitCode
from escrow.client.home import Home, held
from escrow.client.state import AccountState
from escrow.psi.encoding import b64url
from escrow.signing import SigningSecret
from tests.client.fake_service import NOW, FakeService, Json
from tests.client.terminals import Answered, Partner, Partners

SINKS = """
[sinks.files]
kind = "csv"
folder = "out"
[sinks.warehouse]
kind = "sql"
url = "sqlite:///warehouse.sqlite"
cells = ["customers:opportunities", "opportunities:opportunities"]
"""


@pytest.fixture
def partner(paired: Partners, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Partner:
    """A partner whose list is applied, in a folder with an escrow.toml that has two sinks."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert paired[0]("submit", export).exit_code == 0
    Path("escrow.toml").write_text(SINKS, encoding="utf-8")
    return paired[0]


def folder_of(partner: Partner, service: FakeService) -> Path:
    (partnership_id,) = service.deals
    return Home.at(partner.home, {}).partnership(partnership_id)


def overlapping(partner: Partner, service: FakeService, *crm_ids: str, ours: str = "customers") -> None:
    """Make the service say that these accounts of ours overlap."""
    with AccountState(folder_of(partner, service)).applied() as kept:
        assert kept is not None
        rows = [int(row).to_bytes(8, "big") for row in kept.records.rows]
        row_of = {account.crm_ids[0]: account.row for account in kept.find(rows)}
    told: Json = {"match_id": b64url(bytes(16)), "overlap": "A", "tier": "certain", "theirs": "opportunities"}
    # The feed begins anew each time, as after a change of terms: the list is read again.
    nothing = dict.fromkeys(("row", "cell", "was", "tier", "overlap", "match_id"))
    service.feed = [{"number": len(service.requests), "kind": "reset", **nothing, "occurred_at": NOW.isoformat()}]
    service.overlaps = [
        {"row": b64url(row_of[crm_id]), **told, "ours": ours, "level": "accounts"} for crm_id in crm_ids
    ]


def warehouse() -> list[tuple[str, str, str]]:
    database = sqlite3.connect("warehouse.sqlite")
    found = database.execute("SELECT crm_id, account_name, ours FROM escrow_overlaps ORDER BY crm_id").fetchall()
    database.close()
    return found


def sinks_of(answered: Answered) -> dict[str, Any]:
    sinks: Any = answered.json["sinks"]
    return {sink["name"]: sink["changes"] for sink in sinks}


def test_what_overlaps_reaches_every_sink_and_what_left_leaves(partner: Partner, service: FakeService) -> None:
    overlapping(partner, service, "001", "002")
    first = partner("sync", "--json")
    assert (first.exit_code, first.json["overlapping"]) == (0, 2)
    assert sinks_of(first) == {"files": {"entered": 2}, "warehouse": {"entered": 2}}
    assert warehouse()[0] == ("001", "Acme Rockets Inc", "customers")
    overlapping(partner, service, "001", ours="opportunities")
    assert sinks_of(partner("sync", "--json")) == {
        "files": {"left": 1, "moved": 1},
        "warehouse": {"left": 1, "moved": 1},
    }
    assert warehouse() == [("001", "Acme Rockets Inc", "opportunities")]
    (folder,) = Path("out").iterdir()
    one, next_one, current = sorted(file.name for file in folder.iterdir())
    assert (int(next_one[8:-4]), current) == (int(one[8:-4]) + 1, "current.csv")
    assert "nothing new" in partner("sync", "--once").out


def test_a_sink_that_fails_keeps_no_other_from_its_changes(partner: Partner, service: FakeService) -> None:
    overlapping(partner, service, "001")
    Path("out").write_text("no folder")
    failed = partner("sync", "--json")
    assert failed.exit_code == ExitCode.OTHER_SYSTEM
    assert sinks_of(failed) == {"files": {}, "warehouse": {"entered": 1}}
    Path("out").unlink()
    assert sinks_of(partner("sync", "--json")) == {"files": {"entered": 1}, "warehouse": {}}


def test_a_dry_run_shows_what_would_be_told_and_tells_nothing(partner: Partner, service: FakeService) -> None:
    overlapping(partner, service, "001")
    service.requests.clear()
    told: Any = partner("sync", "--dry-run", "--json").json["sinks"]
    assert json.loads(told["warehouse"][1])["crm_id"] == "001"
    assert not Path("warehouse.sqlite").exists()
    assert not any(request.startswith(("POST", "PUT")) for request in service.requests)
    assert sinks_of(partner("sync", "--json"))["warehouse"] == {"entered": 1}


def test_a_sink_is_told_everything_once_more(partner: Partner, service: FakeService) -> None:
    overlapping(partner, service, "001")
    partner("sync")
    Path("warehouse.sqlite").unlink()
    assert sinks_of(partner("sync", "--again", "warehouse", "--json")) == {"files": {}, "warehouse": {"entered": 1}}
    assert len(warehouse()) == 1
    assert partner("sync", "--again", "nowhere", "--json").exit_code == ExitCode.USAGE


def test_when_a_partnership_is_over_the_sinks_are_emptied(partner: Partner, service: FakeService) -> None:
    overlapping(partner, service, "001")
    partner("sync")
    (deal,) = service.deals.values()
    deal.state = "ended"
    assert sinks_of(partner("sync", "--json"))["warehouse"] == {"left": 1}
    assert warehouse() == []


def test_a_list_is_submitted_first_where_escrow_toml_says_so(
    partner: Partner, service: FakeService, export: Path
) -> None:
    list_ = f'[sync]\nsubmit = true\n[source]\npath = "{export}"\n[stages]\nCustomer = "customers"\n'
    Path("escrow.toml").write_text(
        list_ + 'Opportunity = "opportunities"\nProspect = "prospects"\n' + SINKS, encoding="utf-8"
    )
    export.write_text(export.read_text("utf-8") + "004,Dune Logistics,dunelogistics.com,Customer,Dee\n", "utf-8")
    submitted: Any = partner("sync", "--json").json["submitted"]
    assert (submitted["state"], submitted["accounts"]) == ("applied", 4)
    assert "submitted" not in partner("sync", "--no-submit", "--json").json
    assert service.deals


def test_a_second_sync_of_the_same_partnership_is_kept_away(partner: Partner, service: FakeService) -> None:
    with held(folder_of(partner, service) / "sync.lock"):
        assert partner("sync", "--json").error_code == "home-busy"


def test_a_sync_runs_again_and_again_until_it_is_asked_to_stop(partner: Partner, service: FakeService) -> None:
    overlapping(partner, service, "001")
    environment = {**os.environ, "ESCROW_HOME": str(partner.home)}
    command = [sys.executable, "-c", "from escrow.client.cli import main; main()", "sync", "--every", "1s", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        first, second = running.stdout.readline(), running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        last = running.stdout.read().splitlines()[-1]
    assert [json.loads(each)["sinks"][1]["changes"] for each in (first, second)] == [{"entered": 1}, {}]
    assert json.loads(last)["stopped"] is True
    assert running.returncode == 0


def test_a_check_of_the_project_looks_at_its_sinks_too(partner: Partner) -> None:
    assert Path("escrow.toml").write_text(SINKS + "[sinks.team]\nkind = 'slack'\nurl = 'env:NOT_SET'\n")
    checked = partner("config", "check", "--json")
    assert checked.exit_code == ExitCode.LOCAL
    assert checked.json["sinks"] == {
        "files": "csv",
        "warehouse": "sql",
        "team": {"error": {"code": "secret-missing", "detail": SECRET_MISSING}},
    }
    assert "team: the secret env:NOT_SET" in partner("config", "check").out


def test_a_check_of_the_project_tries_the_folder_of_csv_files(partner: Partner) -> None:
    Path("out").write_text("no folder")
    found: Any = partner("config", "check", "--json").json["sinks"]
    assert found["files"]["error"]["code"] == "sink-failed"


def test_a_check_of_the_project_looks_for_the_secrets_of_webhooks_and_shows_none(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("escrow.toml").write_text('[listen]\nsecrets = ["env:HOOK", "env:OLD_HOOK", "env:NOT_SET"]\n')
    monkeypatch.setenv("HOOK", SigningSecret.make(random=os.urandom).presented)
    monkeypatch.setenv("OLD_HOOK", "hunter2")
    checked = partner("config", "check", "--json")
    found: Any = checked.json["webhooks"]
    assert checked.exit_code == ExitCode.LOCAL
    assert found["env:HOOK"] == "secret"
    assert found["env:OLD_HOOK"]["error"]["code"] == found["env:NOT_SET"]["error"]["code"] == "secret-missing"
    assert not any(each in checked.out for each in ("hunter2", os.environ["HOOK"]))
    assert partner("listen", "--json").error_code == "secret-missing"


def test_a_sink_that_cannot_be_opened_keeps_no_other_from_a_dry_run(partner: Partner, service: FakeService) -> None:
    overlapping(partner, service, "001")
    Path("escrow.toml").write_text(SINKS + "[sinks.team]\nkind = 'slack'\nurl = 'env:NOT_SET'\n")
    tried = partner("sync", "--dry-run", "--json")
    errors, sinks = tried.json["errors"], tried.json["sinks"]
    assert (tried.exit_code, errors) == (ExitCode.LOCAL, {"team": {"code": "secret-missing", "detail": SECRET_MISSING}})
    assert isinstance(sinks, dict)
    assert len(sinks["warehouse"]) == 2


def test_a_sink_for_a_partnership_that_nobody_has_is_noted(partner: Partner) -> None:
    Path("escrow.toml").write_text('[sinks.team]\nkind = "csv"\nfolder = "out"\npartnerships = ["Contso"]\n')
    synced = partner("sync")
    assert synced.exit_code == 0
    assert "The sink team is for Contso, and no partnership here is called so; there are: contoso." in synced.err


SECRET_MISSING = "the secret env:NOT_SET that escrow.toml names is not there; set the environment variable NOT_SET"
