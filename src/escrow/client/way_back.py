"""What it would take to have again what a list takes away: removing refunds nothing, and what returns is charged anew.

A wrong file that was sent can be put right by the right one only as far as the allowance reaches, so the person is told
before the list goes, and asked where it would not reach.
"""

from __future__ import annotations

from dataclasses import dataclass

from escrow import wire
from escrow.client.submission_plan import GUARDED_ACCOUNTS, Plan
from escrow.counts import counted
from escrow.errors import ExportShrunk
from escrow.psi.records import charge_of

__all__ = ["WayBack", "cost_of_going_back", "way_back"]

#: As many of the accounts come and go on an ordinary day, and nobody is asked about them.
_ORDINARY_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class WayBack:
    """What the list before would be charged after this one, and what is left once this one is applied, in fifths."""

    fifths: int
    left: int
    fifths_of_an_account: int
    accounts_before: int

    @property
    def accounts(self) -> int:
        """About as many accounts' worth as it would be charged."""
        return -(-self.fifths // self.fifths_of_an_account)

    @property
    def accounts_left(self) -> int:
        """About as many accounts' worth as are left."""
        return self.left // self.fifths_of_an_account

    @property
    def is_open(self) -> bool:
        """The list before could be sent again."""
        return self.fifths <= self.left

    def is_to_be_meant(self, most_removed: float) -> bool:
        """Tell whether it needs ``--allow-shrink``: much goes that could not be had again; never where all may go."""
        is_much = self.accounts_before >= GUARDED_ACCOUNTS and self.accounts > self.accounts_before * _ORDINARY_SHARE
        return most_removed < 1.0 and is_much and not self.is_open

    def must_be_meant(self, most_removed: float) -> None:
        """Raise ExportShrunk if it needs ``--allow-shrink``, for somebody who did not give it."""
        if self.is_to_be_meant(most_removed):
            raise ExportShrunk(
                f"to have again what this export takes away would need an allowance of about "
                f"{counted(self.accounts, 'account')}, and about {self.accounts_left:,} would be left; nothing was "
                "sent. Check the file, or add --allow-shrink if it is meant"
            )


def cost_of_going_back(plan: Plan) -> int:
    """Give the charge of the list before after this one, in fifths; 0 where this machine does not know that."""
    if plan.is_empty or plan.before is None or not plan.before.accounts.size:
        return 0
    return charge_of(plan.content.records, plan.before).fifths


def way_back(plan: Plan, fifths: int, allowance: wire.Allowance) -> WayBack:
    """Hold what going back is charged against what will be left of the allowance."""
    charged = 0 if plan.charge is None else plan.charge.fifths
    left = max(0, allowance.left - charged)
    return WayBack(fifths, left, allowance.fifths_of_an_account, plan.accounts_before)
