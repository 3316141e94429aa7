"""Envelopes that must not open, made with the second implementation: our own code would refuse to make most of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from tests.psi import second_implementation as second
from tests.vectors.seeded import PROFILE, Document, random_of

_random = random_of("refused envelopes")

CONTEXT = second.Context(
    partnership_id=_random(16),
    g=0,
    profile_id=PROFILE,
    owner_org_id=_random(16),
    recipient_org_id=_random(16),
    row=_random(8),
    population=1,
    submission=9,
    terms_number=2,
)
SECRET, OTHER_SECRET, CEK, OTHER_CEK, NONCE = (_random(length) for length in (32, 32, 32, 32, 12))
AAD = CONTEXT.aad()
COMMIT = second.commitment(CEK, AAD)
WRAP = second.wrapped(SECRET, CONTEXT, COMMIT, CEK)
HONEST_BODY = second.sealed_body(CEK, NONCE, second.padded(b'{"account_name":"Acme"}'), AAD, COMMIT)


@dataclass(frozen=True)
class Refusal:
    """An envelope, why it must not open, and the code of the error."""

    why: str
    served: bytes
    error: str = "envelope-invalid"
    context: second.Context = CONTEXT
    secret: bytes = SECRET


def refused() -> Iterator[Document]:
    """Give each refusal as it stands in the vectors."""
    for refusal in (*_layouts(), *_keys(), *_contexts(), *_details()):
        yield {
            "why": refusal.why,
            "error": refusal.error,
            "context": {name: _written(name, value) for name, value in asdict(refusal.context).items()},
            "secret": refusal.secret.hex(),
            "served": refusal.served.hex(),
        }


def _written(name: str, value: str | int | bytes) -> str | int:
    if not isinstance(value, bytes):
        return value
    return str(UUID(bytes=value)) if name.endswith("_id") else value.hex()


def _layouts() -> Iterator[Refusal]:
    honest = HONEST_BODY + WRAP
    yield Refusal("nothing at all", b"")
    yield Refusal("cut by one byte", honest[:-1])
    yield Refusal("one byte too many", honest + b"\0")
    yield Refusal("two wraps", honest + WRAP)
    yield Refusal("no wrap", HONEST_BODY)
    yield Refusal("version 2", b"\2" + honest[1:])
    yield Refusal("a length that is none of the five", honest[:45] + b"\x01\x11" + honest[47:] + b"\0")
    yield Refusal("another nonce", _flipped(honest, 1))
    yield Refusal("another text", _flipped(honest, 47))
    yield Refusal("another tag", _flipped(honest, len(HONEST_BODY) - 1))


def _keys() -> Iterator[Refusal]:
    honest, wrap_error = HONEST_BODY + WRAP, "envelope-wrap-invalid"
    yield Refusal("another commitment", _flipped(honest, 13), wrap_error)
    yield Refusal("another wrap, its V", _flipped(honest, len(HONEST_BODY)), wrap_error)
    yield Refusal("another wrap, its C", _flipped(honest, len(honest) - 1), wrap_error)
    yield Refusal("the key of another account", honest, wrap_error, secret=OTHER_SECRET)
    foreign = second.commitment(OTHER_CEK, AAD)
    body = second.sealed_body(CEK, NONCE, second.padded(b"{}"), AAD, foreign)
    committed = body + second.wrapped(SECRET, CONTEXT, foreign, CEK)
    yield Refusal("a wrap made for a commitment to another key", committed, "envelope-commitment-invalid")


def _contexts() -> Iterator[Refusal]:
    others: dict[str, Any] = {
        "partnership_id": bytes(16),
        "g": 1,
        "profile_id": PROFILE + "x",
        "owner_org_id": bytes(16),
        "recipient_org_id": bytes(16),
        "row": b"\1" * 8,
        "population": 2,
        "submission": 10,
        "terms_number": 3,
    }
    for name, value in others.items():
        context = replace(CONTEXT, **{name: value})
        yield Refusal(f"another {name}", HONEST_BODY + WRAP, "envelope-wrap-invalid", context)


def _details() -> Iterator[Refusal]:
    texts = {
        "a field that was not declared": b'{"revenue":"1"}',
        "a field twice": b'{"tier":"a","tier":"a"}',
        "a number that is not whole": b'{"tier":1.0}',
        "a number too large for JSON elsewhere": b'{"tier":9007199254740992}',
        "no number": b'{"tier":NaN}',
        "true": b'{"tier":true}',
        "null": b'{"tier":null}',
        "an object inside": b'{"tier":{"tier":"a"}}',
        "a list inside": b'{"tier":["a"]}',
        "a list": b'["tier"]',
        "a text": b'"tier"',
        "no JSON": b"tier",
        "nothing": b"",
        "a space before": b' {"tier":"a"}',
        "a second object": b'{"tier":"a"}{}',
        "a line end after": b'{"tier":"a"}\n',
        "not UTF-8": b'{"tier":"\xff"}',
        "half a surrogate pair": b'{"tier":"\\ud800"}',
        "not in NFC": '{"tier":"e\u0301"}'.encode(),
        "not closed": b'{"tier":"a"',
    }
    for why, text in texts.items():
        yield Refusal(f"details: {why}", _sealed(second.padded(text)))
    yield Refusal("details: padded with zeros", _sealed(b'{"tier":"a"}'.ljust(256, b"\0")))
    yield Refusal("details: padded to more than the smallest size", _sealed(b'{"tier":"a"}'.ljust(512, b" ")))


def _sealed(plaintext: bytes) -> bytes:
    return second.sealed_body(CEK, NONCE, plaintext, AAD, COMMIT) + WRAP


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
