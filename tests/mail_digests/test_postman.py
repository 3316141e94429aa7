"""A digest is sent when it is due, once, in what the terms of that moment allow, and again under its id if need be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from escrow import audit, partnerships
from escrow.deliveries.filters import Filter
from escrow.mail_digests import digests, outgoing
from escrow.mail_digests.digests import Times
from escrow.psi.matchkeys import MatchKeyClass
from escrow.reports.trail import shared_trail
from escrow.server.running import mailing, make_postman
from escrow.store.database import Database
from escrow.store.states import EventType, MailDigestState, MailOutcome
from escrow.terms import Level, Population, Side
from tests.mail_digests.mail_servers import Hangs, MailBox, mail_server_on_loopback
from tests.mail_digests.mailing import Desk, body_of, desk_of, server_at
from tests.partnership_makers import seat
from tests.psi.making_lists import Account, records_of
from tests.submission_makers import Desk as Lists
from tests.submission_makers import new_desk

CUSTOMERS, *_ = Population

#: What is read has tests on both databases, and so has the queue: what a mail is made of need not.
ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def desk(database: Database) -> Desk:
    """An organization."""
    return desk_of(database)


@pytest.fixture
def box() -> Iterator[MailBox]:
    """A mail server that takes everything."""
    with mail_server_on_loopback() as running:
        yield running


def refusing(desk: Desk, answer: bytes) -> None:
    """Send what is due to a server that says this of every address."""
    with mail_server_on_loopback({"RCPT": answer}) as refuser:
        desk.server = server_at(refuser.port)
        desk.post()


def test_a_digest_is_sent_at_its_time_and_not_again_until_there_is_news(desk: Desk, box: MailBox) -> None:
    mail_digest_id = desk.enabled(box)
    desk.tell()
    desk.post()
    assert box.mails == []
    for _ in range(3):
        desk.later(days=1)
        desk.post()
    (mail,) = box.mails
    assert "A webhook endpoint of ours was disabled." in body_of(mail)
    assert desk.digest(mail_digest_id).last_outcome is MailOutcome.SENT
    desk.tell()
    desk.later(days=1)
    desk.post()
    assert len({each["Message-ID"] for each in box.mails}) == 2


def test_a_weekly_digest_sums_a_week_up(desk: Desk, box: MailBox) -> None:
    desk.enabled(box, times=Times(6, weekday=0))
    for _ in range(7):
        desk.tell()
        desk.later(days=1)
        desk.post()
    (mail,) = box.mails
    assert "disabled. (" in body_of(mail)


def test_what_was_not_asked_for_makes_no_mail(desk: Desk, box: MailBox) -> None:
    desk.enabled(box, wanted=Filter(frozenset({EventType.RELEASE_MADE})))
    desk.tell()
    desk.later(days=1)
    desk.post()
    assert (box.mails, box.commands) == ([], [])


def test_a_failure_is_tried_again_under_the_same_id_and_nothing_is_left_out(desk: Desk) -> None:
    with mail_server_on_loopback() as box:
        mail_digest_id = desk.enabled(box)
    desk.tell()
    desk.later(days=1)
    refusing(desk, b"451 4.7.1 later\r\n")
    shown = desk.digest(mail_digest_id)
    assert (shown.last_outcome, shown.failing_since) == (MailOutcome.LATER, desk.now)
    assert shown.next_at == desk.now + timedelta(seconds=5)
    with mail_server_on_loopback({".": _hang_up}) as losing:
        desk.server = server_at(losing.port)
        desk.later(seconds=5)
        desk.post()
    with mail_server_on_loopback() as taking:
        desk.server = server_at(taking.port)
        desk.later(minutes=5)
        desk.post()
    assert [each["Message-ID"] for each in losing.mails] == [each["Message-ID"] for each in taking.mails]
    assert desk.digest(mail_digest_id).failing_since is None


def _hang_up(_connection: object) -> None:
    raise Hangs


def test_an_address_that_is_refused_for_good_is_mailed_no_more_until_it_proves_itself_again(desk: Desk) -> None:
    with mail_server_on_loopback() as box:
        mail_digest_id = desk.enabled(box)
    desk.tell()
    desk.later(days=1)
    refusing(desk, b"550 5.1.1 no such user\r\n")
    assert desk.digest(mail_digest_id).state is MailDigestState.DISABLED
    assert desk.told()[-1] == "mail-digest.disabled"
    assert desk.trail()[-1] == "mail-digest-disabled"
    with mail_server_on_loopback() as box:
        desk.server = server_at(box.port)
        desk.later(days=5)
        desk.post()
        assert box.mails == []
        desk.ask_code(mail_digest_id)
        desk.post()
        assert box.mails[0]["Subject"] == "Code for your partnership digest"


def test_a_mail_that_is_declined_waits_for_the_next_time_and_is_told_then(desk: Desk) -> None:
    with mail_server_on_loopback() as box:
        mail_digest_id = desk.enabled(box)
    desk.tell()
    desk.later(days=1)
    refusing(desk, b"550 5.7.1 relay denied\r\n")
    shown = desk.digest(mail_digest_id)
    assert (shown.state, shown.next_at) == (MailDigestState.ENABLED, Times(6).after(desk.now))
    with mail_server_on_loopback() as box:
        desk.server = server_at(box.port)
        desk.later(days=1)
        desk.post()
        assert len(box.mails) == 1


def test_a_worker_that_dies_leaves_the_mail_to_the_next_under_the_same_id(desk: Desk, box: MailBox) -> None:
    mail_digest_id = desk.enabled(box)
    desk.tell()
    desk.later(days=1)
    lease = timedelta(minutes=1)
    with desk.database.transaction("claim") as tx:
        died = outgoing.claim(tx, now=desk.now, lease=lease)
    assert died is not None
    desk.post()
    assert box.mails == []
    desk.later(minutes=2)
    desk.post()
    assert [each["Message-ID"] for each in box.mails] == [f"<{died.row.message_id}@service.example>"]
    with desk.database.transaction("settle late") as tx:
        outgoing.settle(tx, died, MailOutcome.REFUSED, chance=0, now=desk.now)
    assert desk.digest(mail_digest_id).state is MailDigestState.ENABLED


def test_two_workers_send_one_digest_once(desk: Desk, box: MailBox) -> None:
    desk.enabled(box)
    desk.tell()
    desk.later(days=1)
    workers = [threading.Thread(target=desk.postman().run_once) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert len(box.mails) == 1


def test_a_digest_that_is_removed_meanwhile_is_not_sent(desk: Desk, box: MailBox) -> None:
    mail_digest_id = desk.enabled(box)
    desk.tell()
    desk.later(days=1)
    postman = desk.postman()
    with desk.database.transaction("claim") as tx:
        claimed = outgoing.claim(tx, now=desk.now, lease=timedelta(minutes=1))
    assert claimed is not None
    with desk.database.transaction("remove") as tx:
        digests.remove_mail_digest(tx, desk.caller, mail_digest_id, now=desk.now)
    postman.send(claimed)
    assert box.mails == []


def test_a_code_that_is_asked_for_while_one_is_sent_is_sent_too(desk: Desk, box: MailBox) -> None:
    mail_digest_id = desk.add()
    desk.server = server_at(box.port)
    with desk.database.transaction("claim") as tx:
        claimed = outgoing.claim(tx, now=desk.now, lease=timedelta(minutes=1))
    assert claimed is not None
    desk.ask_code(mail_digest_id)
    desk.postman().send(claimed)
    desk.post()
    assert len({each["Message-ID"] for each in box.mails}) == 2


def test_a_failed_mail_is_logged_without_its_address(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    mail_digest_id = desk.add()
    refusing(desk, b"550 5.1.1 no kim.canary@people.example here\r\n")
    assert f"mail of digest {mail_digest_id}: refused" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_beside_the_service_a_postman_sends_what_is_due_and_stops_with_it(desk: Desk, box: MailBox) -> None:
    desk.server = server_at(box.port)
    desk.add()
    stop = threading.Event()
    with mailing(desk.postman(), stop, desk.settings):
        assert box.arrived.acquire(timeout=30)
    assert stop.is_set()
    assert box.mails[0]["Subject"] == "Code for your partnership digest"


def test_without_a_mail_server_there_is_no_postman(desk: Desk) -> None:
    off = desk.settings.model_copy(update={"mail_host": ""})
    assert make_postman(desk.database, desk.key, off) is None
    assert make_postman(desk.database, desk.key, desk.settings) is not None


def shared(first: int, size: int) -> dict[int, Account]:
    """Make customers, each with a domain."""
    return {each: (CUSTOMERS, frozenset({(MatchKeyClass.DOMAIN, each)})) for each in range(first, first + size)}


@pytest.fixture
def lists(database: Database, tmp_path: Path) -> Lists:
    """Two partners who share counts, of whom twelve customers are both's."""
    lists = new_desk(database, tmp_path)
    lists.share(Level.COUNTS)
    lists.applied(Side.LEFT, records_of(shared(1, 60)))
    lists.applied(Side.RIGHT, records_of(shared(49, 60)))
    return lists


