"""Change feeds: what changed in the list of overlaps that a party reads, in its own rows, from a cursor on.

A feed is of cells at accounts or details, and the difference of two lists that the party could read one after the
other: nothing of a cell at counts is in it, nor when that was matched. It begins with a reset, and is begun anew where
the lists before and after are not of the same terms or the same keys: then all before is deleted, in the transaction
that changes them.
"""

from escrow.changes.listing import Change, Listed, Pairing, Rows, as_told, differences, seen_by
from escrow.changes.reading import ChangeItem, ChangePage, changes_page, last_change, rows_changed_after
from escrow.changes.recording import (
    MOST_CHANGES,
    forget_details,
    forget_old_changes,
    forget_withdrawn,
    listed_in,
    record_details,
    record_disputed,
    record_matched,
    tighten,
)

__all__ = [
    "MOST_CHANGES",
    "Change",
    "ChangeItem",
    "ChangePage",
    "Listed",
    "Pairing",
    "Rows",
    "as_told",
    "changes_page",
    "differences",
    "forget_details",
    "forget_old_changes",
    "forget_withdrawn",
    "last_change",
    "listed_in",
    "record_details",
    "record_disputed",
    "record_matched",
    "rows_changed_after",
    "seen_by",
    "tighten",
]
