"""Two company lists with known pairs, matched as the product matches them, and the score of what was found.

Each row is one account. Keys that stand on more than five accounts, and fallback keys on more than one, are dropped as
the client drops them; the rest are matched and settled by the product's own rules, with every cell open.
"""

from __future__ import annotations

import csv
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from escrow.psi.matching import Band, pairs, settle
from escrow.psi.matchkeys import MOST_ACCOUNTS_OF_A_KEY, MatchKeyClass
from escrow.psi.records import ListRecords, make_records
from escrow.terms import CELLS, Level, Tier

Pair = tuple[int, int]
Key = tuple[MatchKeyClass, str]
KeysOf = Callable[[str, str, str], Iterable[Key]]

MOST_KEYS_OF_AN_ACCOUNT = 8


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


def keys_to_send(side: Side, keys_of: KeysOf) -> list[list[Key]]:
    """Make every account's keys and drop those that the client drops."""
    accounts = [_once(keys_of(*row)) for row in zip(side.names, side.websites, side.countries, strict=True)]
    held_by = Counter(
        (as_weak, key_class.kind, value)
        for keys in accounts
        for key_class, value in keys
        for as_weak in MatchKeyClass
        if key_class <= as_weak
    )
    return [
        [key for key in keys if held_by[key[0], key[0].kind, key[1]] <= _most_accounts(key[0])][
            :MOST_KEYS_OF_AN_ACCOUNT
        ]
        for keys in accounts
    ]


def _most_accounts(key_class: MatchKeyClass) -> int:
    return 1 if key_class is MatchKeyClass.FALLBACK else MOST_ACCOUNTS_OF_A_KEY


def _once(keys: Iterable[Key]) -> list[Key]:
    """Keep each key once, in its strongest class; strongest classes first."""
    once: dict[tuple[int, str], Key] = {}
    for key in sorted(keys, key=lambda key: key[0]):
        once.setdefault((key[0].kind, key[1]), key)
    return list(once.values())


def matches(left: Sequence[Sequence[Key]], right: Sequence[Sequence[Key]]) -> dict[Pair, Tier]:
    """Find the standing matches of two lists with the product's matching, every cell at accounts."""
    found = pairs(_records(left), _records(right))
    standing = settle(found, levels=dict.fromkeys(CELLS, Level.ACCOUNTS), band=Band.ACCOUNTS)
    places = zip(standing.left_index.tolist(), standing.right_index.tolist(), strict=True)
    return dict(zip(places, map(Tier, standing.tiers.tolist()), strict=True))


def _records(accounts: Sequence[Sequence[Key]]) -> ListRecords:
    flat = [(row, key_class, value) for row, keys in enumerate(accounts, start=1) for key_class, value in keys]
    return make_records(
        rows=np.arange(1, len(accounts) + 1, dtype=np.uint64),
        populations=np.ones(len(accounts), np.uint8),
        token_rows=np.array([row for row, _, _ in flat], np.uint64),
        key_classes=np.array([key_class for _, key_class, _ in flat], np.uint8),
        tokens=b"".join(
            hashlib.blake2b(bytes([key_class.kind]) + value.encode(), digest_size=16).digest()
            for _, key_class, value in flat
        ),
    )


def score(found: Iterable[Pair], lists: Lists) -> Score:
    """Score the pairs found against the true ones; pairs that the truth cannot decide count on neither side."""
    predicted = set(found) - set(lists.ignored)
    true = set(lists.truth) - set(lists.ignored)
    right = len(predicted & true)
    return Score(right / len(predicted) if predicted else 1.0, right / len(true) if true else 1.0)
