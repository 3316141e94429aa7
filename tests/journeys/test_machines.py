"""One partner's machines: a second one that takes over, and one that was lost with all that was on it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.journeys.programs import Partner, eventually, of_the_client, pair
from tests.journeys.relay import relay
from tests.journeys.test_main_job import HUBSPOT, SALESFORCE, Numbers, numbers, submit_examples


@of_the_client
def test_two_machines_take_turns_and_the_slower_one_is_told_to_import(
    partners: tuple[Partner, Partner], tmp_path: Path
) -> None:
    first, _ = submit_examples(partners)
    second = first.on_another_machine(tmp_path / "second")
    second.run("keyring", "import", first.export(tmp_path / "carried"))
    before = numbers(first.run("report"))
    assert numbers(second.run("report")) == before
    shorter, shortest = (shortened(tmp_path, by=by) for by in (40, 80))

    with relay(before="/submissions", first=lambda: second.run("submit", shorter)) as proxy:
        slow = Partner(first.name, {**first.environment, "ESCROW_PROXY": proxy})
        code, error = slow.refused("submit", shortest)
    assert (code, error["code"]) == (5, "submitted-elsewhere")
    assert "`escrow keyring import`" in error["detail"]

    first.run("keyring", "import", second.export(tmp_path / "carried"))
    assert first.run("submit", shorter)["sent_accounts"] == 0, "it has taken over what the second machine sent"
    went_on = first.run("submit", shortest)
    assert (went_on["type"], went_on["state_was_lost"]) == ("delta", False)
    assert numbers_of(first, first.run("submit", SALESFORCE)) == before

    tightened = second.run("terms", "set", "--level", "customers:customers=hidden")
    code, error = first.refused("terms", "set", "--largest-list", "300000")
    assert (code, error["code"]) == (5, "terms-elsewhere")
    assert "customers:customers" in error["detail"]
    taken_over = first.run("terms", "confirm", "--yes")
    assert (taken_over["confirmed_number"], taken_over["differs"]) == (tightened["number"], False)


@of_the_client
def test_a_machine_that_fell_behind_sends_nothing_unless_it_is_told_to(
    partners: tuple[Partner, Partner], tmp_path: Path
) -> None:
    first, _ = submit_examples(partners)
    before = numbers(first.run("report"))
    second = first.on_another_machine(tmp_path / "second")
    second.run("keyring", "import", first.export(tmp_path / "carried"))
    second.run("submit", shortened(tmp_path, by=80))
    code, error = first.refused("submit", SALESFORCE)
    assert (code, error["code"]) == (5, "submitted-elsewhere")
    assert "--snapshot" in error["detail"]
    behind = first.run("submit", SALESFORCE, "--snapshot")
    assert behind["type"] == "snapshot"
    assert numbers_of(second, behind) == before


@of_the_client
def test_a_lost_home_comes_back_from_a_copy(partners: tuple[Partner, Partner], tmp_path: Path) -> None:
    left, _ = submit_examples(partners)
    copy = left.export(tmp_path / "copy")
    before = numbers(left.run("report"))
    left.run("submit", shortened(tmp_path, by=100))
    shutil.rmtree(left.home)

    code, error = left.refused("report")
    assert (code, error["code"]) == (5, "keyring-missing")
    assert "`escrow keyring import`" in error["detail"]
    left.run("keyring", "import", copy)
    assert left.run("status")["partnerships"][0]["pairing"] == "paired"
    assert left.refused("submit", SALESFORCE)[1]["code"] == "submitted-elsewhere", "the copy is older than the list"
    again = left.run("submit", SALESFORCE, "--snapshot")
    assert numbers_of(left, again) == before


@of_the_client
def test_a_lost_home_without_a_copy_ends_the_old_partnership_and_pairs_afresh(
    partners: tuple[Partner, Partner],
) -> None:
    left, right = partners
    assert right.run("status")["partnerships"][0]["pairing"] == "paired"
    shutil.rmtree(left.home)
    left.run("init")

    shown = left.run("status")
    assert shown["partnerships"] == []
    (lost,) = shown["without_keys_here"]
    assert lost["partner"]["name"] == right.name
    told = [check for check in left.run("doctor")["checks"] if check["partnership"] == right.name]
    assert [(check["state"], lost["partnership_id"] in check["advice"]) for check in told] == [("warn", True)]
    assert left.refused("report")[1]["code"] == "partnership-unknown"

    left.run("end", "--partnership", lost["partnership_id"], "--yes")
    assert left.run("status")["without_keys_here"] == []
    assert right.refused("report")[1]["code"] == "partnership-not-active"
    assert right.run("status")["partnerships"][0]["service"]["state"] == "ended"
    right.run("end", "--yes")
    pair(left, right)
    assert left.run("report")["number"] is None, "the new partnership is the only open one, and has no release yet"


@of_the_client
def test_a_partner_of_two_names_learns_how_to_tell_them_apart(partners: tuple[Partner, Partner]) -> None:
    left, right = partners
    pair(left, right)
    ids = [each["partnership_id"] for each in right.run("status")["partnerships"]]
    code, error = right.refused("report")
    assert (code, error["code"]) == (5, "partnership-unknown")
    assert all(f"{left.name} ({partnership_id[:8]})" in error["detail"] for partnership_id in ids)
    assert right.run("report", "--partnership", ids[0][:8])["number"] is None


def shortened(folder: Path, *, by: int) -> Path:
    """The example list without its last lines."""
    file = folder / f"without {by}.csv"
    file.write_text("".join(SALESFORCE.read_text(encoding="utf-8").splitlines(keepends=True)[:-by]), encoding="utf-8")
    return file


def numbers_of(partner: Partner, submitted: dict[str, Any]) -> Numbers:
    """The numbers of the first release that was made from this submission."""
    eventually(lambda: partner.run("report")["our_list"]["number"] == submitted["number"])
    return numbers(partner.run("report"))


@of_the_client
def test_a_lost_home_without_a_copy_pairs_afresh_and_the_partnership_lives_on(
    partners: tuple[Partner, Partner],
) -> None:
    left, right = submit_examples(partners)
    before = numbers(left.run("report"))
    shutil.rmtree(left.home)
    left.run("init")
    (lost,) = left.run("status")["without_keys_here"]
    here = ("--partnership", lost["partnership_id"])
    declined = left.run("generation", "start", "--fresh-pairing", "--yes", *here)["code"]
    assert right.run("generation", "cancel", "--yes")["cancelled"]
    assert right.refused("accept", declined)[1]["code"] == "not-found"

    right.run("accept", left.run("generation", "start", "--fresh-pairing", "--yes")["code"])
    checks = [left.run("status")["partnerships"][0]["check"], right.run("status")["partnerships"][0]["check"]]
    assert checks[0] == checks[1]
    assert numbers(left.run("report")) == before
    submitted = [partner.run("submit", export) for partner, export in ((left, SALESFORCE), (right, HUBSPOT))]
    assert [each["generation"] for each in submitted] == [1, 0]
    eventually(lambda: left.run("report")["number"] > 1)
    assert numbers(left.run("report")) == before
    assert right.run("status")["partnerships"][0]["service"]["generation"]["number"] == 1
