"""What lists may still ask about, and what a partner grants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from escrow.wire.values import MOST_ACCOUNTS, Model, Number, Time

__all__ = ["Allowance", "Grant"]


class Allowance(Model):
    """What the caller's own lists may ask about now, in fifths of a key.

    A key that was not on the list before costs five fifths, one that moves to another account, population or class one;
    an account costs about ``fifths_of_an_account``. ``renewed`` is what the first list after a fresh pairing may ask
    about again; ``limit`` is all together. In the opening, until both sides have had a list, the limit does not renew.
    """

    is_opening: bool
    limit: Number
    carried: Number
    granted: Number
    renewed: Number
    spent: Number
    left: Number
    total: Number
    fifths_of_an_account: Annotated[int, Field(ge=1)]
    renews_at: Time | None


class Grant(Model):
    """How many accounts more the partner may ask about until its period ends."""

    accounts: Annotated[int, Field(ge=1, le=MOST_ACCOUNTS)]
