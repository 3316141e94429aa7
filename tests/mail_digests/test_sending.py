"""Mail is handed to servers as they are: well behaved, out of order, slow, noisy, and other than they should be."""

from __future__ import annotations

import socket
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from escrow.errors import MailUnusable
from escrow.mail_digests.addresses import MailAddress
from escrow.mail_digests.sending import hand_over, tls_of
from escrow.store.states import MailOutcome
from tests.mail_digests.mail_servers import Hangs, Said, mail_server_on_loopback
from tests.mail_digests.mailing import ADDRESS, server_at
from tests.webhooks.receivers import certified

TO = MailAddress.parse(ADDRESS)


def letter() -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "News"
    mail.set_content(".a line that begins with a dot\n.\nthe end\n")
    return mail


def sent_to(said: dict[str, Said], **how: object) -> MailOutcome | None:
    with mail_server_on_loopback(said) as box:
        return hand_over(server_at(box.port, **how), TO, letter)


def hang_up(_connection: socket.socket) -> None:
    raise Hangs


def cut_off(connection: socket.socket) -> None:
    connection.sendall(b"250 tak")
    raise Hangs


def babble(connection: socket.socket) -> None:
    for _ in range(100_000):
        connection.sendall(b"250-and another thing\r\n")


def drip(connection: socket.socket) -> None:
    """Say a little now and then, until the other side has had enough."""
    connection.settimeout(0.02)
    while True:
        connection.sendall(b"2")
        try:
            if not connection.recv(1):
                raise Hangs
        except TimeoutError:
            continue


def test_a_mail_arrives_as_it_was_written() -> None:
    with mail_server_on_loopback() as box:
        assert hand_over(server_at(box.port), TO, letter) is MailOutcome.SENT
    assert box.raw == [letter().as_bytes()]
    assert box.commands[1:4] == ["mail FROM:<escrow@service.example>", f"rcpt TO:<{ADDRESS}>", "data"]


def test_where_there_is_nothing_to_tell_nothing_is_sent() -> None:
    with mail_server_on_loopback() as box:
        assert hand_over(server_at(box.port), TO, lambda: None) is None
    assert box.raw == []
    assert box.commands[-1] == "data", "a mail that is broken off is none"


@pytest.mark.parametrize("at_once", [True, False])
def test_over_tls_the_server_is_logged_in_to_and_nothing_is_said_before(tmp_path: Path, *, at_once: bool) -> None:
    own, trusting = certified(tmp_path, "localhost")
    said: dict[str, Said] = {"EHLO": b"250-mail.example.com\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"}
    security = "tls" if at_once else "starttls"
    with mail_server_on_loopback(said, tls=own, at_once=at_once) as box:
        how = {"host": "localhost", "security": security, "tls": trusting, "username": "u", "password": "p"}
        assert hand_over(server_at(box.port, **how), TO, letter) is MailOutcome.SENT
    verbs = [each.split(" ")[0].lower() for each in box.commands]
    assert verbs == [*([] if at_once else ["ehlo", "starttls"]), "ehlo", "auth", "mail", "rcpt", "data", "quit"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_of_another_name_or_of_nobody_known_ends_it(tmp_path: Path, security: str, host: str) -> None:
    own, trusting = certified(tmp_path)
    said: dict[str, Said] = {"EHLO": b"250-mail.example.com\r\n250 STARTTLS\r\n"}
    with mail_server_on_loopback(said, tls=own, at_once=security == "tls") as box:
        for trusted in (trusting, tls_of(None)):
            how = {"host": host, "security": security, "tls": trusted}
            assert hand_over(server_at(box.port, **how), TO, letter) is MailOutcome.TLS
    assert box.raw == []


def test_a_server_that_offers_no_starttls_is_told_nothing() -> None:
    with mail_server_on_loopback() as box:
        how = {"security": "starttls", "username": "u", "password": "canary"}
        assert hand_over(server_at(box.port, **how), TO, letter) is MailOutcome.TLS
    assert [each.split(" ")[0] for each in box.commands] == ["ehlo"]


def test_what_was_put_in_before_the_encryption_is_not_heard(tmp_path: Path) -> None:
    own, trusting = certified(tmp_path, "localhost")
    said: dict[str, Said] = {
        "EHLO": b"250-mail.example.com\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
        "STARTTLS": b"220 go on\r\n250 put in\r\n",
    }
    with mail_server_on_loopback(said, tls=own) as box:
        how = {"host": "localhost", "security": "starttls", "tls": trusting}
        outcome = hand_over(server_at(box.port, **how), TO, letter)
    assert outcome in {MailOutcome.SENT, MailOutcome.TLS}
    assert outcome is MailOutcome.TLS or box.commands.count("ehlo service.example") == 2


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"RCPT": b"550 5.1.1 no such user\r\n"}, MailOutcome.REFUSED),
        ({"RCPT": b"550 5.7.1 relay denied\r\n"}, MailOutcome.DECLINED),
        ({"RCPT": b"451 4.7.1 later\r\n"}, MailOutcome.LATER),
        ({"MAIL": b"550 not from you\r\n"}, MailOutcome.DECLINED),
        ({"DATA": b"554 no\r\n"}, MailOutcome.DECLINED),
        ({".": b"554 5.7.1 looks like spam\r\n"}, MailOutcome.DECLINED),
        ({".": b"452 disk full\r\n"}, MailOutcome.LATER),
        ({"CONNECT": b"421 busy\r\n"}, MailOutcome.LATER),
        ({"CONNECT": b"554 go away\r\n"}, MailOutcome.DECLINED),
        ({"CONNECT": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, MailOutcome.GARBLED),
        ({"CONNECT": b"\xff\xfe\x00\r\n"}, MailOutcome.GARBLED),
        ({"CONNECT": b"220 " + b"x" * 100_000 + b"\r\n"}, MailOutcome.GARBLED),
        ({"MAIL": b"299\r\n"}, MailOutcome.SENT),
        ({"EHLO": babble}, MailOutcome.GARBLED),
        ({"CONNECT": hang_up}, MailOutcome.UNREACHABLE),
        ({"RCPT": hang_up}, MailOutcome.UNREACHABLE),
        ({".": hang_up}, MailOutcome.UNREACHABLE),
        ({"QUIT": hang_up}, MailOutcome.SENT),
        ({".": cut_off}, MailOutcome.UNREACHABLE),
    ],
)
def test_what_a_server_says_is_what_became_of_the_mail(said: dict[str, Said], outcome: MailOutcome) -> None:
    assert sent_to(said) is outcome