@pytest.fixture
def reader(lists: Lists, box: MailBox) -> Desk:
    """The left one of them, with a digest that is due tomorrow and has a release to tell of."""
    desk = Desk(lists.database, lists.couple.left, lists.couple.service_key, now=lists.clock())
    desk.settings = desk.settings.model_copy(update={"webhook_link": "https://crm.example.com/{partnership_id}"})
    desk.enabled(box)
    desk.tell(EventType.RELEASE_MADE, lists.couple.partnership_id, number=1)
    desk.later(days=1)
    return desk


@ON_ONE_DATABASE
def test_a_digest_tells_which_cell_how_many_which_play_and_where_to_look(
    reader: Desk, lists: Lists, box: MailBox
) -> None:
    reader.post()
    (mail,) = box.mails
    for form in ("plain", "html"):
        said = body_of(mail, form)
        assert "12 our customers × their customers: Connect the two products" in said
        assert f"https://crm.example.com/{lists.couple.partnership_id}" in said
    with reader.database.snapshot("look") as tx:
        entries = audit.trail(tx, shared_trail(lists.couple.partnership_id))
        read = [each.api_key_id for each in entries if each.action == "report-read"]
    assert read == [f"mail digest {_only_id(reader)}"]


def _only_id(reader: Desk) -> str:
    with reader.database.snapshot("look") as tx:
        (only,) = digests.mail_digests_of(tx, reader.caller, by=reader.rule())
    return str(only.mail_digest_id)


