"""The ways to mistype a long word once: so that a company's name is not told apart by a slip in "Technologies"."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from string import ascii_lowercase

__all__ = ["typing_errors"]


def typing_errors(words: Iterable[str], *, but_not: Collection[str]) -> Mapping[str, str]:
    """Give each word that is one slip away from exactly one of these, with that one; none that is a word itself."""
    meant: dict[str, str | None] = {}
    for word in words:
        for mistyped in set(_slips(word)):
            meant[mistyped] = None if meant.get(mistyped, word) != word else word
    return {mistyped: word for mistyped, word in meant.items() if word and mistyped not in but_not}


def _slips(word: str) -> Iterator[str]:
    """Yield the word with a letter left out, put in, exchanged or swapped with the next; never the first letter."""
    for place in range(1, len(word) + 1):
        before, behind = word[:place], word[place:]
        yield before + behind[1:]
        yield before + behind[1:2] + behind[:1] + behind[2:]
        for letter in ascii_lowercase:
            yield before + letter + behind
            yield before + letter + behind[1:]
