"""Each party sees all of its own list, and of the other's its age."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert

from escrow import partnerships
from escrow.store.database import Database, Transaction
from escrow.store.states import PartnershipState
from escrow.store.tables import submissions
from escrow.terms import Population, Side
from tests.partnership_makers import (
    NOON,
    Couple,
    active_partnership,
    apply_list,
    invited_partnership,
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


def test_an_invitation_shows_no_partner_and_says_until_when(database: Database) -> None:
    couple = invited_partnership(database, named=True)
    with database.snapshot("show") as tx:
        shown = partnerships.show(tx, seat(tx, couple, Side.LEFT), service_key=couple.service_key, now=NOON)
    assert (shown.state, shown.partner, shown.generation) == (PartnershipState.INVITED, None, None)
    assert (shown.created_at, shown.expires_at) == (NOON, TOO_LATE)
    assert (shown.our_list.last_number, shown.our_list.applied_number, shown.latest_release) == (0, 0, None)


def test_a_party_sees_all_of_its_own_list_and_only_the_age_of_the_other(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("apply") as tx:
        apply_list(tx, couple, size=3)
        ours = partnerships.show(tx, seat(tx, couple, Side.LEFT), service_key=couple.service_key, now=NOON)
        theirs = partnerships.show(tx, seat(tx, couple, Side.RIGHT), service_key=couple.service_key, now=NOON)
    assert (ours.our_list.applied_number, ours.our_list.accounts) == (1, 3)
    assert ours.our_list.populations == {
        Population.CUSTOMERS: 3,
        Population.OPPORTUNITIES: 0,
        Population.PROSPECTS: 0,
    }
    assert theirs.their_list == partnerships.TheirList(applied_at=NOON, ready=False)
    assert (theirs.our_list.accounts, theirs.our_list.applied_at) == (0, None)
    assert (theirs.side, theirs.expires_at) == (Side.RIGHT, None)
    assert theirs.partner is not None
    assert theirs.partner.organization_id == couple.left.organization_id


def test_a_submission_that_is_still_uploading_does_not_count_as_the_last(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("submit") as tx:
        for number, state in ((1, "applied"), (2, "uploading")):
            tx.execute(
                insert(submissions).values(
                    partnership_id=couple.partnership_id,
                    side="left",
                    number=number,
                    type="snapshot",
                    base=0,
                    generation=0,
                    profile="escrow-1",
                    accounts=0,
                    digest=bytes(32),
                    state=state,
                    ready=False,
                    begun_at=NOON,
                )
            )
        assert (
            partnerships.show(
                tx, seat(tx, couple, Side.LEFT), service_key=couple.service_key, now=NOON
            ).our_list.last_number
            == 1
        )


def test_partnerships_are_paged_without_gaps(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("invite") as tx:
        for number in range(4):
            _invite(tx, couple, lookup=bytes([number]) * 16)
        seen: list[UUID] = []
        after: UUID | None = None
        while True:
            shown, after = partnerships.page(
                tx, couple.left, after=after, limit=2, service_key=couple.service_key, now=NOON
            )
            seen += [each.partnership_id for each in shown]
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 5
        assert partnerships.page(tx, couple.right, after=None, limit=2, service_key=couple.service_key, now=NOON) == (
            [],
            None,
        )
