"""Mail digests: what an organization was told, summed up by mail for a person."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from escrow.wire.endpoints import Description, EventTypes, PartnershipIds
from escrow.wire.values import Id, Model, Number, Time

__all__ = ["MailCode", "MailDigest", "MailDigestState", "MailDigests", "NewMailDigest", "WeekdayWord"]

MailDigestState = Annotated[Literal["unconfirmed", "enabled", "disabled"], Field(examples=["enabled"])]
MailOutcome = Annotated[
    Literal[
        "sent",
        "refused",
        "declined",
        "later",
        "timeout",
        "unreachable",
        "tls",
        "unauthenticated",
        "garbled",
        "cut-off",
    ],
    Field(examples=["sent"]),
]
WeekdayWord = Annotated[
    Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], Field(examples=["monday"])
]
Hour = Annotated[int, Field(ge=0, le=23, examples=[6])]
#: Read strictly by the service; the answer shows its first letter and its domain.
Address = Annotated[
    str, StringConstraints(min_length=3, max_length=254), Field(examples=["kim@example.com"], repr=False)
]
ShownAddress = Annotated[str, Field(examples=["k…@example.com"])]
Code = Annotated[
    str, StringConstraints(min_length=1, max_length=100), Field(examples=["mzxw-6ytb-oi5d-qz3f"], repr=False)
]


class NewMailDigest(Model):
    """Who is mailed what, and when: at an hour in UTC, every day or on one day of the week.

    `types` null: releases, overlaps, alarms, what becomes of partnerships and terms, rejected lists, and endpoints and
    digests that were disabled. `partnership_ids` null: all.
    """

    address: Address
    hour: Hour = 6
    weekday: WeekdayWord | None = None
    description: Description = ""
    types: EventTypes | None = None
    partnership_ids: PartnershipIds | None = None


class MailDigest(Model):
    """A mail digest; of its address the first letter and the domain are shown.

    It is `unconfirmed` until the code that its address was mailed is given back, and `disabled` once the mail server
    says for good that the address takes no mail. `next_at` is when there is something to send next, if anything is to
    be told then.
    """

    mail_digest_id: Id
    state: MailDigestState
    description: Description
    address: ShownAddress
    hour: Hour
    weekday: WeekdayWord | None
    types: EventTypes
    partnership_ids: PartnershipIds | None
    guesses_left: Annotated[Number, Field(examples=[5])]
    code_until: Time | None
    next_at: Time | None
    failing_since: Time | None
    last_outcome: MailOutcome | None
    sent_at: Time | None
    created_at: Time
    confirmed_at: Time | None


class MailDigests(Model):
    """The mail digests that the caller's key may know of, oldest first."""

    items: Annotated[tuple[MailDigest, ...], Field(strict=False)]


class MailCode(Model):
    """The code that the address was mailed; hyphens and capitals do not matter."""

    code: Code
