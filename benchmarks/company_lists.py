"""Two company lists with known pairs, matched as the product matches them, and the score of what was found.

The client's own code makes accounts of rows and drops the keys that name nobody; the product's own matching settles the
rest, with every cell open. A match of two accounts is one of each row of the one with each row of the other.
"""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from escrow.client.accounts import Accounts, make_accounts
from escrow.client.blinding import BlindedKeys
from escrow.client.columns import Meaning
from escrow.client.sources import CrmRows
from escrow.psi.matching import Band, pairs, settle
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import ListRecords
from escrow.terms import CELLS, Level, Population, Tier

Pair = tuple[int, int]
Key = tuple[MatchKeyClass, str]
KeysOf = Callable[[str, str, str], Iterable[Key]]


@dataclass(frozen=True, slots=True)
class Side:
    """One company list, a column each."""

    ids: Sequence[str]
    names: Sequence[str]
    websites: Sequence[str]
    countries: Sequence[str]

    def blanked(self, share: float, seed: str) -> Side:
        """Leave this share of the websites out, the same ones for the same seed."""
        rng = random.Random(seed)
        return replace(self, websites=["" if rng.random() < share else website for website in self.websites])


@dataclass(frozen=True, slots=True)
class Lists:
    """Two lists, the true pairs with their relation, and the pairs that the truth cannot decide."""

    name: str
    left: Side
    right: Side
    truth: Mapping[Pair, str]
    ignored: Collection[Pair]

    def blanked(self, share: float, seed: int) -> Lists:
        """Leave a share of the websites out on both sides."""
        return replace(
            self,
            left=self.left.blanked(share, f"left {seed}"),
            right=self.right.blanked(share, f"right {seed}"),
        )

    def where(self, relation: str) -> Lists:
        """Hold only the pairs of one relation to be true; the other true pairs are left undecided."""
        kept = {pair: told for pair, told in self.truth.items() if told == relation}
        return replace(self, truth=kept, ignored={*self.ignored, *(self.truth.keys() - kept.keys())})


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean over account pairs."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)


def read_lists(folder: Path) -> Lists:
    """Read `a.csv`, `b.csv`, `truth.csv` and, where there is one, `ignore.csv`."""
    left, right = _side(folder / "a.csv"), _side(folder / "b.csv")
    lefts = {account_id: place for place, account_id in enumerate(left.ids)}
    rights = {account_id: place for place, account_id in enumerate(right.ids)}
    truth = {(lefts[row["a_id"]], rights[row["b_id"]]): row["relation"] for row in rows_of(folder / "truth.csv")}
    ignored = folder / "ignore.csv"
    undecided = rows_of(ignored) if ignored.exists() else []
    return Lists(folder.name, left, right, truth, {(lefts[row["a_id"]], rights[row["b_id"]]) for row in undecided})


def rows_of(file: Path) -> list[dict[str, str]]:
    """Read a CSV file with a header."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _side(file: Path) -> Side:
    rows = rows_of(file)
    return Side(*([row[column] for row in rows] for column in ("id", "name", "website", "country")))


def accounts_to_send(side: Side, keys_of: KeysOf) -> Accounts:
    """Make the accounts that the client would send, every row a customer."""
    columns = {Meaning.CRM_ID: side.ids, Meaning.ACCOUNT_NAME: side.names, Meaning.WEBSITE: side.websites}
    rows = CrmRows(columns, np.full(len(side.ids), Population.CUSTOMERS, np.uint8), 0)
    flat = [
        (row, key_class, value)
        for row, texts in enumerate(zip(side.names, side.websites, side.countries, strict=True))
        for key_class, value in keys_of(*texts)
    ]
    keys = BlindedKeys(
        rows=np.array([row for row, _, _ in flat], np.uint32),
        key_classes=np.array([key_class for _, key_class, _ in flat], np.uint8),
        tokens=np.frombuffer(b"".join(_token(key_class, value) for _, key_class, value in flat), "V16"),
    )
    return make_accounts(rows, keys)


def _token(key_class: MatchKeyClass, value: str) -> bytes:
    return hashlib.blake2b(bytes([key_class.kind]) + value.encode(), digest_size=16).digest()


def matches(left: Accounts, right: Accounts) -> dict[Pair, Tier]:
    """Find the standing matches of two lists with the product's matching, every cell at accounts; pairs are of rows."""
    standing = settle(
        pairs(_records(left), _records(right)), levels=dict.fromkeys(CELLS, Level.ACCOUNTS), band=Band.ACCOUNTS
    )
    places = zip(standing.left_index.tolist(), standing.right_index.tolist(), standing.tiers.tolist(), strict=True)
    return {
        (left_row, right_row): Tier(tier)
        for left_place, right_place, tier in places
        for left_row in left.rows_of(left_place)
        for right_row in right.rows_of(right_place)
    }


def _records(accounts: Accounts) -> ListRecords:
    return accounts.records(np.arange(1, len(accounts) + 1, dtype=np.uint64))


def score(found: Iterable[Pair], lists: Lists) -> Score:
    """Score the pairs found against the true ones; pairs that the truth cannot decide count on neither side."""
    predicted = set(found) - set(lists.ignored)
    true = set(lists.truth) - set(lists.ignored)
    right = len(predicted & true)
    return Score(right / len(predicted) if predicted else 1.0, right / len(true) if true else 1.0)