@ON_ONE_DATABASE
def test_after_a_tightening_a_digest_carries_nothing_that_it_forbade(reader: Desk, lists: Lists) -> None:
    def tighten(connection: socket.socket) -> None:
        lists.share(Level.HIDDEN)
        connection.sendall(b"354 go on\r\n")

    with mail_server_on_loopback({"DATA": tighten}) as box:
        reader.server = server_at(box.port)
        reader.post()
    said = body_of(box.mails[0])
    assert "12 our customers" not in said
    assert "Nothing of them is shown to us now." in said


@ON_ONE_DATABASE
def test_after_an_end_a_digest_carries_no_number(reader: Desk, lists: Lists, box: MailBox) -> None:
    with reader.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, lists.couple, Side.RIGHT), now=reader.now)
    reader.post()
    said = body_of(box.mails[0])
    assert "12 our customers" not in said
    assert " ended." in said


@ON_ONE_DATABASE
def test_changed_overlaps_are_counted_by_cell_and_no_account_is_named(
    database: Database, tmp_path: Path, box: MailBox
) -> None:
    lists = new_desk(database, tmp_path)
    lists.share(Level.ACCOUNTS)
    desk = Desk(lists.database, lists.couple.left, lists.couple.service_key, now=lists.clock())
    lists.applied(Side.LEFT, records_of(shared(1, 60)))
    lists.applied(Side.RIGHT, records_of(shared(49, 60)))
    lists.drain()
    desk.enabled(box, wanted=Filter(frozenset({EventType.OVERLAPS_CHANGED})))
    lists.applied(Side.RIGHT, records_of(shared(46, 60)))
    lists.drain()
    desk.later(days=1)
    desk.post()
    (mail,) = box.mails
    assert "3 our customers × their customers: Connect" in body_of(mail)
