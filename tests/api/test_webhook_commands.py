"""`escrow webhook` against the service: a secret is shown once, an address never, and a slip is told what there is."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from escrow.client.cli.exits import ExitCode
from escrow.store.tables import endpoints
from tests.api.serving import Served
from tests.client.making_keyrings import a_keyring, a_keyring_file
from tests.client.terminals import Partner

URL = "https://hooks.example.com/services/canary-path?token=canary"


@pytest.fixture
def terminal(
    shared_api: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Partner:
    """The terminal of an organization that has no endpoint."""
    http = shared_api.left.http
    for each in http.get("/v1/webhook-endpoints").json()["items"]:
        http.delete(f"/v1/webhook-endpoints/{each['endpoint_id']}")
    url, api_key = str(http.base_url).rstrip("/"), http.headers["Authorization"].removeprefix("Bearer ")
    a_keyring_file(tmp_path, a_keyring(api_key, shared_api.left.organization_id, url))
    return Partner(tmp_path, api_key, url, monkeypatch, capsys)


def answered(terminal: Partner, *arguments: str) -> dict[str, Any]:
    return dict(terminal("webhook", *arguments, "--json").json)


def added(terminal: Partner) -> str:
    return str(answered(terminal, "add", URL)["endpoint_id"])


def test_a_secret_is_shown_once_and_an_address_without_its_path(
    terminal: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{URL}\n"))
    assert "escrow webhook add URL" in terminal("webhook", "list").out
    made = terminal("webhook", "add", URL, "--description", "CRM job")
    slack = terminal("webhook", "add", "-", "--slack")
    listed = answered(terminal, "list")["endpoints"]
    assert [each["kind"] for each in listed] == ["standard", "slack"]
    id_ = listed[0]["endpoint_id"]
    rotated = terminal("webhook", "rotate-secret", id_[:35])
    assert [each.out.count("whsec_") for each in (made, slack, rotated)] == [1, 0, 1]
    shown = [terminal("webhook", "list"), terminal("webhook", "log", id_)]
    assert "CRM job" in shown[0].out
    assert "escrow webhook confirm" in shown[1].out
    everything = "".join(each.out + each.err for each in (made, slack, rotated, *shown))
    assert "hooks.example.com" in everything
    assert "canary" not in everything
    assert "whsec_" not in "".join(each.out for each in shown)


def test_an_endpoint_is_told_of_what_was_asked_for(terminal: Partner) -> None:
    invited = terminal("invite", "--label", "contoso", "--json").json["partnership_id"]
    asked = ("--event", "release.made", "--cell", "customers:prospects:50", "--partnership", "contoso")
    made = answered(terminal, "add", URL, *asked)
    cell = {"ours": "customers", "theirs": "prospects", "crossed": 50}
    assert (made["types"], made["cells"], made["partnership_ids"]) == (["release.made"], [cell], [invited])
    assert "release.made; customers:prospects:50" in terminal("webhook", "list").out


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        (("--event", "release.mad"), "release.made"),
        (("--cell", "customers:friends"), "prospects"),
        (("--cell", "customers:prospects:0"), "customers:prospects:50"),
        (("--cell", "customers:prospects:many"), "customers:prospects:50"),
        (("--description", "x" * 201), "200"),
    ],
)
def test_a_filter_that_is_not_understood_is_told_what_there_is(
    terminal: Partner, slip: tuple[str, str], told: str
) -> None:
    refused = terminal("webhook", "add", URL, *slip, "--json")
    assert refused.exit_code == ExitCode.USAGE
    assert told in refused.err
    assert "canary" not in refused.err
    assert answered(terminal, "list") == {"endpoints": []}


def test_what_is_asked_of_an_endpoint_is_in_its_log(terminal: Partner) -> None:
    id_ = added(terminal)
    assert terminal("webhook", "test", id_, "--json").error_code == "endpoint-not-confirmed"
    assert f"escrow webhook log {id_}" in terminal("webhook", "confirm", id_).out
    (challenge,) = answered(terminal, "log", id_)["deliveries"]
    assert (challenge["type"], challenge["state"]) == ("endpoint.challenge", "pending")
    assert "endpoint.challenge" in terminal("webhook", "log", id_).out
    assert answered(terminal, "replay", id_, "--first", "1", "--last", "9")["deliveries"] == 0
    assert terminal("webhook", "replay", id_, "--first", "2", "--last", "1").exit_code == ExitCode.USAGE


def test_only_an_endpoint_that_is_meant_is_removed(terminal: Partner) -> None:
    id_ = added(terminal)
    unasked = terminal("webhook", "remove", id_)
    unknown = terminal("webhook", "remove", "ffffffff-ffff", "--yes", "--json")
    assert [unasked.exit_code, unknown.exit_code] == [ExitCode.USAGE] * 2
    assert id_ in unknown.err
    assert answered(terminal, "remove", id_, "--yes")["removed"]["endpoint_id"] == id_
    assert answered(terminal, "list") == {"endpoints": []}


def test_what_an_endpoint_is_told_of_is_changed_part_by_part(terminal: Partner) -> None:
    id_ = str(answered(terminal, "add", URL, "--event", "release.made", "--cell", "customers:customers")["endpoint_id"])
    changed = answered(terminal, "change", id_, "--event", "terms.changed", "--description", "new")
    assert (changed["types"], len(changed["cells"]), changed["description"]) == (["terms.changed"], 1, "new")
    opened = answered(terminal, "change", id_, "--every", "cell")
    assert (opened["types"], opened["cells"], opened["description"]) == (["terms.changed"], None, "new")
    slips = [(), ("--every", "cells"), ("--every", "event", "--event", "release.made"), ("--description", "x" * 201)]
    for slip in slips:
        assert terminal("webhook", "change", id_, *slip, "--json").exit_code == ExitCode.USAGE
    assert answered(terminal, "list")["endpoints"] == [opened]


def test_an_endpoint_that_was_disabled_is_enabled_again_once_it_was_confirmed(
    terminal: Partner, shared_api: Served
) -> None:
    id_ = added(terminal)
    assert terminal("webhook", "enable", id_, "--json").error_code == "endpoint-not-confirmed"
    with shared_api.service.database.transaction("confirm for a test") as tx:
        tx.execute(update(endpoints).values(confirmed_at=shared_api.service.now()))
    assert "until `escrow webhook enable`" in terminal("webhook", "disable", id_).out
    assert answered(terminal, "list")["endpoints"][0]["disabled_because"] == "asked"
    assert answered(terminal, "enable", id_)["state"] == "enabled"
