"""Makers for the tests of pairing, keys, tokens and envelopes: ids, secrets and one envelope to spoil."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from uuid import UUID

from escrow.psi.envelopes import EnvelopeContext
from escrow.psi.tokens import AccountSecret
from escrow.terms import Population

PARTNERSHIP, OWNER, RECIPIENT = UUID(int=1), UUID(int=2), UUID(int=3)
FIELDS = ("account_name", "open_opportunities")
DETAILS: dict[str, str | int] = {"account_name": "Acme", "open_opportunities": 3}


def counting_random(seed: bytes = b"") -> Callable[[int], bytes]:
    """Give a source that never gives the same bytes twice and is the same in every run."""
    blocks = (hashlib.sha512(seed + bytes([number])).digest() for number in range(256))
    return lambda length: next(blocks)[:length]


def account(number: int) -> AccountSecret:
    """Give an account secret of its own for every number."""
    digest = hashlib.sha512(b"account %d" % number).digest()
    return AccountSecret(digest[:32], digest[32:48])


def context(submission: int = 7) -> EnvelopeContext:
    """Give the context that the envelopes of these tests belong to."""
    return EnvelopeContext(
        partnership_id=PARTNERSHIP,
        g=0,
        profile_id="a-profile",
        owner_org_id=OWNER,
        recipient_org_id=RECIPIENT,
        row=b"\0\0\0\0\0\0\0\5",
        population=Population.CUSTOMERS,
        submission=submission,
        terms_number=2,
    )


def with_one_byte_changed(content: bytes) -> Iterator[bytes]:
    """Give the content with each of its bytes changed, one at a time: the lowest bit, the highest, all of them."""
    for place, byte in enumerate(content):
        for flip in (0x01, 0x80, 0xFF):
            yield content[:place] + bytes([byte ^ flip]) + content[place + 1 :]


def shows(value: object, secret: bytes) -> bool:
    """Say whether a value's text gives a secret away, in any of the forms that a log would."""
    text = f"{value!r} {value!s}"
    return any(form in text for form in (secret.hex(), repr(secret)[2:-1], str(list(secret))))
