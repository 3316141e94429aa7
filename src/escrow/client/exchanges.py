"""The parts of a pairing that a keyring holds while it is not complete: secrets, public keys and tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeVar

from escrow.errors import KeyringInvalid
from escrow.psi.keys import GenerationKeys

__all__ = ["Exchange", "FreshPairing", "Invited", "Standing", "there"]


class Standing(Enum):
    """How far the pairing is on this machine."""

    INVITED = "invited"
    UNCONFIRMED = "unconfirmed"
    CONFIRMING = "confirming"
    ACCEPTING = "accepting"
    ACCEPTED = "accepted"
    PAIRED = "paired"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Invited:
    """What the inviter's client keeps until someone accepts, and then erases."""

    psk: bytes = field(repr=False)
    private: bytes = field(repr=False)
    public: bytes
    profile_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Exchange:
    """Both public keys and tags of a pairing that is not complete; ``lookup`` is the acceptor's alone."""

    inviter_public: bytes
    acceptor_public: bytes
    own_tag: bytes = field(repr=False)
    expected_tag: bytes = field(repr=False)
    lookup: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FreshPairing:
    """A pairing for generation ``g`` that is not complete: its keys are not for use before the partner's tag is good.

    It stands at INVITED, CONFIRMING, ACCEPTING or ACCEPTED, as a first pairing does.
    """

    g: int
    standing: Standing
    profile_id: str
    invited: Invited | None = None
    exchange: Exchange | None = None
    keys: GenerationKeys | None = None
    check: str | None = None

    @property
    def open_invitation(self) -> Invited:
        """The secrets of one that nobody has accepted."""
        return there(self.invited)

    @property
    def open_exchange(self) -> Exchange:
        """The tags of one that is accepted."""
        return there(self.exchange)


T = TypeVar("T")


def there(part: T | None) -> T:
    """Give a part that has to be there, or raise KeyringInvalid."""
    if part is None:
        raise KeyringInvalid(_PART_MISSING)
    return part


_PART_MISSING = "a seat of the keyring lacks a part; bring back a copy made by `escrow keyring export`"
