"""What this machine remembers of its list in one partnership: to compare with, to join back, and to seal details from.

One SQLite file holds one submission: its number and digest, the records that went out, and the CRM rows behind them in
columns, some thousands to a block. A list is written to a file of its own and moved into place: there is the old state
or the new one. It waits as *pending* until the service has applied it; only then it becomes the *applied* one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from escrow.client.account_ids import EarlierAccounts
from escrow.client.columns import Meaning
from escrow.client.home import held, move_over, new_file
from escrow.client.sqlite_files import is_damage, opened_sqlite
from escrow.errors import StateInvalid
from escrow.psi.records import ListRecords, join, pack_chunk, parse_chunk, split
from escrow.terms import Population, is_detail_field

if TYPE_CHECKING:
    from escrow.client.accounts import Accounts
    from escrow.client.sources import CrmRows

__all__ = ["IF_LIST_DAMAGED", "AccountState", "CrmRow", "KeptAccount", "KeptList", "Sent", "SentList"]

#: What a person does where a list cannot be read.
IF_LIST_DAMAGED = "remove it, and run `escrow submit --snapshot`"
_FORMAT = 1
_BLOCK = 8_192
#: The unit separator of ASCII, which no CRM has in a value.
_BEFORE_A_VALUE = "\x1f"
_PIECE_BYTES = 16 << 20
_ADDED = ("added_to", "added_name", "added_website")
_SCHEMA = """
CREATE TABLE submission (format INTEGER, number INTEGER, digest BLOB, generation INTEGER, profile TEXT);
CREATE TABLE pieces (position INTEGER PRIMARY KEY, chunk BLOB);
CREATE TABLE arrays (name TEXT PRIMARY KEY, content BLOB);
CREATE TABLE blocks (name TEXT, position INTEGER, content TEXT, PRIMARY KEY (name, position));
"""

#: What a CRM row says, by the meaning of a column or the name of a custom field.
CrmRow = Mapping[str, str]
Rows = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Sent:
    """Which submission a list went out as."""

    number: int
    digest: bytes
    g: int
    profile_id: str


@dataclass(frozen=True, slots=True)
class SentList:
    """A list and all that it was made from, as it is about to be remembered; ``rows`` runs parallel to the accounts."""

    crm: CrmRows
    accounts: Accounts
    rows: Rows = field(repr=False)
    records: ListRecords
    earlier_ids: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """One remembered account: the CRM rows it is made of, and the one that its fields come from."""

    row: bytes
    account_id: str = field(repr=False)
    population: Population
    members: tuple[CrmRow, ...] = field(repr=False)
    leading: CrmRow = field(repr=False)
    #: Names and websites that an alias file gave the account.
    added: tuple[CrmRow, ...] = field(default=(), repr=False)

    @property
    def crm_ids(self) -> tuple[str, ...]:
        """The ids by which the CRM knows the account."""
        return tuple(member[Meaning.CRM_ID] for member in self.members)

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self.leading.get(Meaning.ACCOUNT_NAME, "") or self.leading.get(Meaning.WEBSITE, "")


class KeptList:
    """A remembered list, open for reading."""

    def __init__(self, database: sqlite3.Connection, sent: Sent) -> None:
        self._database = database
        self.sent = sent
        self._blocks: dict[tuple[str, int], Sequence[str]] = {}

    @cached_property
    def records(self) -> ListRecords:
        """The whole list as the service has it."""
        pieces = self._database.execute("SELECT chunk FROM pieces ORDER BY position")
        return join([parse_chunk(chunk) for (chunk,) in pieces])

    def earlier(self) -> EarlierAccounts:
        """Which account each CRM id was in, and every account id that was ever given."""
        account_ids = self._column("account_id")
        crm_ids = self._column(Meaning.CRM_ID)
        account_of_member = np.repeat(np.arange(len(account_ids)), np.diff(self._array("starts", "<u4")))
        members = self._array("members", "<u4").tolist()
        found = {
            crm_ids[row]: account_ids[account] for row, account in zip(members, account_of_member.tolist(), strict=True)
        }
        return EarlierAccounts(found, frozenset(account_ids) | frozenset(self._column("retired_id")))

    def find(self, rows: Iterable[bytes]) -> Iterator[KeptAccount]:
        """Yield the accounts that have these rows; rows that are not ours are passed over."""
        for row in rows:
            place = self._place(row)
            if place is not None:
                yield self._account(row, place)

    def _place(self, row: bytes) -> int | None:
        ordered, places = self._index
        wanted = int.from_bytes(row, "big")
        at = int(np.searchsorted(ordered, np.uint64(wanted)))
        return int(places[at]) if at < len(ordered) and int(ordered[at]) == wanted else None

    @cached_property
    def _index(self) -> tuple[Rows, npt.NDArray[np.intp]]:
        rows = self._array("rows", "<u8")
        places = np.argsort(rows)
        return rows[places], places

    def _account(self, row: bytes, place: int) -> KeptAccount:
        starts = self._array("starts", "<u4")
        members = self._array("members", "<u4")[starts[place] : starts[place + 1]].tolist()
        return KeptAccount(
            row=row,
            account_id=self._value("account_id", place),
            population=Population(int(self._array("populations", "u1")[place])),
            members=tuple(self._crm_row(member) for member in members),
            leading=self._crm_row(int(self._array("field_rows", "<u4")[place])),
            added=tuple(self._added.get(place, ())),
        )

    def _crm_row(self, place: int) -> CrmRow:
        return {name: self._value(name, place) for name in self._names}

    @cached_property
    def _added(self) -> Mapping[int, Sequence[CrmRow]]:
        found: dict[int, list[CrmRow]] = {}
        for place, name, website in zip(*map(self._column, _ADDED), strict=True):
            found.setdefault(int(place), []).append({Meaning.ACCOUNT_NAME: name, Meaning.WEBSITE: website})
        return found

    @cached_property
    def _names(self) -> tuple[str, ...]:
        names = {name for (name,) in self._database.execute("SELECT DISTINCT name FROM blocks")}
        return tuple(name for name in names if name in set(Meaning) or is_detail_field(name))

    @cached_property
    def _arrays(self) -> dict[str, bytes]:
        return dict(self._database.execute("SELECT name, content FROM arrays"))

    def _array(self, name: str, layout: str) -> npt.NDArray[Any]:
        return np.frombuffer(self._arrays[name], np.dtype(layout))

    def _column(self, name: str) -> list[str]:
        found = self._database.execute("SELECT content FROM blocks WHERE name = ? ORDER BY position", (name,))
        return [value for (content,) in found for value in _unpacked(content)]

    def _value(self, name: str, place: int) -> str:
        position, at = divmod(place, _BLOCK)
        if (name, position) not in self._blocks:
            found = self._database.execute(
                "SELECT content FROM blocks WHERE name = ? AND position = ?", (name, position)
            ).fetchone()
            self._blocks[name, position] = _unpacked(found[0])
        return self._blocks[name, position][at]


class AccountState:
    """The folder of one partnership's lists; hold it while working with it."""

    def __init__(self, folder: Path, name: str = "list") -> None:
        self.folder = folder
        self._name = name

    @property
    def following(self) -> AccountState:
        """The lists of the generation that is filled beside the live one."""
        return AccountState(self.folder, "next")

    def take_up(self, g: int, *, building: int | None) -> None:
        """Let the list that was filled beside become the list once its generation, ``g``, is live.

        Done again after a crash it goes on where it stopped. A list of a generation that is over, or that was cancelled
        while it was ``building``, is forgotten.
        """
        beside = self.following
        for filled, place in ((beside.applied_file, self.applied_file), (beside.pending_file, self.pending_file)):
            with _open(filled) as kept:
                found = None if kept is None else kept.sent.g
            if found == g:
                move_over(filled, place)
            elif found != building:
                filled.unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[Self]:
        """Keep other commands away from this partnership.

        Raises:
            HomeBusy: one is at work on it.
        """
        with held(self.folder / "lock"):
            yield self

    @property
    def applied_file(self) -> Path:
        """The list that the service has applied."""
        return self.folder / f"{self._name}.sqlite"

    @property
    def pending_file(self) -> Path:
        """The list that went out and may not be applied yet."""
        return self.folder / f"{self._name}-pending.sqlite"

    @contextmanager
    def applied(self) -> Iterator[KeptList | None]:
        """Open the applied list, if there is one that can be read."""
        with _open(self.applied_file) as kept:
            yield kept

    def settle(self, *, applied_number: int, applied_digest: bytes | None) -> None:
        """Take the pending list as applied if the service has applied it; drop it once it cannot be any more."""
        with _open(self.pending_file) as pending:
            if pending is None:
                return
            is_applied = (pending.sent.number, pending.sent.digest) == (applied_number, applied_digest)
            is_over = pending.sent.number <= applied_number
        if is_applied:
            move_over(self.pending_file, self.applied_file)
        elif is_over:
            self.pending_file.unlink(missing_ok=True)

    def drop_pending(self, number: int) -> None:
        """Forget a list that the service rejected, by the number of its submission."""
        with _open(self.pending_file) as pending:
            is_rejected = pending is None or pending.sent.number == number
        if is_rejected:
            self.pending_file.unlink(missing_ok=True)

    def write_pending(self, sent: Sent, content: SentList) -> None:
        """Remember a list that has just gone out.

        Raises:
            OSError: it cannot be written; what was there is as it was.
        """
        with (
            new_file(self.pending_file) as file,
            opened_sqlite(file, if_damaged=IF_LIST_DAMAGED, has_transactions=False) as database,
        ):
            # A file that is not whole is never looked at, so nothing needs a journal. Large blocks go on large pages.
            pragmas = "PRAGMA page_size = 65536; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"
            database.executescript(f"{pragmas}; BEGIN; {_SCHEMA}")
            submission = (_FORMAT, sent.number, sent.digest, sent.g, sent.profile_id)
            database.execute("INSERT INTO submission VALUES (?, ?, ?, ?, ?)", submission)
            pieces = (pack_chunk(piece) for piece in split(content.records, _PIECE_BYTES))
            database.executemany("INSERT INTO pieces VALUES (?, ?)", enumerate(pieces))
            database.executemany("INSERT INTO arrays VALUES (?, ?)", _arrays(content))
            database.executemany("INSERT INTO blocks VALUES (?, ?, ?)", _blocks(content))
            database.execute("COMMIT")


