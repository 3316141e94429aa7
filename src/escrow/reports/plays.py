"""What an overlap in each cell of the grid is good for: rows ours, columns theirs (after the Partner Playbook)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from escrow.terms import Cell, Population

__all__ = ["PLAYS"]

_CUSTOMERS, _OPPORTUNITIES, _PROSPECTS = Population
_GIVE = "Introduce them warmly and pass on what you know of the account"
_ASK = "Ask for a warm introduction and for what they know of the account"
_SELL_TOGETHER = "Sell side by side and market together"

PLAYS: Mapping[Cell, str] = MappingProxyType(
    {
        Cell(_CUSTOMERS, _CUSTOMERS): "Connect the two products and tell the customer's story together",
        Cell(_CUSTOMERS, _OPPORTUNITIES): _GIVE,
        Cell(_CUSTOMERS, _PROSPECTS): "Refer the customer to them and earn a share",
        Cell(_OPPORTUNITIES, _CUSTOMERS): _ASK,
        Cell(
            _OPPORTUNITIES, _OPPORTUNITIES
        ): "Offer one solution to the need both are working on and market it together",
        Cell(_OPPORTUNITIES, _PROSPECTS): _SELL_TOGETHER,
        Cell(_PROSPECTS, _CUSTOMERS): _ASK,
        Cell(_PROSPECTS, _OPPORTUNITIES): _SELL_TOGETHER,
        Cell(_PROSPECTS, _PROSPECTS): _SELL_TOGETHER,
    }
)
