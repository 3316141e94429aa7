"""What overlaps in one partnership as this machine last heard, and what each sink was last told of it.

One SQLite file holds our rows that overlap, kept up by the service's change feed; the records they come to once joined
with the CRM ids; and for each sink the records it has taken. What a sink is told is the difference of the two, so that
a crash, a sink that was away and a sink that is new are all the same case. The feed's cursor is stored with what the
feed said, and what a sink was told only once it has taken it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from escrow.client.sinks.changes import Batch, Change, ChangeKind, OverlapRecord, of_content
from escrow.client.sinks.sink import Sink, Taken
from escrow.client.sqlite_files import opened_sqlite
from escrow.errors import StateInvalid
from escrow.terms import CELLS, Cell, Level, Population, Tier

__all__ = ["Mirror", "Overlapping", "Telling", "has_told", "opened_mirror"]

_FORMAT = 1
_FILE = "sync.sqlite"
_IF_DAMAGED = "remove it: the next sync tells every sink everything anew"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS overlapping (
    row BLOB PRIMARY KEY, overlap TEXT, tier INTEGER, ours INTEGER, theirs INTEGER, level INTEGER
);
CREATE TABLE IF NOT EXISTS records (crm_id TEXT PRIMARY KEY, cell INTEGER, content TEXT, entered_at TEXT);
CREATE TABLE IF NOT EXISTS sinks (name TEXT PRIMARY KEY, place TEXT, number INTEGER, starts_over INTEGER);
CREATE TABLE IF NOT EXISTS told (
    sink TEXT, crm_id TEXT, cell INTEGER, content TEXT, entered_at TEXT, is_sure INTEGER, PRIMARY KEY (sink, crm_id)
);
CREATE TEMP TABLE due (
    place INTEGER PRIMARY KEY, crm_id TEXT, kind TEXT, was INTEGER, cell INTEGER, content TEXT, entered_at TEXT
);
"""
_FIND_DUE = """
INSERT INTO temp.due (crm_id, kind, was, cell, content, entered_at)
SELECT records.crm_id,
       CASE WHEN told.cell IS NULL THEN 'entered' WHEN told.cell <> records.cell THEN 'moved' ELSE 'changed' END,
       told.cell, records.cell, records.content, records.entered_at
FROM records LEFT JOIN told ON told.sink = :sink AND told.crm_id = records.crm_id
WHERE records.cell IN ({cells}) AND (told.crm_id IS NULL OR told.is_sure = 0 OR told.content <> records.content)
UNION ALL
SELECT told.crm_id, 'left', told.cell, told.cell, told.content, told.entered_at
FROM told LEFT JOIN records ON records.crm_id = told.crm_id AND records.cell IN ({cells})
WHERE told.sink = :sink AND records.crm_id IS NULL
ORDER BY 1
"""
#: Written before a sink is told: should nobody live to see whether it was, it is told again, or that the record left.
_BEGIN_TO_TELL = """
INSERT INTO told
SELECT ?, crm_id, NULL, content, entered_at, 0 FROM temp.due WHERE place > ? AND place <= ?
ON CONFLICT (sink, crm_id) DO UPDATE SET content = excluded.content, entered_at = excluded.entered_at, is_sure = 0
"""
_FORGET_TOLD = """
DELETE FROM told WHERE sink = ? AND crm_id IN (
    SELECT crm_id FROM temp.due WHERE place > ? AND place <= ? AND kind = 'left'
)
"""
_KEEP_TOLD = """
INSERT OR REPLACE INTO told
SELECT ?, crm_id, cell, content, entered_at, 1 FROM temp.due
WHERE place > ? AND place <= ? AND kind NOT IN ('left', 'refused')
"""
_COUNT_TOLD = """
SELECT kind, count(*) FROM temp.due WHERE place > ? AND place <= ? AND kind <> 'refused' GROUP BY kind
"""
_CURRENT = "SELECT content, entered_at FROM records WHERE cell IN ({cells}) ORDER BY crm_id"


@dataclass(frozen=True, slots=True)
class Overlapping:
    """One of our rows that overlaps, as the service tells it."""

    row: bytes
    overlap: str
    tier: Tier
    cell: Cell
    level: Level


