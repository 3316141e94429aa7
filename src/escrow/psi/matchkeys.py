"""The kinds and classes of match keys, as codes on the wire; values of match keys never leave the partner's machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

__all__ = ["MOST_ACCOUNTS_OF_A_KEY", "Kind", "MatchKey", "MatchKeyClass", "Suite"]

#: A key on more accounts of one list than this names nobody; it is ambiguous and is not sent.
MOST_ACCOUNTS_OF_A_KEY = 5


class Suite(IntEnum):
    """How a match key becomes an account secret."""

    HMAC = 1
    VOPRF = 2


class Kind(IntEnum):
    """Keys of one kind meet each other across the two lists."""

    WEB = 1
    WORD = 2
    FALLBACK = 3


class MatchKeyClass(IntEnum):
    """What a match key was made from."""

    DOMAIN = 1
    NAME = 2
    VARIANT = 3
    FALLBACK = 4

    @property
    def kind(self) -> Kind:
        """The kind that keys of this class belong to."""
        return _KIND_OF[self]


_KIND_OF = {
    MatchKeyClass.DOMAIN: Kind.WEB,
    MatchKeyClass.NAME: Kind.WORD,
    MatchKeyClass.VARIANT: Kind.WORD,
    MatchKeyClass.FALLBACK: Kind.FALLBACK,
}


@dataclass(frozen=True, slots=True)
class MatchKey:
    """A normalised value and its class; the value is kept out of ``repr``."""

    key_class: MatchKeyClass
    value: str = field(repr=False)
