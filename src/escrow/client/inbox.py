"""What webhooks have said and what is still to be done about it, on the disk before the sender is answered.

A message is taken once, by its id, for 14 days. What is to be done is a set of partnerships to sync: ten messages about
one partnership are one sync, and a crash in between forgets none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from escrow.client.sqlite_files import opened_sqlite

__all__ = ["KEPT", "Inbox"]

#: Longer than any sender goes on repeating a message.
KEPT = timedelta(days=14)

_IF_DAMAGED = "remove it: a listener that starts anew syncs everything once"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (message_id TEXT PRIMARY KEY, at INTEGER);
CREATE INDEX IF NOT EXISTS seen_at ON seen (at);
CREATE TABLE IF NOT EXISTS due (number INTEGER PRIMARY KEY AUTOINCREMENT, partnership_id TEXT);
"""


class Inbox:
    """A file that several threads may use at once, each call on a connection of its own.

    Raises:
        StateInvalid, HomeBusy, OSError: as `opened_sqlite`, by each method.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._opened() as database:
            database.executescript(f"PRAGMA journal_mode = WAL; {_SCHEMA}")
        file.chmod(0o600)

    def take(self, message_id: str, partnership_id: UUID | None, *, now: datetime) -> bool:
        """Take a message in, durably, with the partnership that it is about; False if it was taken before."""
        at = int(now.timestamp())
        with self._opened() as database, database:
            database.execute("DELETE FROM seen WHERE at < ?", (at - int(KEPT.total_seconds()),))
            done = database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (message_id, at))
            if done.rowcount and partnership_id is not None:
                database.execute("INSERT INTO due (partnership_id) VALUES (?)", (str(partnership_id),))
            return bool(done.rowcount)

    def due(self) -> tuple[int, tuple[UUID, ...]]:
        """Give the partnerships to sync, the longest waiting first, and the number that `done` takes them out by."""
        with self._opened() as database:
            found = database.execute("SELECT partnership_id, max(number) FROM due GROUP BY 1 ORDER BY min(number)")
            waiting = found.fetchall()
        return max((number for _, number in waiting), default=0), tuple(UUID(each) for each, _ in waiting)

    def done(self, partnership_id: UUID, until: int) -> None:
        """Take out a partnership, as far as it waited when it was looked at: what came since is another sync."""
        with self._opened() as database, database:
            database.execute("DELETE FROM due WHERE partnership_id = ? AND number <= ?", (str(partnership_id), until))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with opened_sqlite(self._file, if_damaged=_IF_DAMAGED, patience=10.0) as database:
            database.execute("PRAGMA synchronous = FULL")
            yield database
