"""Why true pairs of two lists are missed, and which of them have letters in common at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchmarks.company_lists import KeysOf, Lists, Pair, Side, accounts_to_send, matches, score
from escrow.psi.matchkeys import Kind
from escrow.psi.normalisation.escrow_2.lexicon import read_lexicon
from escrow.psi.normalisation.escrow_2.text import Text

__all__ = ["Misses", "misses", "print_misses", "with_a_word_in_common"]

#: Letters of a word that is looked for inside the other name; shorter ones stand in too many.
_SHORTEST_INSIDE = 3


@dataclass(frozen=True, slots=True)
class Misses:
    """True pairs that are not found: without a common key, beside another match of one of the two, and others.

    ``f1_of_all_others`` is what a list would reach at which all pairs with a common key were found.
    """

    without_key: int
    beside_another: int
    other: int
    f1_of_all_others: float


def misses(lists: Lists, keys_of: KeysOf) -> Misses:
    """Sort the true pairs that are missed by cause."""
    found = matches(accounts_to_send(lists.left, keys_of), accounts_to_send(lists.right, keys_of)).keys()
    true = lists.truth.keys() - set(lists.ignored)
    left, right = _keys_of_rows(lists.left, keys_of), _keys_of_rows(lists.right, keys_of)
    with_key = {pair for pair in true - found if left[pair[0]] & right[pair[1]]}
    matched = ({pair[0] for pair in true & found}, {pair[1] for pair in true & found})
    beside = sum(pair[0] in matched[0] or pair[1] in matched[1] for pair in with_key)
    return Misses(len(true - found) - len(with_key), beside, len(with_key) - beside, score(found | with_key, lists).f1)


def _keys_of_rows(side: Side, keys_of: KeysOf) -> list[set[tuple[Kind, str]]]:
    return [
        {(key_class.kind, value) for key_class, value in keys_of(*row)}
        for row in zip(side.names, side.websites, side.countries, strict=True)
    ]


def with_a_word_in_common(lists: Lists, *, or_inside: bool) -> Lists:
    """Hold only pairs to be true whose folded names share a word, or have one inside the other; leave others out."""
    text = Text(read_lexicon())
    words = [[text.words(text.folded(name)) for name in side.names] for side in (lists.left, lists.right)]
    kept = {pair for pair in lists.truth if _have_in_common(*_named(words, pair), or_inside=or_inside)}
    truth = {pair: relation for pair, relation in lists.truth.items() if pair in kept}
    return replace(lists, truth=truth, ignored={*lists.ignored, *(lists.truth.keys() - kept)})


def _named(words: list[list[list[str]]], pair: Pair) -> tuple[list[str], list[str]]:
    return words[0][pair[0]], words[1][pair[1]]


def _have_in_common(one: list[str], other: list[str], *, or_inside: bool) -> bool:
    inside = _any_inside(one, "".join(other)) or _any_inside(other, "".join(one))
    return not set(one).isdisjoint(other) or (or_inside and inside)


def _any_inside(words: Iterable[str], name: str) -> bool:
    return any(len(word) >= _SHORTEST_INSIDE and word in name for word in words)


def print_misses(lists: Lists, keys_of: KeysOf) -> None:
    """Print the pairs found wrongly and those not found."""
    found = matches(accounts_to_send(lists.left, keys_of), accounts_to_send(lists.right, keys_of))
    true = lists.truth.keys()
    for title, told in (("false", found.keys() - true), ("missing", true - found.keys())):
        for left, right in sorted(told - set(lists.ignored)):
            print(f"{title}: {lists.left.names[left]!r} / {lists.right.names[right]!r}")
