"""What many tests begin with is made once in a process; the next database gets a copy of its rows.

Making it takes dozens of transactions, copying it a few statements. What is made, ids and keys too, is the same in each
of these databases.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from sqlalchemy import Row, insert, select

from escrow.store.columns import metadata
from escrow.store.database import Database
from escrow.store.tables import organizations

__all__ = ["remembered"]

Made = TypeVar("Made")

_made: dict[Hashable, tuple[object, dict[str, Sequence[Row]]]] = {}  # type: ignore[type-arg]  # of any table


def remembered(database: Database, name: Hashable, make: Callable[[], Made]) -> Made:
    """Make something in an empty database, or copy what was made by this name; where something is there, make it."""
    with database.transaction("copy what a test before has made") as tx:
        is_empty = tx.execute(select(organizations.c.organization_id).limit(1)).first() is None
        if is_empty and name in _made:
            value, rows = _made[name]
            for table in metadata.sorted_tables:
                if rows[table.name]:
                    tx.execute(insert(table), [dict(row._mapping) for row in rows[table.name]])
            return value  # type: ignore[return-value]  # by this name the same thing is made
    value = make()
    if is_empty:
        with database.snapshot("look what was made") as tx:
            rows = {table.name: tx.execute(select(table)).all() for table in metadata.sorted_tables}
        _made[name] = (value, rows)
    return value
