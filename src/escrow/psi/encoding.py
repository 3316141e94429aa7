"""How the protocol writes things down: big-endian integers, length prefixes, and two alphabets read strictly.

Nothing here is secret by itself. Every decoder accepts exactly the one form that its encoder writes.
"""

from __future__ import annotations

import base64

__all__ = ["b64url", "base32", "lp", "u8", "u16", "u32", "u64", "unb64url", "unbase32"]


def u8(number: int) -> bytes:
    """Write one byte; OverflowError if it does not fit, as for the three below."""
    return number.to_bytes(1, "big")


def u16(number: int) -> bytes:
    """Write two bytes, big-endian."""
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    """Write four bytes, big-endian."""
    return number.to_bytes(4, "big")


def u64(number: int) -> bytes:
    """Write eight bytes, big-endian."""
    return number.to_bytes(8, "big")


def lp(content: bytes) -> bytes:
    """Put the length before the content (LP of the protocol), so that two fields can never be read as two others."""
    return u32(len(content)) + content


def base32(content: bytes) -> str:
    """Write RFC 4648 base32, upper case, without padding."""
    return base64.b32encode(content).decode().rstrip("=")


def unbase32(text: str) -> bytes:
    """Read what ``base32`` writes and nothing else: ValueError for other letters, padding or non-zero spare bits."""
    content = base64.b32decode(text + "=" * (-len(text) % 8))
    if base32(content) != text:
        raise ValueError("not base32 in its one form")
    return content


def b64url(content: bytes) -> str:
    """Write RFC 4648 base64url without padding, as binary stands in JSON."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unb64url(text: str) -> bytes:
    """Read what ``b64url`` writes and nothing else: ValueError for other letters, padding or non-zero spare bits."""
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # The library skips letters that it does not know, so only writing it again shows that nothing was skipped.
    if b64url(content) != text:
        raise ValueError("not base64url in its one form")
    return content
