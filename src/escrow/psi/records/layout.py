"""The layout of one list's records, and what makes it canonical: equal lists have equal bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from escrow.errors import RecordsInvalid
from escrow.psi.matchkeys import MatchKeyClass
from escrow.terms import Population

__all__ = [
    "ACCOUNT_DTYPE",
    "REMOVED",
    "TOKEN_BYTES",
    "TOKEN_DTYPE",
    "ListRecords",
    "Mask",
    "Records",
    "Words",
    "check_canonical",
    "kinds_of",
    "make_records",
    "pick",
    "run_starts",
    "stack",
    "token_halves",
    "with_tokens",
]

Records = npt.NDArray[np.void]
Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

TOKEN_BYTES = 16
ACCOUNT_DTYPE = np.dtype([("row", ">u8"), ("population", "u1"), ("flags", "u1"), ("segments", ">u4")])
TOKEN_DTYPE = np.dtype([("token", "V16"), ("row", ">u8"), ("key_class", "u1")])

#: The population of an account record that says: this account is no longer on the list.
REMOVED = 0

_HALVES_DTYPE = np.dtype([("high", ">u8"), ("low", ">u8"), ("row", ">u8"), ("key_class", "u1")])
_KIND_OF_CLASS = np.array([0, *(key_class.kind for key_class in MatchKeyClass)], np.uint8)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ListRecords:
    """Account records and token records in canonical order; in a delta an account record is its whole new state."""

    accounts: Records
    tokens: Records

    def __post_init__(self) -> None:
        if self.accounts.dtype != ACCOUNT_DTYPE or self.tokens.dtype != TOKEN_DTYPE:
            raise TypeError("records have the layout of the wire, byte order included")

    @classmethod
    def empty(cls) -> ListRecords:
        """Give a list without accounts."""
        return cls(np.empty(0, ACCOUNT_DTYPE), np.empty(0, TOKEN_DTYPE))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ListRecords):
            return NotImplemented
        return self.accounts.tobytes() == other.accounts.tobytes() and self.tokens.tobytes() == other.tokens.tobytes()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ListRecords({self.accounts.size} accounts, {self.tokens.size} tokens)"

    @property
    def rows(self) -> Words:
        """The rows of the account records, ascending, in native byte order."""
        return self.accounts["row"].astype(np.uint64)

    @property
    def population_sizes(self) -> dict[Population, int]:
        """How many accounts each population has; removed accounts are in none."""
        return _sizes(self.accounts["population"])

    def populations_of(self, tokens: Records) -> npt.NDArray[np.uint8]:
        """Give the population of the account that each of these tokens stands on."""
        places = np.searchsorted(self.rows, tokens["row"].astype(np.uint64))
        populations: npt.NDArray[np.uint8] = self.accounts["population"][places]
        return populations

    def population_sizes_of(self, tokens: Records) -> dict[Population, int]:
        """How many accounts of each population have any of these tokens, which are in the order of their rows."""
        return _sizes(self.populations_of(pick(tokens, run_starts(tokens["row"]))))


def _sizes(populations: npt.NDArray[np.uint8]) -> dict[Population, int]:
    sizes = np.bincount(populations, minlength=len(Population) + 1)
    return {population: int(sizes[population]) for population in Population}


def pick(records: Records, which: npt.NDArray[np.intp] | Mask) -> Records:
    """Index records as plain bytes, which numpy copies several times faster than it does field by field."""
    return records.view(_plain(records.dtype))[which].view(records.dtype)


def stack(*parts: Records) -> Records:
    """Concatenate records of one layout as plain bytes: numpy would turn their integers to the machine's byte order."""
    return np.concatenate([part.view(_plain(part.dtype)) for part in parts]).view(parts[0].dtype)


def token_halves(tokens: Records) -> tuple[Words, Words]:
    """Cut the 16 bytes of each token record into two native integers, which order as the bytes do."""
    halves = tokens.view(_HALVES_DTYPE)
    return halves["high"].astype(np.uint64), halves["low"].astype(np.uint64)


def kinds_of(tokens: Records) -> npt.NDArray[np.uint8]:
    """Give the kind of each token record, by its key class."""
    kinds: npt.NDArray[np.uint8] = _KIND_OF_CLASS[tokens["key_class"]]
    return kinds


