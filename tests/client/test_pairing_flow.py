"""Pairing between two machines: what is verified before what is sent, and what is erased when."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from escrow.client.key_agreements import INVITATION_LASTS
from escrow.client.pairing import advance, confirm, end
from escrow.client.seats import Standing
from escrow.errors import (
    ConfirmationFailed,
    InvitationLapsed,
    InviterMismatch,
    PartnershipHeld,
    PartnershipNotReady,
    ServiceRefused,
    ServiceUnreachable,
    VerificationFailed,
)
from escrow.psi.encoding import b64url
from tests.client.fake_service import LEFT_ORG, NOW, FakeService, Json, Tamper
from tests.client.making_keyrings import Machine, a_pair, two_machines


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def machines(tmp_path: Path, service: FakeService) -> tuple[Machine, Machine]:
    return two_machines(tmp_path, service)


def swapping(name: str) -> Tamper:
    def tamper(_: str, __: str, body: Json) -> Json:
        return {**body, name: b64url(bytes(range(32)))} if name in body else body

    return tamper


def test_both_sides_hold_the_same_keys_and_the_same_check(tmp_path: Path, service: FakeService) -> None:
    left, right = a_pair(tmp_path, service)
    assert left.seat.standing is right.seat.standing is Standing.PAIRED
    assert left.seat.paired_keys == right.seat.paired_keys
    assert left.seat.check == right.seat.check is not None
    assert service.deals[left.seat.partnership_id].state == "active"


def test_what_led_to_the_keys_is_erased(tmp_path: Path, service: FakeService) -> None:
    for machine in a_pair(tmp_path, service):
        assert machine.seat.invited is None
        assert machine.seat.exchange is None


def test_the_pairing_secret_reaches_the_service_in_no_request(tmp_path: Path, service: FakeService) -> None:
    left, right = two_machines(tmp_path, service)
    code = left.invite().code
    psk = left.seat.open_invitation.psk
    right.accept(code)
    left.advance()
    for body in service.bodies:
        assert psk not in body
        assert b64url(psk).encode() not in body
        assert code.encode() not in body


def test_an_unnamed_acceptor_waits_for_a_person(machines: tuple[Machine, Machine]) -> None:
    left, right = machines
    right.accept(left.invite(acceptor=None).code)
    assert left.advance().standing is Standing.UNCONFIRMED
    assert left.seat.partner_name == "Contoso"
    with pytest.raises(PartnershipNotReady, match="escrow confirm"):
        _ = left.seat.paired_keys
    assert right.advance().standing is Standing.ACCEPTED
    assert confirm(left.service, left.file, left.seat, now=NOW).standing is Standing.PAIRED
    assert right.advance().standing is Standing.PAIRED


def test_a_swapped_key_of_the_acceptor_voids_the_invitation(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    right.accept(left.invite().code)
    service.tamper = swapping("acceptor_public")
    with pytest.raises(ConfirmationFailed):
        left.advance()
    assert left.seat.standing is Standing.CLOSED
    assert left.seat.keys is None
    assert left.seat.invited is None
    assert service.deals[left.seat.partnership_id].state == "ended"


def test_a_swapped_key_of_the_inviter_is_noticed_by_the_code(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    code = left.invite().code
    service.tamper = swapping("inviter_public")
    with pytest.raises(InviterMismatch):
        right.accept(code)
    assert right.file.keyring.seats == ()


def test_a_forged_confirmation_closes_the_acceptors_seat(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    right.accept(left.invite().code)
    left.advance()
    service.tamper = swapping("inviter_tag")
    with pytest.raises(ConfirmationFailed):
        right.advance()
    assert right.seat.standing is Standing.CLOSED
    assert right.seat.keys is None


def test_an_acceptor_other_than_the_one_named_is_refused(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    right.accept(left.invite().code)

    def another(_: str, path: str, body: Json) -> Json:
        return {**body, "acceptor_organization_id": str(UUID(int=9))} if path.endswith("pairing") else body

    service.tamper = another
    with pytest.raises(VerificationFailed, match="another organization"):
        left.advance()


def test_an_organization_does_not_accept_its_own_invitation(machines: tuple[Machine, Machine]) -> None:
    left, _ = machines
    code = left.invite(acceptor=LEFT_ORG).code
    with pytest.raises((InviterMismatch, PartnershipHeld)):
        left.accept(code)


def test_a_partnership_is_accepted_once(machines: tuple[Machine, Machine], service: FakeService) -> None:
    left, right = machines
    code = left.invite().code
    right.accept(code)
    service.deals[left.seat.partnership_id].state = "invited"
    with pytest.raises(PartnershipHeld):
        right.accept(code)


def test_an_acceptance_whose_answer_was_lost_is_sent_again(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    code = left.invite().code

    def losing(_: str, path: str, body: Json) -> Json:
        if path.endswith("/accept"):
            raise ServiceUnreachable("lost")
        return body

    service.tamper = losing
    with pytest.raises(ServiceUnreachable):
        right.accept(code)
    assert right.seat.standing is Standing.ACCEPTING
    service.tamper = None
    assert right.advance().standing is Standing.ACCEPTED
    left.advance()
    assert right.advance().paired_keys == left.seat.paired_keys


def test_an_invitation_that_the_service_refuses_leaves_no_seat(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, _ = machines
    left.service = service.escrow("esk_unknown")
    with pytest.raises(ServiceRefused):
        left.invite()
    assert left.file.keyring.seats == ()


def test_an_invitation_lapses_by_the_inviters_own_clock(machines: tuple[Machine, Machine]) -> None:
    left, right = machines
    right.accept(left.invite().code)
    late = NOW + INVITATION_LASTS + timedelta(seconds=1)
    with pytest.raises(InvitationLapsed):
        advance(left.service, left.file, left.seat, now=late)
    assert left.seat.standing is Standing.CLOSED


def test_an_end_erases_the_keys_and_keeps_the_id(tmp_path: Path, service: FakeService) -> None:
    left, _ = a_pair(tmp_path, service)
    seat = end(left.service, left.file, left.seat)
    assert seat.standing is Standing.CLOSED
    assert seat.keys is None
    assert service.deals[seat.partnership_id].state == "ended"
    with pytest.raises(PartnershipNotReady):
        _ = seat.paired_keys


def test_the_word_of_the_service_alone_erases_no_paired_keys(tmp_path: Path, service: FakeService) -> None:
    left, _ = a_pair(tmp_path, service)
    service.deals[left.seat.partnership_id].state = "ended"
    assert left.advance().standing is Standing.PAIRED
