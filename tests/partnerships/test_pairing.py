"""A pairing moves as the diagram of its states says, each move once."""

from __future__ import annotations

import os
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from escrow import audit, partnerships
from escrow.audit import Action
from escrow.errors import (
    ConfirmationTaken,
    InvitationTaken,
    NotFound,
    PairingIncomplete,
    PairingInvalid,
    PartnershipEnded,
    PartnershipExists,
)
from escrow.psi.matchkeys import Suite
from escrow.reports.trail import shared_trail
from escrow.store.database import Database, Transaction
from escrow.store.secrets import open_pepper
from escrow.store.states import GenerationState, PartnershipState
from escrow.store.tables import generations
from escrow.terms import Side
from tests.partnership_makers import (
    LOOKUP,
    NOON,
    Couple,
    accepted_partnership,
    active_partnership,
    invited_partnership,
    new_caller,
    seat,
)

JUST_IN_TIME = NOON + timedelta(days=7) - timedelta(seconds=1)
TOO_LATE = NOON + timedelta(days=7)


def _invite(tx: Transaction, couple: Couple, **changed: object) -> None:
    asked = {
        "partnership_id": uuid4(),
        "lookup": b"\x09" * 16,
        "inviter_public": b"\x01" * 32,
        "suite": 1,
        "profile": "escrow-1",
        "acceptor_organization_id": None,
        "now": NOON,
    }
    partnerships.invite(tx, couple.left, **(asked | changed))  # type: ignore[arg-type]


def _accept(tx: Transaction, couple: Couple, **changed: object) -> None:
    said = {"lookup": LOOKUP, "acceptor_public": b"\x02" * 32, "tag": b"\x03" * 32, "now": NOON}
    partnerships.accept(tx, couple.right, couple.partnership_id, **(said | changed))  # type: ignore[arg-type]


def _confirm(tx: Transaction, couple: Couple, *, side: Side = Side.LEFT, tag: bytes = b"\x04" * 32) -> None:
    party = seat(tx, couple, side)
    partnerships.confirm(tx, party, tag=tag, service_key=couple.service_key, random=os.urandom, now=NOON)


def test_an_invitation_is_found_by_its_lookup(database: Database) -> None:
    couple = invited_partnership(database)
    with database.snapshot("look up") as tx:
        found = partnerships.look_up(tx, couple.right, LOOKUP, now=JUST_IN_TIME)
    assert found.partnership_id == couple.partnership_id
    assert found.inviter_organization_id == couple.left.organization_id
    assert (found.inviter_public, found.suite, found.profile) == (b"\x01" * 32, Suite.HMAC, "escrow-1")
    assert found.expires_at == TOO_LATE


