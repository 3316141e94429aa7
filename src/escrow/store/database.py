"""One database, SQLite or PostgreSQL, and the two ways to talk to it: a write transaction and a read snapshot.

A transaction is named after what it decides. It commits when its block ends and rolls back when the block raises;
nothing is retried here. Writes to one SQLite file wait for each other from their first statement on (``BEGIN
IMMEDIATE``), so a decision never rests on what another writer has changed since. On PostgreSQL the lock on the
partnership's row does the same (``escrow.access``).
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL, make_url

from escrow.errors import ServiceUnavailable

__all__ = ["EVENT_TOLD", "WORK_ASKED", "Database", "JoinedDatabase", "Transaction"]

#: What a verb is given: an open transaction that it never commits.
Transaction = Connection

#: What a transaction that asks for work notes in its ``info``.
WORK_ASKED = "work asked"

#: What a transaction that tells an event, or asks for a delivery, notes there.
EVENT_TOLD = "event told"

#: A host that swallows packets is given up after so long; a ``connect_timeout`` in the URL says otherwise.
_CONNECT_SECONDS = 10

_log = logging.getLogger(__name__)

_SQLITE_PRAGMAS = (
    # Lists lie in blocks of kilobytes and chunks of megabytes: on large pages they take a third less work. It is heard
    # by a new file alone.
    "PRAGMA page_size = 16384",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What is deleted is overwritten, so that an end or a tightening leaves nothing in free pages.
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA busy_timeout = 30000",
)


class Database:
    """A database by its URL; threads share one, each transaction has a connection of its own."""

    def __init__(self, url: str) -> None:
        #: Set once a transaction of this process that asked for work is committed; a worker beside it waits for that.
        self.work_asked = Event()
        #: The same for what is to be posted to webhooks.
        self.event_told = Event()
        self.engine = _sqlite(make_url(url)) if url.startswith("sqlite") else _postgresql(make_url(url))

    def __repr__(self) -> str:
        return f"Database({self.engine.url!r})"  # SQLAlchemy stars the password out

    @contextmanager
    def transaction(self, name: str) -> Iterator[Transaction]:
        """Write: everything in the block commits together or not at all."""
        with self._open(name, writes=True) as tx:
            yield tx

    @contextmanager
    def snapshot(self, name: str) -> Iterator[Transaction]:
        """Read: the block sees the database as it was at its first statement, and cannot write."""
        with self._open(name, writes=False) as tx:
            yield tx

    def joined(self, tx: Transaction) -> JoinedDatabase:
        """Give this database as it is seen from inside of an open transaction."""
        return JoinedDatabase(tx)

    @contextmanager
    def _open(self, name: str, *, writes: bool) -> Iterator[Transaction]:
        started = time.monotonic()
        with self.engine.connect() as connection:
            tx = connection.execution_options(writes=writes, **_isolation(self.engine, writes=writes))
            for noted in (WORK_ASKED, EVENT_TOLD):
                connection.info.pop(noted, None)  # of a transaction that was rolled back
            with tx.begin():
                yield tx
            if connection.info.pop(WORK_ASKED, False):
                self.work_asked.set()
            if connection.info.pop(EVENT_TOLD, False):
                self.event_told.set()
        _log.debug("%s: %.0f ms", name, (time.monotonic() - started) * 1000)

    def forget_overwritten(self) -> None:
        """Take what was erased out of SQLite's write-ahead log too, once all readers of older moments are done.

        Raises:
            ServiceUnavailable: some were not done in time.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with self.engine.connect() as connection:
            # A checkpoint runs outside of transactions, and SQLAlchemy begins one with the first statement.
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - the dialect says so
            is_busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if is_busy:
            raise ServiceUnavailable("The write-ahead log is in use, and is emptied later.")

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class JoinedDatabase(Database):
    """A database whose every block belongs to one transaction that is open already, and commits with it."""

    def __init__(self, tx: Transaction) -> None:
        self.engine = tx.engine
        self.decided = False
        self._tx = tx

    @contextmanager
    def transaction(self, name: str) -> Iterator[Transaction]:  # noqa: ARG002 - the open one has a name
        """Write within the open transaction, and remember that something was decided."""
        self.decided = True
        yield self._tx

    @contextmanager
    def snapshot(self, name: str) -> Iterator[Transaction]:  # noqa: ARG002 - the open one has a name
        """Read within the open transaction."""
        yield self._tx


def _isolation(engine: Engine, *, writes: bool) -> dict[str, Any]:
    if engine.dialect.name == "sqlite" or writes:
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _postgresql(url: URL) -> Engine:
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(_CONNECT_SECONDS)})
    return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)


def _sqlite(url: URL) -> Engine:
    if url.database is None or url.database in {"", ":memory:"}:
        raise ValueError("the SQLite database is a file: an escrow must survive a restart")
    _create_private(Path(url.database))
    # The busy handler makes waiting writers queue; a pool per file keeps the pragmas from running per request.
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=16,
        max_overflow=32,
        hide_parameters=True,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(path: Path) -> None:
    """Create the file before SQLite does, so that it, its write-ahead log and its index are only for their owner."""
    path.touch(mode=0o600)
    path.chmod(0o600)


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")
