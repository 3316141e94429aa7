"""Cursors: where the next page starts, as opaque text."""

from __future__ import annotations

from uuid import UUID

from escrow.errors import RequestInvalid
from escrow.psi.encoding import b64url, u64, unb64url
from escrow.wire.values import MOST_NUMBER

__all__ = ["cursor_of", "id_cursor", "number_cursor", "read_cursor", "read_id_cursor", "read_number_cursor"]


def cursor_of(place: bytes | None) -> str | None:
    """Write the place after which the next page starts; None says that there is none."""
    return None if place is None else b64url(place)


def read_cursor(unverified: str | None, *, length: int) -> bytes | None:
    """Read a cursor whose place has this many bytes, or raise RequestInvalid."""
    if unverified is None:
        return None
    try:
        place = unb64url(unverified)
    except ValueError:
        place = b""
    if len(place) != length:
        raise _not_ours()
    return place


def number_cursor(last: int | None) -> str | None:
    """Write a number as a cursor."""
    return cursor_of(None if last is None else u64(last))


def read_number_cursor(unverified: str | None) -> int | None:
    """Read a number from a cursor, or raise RequestInvalid."""
    place = read_cursor(unverified, length=8)
    if place is None:
        return None
    if (number := int.from_bytes(place)) > MOST_NUMBER:
        raise _not_ours()
    return number


def id_cursor(last: UUID | None) -> str | None:
    """Write an id as a cursor."""
    return cursor_of(None if last is None else last.bytes)


def read_id_cursor(unverified: str | None) -> UUID | None:
    """Read an id from a cursor, or raise RequestInvalid."""
    place = read_cursor(unverified, length=16)
    return None if place is None else UUID(bytes=place)


def _not_ours() -> RequestInvalid:
    return RequestInvalid("The cursor is not one that this route gave: start without one.")