def test_an_invitation_that_expired_is_not_found(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("too late") as tx:
        with pytest.raises(NotFound):
            partnerships.look_up(tx, couple.right, LOOKUP, now=TOO_LATE)
        with pytest.raises(NotFound):
            _accept(tx, couple, now=TOO_LATE)


def test_one_s_own_invitation_is_not_found(database: Database) -> None:
    couple = invited_partnership(database)
    with database.snapshot("look up") as tx, pytest.raises(NotFound):
        partnerships.look_up(tx, couple.left, LOOKUP, now=NOON)


def test_an_invitation_for_another_organization_is_not_found(database: Database) -> None:
    couple = invited_partnership(database, named=True)
    with database.transaction("look up") as tx:
        stranger = new_caller(tx, "Initech")
        with pytest.raises(NotFound):
            partnerships.look_up(tx, stranger, LOOKUP, now=NOON)
        with pytest.raises(NotFound):
            partnerships.accept(
                tx, stranger, couple.partnership_id, lookup=LOOKUP, acceptor_public=bytes(32), tag=bytes(32), now=NOON
            )
        assert partnerships.look_up(tx, couple.right, LOOKUP, now=NOON).partnership_id == couple.partnership_id


def test_an_id_or_a_lookup_is_used_once(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("invite again") as tx:
        with pytest.raises(PartnershipExists):
            _invite(tx, couple, partnership_id=couple.partnership_id)
        with pytest.raises(PartnershipExists):
            _invite(tx, couple, lookup=LOOKUP)
        _invite(tx, couple)


@pytest.mark.parametrize(
    "wrong", [{"lookup": b"short"}, {"inviter_public": bytes(31)}, {"suite": 2}, {"suite": 0}], ids=str
)
def test_an_invitation_that_the_protocol_does_not_know_is_refused(database: Database, wrong: dict[str, object]) -> None:
    couple = invited_partnership(database)
    with database.transaction("invite") as tx, pytest.raises(PairingInvalid):
        _invite(tx, couple, **wrong)


def test_an_organization_invites_neither_itself_nor_nobody(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("invite") as tx:
        with pytest.raises(PairingInvalid):
            _invite(tx, couple, acceptor_organization_id=couple.left.organization_id)
        with pytest.raises(NotFound):
            _invite(tx, couple, acceptor_organization_id=uuid4())


def test_an_acceptance_needs_the_lookup_and_not_only_the_id(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("accept") as tx, pytest.raises(NotFound):
        _accept(tx, couple, lookup=bytes(16))


def test_the_same_acceptance_again_changes_nothing(database: Database) -> None:
    couple = accepted_partnership(database)
    with database.transaction("accept again") as tx:
        _accept(tx, couple)
        told = [entry.action for entry in audit.trail(tx, shared_trail(couple.partnership_id))]
    assert told == [Action.INVITED, Action.ACCEPTED]


def test_an_invitation_takes_one_acceptance(database: Database) -> None:
    couple = accepted_partnership(database)
    with database.transaction("accept") as tx:
        stranger = new_caller(tx, "Initech")
        with pytest.raises(InvitationTaken):
            _accept(tx, couple, tag=bytes(32))
        with pytest.raises(InvitationTaken):
            partnerships.accept(
                tx,
                stranger,
                couple.partnership_id,
                lookup=LOOKUP,
                acceptor_public=b"\x02" * 32,
                tag=b"\x03" * 32,
                now=NOON,
            )
        with pytest.raises(NotFound):
            partnerships.look_up(tx, stranger, LOOKUP, now=NOON)


def test_the_pairing_is_incomplete_until_somebody_accepts(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("too early") as tx:
        with pytest.raises(PairingIncomplete):
            partnerships.pairing(tx, seat(tx, couple, Side.LEFT), now=NOON)
        with pytest.raises(PairingIncomplete):
            _confirm(tx, couple)


def test_both_parties_read_what_was_said(database: Database) -> None:
    couple = active_partnership(database)
    with database.snapshot("read") as tx:
        for side in Side:
            said = partnerships.pairing(tx, seat(tx, couple, side), now=TOO_LATE)
            assert said.inviter_organization_id == couple.left.organization_id
            assert said.acceptor_organization_id == couple.right.organization_id
            assert (said.inviter_public, said.inviter_tag) == (b"\x01" * 32, b"\x04" * 32)
            assert (said.acceptor_public, said.acceptor_tag) == (b"\x02" * 32, b"\x03" * 32)


def test_confirming_starts_generation_0_with_a_pepper_of_its_own(database: Database) -> None:
    first, second = active_partnership(database), active_partnership(database, lookup=b"\x05" * 16)
    with database.snapshot("open") as tx:
        row = tx.execute(select(generations).where(generations.c.partnership_id == first.partnership_id)).one()
        assert (row.generation, row.state, row.suite, row.profile) == (0, GenerationState.LIVE.value, 1, "escrow-1")
        peppers = [open_pepper(tx, each.partnership_id, 0, service_key=each.service_key) for each in (first, second)]
        assert peppers[0] not in row.sealed_pepper
    assert len(set(peppers)) == 2
    assert {len(pepper) for pepper in peppers} == {32}


def test_the_same_confirmation_again_changes_nothing(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("confirm again") as tx:
        pepper = open_pepper(tx, couple.partnership_id, 0, service_key=couple.service_key)
        _confirm(tx, couple)
        assert open_pepper(tx, couple.partnership_id, 0, service_key=couple.service_key) == pepper
        with pytest.raises(ConfirmationTaken):
            _confirm(tx, couple, tag=bytes(32))


def test_only_the_inviter_confirms(database: Database) -> None:
    couple = accepted_partnership(database)
    with database.transaction("confirm") as tx, pytest.raises(PairingInvalid):
        _confirm(tx, couple, side=Side.RIGHT)


def test_an_acceptance_that_was_not_confirmed_in_time_is_over(database: Database) -> None:
    couple = accepted_partnership(database)
    with database.transaction("too late") as tx:
        party = seat(tx, couple, Side.LEFT)
        assert (
            partnerships.show(tx, party, service_key=couple.service_key, now=TOO_LATE).state is PartnershipState.ENDED
        )
        with pytest.raises(PartnershipEnded):
            partnerships.pairing(tx, party, now=TOO_LATE)
        with pytest.raises(PartnershipEnded):
            partnerships.confirm(
                tx, party, tag=bytes(32), service_key=couple.service_key, random=os.urandom, now=TOO_LATE
            )
