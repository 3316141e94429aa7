"""Fresh pairings at the service: who may say what and when, and what is left of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from escrow import audit, partnerships
from escrow.errors import (
    ConfirmationTaken,
    GenerationMismatch,
    GenerationTooSoon,
    InvitationTaken,
    NotFound,
    PairingIncomplete,
    PairingInvalid,
    PartnershipExists,
)
from escrow.partnerships import FreshHalf, NextGeneration
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import ListRecords
from escrow.reports.trail import shared_trail
from escrow.store.database import Database
from escrow.store.tables import fresh_pairings
from escrow.terms import Level, Population, Side
from tests.partnership_makers import active_partnership, seat
from tests.psi.making_lists import records_of
from tests.submission_makers import Desk, new_desk

LEFT, RIGHT = Side
HALF = FreshHalf(b"\x21" * 16, b"\x22" * 32)
ANSWER, TAG_A, TAG_I = b"\x23" * 32, b"\x24" * 32, b"\x25" * 32
WEEK, DAYS_90 = timedelta(days=7), timedelta(days=90)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def start(desk: Desk, side: Side, half: FreshHalf = HALF, number: int = 1, interval: timedelta = timedelta(0)) -> None:
    desk.start_generation(side, number, fresh=half, interval=interval)


def accept(desk: Desk, side: Side, *, lookup: bytes = HALF.lookup, public: bytes = ANSWER, tag: bytes = TAG_A) -> None:
    with desk.database.transaction("accept") as tx:
        party = seat(tx, desk.couple, side)
        partnerships.accept_fresh_pairing(tx, party, lookup=lookup, acceptor_public=public, tag=tag, now=desk.clock())


def confirm(desk: Desk, side: Side, tag: bytes = TAG_I) -> None:
    with desk.database.transaction("confirm") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        partnerships.confirm_fresh_pairing(tx, party, tag=tag, service_key=key, random=os.urandom, now=desk.clock())


def look_up(desk: Desk, side: Side, lookup: bytes = HALF.lookup) -> partnerships.Invitation:
    with desk.database.snapshot("look up") as tx:
        return partnerships.look_up(tx, desk.couple.caller(side), lookup, now=desk.clock())


def said(desk: Desk, side: Side) -> partnerships.Pairing:
    with desk.database.snapshot("look") as tx:
        return partnerships.fresh_pairing(tx, seat(tx, desk.couple, side), now=desk.clock())


def following(desk: Desk, side: Side) -> NextGeneration | None:
    with desk.database.snapshot("show") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        return partnerships.show(tx, party, service_key=key, now=desk.clock()).next_generation


def cancel(desk: Desk, side: Side, number: int = 1) -> None:
    with desk.database.transaction("cancel") as tx:
        partnerships.cancel_generation(tx, seat(tx, desk.couple, side), number, now=desk.clock())


def rows_kept(desk: Desk) -> int:
    with desk.database.snapshot("count") as tx:
        count: int = tx.execute(select(func.count()).select_from(fresh_pairings)).scalar_one()
        return count


@pytest.mark.parametrize("starter", Side)
def test_either_side_starts_it_and_is_its_inviter(desk: Desk, starter: Side) -> None:
    start(desk, starter)
    found = look_up(desk, starter.other)
    assert (found.generation, found.inviter_public) == (1, HALF.inviter_public)
    assert found.inviter_organization_id == desk.couple.caller(starter).organization_id
    for _ in range(2):
        accept(desk, starter.other)
    for _ in range(2):
        confirm(desk, starter)
    told = following(desk, starter)
    assert told is not None
    assert (told.number, told.is_building, told.fresh_pairing) == (1, True, True)
    for side in Side:
        shown = said(desk, side)
        assert shown.inviter_organization_id == desk.couple.caller(starter).organization_id
        assert (shown.acceptor_public, shown.acceptor_tag, shown.inviter_tag) == (ANSWER, TAG_A, TAG_I)
    with desk.database.snapshot("trail") as tx:
        actions = [entry.action for entry in audit.trail(tx, shared_trail(desk.couple.partnership_id))]
    assert actions[-3:] == ["generation-proposed", "generation-accepted", "generation-started"]


def test_both_consents_show_once_it_is_accepted(desk: Desk) -> None:
    start(desk, LEFT)
    assert [consents(desk, side) for side in Side] == [(True, False), (False, True)]
    accept(desk, RIGHT)
    assert [consents(desk, side) for side in Side] == [(True, True), (True, True)]


def consents(desk: Desk, side: Side) -> tuple[bool, bool]:
    told = following(desk, side)
    assert told is not None
    return told.consented_by_us, told.consented_by_them


def test_whoever_started_it_cannot_answer_it_and_the_other_cannot_confirm_it(desk: Desk) -> None:
    start(desk, LEFT)
    with pytest.raises(NotFound):
        look_up(desk, LEFT)
    with pytest.raises(NotFound):
        accept(desk, LEFT)
    with pytest.raises(PairingIncomplete, match="not accepted"):
        confirm(desk, LEFT)
    accept(desk, RIGHT)
    with pytest.raises(PairingInvalid):
        confirm(desk, RIGHT)


def test_it_takes_one_answer_and_one_confirmation(desk: Desk) -> None:
    start(desk, LEFT)
    with pytest.raises(NotFound):
        accept(desk, RIGHT, lookup=bytes(16))
    accept(desk, RIGHT)
    with pytest.raises(NotFound):
        look_up(desk, RIGHT)
    with pytest.raises(InvitationTaken):
        accept(desk, RIGHT, public=TAG_I)
    confirm(desk, LEFT)
    with pytest.raises(ConfirmationTaken):
        confirm(desk, LEFT, ANSWER)


def test_after_seven_days_it_has_lapsed_unless_it_was_confirmed(desk: Desk) -> None:
    start(desk, LEFT)
    accept(desk, RIGHT)
    desk.clock.move(WEEK)
    assert following(desk, LEFT) is None
    with pytest.raises(PairingIncomplete):
        confirm(desk, LEFT)
    start(desk, RIGHT, FreshHalf(b"\x31" * 16, b"\x32" * 32))
    accept(desk, LEFT, lookup=b"\x31" * 16)
    confirm(desk, RIGHT)
    desk.clock.move(WEEK)
    assert said(desk, LEFT).inviter_tag == TAG_I


def test_it_takes_the_place_of_a_rotation_and_a_rotation_does_not_take_its(desk: Desk) -> None:
    desk.start_generation(RIGHT)
    start(desk, LEFT)
    for half in (None, FreshHalf(b"\x31" * 16, b"\x32" * 32)):
        with pytest.raises(GenerationMismatch, match="started a fresh pairing"):
            desk.start_generation(RIGHT, fresh=half)
    accept(desk, RIGHT)
    confirm(desk, LEFT)
    with pytest.raises(GenerationMismatch, match="in another way"):
        desk.start_generation(RIGHT)
    start(desk, LEFT)


def test_its_starter_may_begin_anew_and_the_code_before_is_void(desk: Desk) -> None:
    start(desk, LEFT)
    accept(desk, RIGHT)
    again = FreshHalf(b"\x31" * 16, b"\x32" * 32)
    start(desk, LEFT, again)
    with pytest.raises(PairingIncomplete):
        said(desk, RIGHT)
    assert look_up(desk, RIGHT, again.lookup).inviter_public == again.inviter_public


def test_ninety_days_lie_before_it_too(desk: Desk) -> None:
    with pytest.raises(GenerationTooSoon, match="2027-01-31"):
        start(desk, LEFT, interval=DAYS_90)


def test_a_half_of_another_length_is_refused_and_a_code_is_used_once(desk: Desk) -> None:
    for half in (FreshHalf(b"\x21" * 15, b"\x22" * 32), FreshHalf(b"\x21" * 16, b"\x22" * 31)):
        with pytest.raises(PairingInvalid):
            start(desk, LEFT, half)
    start(desk, LEFT)
    other = replace(desk, couple=active_partnership(desk.database, lookup=b"\x41" * 16))
    with pytest.raises(PartnershipExists):
        start(other, LEFT)


def test_nothing_of_it_is_kept_after_a_cancellation_or_the_switch(desk: Desk) -> None:
    start(desk, LEFT)
    cancel(desk, RIGHT)
    assert rows_kept(desk) == 0
    begun(desk, number=1)
    cancel(desk, LEFT)
    assert rows_kept(desk) == 0
    desk.share(Level.ACCOUNTS)
    begun(desk, number=2)
    for generation in (0, 2):
        for side in Side:
            desk.applied(side, company(generation), generation=generation)
    told = desk.standing().generation
    assert told is not None
    assert (told.number, rows_kept(desk)) == (2, 0)


def begun(desk: Desk, *, number: int) -> None:
    start(desk, LEFT, number=number)
    accept(desk, RIGHT)
    confirm(desk, LEFT)


def company(key: int) -> ListRecords:
    return records_of({1: (Population.CUSTOMERS, frozenset({(MatchKeyClass.DOMAIN, 1_000 * key + 1)}))})