@pytest.mark.parametrize(
    ("auth", "said", "outcome"),
    [
        (b"AUTH PLAIN", b"535 5.7.8 wrong\r\n", MailOutcome.UNAUTHENTICATED),
        (b"AUTH PLAIN", b"454 4.7.0 later\r\n", MailOutcome.LATER),
        (b"AUTH CRAM-MD5", b"334 !not base64!\r\n", MailOutcome.UNAUTHENTICATED),
        (b"AUTH GSSAPI", b"", MailOutcome.UNAUTHENTICATED),
        (b"SIZE", b"", MailOutcome.UNAUTHENTICATED),
    ],
)
def test_a_server_that_does_not_know_us_is_given_no_mail(auth: bytes, said: bytes, outcome: MailOutcome) -> None:
    answers: dict[str, Said] = {"EHLO": b"250-mail.example.com\r\n250 " + auth + b"\r\n", "AUTH": said}
    assert sent_to(answers, username="u", password="p") in {outcome, MailOutcome.GARBLED}


@pytest.mark.parametrize("slow", ["CONNECT", "RCPT", "."])
def test_a_server_that_goes_on_slowly_or_not_at_all_is_left_after_a_time(slow: str) -> None:
    begun = time.monotonic()
    assert sent_to({slow: drip}, total=0.3) is MailOutcome.TIMEOUT
    assert time.monotonic() - begun < 10


def test_a_server_that_says_nothing_is_left_after_a_time() -> None:
    def wait(connection: socket.socket) -> None:
        connection.recv(1)

    assert sent_to({"CONNECT": wait}, answer_within=0.2) is MailOutcome.TIMEOUT


def test_where_nobody_listens_nobody_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert hand_over(server_at(port), TO, letter) is MailOutcome.UNREACHABLE


def test_a_name_that_leads_nowhere_is_not_reached() -> None:
    assert hand_over(server_at(25, host="mail.invalid"), TO, letter) is MailOutcome.UNREACHABLE


@pytest.mark.parametrize("failure", [RuntimeError, ValueError, OSError])
def test_a_letter_that_cannot_be_written_is_the_callers_to_hear_of(failure: type[Exception]) -> None:
    def fail() -> EmailMessage:
        raise failure("the database is away")

    with mail_server_on_loopback() as box, pytest.raises(RuntimeError):
        hand_over(server_at(box.port), TO, fail)
    assert box.raw == []


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing", encoding="ascii")
    for file in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
        with pytest.raises(MailUnusable):
            tls_of(file)


def test_a_server_prints_no_password() -> None:
    assert "canary" not in repr(server_at(25, username="u", password="canary"))
