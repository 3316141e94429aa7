"""Matching by tier is right on a list of ten and on one of a million, by lists whose overlaps are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from escrow.psi.matching import Band, overlaps, pairs, settle
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import ListRecords, make_records
from escrow.terms import CELLS, Level, Tier

DOMAIN, NAME, _, FALLBACK = MatchKeyClass
Numbers = npt.NDArray[np.uint64]

#: What account n has in common with account n of the partner's list, by the last digit of n.
SAME_DOMAIN, SAME_NAME, OTHER_DOMAIN, FALLBACK_ALONE, NOTHING = range(5)


def tokens_of(numbers: Numbers, what: str) -> npt.NDArray[np.void]:
    """Make a token for each number; tokens of different numbers or of different things differ."""
    halves = np.empty((len(numbers), 2), np.uint64)
    halves[:, 0] = numbers * np.uint64(0x9E3779B97F4A7C15)  # odd, so that each number has one of its own
    halves[:, 1] = np.frombuffer(what.encode().ljust(8), np.uint64)
    return halves.view("V16").ravel()


def a_list(size: int, side: str) -> ListRecords:
    accounts = np.arange(1, size + 1, dtype=np.uint64)
    kind = accounts % 5
    of_own = ~np.isin(kind, (SAME_DOMAIN, FALLBACK_ALONE))
    entries = [
        (DOMAIN, accounts[kind == SAME_DOMAIN], "same.com"),
        (DOMAIN, accounts[of_own if side == "left" else of_own & (kind != SAME_NAME)], side),
        (NAME, accounts[(kind == SAME_NAME) | (kind == OTHER_DOMAIN)], "name"),
        (FALLBACK, accounts[kind == FALLBACK_ALONE], "fallback"),
    ]
    return make_records(
        rows=accounts,
        populations=np.ones(size, np.uint8),
        token_rows=np.concatenate([of for _, of, _ in entries]),
        key_classes=np.concatenate([np.full(len(of), key_class, np.uint8) for key_class, of, _ in entries]),
        tokens=np.concatenate([tokens_of(of, what) for _, of, what in entries]).tobytes(),
    )


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_every_overlap_is_found_in_its_tier_and_no_other(size: int) -> None:
    found = pairs(a_list(size, "left"), a_list(size, "right"))
    standing = settle(found, levels=dict.fromkeys(CELLS, Level.ACCOUNTS), band=Band.ACCOUNTS)
    assert np.array_equal(standing.left_index, standing.right_index)
    expected = {SAME_DOMAIN: Tier.CERTAIN, SAME_NAME: Tier.LIKELY, OTHER_DOMAIN: Tier.POSSIBLE}
    tier_of = np.array([{**expected, FALLBACK_ALONE: Tier.POSSIBLE}.get(kind, 0) for kind in range(5)])
    assert np.array_equal(standing.tiers, tier_of[(standing.left_index + 1) % 5])
    counts = np.bincount(overlaps(standing, at_least=Tier.POSSIBLE).tiers, minlength=4).tolist()
    assert counts == [0, size // 5, size // 5, 2 * size // 5]
