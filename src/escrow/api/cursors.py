"""Cursors: where the next page starts, as opaque text that belongs to one route, one caller and one partnership.

The mark in front catches what was mixed up: a cursor of another list would start the page at a place that means nothing
there. It is no proof of anything, and needs none: a cursor names a place in what the caller may read anyway.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from escrow.access import Caller, Party
from escrow.errors import RequestInvalid
from escrow.psi.encoding import b64url, u64, unb64url
from escrow.wire.values import MOST_NUMBER

__all__ = ["Cursors"]

_MARK_BYTES = 4


@dataclass(frozen=True, slots=True)
class Cursors:
    """The cursors of one list as one caller reads it."""

    mark: bytes

    @classmethod
    def of(cls, pages: str, caller: Caller) -> Self:
        """Mark the cursors of a list that belongs to the caller's organization; ``pages`` is the route's name."""
        return cls._marked(pages, caller.organization_id)

    @classmethod
    def within(cls, pages: str, party: Party) -> Self:
        """Mark the cursors of a list of one partnership."""
        return cls._marked(pages, party.caller.organization_id, party.partnership_id)

    @classmethod
    def _marked(cls, pages: str, *ids: UUID) -> Self:
        of = b"".join(each.bytes for each in ids) + pages.encode()
        return cls(hashlib.sha256(of).digest()[:_MARK_BYTES])

    def write(self, place: bytes | None) -> str | None:
        """Write the place after which the next page starts; None says that there is none."""
        return None if place is None else b64url(self.mark + place)

    def read(self, unverified: str | None, *, length: int) -> bytes | None:
        """Read a cursor whose place has this many bytes, or raise RequestInvalid."""
        if unverified is None:
            return None
        try:
            marked = unb64url(unverified)
        except ValueError:
            marked = b""
        mark, place = marked[:_MARK_BYTES], marked[_MARK_BYTES:]
        if mark != self.mark or len(place) != length:
            raise _not_ours()
        return place

    def write_number(self, last: int | None) -> str | None:
        """Write a number as a cursor."""
        return self.write(None if last is None else u64(last))

    def read_number(self, unverified: str | None) -> int | None:
        """Read a number from a cursor, or raise RequestInvalid."""
        place = self.read(unverified, length=8)
        if place is None:
            return None
        if (number := int.from_bytes(place)) > MOST_NUMBER:
            raise _not_ours()
        return number

    def write_id(self, last: UUID | None) -> str | None:
        """Write an id as a cursor."""
        return self.write(None if last is None else last.bytes)

    def read_id(self, unverified: str | None) -> UUID | None:
        """Read an id from a cursor, or raise RequestInvalid."""
        place = self.read(unverified, length=16)
        return None if place is None else UUID(bytes=place)


def _not_ours() -> RequestInvalid:
    return RequestInvalid("The cursor is not one that this route gave: start without one.")
