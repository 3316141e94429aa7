"""Counts in words: one is one, and large numbers are read in thousands."""

from __future__ import annotations

import pytest

from escrow.counts import counted


@pytest.mark.parametrize(
    ("number", "words", "told"),
    [
        (1, ("row",), "1 row"),
        (0, ("row",), "0 rows"),
        (2000, ("row",), "2,000 rows"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_a_count_goes_with_its_word(number: int, words: tuple[str, ...], told: str) -> None:
    assert counted(number, *words) == told
