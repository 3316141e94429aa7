"""The client's own SQLite files, opened in one place, where what SQLite says of them is told apart.

A file is called damaged only where SQLite cannot read what is in it. That a disk is full, that something may not be
written, or that another program is at work says nothing against the file: it is told as it is for any other file.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from escrow.errors import HomeBusy, StateInvalid

__all__ = ["is_damage", "opened_sqlite"]

#: What is in the file cannot be read, or lacks a table.
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_OF_THE_SYSTEM = {
    sqlite3.SQLITE_FULL: (errno.ENOSPC, "No space left on device"),
    sqlite3.SQLITE_READONLY: (errno.EROFS, "it may not be written to"),
    sqlite3.SQLITE_CANTOPEN: (errno.EACCES, "it, or the journal beside it, cannot be opened"),
    sqlite3.SQLITE_PERM: (errno.EACCES, "it may not be used"),
    sqlite3.SQLITE_IOERR: (errno.EIO, "the disk fails to read or write it"),
    sqlite3.SQLITE_NOMEM: (errno.ENOMEM, "there is not enough memory"),
}


@contextmanager
def opened_sqlite(
    file: Path, *, if_damaged: str, is_read_only: bool = False, has_transactions: bool = True, patience: float = 5.0
) -> Iterator[sqlite3.Connection]:
    """Open a file, and tell apart what SQLite says of it for as long as it is open; what is not committed is not kept.

    ``if_damaged`` is what a person does then. Without transactions none begins by itself.

    Raises:
        StateInvalid: what is in it cannot be read.
        HomeBusy: another program had it for so many seconds.
        OSError: the disk or the system does not allow it; it names the file.
    """
    with _told_of(file, if_damaged=if_damaged):
        place = f"{file.absolute().as_uri()}?mode=ro" if is_read_only else str(file)
        level: Literal["DEFERRED"] | None = "DEFERRED" if has_transactions else None
        with closing(sqlite3.connect(place, patience, uri=is_read_only, isolation_level=level)) as database:
            yield database


@contextmanager
def _told_of(file: Path, *, if_damaged: str) -> Iterator[None]:
    """Say what SQLite says of a file in the words for any file; what is a fault of this program stays one."""
    try:
        yield
    except sqlite3.Error as failure:
        code = _code_of(failure)
        if code in _DAMAGE:
            raise StateInvalid(f"{file} is damaged; {if_damaged}") from None
        if code in _BUSY:
            raise HomeBusy(f"another program is at work on {file}; wait for it and try again") from None
        if code in _OF_THE_SYSTEM:
            number, told = _OF_THE_SYSTEM[code]
            raise OSError(number, told, str(file)) from None
        raise


def is_damage(failure: sqlite3.Error) -> bool:
    """Say whether it tells of what is in the file, and of nothing around it."""
    return _code_of(failure) in _DAMAGE


def _code_of(failure: sqlite3.Error) -> int:
    """The kind of the failure, without what SQLite adds to it; 0 for what it is not from SQLite."""
    return int(getattr(failure, "sqlite_errorcode", 0)) & 0xFF
