"""What the owner of a list knows better than its CRM: which accounts are one company or apart, and which never leave.

Both files stay on the owner's machine. An alias file joins names, domains and CRM ids into one company, or keeps them
apart; a do-not-map list names accounts of which nothing is sent, not even that they exist.
"""

from __future__ import annotations

from escrow.client.corrections.applying import NO_RULES, RowRules, row_rules
from escrow.client.corrections.entries import NO_CORRECTIONS, Aliases, Corrections, Named
from escrow.client.corrections.reading import read_aliases, read_do_not_map

__all__ = [
    "NO_CORRECTIONS",
    "NO_RULES",
    "Aliases",
    "Corrections",
    "Named",
    "RowRules",
    "read_aliases",
    "read_do_not_map",
    "row_rules",
]
