"""Which partnership a command means, and what it says when it cannot go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import choose
from escrow.client.seats import Seat, Standing
from escrow.client.transport import Patience
from escrow.errors import PartnershipNotReady, PartnershipUnknown
from escrow.terms import STANDARD_RULE, Side
from tests.client.fake_service import RIGHT_ORG, FakeService
from tests.client.terminals import Partners


def a_seat(number: int, standing: Standing, label: str = "brightwater") -> Seat:
    return Seat(UUID(int=number), label, Side.LEFT, standing)


def test_a_label_that_is_had_again_means_the_open_partnership() -> None:
    ended, paired = a_seat(1, Standing.CLOSED), a_seat(2, Standing.PAIRED)
    assert choose((ended, paired), "brightwater") is paired
    assert choose((ended, paired), None) is paired
    assert choose((ended,), "brightwater") is ended


def test_two_open_partnerships_must_be_told_apart() -> None:
    seats = (a_seat(1, Standing.PAIRED), a_seat(2, Standing.PAIRED, "acme"), a_seat(3, Standing.CLOSED, "gone"))
    with pytest.raises(PartnershipUnknown, match=r"there are: acme, brightwater$"):
        choose(seats, None)


def test_an_open_invitation_leaves_the_only_paired_partnership_meant() -> None:
    paired, invited = a_seat(1, Standing.PAIRED), a_seat(2, Standing.INVITED, "")
    assert choose((paired, invited), None) is paired
    assert choose((paired, invited), None, frozenset({Standing.INVITED})) is invited
    with pytest.raises(PartnershipUnknown, match=r"there are: 00000000 \(invited\), brightwater$"):
        choose((paired, invited), None, frozenset())


def test_an_open_invitation_says_for_whom_until_when_and_what_comes_next(partners: Partners) -> None:
    left, _ = partners
    left("invite", "--to", str(RIGHT_ORG))
    told = left("status").out
    assert f"organization {RIGHT_ORG}" in told
    for said in ("waits until 20", "`escrow accept CODE`", "`escrow end --partnership "):
        assert said in told, said
    assert "waits until 20" in left("doctor").out


def test_without_any_partnership_the_status_comes_first_since_keys_may_be_lost() -> None:
    with pytest.raises(PartnershipUnknown, match=r"see `escrow status`, then `escrow invite`"):
        choose((), None)


def test_a_word_that_names_no_partnership_is_said_to_name_none() -> None:
    seats = (a_seat(1, Standing.PAIRED), a_seat(2, Standing.CLOSED, "gone"))
    with pytest.raises(PartnershipUnknown, match=r"`nope` names no partnership; there are: brightwater$"):
        choose(seats, "nope")


def test_a_daily_job_goes_on_while_an_invitation_is_open_and_an_end_asks_which(paired: Partners) -> None:
    left, _ = paired
    again = left("invite", "--to", str(RIGHT_ORG))
    assert "there already: contoso." in again.err
    assert left("terms", "show").exit_code == ExitCode.DONE
    assert left("end", "--yes", "--json").error_code == "partnership-unknown"


@pytest.mark.parametrize("label", ["x" * 81, "CONTOSO"])
def test_a_label_is_short_and_no_name_of_another_partner(paired: Partners, label: str) -> None:
    assert paired[0]("invite", "--label", label, "--json").error_code == "usage"


@pytest.mark.parametrize("standing", [each for each in Standing if each is not Standing.PAIRED])
def test_what_needs_a_pairing_says_the_next_step(standing: Standing) -> None:
    with pytest.raises(PartnershipNotReady):
        a_seat(1, standing).require_paired()


def test_a_label_is_free_again_once_its_partnership_has_ended(paired: Partners) -> None:
    left, _ = paired
    label = "brightwater"
    left("end", "--yes")
    left("invite", "--label", label)
    assert left("invite", "--label", label, "--json").error_code == "usage"
    assert left("end", "--yes").exit_code == ExitCode.DONE
    assert "ended" in left("status").out
    assert left("invite", "--label", label, "--json").json["label"] == label


def test_terms_that_were_never_set_are_not_called_changed(paired: Partners) -> None:
    shown = paired[0]("terms", "show")
    assert "escrow terms set --preset counts-only" in shown.out
    assert "changed elsewhere" not in shown.out


def test_a_step_that_no_count_reaches_is_said_in_words(paired: Partners, service: FakeService) -> None:
    (deal,) = service.deals.values()
    for seat, step in zip(deal.seats.values(), (999_983, 1_000_000), strict=True):
        seat.terms = replace(seat.terms, disclosure=replace(STANDARD_RULE, step=step))
    shown = paired[0]("terms", "show").out
    assert "too coarse for any count" in shown
    assert "2,147,483,647" not in shown


def test_an_interrupted_command_says_so_and_exits_as_shells_expect(
    partners: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> httpx.Response:
        raise KeyboardInterrupt

    monkeypatch.setattr(httpx.Client, "send", interrupted)
    answered = partners[0]("invite", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.INTERRUPTED, "interrupted")


def test_a_report_before_the_pairing_says_the_next_step(partners: Partners) -> None:
    left, _ = partners
    left("invite")
    answered = left("report", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.LOCAL, "partnership-not-ready")


def test_an_output_of_an_unknown_kind_is_refused_before_anything_is_asked(newcomers: Partners) -> None:
    answered = newcomers[0]("report", "--output", "report.pdf", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.USAGE, "usage")


def test_a_status_that_could_not_be_learned_shows_in_the_exit_code(
    paired: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def unreachable(*_: object) -> httpx.Response:
        sent.append(1)
        raise httpx.ReadTimeout("no answer")

    paired[0]("invite")
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(httpx.Client, "send", unreachable)
    answered = paired[0]("status", "--json")
    assert len(sent) == Patience().attempts  # for both partnerships together
    assert "nothing is lost" in answered.err
    assert (answered.exit_code, answered.error_code) == (ExitCode.UNREACHABLE, "service-unreachable")
    partnerships = answered.json["partnerships"]
    assert isinstance(partnerships, list)
    assert partnerships[0]["error"]["code"] == "service-unreachable"


def test_a_status_without_the_service_does_not_say_that_there_is_no_partnership(partners: Partners) -> None:
    answered = partners[0]("status", "--proxy", "http://127.0.0.1:9")
    assert answered.exit_code == ExitCode.UNREACHABLE
    assert "No partnership yet" not in answered.out
    assert "problem" in answered.out


def test_a_new_api_key_takes_the_place_of_a_revoked_one(partners: Partners, service: FakeService) -> None:
    left, _ = partners
    service.revoked.add("esk_left")
    left.api_key = "esk_left_anew"
    assert left("invite", "--json").error_code == "not-authenticated"
    assert left("keyring", "api-key", "--json").exit_code == ExitCode.DONE
    assert left("invite", "--json").exit_code == ExitCode.DONE


def test_the_api_key_of_another_organization_is_not_taken(partners: Partners) -> None:
    left, _ = partners
    left.api_key = "esk_right"
    answered = left("keyring", "api-key", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.VERIFICATION, "verification-failed")


def test_a_key_or_a_passphrase_that_is_not_given_has_a_code_of_its_own(partners: Partners, tmp_path: Path) -> None:
    left, _ = partners
    left.api_key = ""
    assert left("keyring", "api-key", "--json").error_code == "api-key-missing"
    absent = left("keyring", "api-key", "--api-key-file", tmp_path / "absent", "--json")
    assert absent.error_code == "secret-file-unreadable"


def test_inviting_an_organization_that_the_service_does_not_have_says_which_id_is_meant(partners: Partners) -> None:
    answered = partners[0]("invite", "--to", str(UUID(int=7)), "--json")
    assert (answered.error_code, "organization id" in answered.err) == ("not-found", True)
