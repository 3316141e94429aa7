"""Lists in the database: blocks, and beside them the changes that wait to be folded in.

A snapshot is laid out whole (``pack_list``, outside of any transaction) and written in one go. A delta is one more row
of ``list_changes``; reading applies them on top. Where too much waits, the next list is written as blocks again. All
tokens here are stored indexes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, Table, and_, delete, insert, select, update

from escrow.psi.records import TOKEN_DTYPE, ListRecords, apply_delta, pack_chunk, parse_chunk
from escrow.psi.records.layout import Records, stack
from escrow.store.database import Transaction
from escrow.store.packing import (
    PackedList,
    combine_changes,
    pack_list,
    read_account_blocks,
    read_format,
    read_token_blocks,
    with_format,
)
from escrow.store.tables import accounts, list_changes, lists, tokens
from escrow.terms import Population, Side

__all__ = ["add_changes", "forget_list", "load_ever_seen", "load_list", "pack_list", "replace_list", "waiting_records"]


def load_list(tx: Transaction, partnership_id: UUID, generation: int, side: Side) -> ListRecords:
    """Read a list with all its changes; empty if none was ever applied."""
    query = select(accounts.c.entries).where(_of(accounts, partnership_id, generation, side))
    blocks = read_account_blocks(tx.execute(query.order_by(accounts.c.bucket)).scalars())
    changes = _load_changes(tx, partnership_id, generation, side)
    return apply_delta(blocks, combine_changes(changes)) if changes else blocks


def load_ever_seen(tx: Transaction, partnership_id: UUID, generation: int, side: Side) -> Records:
    """Read a record of every token that this list has ever held, in no order; some stand there twice."""
    query = select(tokens.c.entries).where(_of(tokens, partnership_id, generation, side))
    blocks = read_token_blocks(tx.execute(query).scalars())
    changes = _load_changes(tx, partnership_id, generation, side)
    return stack(blocks, np.empty(0, TOKEN_DTYPE), *(each.tokens for each in changes))


def replace_list(
    tx: Transaction,
    partnership_id: UUID,
    generation: int,
    side: Side,
    packed: PackedList,
    *,
    number: int,
    sealed_digest: bytes,
    now: datetime,
) -> None:
    """Write a list as blocks in place of all that was there, as of submission ``number``."""
    forget_list(tx, partnership_id, generation, side)
    place = {"partnership_id": partnership_id, "generation": generation, "side": side.value}
    token_rows = [place | {"kind": b.kind, "bucket": b.bucket, "entries": b.entries} for b in packed.token_blocks]
    account_rows = [place | {"bucket": block.bucket, "entries": block.entries} for block in packed.account_blocks]
    for table, rows in ((tokens, token_rows), (accounts, account_rows)):
        if rows:
            tx.execute(insert(table), rows)
    applied = {"applied_number": number, "applied_digest": sealed_digest, "applied_at": now}
    blocks = {"bucket_bits": packed.bucket_bits, "waiting_records": 0}
    tx.execute(insert(lists).values(place | applied | blocks | _sizes(packed.populations)))


def forget_list(tx: Transaction, partnership_id: UUID, generation: int, side: Side) -> None:
    """Delete a list with all that it ever held."""
    for table in (tokens, accounts, list_changes, lists):
        tx.execute(delete(table).where(_of(table, partnership_id, generation, side)))


def add_changes(
    tx: Transaction,
    partnership_id: UUID,
    generation: int,
    side: Side,
    delta: ListRecords,
    *,
    populations: Mapping[Population, int],
    number: int,
    sealed_digest: bytes,
    now: datetime,
) -> None:
    """Set a delta beside the blocks of a list that is there, as of submission ``number``.

    ``populations`` are the sizes of the list that it leads to.
    """
    tx.execute(
        insert(list_changes).values(
            partnership_id=partnership_id,
            generation=generation,
            side=side.value,
            number=number,
            records=with_format(pack_chunk(delta)),
        )
    )
    tx.execute(
        update(lists)
        .where(_of(lists, partnership_id, generation, side))
        .values(
            applied_number=number,
            applied_digest=sealed_digest,
            applied_at=now,
            waiting_records=lists.c.waiting_records + delta.accounts.size,
            **_sizes(populations),
        )
    )


def waiting_records(tx: Transaction, partnership_id: UUID, generation: int, side: Side) -> int:
    """Tell how many account records wait beside the blocks, to decide whether the next delta is folded in with them."""
    query = select(lists.c.waiting_records).where(_of(lists, partnership_id, generation, side))
    return tx.execute(query).scalar_one_or_none() or 0


def _load_changes(tx: Transaction, partnership_id: UUID, generation: int, side: Side) -> list[ListRecords]:
    query = select(list_changes.c.records).where(_of(list_changes, partnership_id, generation, side))
    waiting = tx.execute(query.order_by(list_changes.c.number)).scalars()
    return [parse_chunk(read_format(records)) for records in waiting]


def _of(table: Table, partnership_id: UUID, generation: int, side: Side) -> ColumnElement[bool]:
    return and_(
        table.c.partnership_id == partnership_id,
        table.c.generation == generation,
        table.c.side == side.value,
    )


def _sizes(populations: Mapping[Population, int]) -> dict[str, int]:
    sizes = {population.word: populations[population] for population in Population}
    return sizes | {"accounts": sum(sizes.values())}
