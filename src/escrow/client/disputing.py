"""Disputes as a person makes and reads them: by the accounts of this machine's list instead of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from escrow import wire
from escrow.client.opened import opened_file
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.client.state import AccountState
from escrow.reports.report import ListedOverlap, OverlapList

__all__ = ["LEAST_LETTERS", "Disputed", "dispute", "meant", "read_disputed"]

#: So few letters of a match id name no match: they would be guesses.
LEAST_LETTERS = 6


@dataclass(frozen=True, slots=True)
class Disputed:
    """An account of ours in dispute; ``made`` is our own dispute, or None where the partner disputes.

    An account that is not on this machine's list has neither name nor ids.
    """

    row: bytes
    account_name: str
    crm_ids: tuple[str, ...]
    made: wire.Dispute | None


def meant(listed: OverlapList, letters: str) -> Sequence[ListedOverlap]:
    """Give the listed lines whose match id starts with these letters; lines of one match count once."""
    wanted = letters.casefold()
    if len(wanted) < LEAST_LETTERS:
        return ()
    return tuple({item.match_id: item for item in listed.items if item.match_letters.startswith(wanted)}.values())


def dispute(
    service: Escrow, seat: Seat, state: AccountState, wrong: ListedOverlap, reason: wire.DisputeReason
) -> wire.Dispute:
    """Dispute a listed match, and forget the details that were opened by it; the caller holds the account state."""
    named = wire.NewDispute(row=wrong.row, match_id=wrong.match_id, reason=reason)
    made = service.dispute(seat.partnership_id, named)
    with opened_file(state.folder) as opened:
        opened.forget(wrong.row, wrong.match_id)
    return made


def read_disputed(service: Escrow, seat: Seat, state: AccountState) -> Sequence[Disputed]:
    """List what is in dispute, ours first and newest first; the caller holds the account state."""
    ours = list(service.disputes(seat.partnership_id))
    theirs = list(service.disputed_rows(seat.partnership_id))
    known = _names(state, [*(each.row for each in ours), *theirs])
    return (
        *(Disputed(each.row, *known.get(each.row, ("", ())), each) for each in ours),
        *(Disputed(row, *known.get(row, ("", ())), None) for row in theirs),
    )


def _names(state: AccountState, rows: Iterable[bytes]) -> dict[bytes, tuple[str, tuple[str, ...]]]:
    with state.applied() as kept:
        if kept is None:
            return {}
        return {row: (account.name, account.crm_ids) for row in set(rows) for account in kept.find([row])}
