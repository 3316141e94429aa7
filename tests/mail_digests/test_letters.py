"""What is written: two forms that say the same, headers that hold nobody's words, and times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import MailAddressInvalid
from escrow.mail_digests.addresses import MailAddress
from escrow.mail_digests.codes import code_digest, fits, make_code
from escrow.mail_digests.letters import Item, Letterhead, Section, code_letter, digest_letter, octets_of
from escrow.mail_digests.sending import is_refusal
from escrow.mail_digests.slots import next_slot
from tests.mail_digests.mailing import ADDRESS, SENDER, body_of

DIGEST, MAIL = UUID(int=7), UUID(int=8)
HEAD = Letterhead(
    organization="Acme",
    sender=SENDER,
    contact=MailAddress.parse("help&more@service.example"),
    recipient=MailAddress.parse(ADDRESS),
    mail_digest_id=DIGEST,
    message_id=MAIL,
    written_at=datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
)
NEWS = Section(
    "Globex", (Item("New overlap counts with Globex.", ("12 our customers × their customers.",)),), "https://x/"
)


def read(letter: EmailMessage) -> EmailMessage:
    """Read a letter from its bytes, as a mailbox does."""
    return message_from_bytes(octets_of(letter), policy=SMTP)


def test_a_digest_says_the_same_as_text_and_as_html_and_is_seven_bit() -> None:
    letter = digest_letter(HEAD, [NEWS])
    assert octets_of(letter).isascii()
    plain, html = (body_of(read(letter), kind) for kind in ("plain", "html"))
    for said in ("New overlap counts with Globex.", "12 our customers × their customers.", "https://x/", str(DIGEST)):
        assert said in plain
        assert said in html


def test_the_headers_name_who_it_is_from_and_how_to_be_sent_no_more() -> None:
    mail = read(digest_letter(HEAD, [NEWS]))
    assert (mail["From"], mail["To"]) == ("escrow <escrow@service.example>", ADDRESS)
    assert mail["Message-ID"] == f"<{MAIL}@service.example>"
    assert mail["Date"] == "Sun, 22 Nov 2026 06:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    wanted = f"<mailto:help%26more@service.example?subject=unsubscribe%20{DIGEST}>"
    assert mail["List-Unsubscribe"] == wanted
    assert read(digest_letter(replace(HEAD, contact=None), [NEWS]))["List-Unsubscribe"] is None


@given(st.text(min_size=1, max_size=2_000))
def test_no_name_is_a_header_or_markup_whatever_it_is(name: str) -> None:
    letter = digest_letter(replace(HEAD, organization=name), [Section(name, (Item(f"News of {name}."),))])
    mail = read(letter)
    own = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Reply-To", "List-Unsubscribe"}
    assert set(mail.keys()) == own | {"MIME-Version", "Content-Type"}
    assert len(mail.keys()) == len(set(mail.keys()))
    assert mail["Subject"] == "Partnership digest, 2026-11-22"
    assert max(map(len, octets_of(letter).split(b"\r\n"))) <= 998  # RFC 5322, 2.1.1
    shown = body_of(mail, "html")
    assert shown.count("<h2>") == 1
    assert "<script" not in shown


def test_a_name_that_is_markup_is_shown_as_it_is_written() -> None:
    mail = read(digest_letter(HEAD, [Section("<script>alert(1)</script>", (Item("<b>"),), 'https://x/"><i>')]))
    html = body_of(mail, "html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert 'href="https://x/&quot;&gt;&lt;i&gt;"' in html


def test_what_programs_read_of_a_mail_is_on_one_line_and_as_it_is_however_long() -> None:
    sender = MailAddress.parse(f"escrow@{'mail.' * 30}service.example")
    lines = octets_of(digest_letter(replace(HEAD, sender=sender), [NEWS])).split(b"\r\n")
    unsubscribe = f"List-Unsubscribe: <mailto:help%26more@service.example?subject=unsubscribe%20{DIGEST}>"
    for line in (f"From: escrow <{sender.text}>", f"Message-ID: <{MAIL}@{sender.domain}>", unsubscribe):
        assert line.encode() in lines


def test_a_digest_that_is_not_whole_says_where_the_rest_is() -> None:
    told = [body_of(read(digest_letter(HEAD, [NEWS], is_whole=whole))) for whole in (True, False)]
    assert ["escrow events" in each for each in told] == [False, True]


def test_a_head_and_an_address_print_nobodys_name() -> None:
    assert "canary" not in repr(HEAD)
    assert "canary" not in repr(MailAddress.parse(ADDRESS))
    assert MailAddress.parse(ADDRESS).shown == "k…@people.example"


def test_a_mail_with_a_code_says_what_it_is_for() -> None:
    said = read(code_letter(HEAD, "abcd-efgh")).get_content()
    assert f"escrow digest confirm {DIGEST} abcd-efgh" in said
    assert "do nothing" in said


@pytest.mark.parametrize(
    "unverified",
    [
        "",
        "kim",
        "kim@",
        "@example.com",
        "kim@localhost",
        "kim@example.com,lee@example.com",
        "kim@example.com\r\nBcc: lee@example.com",
        "Kim <kim@example.com>",
        '"kim lee"@example.com',
        "kim@[127.0.0.1]",
        "kim@127.0.0.1",
        "kim@-example.com",
        "kim..lee@example.com",
        "kim%lee@example.com",
        "kim!lee@example.com",
        "kïm@example.com",
        "kim@exämple.com",
        "kim\x00@example.com",
        f"{'k' * 65}@example.com",
        f"kim@{'e' * 64}.com",
        f"kim@{'e.' * 130}com",
    ],
)
def test_what_is_not_one_plain_address_is_refused_and_not_repeated(unverified: str) -> None:
    with pytest.raises(MailAddressInvalid) as refused:
        MailAddress.parse(unverified)
    assert "kim" not in refused.value.message


@pytest.mark.parametrize("text", ["kim@example.com", "k.l-m+n_o'p@sub.xn--exmple-cua.com", "K@EXAMPLE.co"])
def test_plain_addresses_are_taken_and_a_domain_has_one_spelling(text: str) -> None:
    assert MailAddress.parse(text).text == text.partition("@")[0] + "@" + text.partition("@")[2].lower()


def test_a_code_fits_however_it_is_typed_and_for_its_digest_alone() -> None:
    code = make_code(random=lambda size: bytes(range(size)))
    digest = code_digest(DIGEST, code)
    assert [len(each) for each in code.split("-")] == [4] * 4
    assert fits(DIGEST, f" {code.upper().replace('-', ' ')} ", digest)
    assert not fits(MAIL, code, digest)
    assert not fits(DIGEST, make_code(random=bytes), digest)
    assert not fits(DIGEST, "é" * 16, digest)


@pytest.mark.parametrize(
    ("now", "weekday", "hour", "slot"),
    [
        ("2026-11-22T05:59:59", None, 6, "2026-11-22T06:00:00"),
        ("2026-11-22T06:00:00", None, 6, "2026-11-23T06:00:00"),
        ("2026-12-31T23:30:00", None, 0, "2027-01-01T00:00:00"),
        ("2026-11-22T06:00:00", 6, 7, "2026-11-22T07:00:00"),  # a Sunday
        ("2026-11-22T08:00:00", 6, 7, "2026-11-29T07:00:00"),
        ("2026-11-22T08:00:00", 0, 7, "2026-11-23T07:00:00"),
    ],
)
def test_the_next_time_is_after_now(now: str, weekday: int | None, hour: int, slot: str) -> None:
    moment, wanted = (datetime.fromisoformat(f"{each}+00:00") for each in (now, slot))
    assert next_slot(moment, weekday=weekday, hour=hour) == wanted


@pytest.mark.parametrize(
    ("code", "said", "refused"),
    [
        (550, b"5.1.1 no such user", True),
        (550, b"no such user", True),
        (553, b"5.1.3 bad address", True),
        (521, b"5.2.1 mailbox disabled", True),
        (552, b"mailbox full", False),
        (550, b"5.2.2 mailbox full", False),
        (550, b"5.7.1 relay denied", False),
        (554, b"5.7.54 relay denied", False),
        (503, b"5.5.1 out of order", False),
        (450, b"4.2.1 later", False),
        (250, b"2.1.5 fine", False),
    ],
)
def test_only_what_is_said_of_the_address_and_for_good_refuses_it(code: int, said: bytes, *, refused: bool) -> None:
    assert is_refusal(code, said) is refused
