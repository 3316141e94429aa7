"""Codes that an address is mailed, to be given back by who reads its mail. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

__all__ = ["GUESSES", "LASTING", "code_digest", "fits", "make_code"]

#: For how long a code fits, and how often one may be tried.
LASTING = timedelta(days=1)
GUESSES = 5

_OCTETS = 10


def make_code(*, random: Callable[[int], bytes]) -> str:
    """Make a code of 80 random bits: four groups of four letters and digits."""
    letters = base64.b32encode(random(_OCTETS)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def code_digest(mail_digest_id: UUID, code: str) -> bytes:
    """Give what is stored of a code: 80 random bits need no slow hash."""
    return hashlib.sha256(mail_digest_id.bytes + _bare(code).encode()).digest()


def fits(mail_digest_id: UUID, unverified: str, digest: bytes) -> bool:
    """Tell whether this is the code, in small letters or large, with its hyphens or without."""
    return hmac.compare_digest(code_digest(mail_digest_id, unverified), digest)


def _bare(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()
