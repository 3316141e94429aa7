"""Who is mailed digests: an address that proved itself, as often as it wants, and nobody's business but its own."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from escrow.access import Grant
from escrow.deliveries.filters import Filter
from escrow.errors import MailCodesTooMany, MailDigestsTooMany, MailOff, NotFound
from escrow.mail_digests import digests
from escrow.mail_digests.digests import Times
from escrow.store.database import Database
from escrow.store.states import EventType, MailDigestState
from escrow.store.tables import mail_codes, mail_digests
from tests.mail_digests.mail_servers import mail_server_on_loopback
from tests.mail_digests.mailing import ADDRESS, SETTINGS, Desk, code_in, desk_of, server_at


@pytest.fixture
def desk(database: Database) -> Desk:
    """An organization."""
    return desk_of(database)


def test_an_address_that_gives_its_code_back_is_mailed_digests(desk: Desk) -> None:
    with mail_server_on_loopback() as box:
        mail_digest_id = desk.enabled(box)
    shown = desk.digest(mail_digest_id)
    assert (shown.state, shown.shown_address) == (MailDigestState.ENABLED, "k…@people.example")
    assert shown.next_at == Times(6).after(desk.now)
    assert desk.trail()[-2:] == ["mail-digest-added", "mail-digest-confirmed"]


def test_a_code_is_tried_five_times_and_the_right_one_then_fits_no_more(desk: Desk) -> None:
    mail_digest_id = desk.add()
    with mail_server_on_loopback() as box:
        desk.server = server_at(box.port)
        desk.post()
        tried = [desk.confirm(mail_digest_id, "aaaa-aaaa-aaaa-aaaa").guesses_left for _ in range(6)]
        assert tried == [4, 3, 2, 1, 0, 0]
        assert desk.confirm(mail_digest_id, code_in(box.mails[0])).state is MailDigestState.UNCONFIRMED
        desk.ask_code(mail_digest_id)
        desk.post()
        assert desk.confirm(mail_digest_id, code_in(box.mails[1])).state is MailDigestState.ENABLED


def test_a_code_fits_for_a_day_and_a_newer_one_replaces_it(desk: Desk) -> None:
    mail_digest_id = desk.add()
    with mail_server_on_loopback() as box:
        desk.server = server_at(box.port)
        desk.post()
        desk.ask_code(mail_digest_id)
        desk.post()
        first, second = map(code_in, box.mails)
    assert desk.confirm(mail_digest_id, first).guesses_left == 4
    desk.later(days=1)
    assert desk.confirm(mail_digest_id, second).state is MailDigestState.UNCONFIRMED


def test_an_address_is_not_flooded_with_codes_however_it_is_added(desk: Desk) -> None:
    for address in (ADDRESS, ADDRESS.upper(), ADDRESS):
        added = desk.add(address=address)
        with desk.database.transaction("remove") as tx:
            digests.remove_mail_digest(tx, desk.caller, added, now=desk.now)
    with pytest.raises(MailCodesTooMany):
        desk.add()
    mail_digest_id = desk.add(address="lee@people.example")
    desk.ask_code(mail_digest_id)
    desk.ask_code(mail_digest_id)
    with pytest.raises(MailCodesTooMany):
        desk.ask_code(mail_digest_id)
    desk.later(days=1)
    desk.ask_code(mail_digest_id)


def test_an_organization_has_so_many_digests_and_codes_and_no_more(desk: Desk) -> None:
    desk.settings = SETTINGS.model_copy(update={"mail_digests": 2})
    added = [desk.add(address=f"{each}@people.example") for each in ("kim", "lee")]
    with pytest.raises(MailDigestsTooMany):
        desk.add(address="max@people.example")
    with desk.database.transaction("remove") as tx:
        digests.remove_mail_digest(tx, desk.caller, added[0], now=desk.now)
    with pytest.raises(MailCodesTooMany):
        desk.add(address="max@people.example")


def test_without_a_mail_server_no_address_is_taken_and_one_that_is_there_can_be_removed(desk: Desk) -> None:
    mail_digest_id = desk.add()
    off = desk.rule(is_on=False)
    with desk.database.transaction("add") as tx, pytest.raises(MailOff):
        digests.add_mail_digest(
            tx,
            desk.caller,
            unverified_address=ADDRESS,
            times=Times(6),
            description="",
            wanted=Filter(),
            by=off,
        )
    with desk.database.transaction("ask") as tx, pytest.raises(MailOff):
        digests.ask_code(tx, desk.caller, mail_digest_id, by=off)
    with desk.database.transaction("remove") as tx:
        digests.remove_mail_digest(tx, desk.caller, mail_digest_id, now=desk.now)


def test_a_key_bound_to_partnerships_knows_of_digests_of_those_alone(desk: Desk) -> None:
    of_all = desk.add()
    bound = replace(desk.caller, grant=Grant(partnership_ids=frozenset({uuid4()})))
    own = desk.add(caller=bound)
    with desk.database.snapshot("list") as tx:
        assert [each.mail_digest_id for each in digests.mail_digests_of(tx, bound, by=desk.rule())] == [own]
        with pytest.raises(NotFound):
            digests.mail_digest_of(tx, bound, of_all, by=desk.rule())
    with pytest.raises(NotFound):
        desk.add(caller=bound, wanted=Filter(partnership_ids=frozenset({UUID(int=9)})))


def test_what_is_told_is_what_was_asked_for_or_the_usual(desk: Desk) -> None:
    asked = desk.add(wanted=Filter(frozenset({EventType.GENERATION_LIVE})))
    assert desk.digest(asked).filter.types == frozenset({EventType.GENERATION_LIVE})
    usual = desk.digest(desk.add()).filter.types
    assert usual is not None
    assert EventType.RELEASE_MADE in usual
    assert EventType.SUBMISSION_APPLIED not in usual


def test_an_address_lies_sealed_and_of_a_code_only_its_digest_lies_there(desk: Desk) -> None:
    mail_digest_id = desk.add()
    with mail_server_on_loopback() as box:
        desk.server = server_at(box.port)
        desk.post()
        code = code_in(box.mails[0])
    with desk.database.snapshot("look") as tx:
        rows = [*tx.execute(select(mail_digests)), *tx.execute(select(mail_codes))]
    stored = b"|".join(each if isinstance(each, bytes) else str(each).encode() for row in rows for each in row)
    assert str(mail_digest_id).encode() in stored
    for secret in (b"canary", b"people.example", code.encode(), code.replace("-", "").encode()):
        assert secret not in stored


def test_an_address_that_nobody_confirms_is_forgotten_after_a_week(desk: Desk) -> None:
    with mail_server_on_loopback() as box:
        confirmed = desk.enabled(box)
    waiting = desk.add(address="lee@people.example")
    desk.later(days=8)
    with desk.database.transaction("forget") as tx:
        assert not digests.forget_unconfirmed(tx, now=desk.now, resting_since=desk.now)
        assert digests.forget_unconfirmed(tx, now=desk.now, resting_since=desk.now)
        assert tx.execute(select(mail_codes)).all() == []
    assert desk.digest(confirmed).state is MailDigestState.ENABLED
    with pytest.raises(NotFound):
        desk.digest(waiting)
    assert desk.trail()[-1] == "mail-digest-removed"
