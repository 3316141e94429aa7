"""Mails as they are written: plain text, and the same as simple HTML. Pure.

Names are other organizations' to choose: in HTML they are escaped, and no header holds one. A message is made by the
standard library, which refuses a header of more than a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from urllib.parse import quote
from uuid import UUID

from escrow.mail_digests.addresses import MailAddress

__all__ = ["Item", "Letterhead", "Section", "code_letter", "digest_letter", "octets_of"]

#: Lines are 7-bit whatever the mail servers on the way can do.
_POLICY = SMTP.clone(cte_type="7bit", raise_on_defect=True)

#: An id and an address for programs stay on one line: folded, the standard library writes them as encoded words.
_LONGEST_HEADER = 998

_HEAD = '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Partnership digest</title>'


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened, and what there is to tell of it."""

    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """What happened in one partnership."""

    heading: str
    items: tuple[Item, ...]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every mail says: whose news it holds, from whom and to whom it goes, which digest and which mail it is."""

    organization: str
    sender: MailAddress
    contact: MailAddress | None
    recipient: MailAddress = field(repr=False)
    mail_digest_id: UUID
    message_id: UUID
    written_at: datetime


def digest_letter(head: Letterhead, sections: Sequence[Section], *, is_whole: bool = True) -> EmailMessage:
    """Write a digest; one that is not the whole says where the rest is."""
    rest = () if is_whole else ("More happened than fits here: `escrow events` lists all of it.",)
    letter = _letter(head, f"Partnership digest, {head.written_at:%Y-%m-%d}")
    letter.set_content("\n".join(_plain(head, sections, rest)))
    letter.add_alternative(_html(head, sections, rest), subtype="html")
    return letter


def code_letter(head: Letterhead, code: str) -> EmailMessage:
    """Write the mail that asks who reads this address."""
    letter = _letter(head, "Code for your partnership digest")
    letter.set_content(
        f"{head.organization} wants to mail you what happens in its partnerships.\n\n"
        f"The code is {code} and fits for a day. Who set this up enters it with\n\n"
        f"    escrow digest confirm {head.mail_digest_id} {code}\n\n"
        "If you do not want these mails, do nothing: without the code none is sent.\n"
    )
    return letter


def octets_of(letter: EmailMessage) -> bytes:
    """Give a letter as it is sent."""
    return letter.as_bytes(policy=letter.policy.clone(max_line_length=_LONGEST_HEADER))


def _letter(head: Letterhead, subject: str) -> EmailMessage:
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = Address("escrow", head.sender.local, head.sender.domain)
    letter["To"] = Address("", head.recipient.local, head.recipient.domain)
    letter["Subject"] = subject
    letter["Date"] = format_datetime(head.written_at)
    letter["Message-ID"] = f"<{head.message_id}@{head.sender.domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    if head.contact is not None:
        letter["Reply-To"] = Address("", head.contact.local, head.contact.domain)
        subject = f"unsubscribe%20{head.mail_digest_id}"
        letter["List-Unsubscribe"] = f"<mailto:{quote(head.contact.text, safe='@')}?subject={subject}>"
    return letter


def _plain(head: Letterhead, sections: Sequence[Section], rest: Sequence[str]) -> list[str]:
    lines = [f"What happened in the partnerships of {head.organization}:"]
    for section in sections:
        lines += ["", section.heading, "=" * len(section.heading)]
        for item in section.items:
            lines += [f"- {item.text}", *(f"    {each}" for each in item.details)]
        lines += [section.link] if section.link else []
    lines += ["", *rest] if rest else []
    return [*lines, "", "-- ", *_footer(head), ""]


def _html(head: Letterhead, sections: Sequence[Section], rest: Sequence[str]) -> str:
    parts = [f"<p>What happened in the partnerships of {escape(head.organization)}:</p>"]
    for section in sections:
        parts.append(f"<h2>{escape(section.heading)}</h2>\n<ul>")
        parts += [f"<li>{escape(item.text)}{_nested(item.details)}</li>" for item in section.items]
        parts.append("</ul>")
        parts += [f'<p><a href="{escape(section.link)}">Open</a></p>'] if section.link else []
    parts += [f"<p>{escape(each)}</p>" for each in rest]
    parts.append(f"<hr>\n<p><small>{'<br>'.join(map(escape, _footer(head)))}</small></p>")
    return "\n".join([_HEAD, *parts, "</html>\n"])


def _nested(details: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in details)}</ul>" if details else ""


def _footer(head: Letterhead) -> list[str]:
    removed = f"No more of these mails: `escrow digest remove {head.mail_digest_id}`"
    return [
        "Numbers are as the terms allow at the time of this mail.",
        f"{removed}, or write to {head.contact.text}." if head.contact else f"{removed}.",
    ]