def make_records(
    *,
    rows: npt.NDArray[np.unsignedinteger],
    populations: npt.NDArray[np.integer],
    token_rows: npt.NDArray[np.unsignedinteger],
    key_classes: npt.NDArray[np.integer],
    tokens: bytes,
    segments: npt.NDArray[np.unsignedinteger] | None = None,
) -> ListRecords:
    """Bring accounts and tokens, given in any order, into canonical form; a token said twice is kept once.

    ``tokens`` are packed 16-byte tokens, one for each of ``token_rows`` and ``key_classes``.

    Raises:
        RecordsInvalid: a row is zero or stands twice, a token has no account, or a code is unknown.
    """
    accounts = np.zeros(len(rows), ACCOUNT_DTYPE)
    accounts["row"], accounts["population"] = rows, populations
    if segments is not None:
        accounts["segments"] = segments
    token_records = np.empty(len(token_rows), TOKEN_DTYPE)
    token_records["token"] = np.frombuffer(tokens, "V16")
    token_records["row"], token_records["key_class"] = token_rows, key_classes
    records = ListRecords(pick(accounts, np.argsort(rows)), _distinct(_ordered(token_records)))
    check_canonical(records)
    return records


def with_tokens(records: ListRecords, tokens: bytes) -> ListRecords:
    """Replace each token by the one that stands in its place in ``tokens`` (packed), and restore the order."""
    replaced = records.tokens.copy()
    replaced["token"] = np.frombuffer(tokens, "V16")
    _order_ties(replaced)
    return ListRecords(records.accounts, _distinct(replaced))


def check_canonical(records: ListRecords) -> None:
    """Hold records to the canonical form.

    Raises:
        RecordsInvalid: an order, a code or the owner of a token is wrong.
    """
    _check_accounts(records.accounts)
    _check_tokens(records.tokens)
    _check_owners(records)


def run_starts(ordered: npt.NDArray[np.generic]) -> Mask:
    """Mark the first of each run of equal values."""
    starts = np.ones(ordered.size, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    return starts


def _plain(layout: np.dtype[np.void]) -> np.dtype[np.void]:
    return np.dtype((np.void, layout.itemsize))


def _check_accounts(accounts: Records) -> None:
    rows = accounts["row"].astype(np.uint64)
    if rows.size and rows[0] == 0:
        raise RecordsInvalid("row zero is not a row")
    if not np.all(rows[1:] > rows[:-1]):
        raise RecordsInvalid("account records are not in strictly ascending order of their rows")
    if accounts["flags"].any():
        raise RecordsInvalid("an account record has a flag that this version does not know")
    if np.any(accounts["population"] > max(Population)):
        raise RecordsInvalid("an account record has a population that does not exist")
    if accounts["segments"][accounts["population"] == REMOVED].any():
        raise RecordsInvalid("a removed account has no segments")


def _check_tokens(tokens: Records) -> None:
    classes = tokens["key_class"]
    if np.any((classes < min(MatchKeyClass)) | (classes > max(MatchKeyClass))):
        raise RecordsInvalid("a token record has a key class that does not exist")
    rows = tokens["row"].astype(np.uint64)
    tied = rows[1:] == rows[:-1]
    in_order = (rows[1:] > rows[:-1]) | (tied & (classes[1:] > classes[:-1]))
    open_question = np.flatnonzero(tied & (classes[1:] == classes[:-1]))
    high, low = token_halves(pick(tokens, open_question))
    next_high, next_low = token_halves(pick(tokens, open_question + 1))
    in_order[open_question] = (next_high > high) | ((next_high == high) & (next_low > low))
    if not in_order.all():
        raise RecordsInvalid("token records are not in strictly ascending order of row, key class and token")


def _check_owners(records: ListRecords) -> None:
    live_rows = records.rows[records.accounts["population"] != REMOVED]
    token_rows = records.tokens["row"].astype(np.uint64)
    owners = token_rows[run_starts(token_rows)]
    places = np.searchsorted(live_rows, owners)
    if owners.size and (places[-1] == live_rows.size or np.any(live_rows[places] != owners)):
        raise RecordsInvalid("a token record belongs to no account of its chunk")


def _ordered(tokens: Records) -> Records:
    """Sort by row, then key class, then token."""
    tokens = pick(tokens, np.lexsort((tokens["key_class"], tokens["row"].astype(np.uint64))))
    _order_ties(tokens)
    return tokens


def _order_ties(tokens: Records) -> None:
    """Put records in order, in place, that are in order of row and key class; the few that tie are sorted by token."""
    rows, classes = tokens["row"].astype(np.uint64), tokens["key_class"]
    tie = (rows[1:] == rows[:-1]) & (classes[1:] == classes[:-1])
    tied = np.zeros(tokens.size, np.bool_)
    tied[1:] |= tie
    tied[:-1] |= tie
    places = np.flatnonzero(tied)
    high, low = token_halves(pick(tokens, places))
    tokens[places] = pick(tokens, places[np.lexsort((low, high, classes[places], rows[places]))])


def _distinct(ordered: Records) -> Records:
    whole = ordered.view(_plain(TOKEN_DTYPE))
    repeated = np.flatnonzero(whole[1:] == whole[:-1]) + 1
    return np.delete(ordered, repeated) if repeated.size else ordered
