"""Details as this machine exchanged them: what it opened of the partner's, and of which of its own it sealed what.

The opened details mirror what the service still serves; the highest submission of each of the partner's rows is never
forgotten, so that an old envelope is not taken for a new one. Of what was sealed only a digest is kept, to notice
details that have changed since.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from escrow.client.sqlite_files import opened_sqlite
from escrow.psi.details import Detail
from escrow.terms import Population

__all__ = ["IF_DETAILS_DAMAGED", "OpenedDetails", "OpenedFile"]

#: What a person does where the file cannot be read.
IF_DETAILS_DAMAGED = "remove it, and run `escrow sync` to open the details again"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS opened (
    row BLOB, owner_row BLOB, population INTEGER, submission INTEGER, terms_number INTEGER, envelope BLOB, details TEXT,
    PRIMARY KEY (row, owner_row)
);
CREATE TABLE IF NOT EXISTS highest (owner_row BLOB PRIMARY KEY, submission INTEGER);
CREATE TABLE IF NOT EXISTS named (row BLOB, owner_row BLOB, match_id BLOB, PRIMARY KEY (row, owner_row));
CREATE TABLE IF NOT EXISTS sealed (row BLOB PRIMARY KEY, details BLOB);
CREATE TABLE IF NOT EXISTS fetched (through INTEGER);
"""


@dataclass(frozen=True, slots=True)
class OpenedDetails:
    """What the partner shares of one of its accounts, met by one of ours; ``envelope`` is its envelope's digest."""

    row: bytes
    owner_row: bytes
    population: Population
    submission: int
    terms_number: int
    envelope: bytes
    details: dict[str, Detail] = field(repr=False)


class OpenedFile:
    """The file of the details of one partnership."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def begin(self, g: int) -> None:
        """Go over to a generation: numbers and digests of another one say nothing in it."""
        if self._database.execute("PRAGMA user_version").fetchone()[0] < g:
            self._database.execute("DELETE FROM highest")
            self._database.execute("DELETE FROM sealed")
            self._database.execute("DELETE FROM fetched")
            self._database.execute(f"PRAGMA user_version = {g:d}")

    @property
    def size(self) -> int:
        """Of how many pairs of rows there are details."""
        return int(self._database.execute("SELECT count(*) FROM opened").fetchone()[0])

    @property
    def fetched_through(self) -> int | None:
        """Through which number of the change feed the details are those that were served; None if that is not known."""
        found = self._database.execute("SELECT through FROM fetched").fetchone()
        return int(found[0]) if found else None

    def keep_fetched(self, through: int) -> None:
        """Remember through which number of the change feed all details are there."""
        self._database.execute("DELETE FROM fetched")
        self._database.execute("INSERT INTO fetched VALUES (?)", (through,))

    def highest_submission(self, owner_row: bytes) -> int:
        """The highest submission whose envelope was opened for one of the partner's rows, 0 for none."""
        found = self._database.execute("SELECT submission FROM highest WHERE owner_row = ?", (owner_row,)).fetchone()
        return int(found[0]) if found else 0

    def has(self, row: bytes, owner_row: bytes, envelope: bytes) -> bool:
        """Say whether exactly this envelope was opened before."""
        found = self._database.execute(
            "SELECT 1 FROM opened WHERE row = ? AND owner_row = ? AND envelope = ?", (row, owner_row, envelope)
        )
        return found.fetchone() is not None

    def keep(self, opened: OpenedDetails) -> None:
        """Keep what was opened in the place of what was there before."""
        values = (
            opened.row,
            opened.owner_row,
            opened.population.value,
            opened.submission,
            opened.terms_number,
            opened.envelope,
            json.dumps(opened.details, ensure_ascii=False),
        )
        self._database.execute("INSERT OR REPLACE INTO opened VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        self._database.execute(
            "INSERT INTO highest VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET submission = max(submission, excluded.submission)",
            (opened.owner_row, opened.submission),
        )

    def keep_only(self, served: Iterable[tuple[bytes, bytes]], *, of: Collection[bytes] | None) -> int:
        """Forget the details of every pair of rows that is not served any more, of our rows ``of``; say how many.

        None stands for all of our rows, here and below.
        """
        known = self._pairs() if of is None else (pair for row in of for pair in self._pairs_of(row))
        gone = set(known) - set(served)
        self._database.executemany("DELETE FROM opened WHERE row = ? AND owner_row = ?", sorted(gone))
        return len(gone)

    def name_only(self, match_ids: Mapping[tuple[bytes, bytes], bytes], *, of: Collection[bytes] | None) -> None:
        """Remember by which ids the matches that are served now are disputed, in the place of those before."""
        if of is None:
            self._database.execute("DELETE FROM named")
        else:
            self._database.executemany("DELETE FROM named WHERE row = ?", ((row,) for row in of))
        named = [(row, owner_row, match_id) for (row, owner_row), match_id in match_ids.items()]
        self._database.executemany("INSERT OR REPLACE INTO named VALUES (?, ?, ?)", named)

    def match_id(self, row: bytes, owner_row: bytes) -> bytes | None:
        """By which id the match of two rows is disputed, where the last sync was told one."""
        found = self._database.execute(
            "SELECT match_id FROM named WHERE row = ? AND owner_row = ?", (row, owner_row)
        ).fetchone()
        return bytes(found[0]) if found else None

    def forget(self, row: bytes, match_id: bytes) -> None:
        """Forget the details of one match, or of all of our row where the id is not that of one match."""
        named = self._database.execute(
            "SELECT row, owner_row FROM named WHERE row = ? AND match_id = ?", (row, match_id)
        ).fetchall()
        gone = named or self._pairs_of(row)
        self._database.executemany("DELETE FROM opened WHERE row = ? AND owner_row = ?", gone)

    def of_row(self, row: bytes) -> Iterator[OpenedDetails]:
        """Yield what was opened for one of our rows, the partner's strongest population first."""
        found = self._database.execute("SELECT * FROM opened WHERE row = ? ORDER BY population, owner_row", (row,))
        for _, owner_row, population, submission, terms_number, envelope, details in found:
            yield OpenedDetails(
                row, owner_row, Population(population), submission, terms_number, envelope, json.loads(details)
            )

    def sealed(self) -> dict[bytes, bytes]:
        """Give the digest of the details last sealed of each of our rows."""
        return dict(self._database.execute("SELECT row, details FROM sealed"))

    def keep_sealed(self, digests: Mapping[bytes, bytes]) -> None:
        """Remember what was sealed and stored, in the place of what was sealed before."""
        self._database.executemany("INSERT OR REPLACE INTO sealed VALUES (?, ?)", digests.items())

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        yield from self._database.execute("SELECT row, owner_row FROM opened")

    def _pairs_of(self, row: bytes) -> list[tuple[bytes, bytes]]:
        return self._database.execute("SELECT row, owner_row FROM opened WHERE row = ?", (row,)).fetchall()


@contextmanager
def opened_file(folder: Path) -> Iterator[OpenedFile]:
    """Open the file of a partnership, and keep what was changed if all went well.

    Raises:
        StateInvalid, HomeBusy, OSError: as `opened_sqlite`.
    """
    file = folder / "details.sqlite"
    with opened_sqlite(file, if_damaged=IF_DETAILS_DAMAGED) as database:
        file.chmod(0o600)
        database.executescript(_SCHEMA)
        with database:
            yield OpenedFile(database)
