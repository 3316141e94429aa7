"""Standard Webhooks: how the service signs what it sends to an endpoint, and how a receiver verifies it.

Pure, and the same code on both sides. What is signed is ``id || "." || unix seconds || "." || body``, with HMAC-SHA256
under each live secret of the endpoint; the headers are ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``,
the last one a list of ``v1,<base64>`` with a space between them, so that a secret is replaced without losing a message.
A receiver verifies the bytes as they came, before it parses them. Source: the Standard Webhooks specification, 1.0.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from escrow.errors import SignatureInvalid, SignatureStale, SigningSecretInvalid

__all__ = [
    "ID_HEADER",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "TOLERANCE",
    "SigningSecret",
    "VerifiedMessage",
    "sign",
    "verify",
]

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

#: How far the clocks of sender and receiver may be apart; an older message may be a replayed one.
TOLERANCE = timedelta(minutes=5)

_PREFIX = "whsec_"
_SECRET_BYTES = 32
#: A dot in the id would let one signature stand for two messages.
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,12}")
#: More than a rotation ever needs; a header is not to keep a receiver busy.
_MOST_SIGNATURES = 16


class SigningSecret:
    """The secret that an endpoint and the service share; never printed, shown once through ``presented``."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if not 24 <= len(key) <= 64:
            raise SigningSecretInvalid("A signing secret is 24 to 64 bytes.")
        self._key = key

    def __repr__(self) -> str:
        return "SigningSecret(…)"

    @classmethod
    def make(cls, *, random: Callable[[int], bytes]) -> SigningSecret:
        """Make a fresh secret."""
        return cls(random(_SECRET_BYTES))

    @classmethod
    def parse(cls, unverified: str) -> SigningSecret:
        """Read a secret of the form ``whsec_<base64>``, or raise SigningSecretInvalid."""
        prefix, text = unverified[: len(_PREFIX)], unverified[len(_PREFIX) :]
        if prefix != _PREFIX:
            raise SigningSecretInvalid("A signing secret begins with 'whsec_': copy the whole of it.")
        try:
            key = base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error) as broken:
            raise SigningSecretInvalid("What follows 'whsec_' is not base64: copy the whole secret.") from broken
        return cls(key)

    @property
    def presented(self) -> str:
        """What its owner is shown once: ``whsec_`` and the base64 of the key."""
        return _PREFIX + base64.b64encode(self._key).decode()

    def digest(self, signed: bytes) -> bytes:
        """The HMAC-SHA256 of what is signed: 32 bytes."""
        return hmac.digest(self._key, signed, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class VerifiedMessage:
    """What is known of a message once its signature holds; the id stays the same when it is sent again."""

    message_id: str
    sent_at: datetime


def sign(body: bytes, *, message_id: str, secrets: Sequence[SigningSecret], at: datetime) -> dict[str, str]:
    """Give the three headers of a message, with one signature for each live secret, the newest first."""
    if _MESSAGE_ID.fullmatch(message_id) is None or not secrets:
        raise SignatureInvalid("A message is signed under an id of letters, digits, - and _, and at least one secret.")
    seconds = int(at.timestamp())
    signed = _signed(message_id, str(seconds), body)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(seconds),
        SIGNATURE_HEADER: " ".join(f"v1,{base64.b64encode(secret.digest(signed)).decode()}" for secret in secrets),
    }


def verify(
    body: bytes,
    unverified_headers: Mapping[str, str],
    *,
    secrets: Iterable[SigningSecret],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> VerifiedMessage:
    """Hold a message to its signature: the raw body, and headers in whatever case.

    Raises:
        SignatureInvalid: a header is missing or damaged, or no secret made any of the signatures.
        SignatureStale: it was sent too long ago, or a clock is wrong.
    """
    headers = {name.lower(): value for name, value in unverified_headers.items()}
    message_id, seconds = headers.get(ID_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
    if _MESSAGE_ID.fullmatch(message_id) is None or _SECONDS.fullmatch(seconds) is None:
        raise SignatureInvalid(f"The headers {ID_HEADER} and {TIMESTAMP_HEADER} are missing or damaged.")
    signed = _signed(message_id, seconds, body)
    if not _is_any_of(headers.get(SIGNATURE_HEADER, ""), [secret.digest(signed) for secret in secrets]):
        raise SignatureInvalid(f"No signature in {SIGNATURE_HEADER} fits: check the secret, and verify the raw body.")
    if abs(int(now.timestamp()) - int(seconds)) > tolerance.total_seconds():
        raise SignatureStale(
            "The message was sent too long ago or in the future: it may be replayed, or a clock is wrong."
        )
    return VerifiedMessage(message_id, datetime.fromtimestamp(int(seconds), UTC))


def _signed(message_id: str, seconds: str, body: bytes) -> bytes:
    return f"{message_id}.{seconds}.".encode() + body


def _is_any_of(unverified: str, expected: Sequence[bytes]) -> bool:
    """Compare every signature with every expected one, in a time that does not tell which of them fits."""
    fits = False
    for part in unverified.split(" ")[:_MOST_SIGNATURES]:
        version, _, text = part.partition(",")
        given = text.encode() if version == "v1" else b""
        for digest in expected:
            fits |= hmac.compare_digest(given, base64.b64encode(digest))
    return fits
