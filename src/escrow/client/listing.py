"""Our accounts that overlap: the rows that the service tells, joined with what this machine knows and has opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from escrow import wire
from escrow.client.keyring import Keyring
from escrow.client.opened import OpenedFile, opened_file
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.client.state import AccountState, KeptAccount
from escrow.errors import StateInvalid
from escrow.reports.report import ListedOverlap, OverlapList
from escrow.terms import Cell

__all__ = ["read_overlaps"]


def read_overlaps(
    service: Escrow, keyring: Keyring, seat: Seat, state: AccountState, *, cell: Cell | None
) -> OverlapList:
    """List our accounts that overlap, with what the partner shares of them; the caller holds the account state.

    Raises:
        StateInvalid: this machine has no list to find the rows on.
    """
    with state.applied() as kept, opened_file(state.folder) as opened:
        if kept is None:
            raise StateInvalid("no list of this machine is applied; run `escrow submit` first")
        items = [
            listed
            for item in service.overlaps(seat.partnership_id, cell)
            for account in kept.find([item.row])
            for listed in _listed(item, account, opened)
        ]
    items.sort(key=lambda listed: (listed.cell, listed.tier, listed.account_name.casefold()))
    return OverlapList(keyring.organization_name, seat.partner_name, tuple(items))


def _listed(item: wire.OverlapItem, account: KeptAccount, opened: OpenedFile) -> Iterator[ListedOverlap]:
    """One line for each of the partner's accounts whose details were opened, or one line without."""
    plain = ListedOverlap(
        overlap=item.overlap,
        account_name=account.name,
        crm_ids=account.crm_ids,
        cell=Cell(item.ours, item.theirs),
        tier=item.tier,
        level=item.level,
        row=item.row,
        match_id=item.match_id,
    )
    shared = list(opened.of_row(item.row))
    for details in shared:
        match_id = opened.match_id(item.row, details.owner_row) or item.match_id
        yield replace(plain, shared=details.details, match_id=match_id)
    if not shared:
        yield plain