@contextmanager
def _open(file: Path) -> Iterator[KeptList | None]:
    if not file.exists():
        yield None
        return
    with opened_sqlite(file, if_damaged=IF_LIST_DAMAGED, is_read_only=True) as database:
        sent = _sent(database)
        yield KeptList(database, sent) if sent else None


def _sent(database: sqlite3.Connection) -> Sent | None:
    """Read what a file holds; a damaged one is as good as none, and the next submission is a snapshot."""
    try:
        form, number, digest, g, profile_id = database.execute("SELECT * FROM submission").fetchone()
    except (TypeError, ValueError):
        return None
    except sqlite3.Error as failure:
        if not is_damage(failure):
            raise
        return None
    if form != _FORMAT:
        raise StateInvalid("the account state was written by another version of escrow; use that version")
    return Sent(number, digest, g, profile_id)


def _arrays(content: SentList) -> Iterator[tuple[str, bytes]]:
    accounts = content.accounts
    yield "rows", content.rows.astype("<u8").tobytes()
    yield "populations", accounts.populations.astype("u1").tobytes()
    for name, indexes in (
        ("field_rows", accounts.field_rows),
        ("members", accounts.members),
        ("starts", accounts.starts),
    ):
        yield name, indexes.astype("<u4").tobytes()


def _blocks(content: SentList) -> Iterator[tuple[str, int, str]]:
    account_ids = content.accounts.account_ids
    columns: dict[str, Sequence[str]] = {meaning: content.crm.column(meaning) for meaning in content.crm.columns}
    columns |= content.crm.custom
    columns["account_id"] = account_ids
    added = content.accounts.added
    columns["added_to"] = [str(each.row) for each in added]
    columns["added_name"] = [each.name for each in added]
    columns["added_website"] = [each.website for each in added]
    columns["retired_id"] = sorted(content.earlier_ids.difference(account_ids))
    for name, values in columns.items():
        for position, start in enumerate(range(0, len(values), _BLOCK)):
            yield name, position, _packed(values[start : start + _BLOCK])


def _packed(values: Sequence[str]) -> str:
    """Write the values of a block one after the other, which takes a tenth of what JSON takes; or else as JSON."""
    packed = _BEFORE_A_VALUE + _BEFORE_A_VALUE.join(values)
    is_plain = packed.count(_BEFORE_A_VALUE) == len(values) and "\0" not in packed
    return packed if is_plain else json.dumps(values)


def _unpacked(content: str) -> list[str]:
    if content.startswith(_BEFORE_A_VALUE):
        return content.split(_BEFORE_A_VALUE)[1:]
    values: list[str] = json.loads(content)
    return values