class Mirror:
    """The file of one partnership; what is done between two calls of `keep` is kept as one."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def keep(self) -> None:
        """Put what was done since the last time on the disk, all or nothing."""
        self._database.commit()

    def heard(self, name: str) -> str | None:
        """What was remembered under a name: the feed's cursor, the list that records were joined with."""
        found = self._database.execute("SELECT value FROM heard WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else None

    def hear(self, name: str, value: str | None) -> None:
        """Remember something under a name, or nothing any more."""
        self._database.execute("DELETE FROM heard WHERE name = ?", (name,))
        if value is not None:
            self._database.execute("INSERT INTO heard VALUES (?, ?)", (name, value))

    def put(self, overlapping: Iterable[Overlapping]) -> None:
        """Take in rows that overlap, in the place of what was known of them."""
        values = (
            (each.row, each.overlap, each.tier.value, each.cell.ours.value, each.cell.theirs.value, each.level.value)
            for each in overlapping
        )
        self._database.executemany("INSERT OR REPLACE INTO overlapping VALUES (?, ?, ?, ?, ?, ?)", values)

    def drop(self, rows: Iterable[bytes]) -> None:
        """Take out rows that overlap no more."""
        self._database.executemany("DELETE FROM overlapping WHERE row = ?", ((row,) for row in rows))

    def drop_all(self) -> None:
        """Take out every row: what overlaps is told anew, or not at all any more."""
        self._database.execute("DELETE FROM overlapping")

    def overlapping(self) -> Iterator[Overlapping]:
        """Yield the rows that overlap."""
        for row, overlap, tier, ours, theirs, level in self._database.execute("SELECT * FROM overlapping"):
            yield Overlapping(row, overlap, Tier(tier), Cell(Population(ours), Population(theirs)), Level(level))

    @property
    def size(self) -> int:
        """How many records there are."""
        return int(self._database.execute("SELECT count(*) FROM records").fetchone()[0])

    def join(self, records: Iterable[OverlapRecord], *, now: str) -> None:
        """Put the records in the place of all before; one that was there keeps when it entered."""
        run = self._database.execute
        run("CREATE TEMP TABLE fresh (crm_id TEXT PRIMARY KEY, cell INTEGER, content TEXT)")
        self._database.executemany(
            "INSERT OR REPLACE INTO temp.fresh VALUES (?, ?, ?)",
            ((each.crm_id, _number_of(each.cell), each.content) for each in records),
        )
        run("DELETE FROM records WHERE crm_id NOT IN (SELECT crm_id FROM temp.fresh)")
        run(
            "INSERT INTO records SELECT crm_id, cell, content, ? FROM temp.fresh WHERE true"
            " ON CONFLICT (crm_id) DO UPDATE SET cell = excluded.cell, content = excluded.content",
            (now,),
        )
        run("DROP TABLE temp.fresh")

    def start_over(self, sink: str) -> None:
        """Be sure of nothing that a sink was told: it is told everything once more, and what has left since."""
        self._database.execute("UPDATE told SET cell = NULL, is_sure = 0 WHERE sink = ?", (sink,))
        self._database.execute("UPDATE sinks SET starts_over = 1 WHERE name = ?", (sink,))

    def telling(
        self, name: str, sink: Sink, cells: Set[Cell], *, label: str, partnership_id: UUID, first: int
    ) -> Telling:
        """Find out what a sink lacks; ``first`` numbers its first change set, above those of machines before it."""
        self._know(name, sink.place, first)
        self._database.execute("DELETE FROM temp.due")
        self._database.execute(_FIND_DUE.format(cells=_numbers_of(cells)), {"sink": name})
        number, starts_over = self._database.execute(
            "SELECT number, starts_over FROM sinks WHERE name = ?", (name,)
        ).fetchone()
        size = int(self._database.execute("SELECT count(*) FROM temp.due").fetchone()[0])
        return Telling(self._database, name, frozenset(cells), label, partnership_id, number, bool(starts_over), size)

    def _know(self, name: str, place: str, first: int) -> None:
        found = self._database.execute("SELECT place FROM sinks WHERE name = ?", (name,)).fetchone()
        if found is None:
            self._database.execute("INSERT INTO sinks VALUES (?, ?, ?, 1)", (name, place, first))
        elif found[0] != place:
            self._database.execute("DELETE FROM told WHERE sink = ?", (name,))
            self._database.execute("UPDATE sinks SET place = ?, starts_over = 1 WHERE name = ?", (place, name))


@dataclass(frozen=True, slots=True)
class Telling:
    """What one sink lacks, as one numbered change set."""

    database: sqlite3.Connection
    sink: str
    cells: frozenset[Cell]
    label: str
    partnership_id: UUID
    number: int
    starts_over: bool
    size: int

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to tell; who starts over is told even that there is nothing."""
        return self.size > 0 or self.starts_over

    def batches(self, most: int | None, *, made_at: str) -> Iterator[Batch]:
        """Cut the change set for a sink that takes so many changes at once; an empty one is one batch."""
        step = most or max(self.size, 1)
        for start in range(0, max(self.size, 1), step):
            end = min(start + step, self.size)
            yield Batch(
                partnership_id=self.partnership_id,
                partnership=self.label,
                number=self.number,
                made_at=made_at,
                changes=_Due(self.database, start, end),
                size=end - start,
                starts_over=self.starts_over,
                is_last=end == self.size,
                current=self.current,
            )

    def current(self) -> Iterator[OverlapRecord]:
        """Yield every record of the sink's cells as it is now."""
        for content, entered_at in self.database.execute(_CURRENT.format(cells=_numbers_of(self.cells))):
            yield of_content(content, entered_at)

    def begin(self, batch: Batch) -> None:
        """Put on the disk that the sink is about to be told a batch."""
        due = _due_of(batch)
        self.database.execute(_BEGIN_TO_TELL, (self.sink, due.start, due.end))
        self.database.commit()

    def keep(self, batch: Batch, taken: Taken) -> dict[ChangeKind, int]:
        """Put on the disk that the sink has a batch, but for what it refused; count what it has by what it is."""
        due = _due_of(batch)
        run, between = self.database.execute, (due.start, due.end)
        refused = [(crm_id,) for crm_id in taken.refused]
        self.database.executemany("UPDATE temp.due SET kind = 'refused' WHERE crm_id = ?", refused)
        run(_FORGET_TOLD, (self.sink, *between))
        run(_KEEP_TOLD, (self.sink, *between))
        if batch.is_last:
            run("UPDATE sinks SET number = number + 1, starts_over = 0 WHERE name = ?", (self.sink,))
        self.database.commit()
        counted = run(_COUNT_TOLD, between)
        return {ChangeKind(kind): count for kind, count in counted}


def _due_of(batch: Batch) -> _Due:
    if not isinstance(batch.changes, _Due):
        raise TypeError("a batch that was made elsewhere")
    return batch.changes


@dataclass(frozen=True, slots=True)
class _Due:
    """Changes by their places, as often as one asks."""

    database: sqlite3.Connection
    start: int
    end: int

    def __iter__(self) -> Iterator[Change]:
        found = self.database.execute(
            "SELECT kind, was, content, entered_at FROM temp.due WHERE place > ? AND place <= ? ORDER BY place",
            (self.start, self.end),
        )
        for kind, was, content, entered_at in found:
            yield Change(ChangeKind(kind), of_content(content, entered_at), _cell_of(was) if was else None)


@contextmanager
def opened_mirror(folder: Path) -> Iterator[Mirror]:
    """Open the file of a partnership; what was not kept is as if it had not been done.

    Raises:
        StateInvalid: it is damaged, or of another version.
        HomeBusy, OSError: as `opened_sqlite`.
    """
    file = folder / _FILE
    with opened_sqlite(file, if_damaged=_IF_DAMAGED) as database:
        file.chmod(0o600)
        _prepare(database)
        yield Mirror(database)


def has_told(folder: Path) -> bool:
    """Say whether some sink has records of a partnership."""
    if not (folder / _FILE).exists():
        return False
    with opened_sqlite(folder / _FILE, if_damaged=_IF_DAMAGED) as database:
        _prepare(database)
        return database.execute("SELECT 1 FROM told LIMIT 1").fetchone() is not None


def _prepare(database: sqlite3.Connection) -> None:
    (form,) = database.execute("PRAGMA user_version").fetchone()
    if form not in {0, _FORMAT}:
        raise StateInvalid(f"sync.sqlite was written by a newer version of escrow; use that one, or {_IF_DAMAGED}")
    database.executescript(f"{_SCHEMA} PRAGMA user_version = {_FORMAT};")


def _number_of(cell: Cell) -> int:
    return cell.ours.value * 10 + cell.theirs.value


def _numbers_of(cells: Set[Cell]) -> str:
    return ", ".join(str(_number_of(cell)) for cell in sorted(cells))


def _cell_of(number: int) -> Cell:
    return _CELLS[number]


_CELLS = {_number_of(cell): cell for cell in CELLS}
