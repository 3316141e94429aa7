"""Releases held to what was signed, to what was seen before, and to what the partner has seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest

from escrow.client.cli.exits import ExitCode
from escrow.psi.encoding import b64url, unb64url
from tests.client.fake_service import LEFT_ORG, RIGHT_ORG, FakeService, Json
from tests.client.making_releases import Signer
from tests.client.terminals import Partners

pytestmark = pytest.mark.usefixtures("signer")


@pytest.fixture
def signer(paired: Partners, service: FakeService) -> Signer:
    """Two releases, signed, that the service shows both sides."""
    del paired  # there is a deal once they have paired
    made = Signer(next(iter(service.deals)))
    made.release(1, 31)
    made.release(2, 33)
    made.shown_by(service)
    return made


def test_a_signed_report_says_what_was_checked(signer: Signer, paired: Partners) -> None:
    for partner in paired:
        assert "Checked: signed by the service" in partner("report").out
    assert paired[0]("report", "--json").json["checked"] == {
        "checked_releases": [2],
        "partner_has_seen": None,
        "release_keys": [signer.published.key_id],
    }


def test_verify_names_what_holds_and_works_without_the_service(paired: Partners) -> None:
    left, _ = paired
    assert left("report", "verify", "--json").json["checked_releases"] == [1, 2]
    assert left("report", "verify", "--all", "--json").json["checked_releases"] == [1, 2]
    assert left("report", "verify", "--offline", "--json").json["checked_releases"] == [1, 2]
    listed = cast("list[Json]", left("report", "history", "--json").json["releases"])
    assert [each["number"] for each in listed] == [2, 1]


@pytest.mark.parametrize("kept", [None, 0, 1])
def test_a_history_that_was_cut_on_this_machine_is_noticed(kept: int | None, paired: Partners) -> None:
    left, _ = paired
    left("report")
    (file,) = left.home.rglob("releases.json")
    form = json.loads(file.read_bytes())
    file.unlink() if kept is None else file.write_text(json.dumps(form | {"releases": form["releases"][:kept]}))
    for command in (("verify", "--offline"), ("history",)):
        refused = left("report", *command, "--json")
        assert (refused.exit_code, refused.error_code) == (ExitCode.VERIFICATION, "release-invalid")
        assert "release 2 was seen here" in refused.err
    left("report", "verify")
    assert left("report", "verify", "--offline", "--json").json["checked_releases"] == [1, 2], "it was taken anew"


def test_a_history_that_the_service_cuts_is_noticed_without_our_own(paired: Partners, service: FakeService) -> None:
    left, _ = paired
    left("report")
    (file,) = left.home.rglob("releases.json")
    file.unlink()
    del service.own_reports[LEFT_ORG][2]
    assert left("report", "verify", "--json").error_code == "verification-failed"


def test_another_number_than_was_signed_is_refused(paired: Partners, service: FakeService) -> None:
    cells = cast("list[Json]", service.own_reports[LEFT_ORG][2]["cells"])
    cells[0]["number"] = 34
    refused = paired[0]("report", "--json")
    assert (refused.exit_code, refused.error_code) == (ExitCode.VERIFICATION, "release-invalid")
    assert paired[1]("report", "--json").exit_code == ExitCode.DONE


@pytest.mark.parametrize("field", ["counts_from", "made_at"])
def test_other_terms_or_another_time_than_were_signed_are_refused(
    field: str, paired: Partners, service: FakeService
) -> None:
    told = {"counts_from": "certain", "made_at": "2026-11-09T00:00:00Z"}[field]
    service.own_reports[LEFT_ORG][2][field] = told
    assert paired[0]("report", "--json").error_code == "release-invalid"


def test_a_changed_statement_is_refused(paired: Partners, service: FakeService) -> None:
    signed = cast("Json", service.own_reports[LEFT_ORG][1]["signed"])
    changed = bytearray(unb64url(str(signed["statement"])))
    changed[-1] ^= 1
    service.own_reports[LEFT_ORG][1]["signed"] = signed | {"statement": b64url(bytes(changed))}
    refused = paired[0]("report", "verify", "--json")
    assert refused.exit_code == ExitCode.VERIFICATION
    assert "release 1" in refused.err


def test_a_release_that_was_seen_is_never_another_one(signer: Signer, paired: Partners, service: FakeService) -> None:
    paired[0]("report")
    another = Signer(signer.partnership_id)
    another.release(1, 31)
    another.release(2, 44)
    another.shown_by(service)
    assert paired[0]("report", "--json").error_code == "history-forked"


def test_a_release_that_does_not_follow_the_one_before_is_refused(
    signer: Signer, paired: Partners, service: FakeService
) -> None:
    paired[0]("report")
    another = Signer(signer.partnership_id)
    another.release(2, 33)
    another.release(3, 35)
    service.own_reports[LEFT_ORG][3] = another.made[next(iter(another.made))][3]
    refused = paired[0]("report", "--json")
    assert refused.error_code == "release-invalid"
    assert "release 3" in refused.err


def test_a_service_that_shows_two_histories_is_caught_by_the_heads(
    signer: Signer, paired: Partners, service: FakeService, export: Path
) -> None:
    left, right = paired
    another = Signer(signer.partnership_id)
    another.release(1, 31)
    another.release(2, 50)
    service.own_reports[RIGHT_ORG] = dict(another.made[list(another.made)[1]])
    assert left("report").exit_code == right("report").exit_code == ExitCode.DONE
    assert left("submit", export, "--json").exit_code == ExitCode.DONE
    for command in (("report",), ("report", "verify"), ("submit", export)):
        refused = right(*command, "--json")
        assert (refused.exit_code, refused.error_code) == (ExitCode.VERIFICATION, "history-forked")


def test_a_release_that_only_the_partner_was_shown_is_missed(
    paired: Partners, service: FakeService, export: Path
) -> None:
    left, right = paired
    assert left("report").exit_code == ExitCode.DONE
    left("submit", export)
    del service.own_reports[RIGHT_ORG][2]
    assert right("report", "--json").error_code == "history-forked"


def test_partners_who_saw_the_same_are_told_so(paired: Partners, export: Path) -> None:
    left, right = paired
    left("report")
    left("submit", export)
    checked = cast("Json", right("report", "--json").json["checked"])
    assert checked["partner_has_seen"] == 2


def test_another_key_is_taken_only_once_it_is_named(signer: Signer, paired: Partners, service: FakeService) -> None:
    left, _ = paired
    left("report")
    rotated = Signer(signer.partnership_id, secret=bytes([7] * 32), previous=signer.previous, made=signer.made)
    rotated.release(3, 35)
    rotated.shown_by(service)
    refused = left("report", "--json")
    assert refused.error_code == "release-invalid"
    named = rotated.published.key_id
    assert named in refused.err
    assert left("report", "verify", "--release-key", named, "--json").json["checked_releases"] == [2, 3]
    assert left("report", "--json").exit_code == ExitCode.DONE


def test_a_first_sight_may_name_the_key_that_is_believed(paired: Partners, service: FakeService) -> None:
    impostor = Signer(UUID(int=1), secret=bytes([7] * 32))
    service.release_keys = (*service.release_keys, impostor.published)
    refused = paired[0]("report", "verify", "--release-key", impostor.published.key_id, "--json")
    assert refused.error_code == "release-invalid"
