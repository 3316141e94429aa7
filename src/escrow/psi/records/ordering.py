"""Token records in the order of kind and token, sorted once for all that look at a list so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from escrow.psi.matchkeys import Kind
from escrow.psi.records.layout import Mask, Records, Words, kinds_of, pick, run_starts, token_halves

__all__ = ["OrderedTokens", "Places", "token_order", "token_starts"]

Places = npt.NDArray[np.intp]

_LOW_HALF = np.uint64(0xFFFF_FFFF)
#: A sorting key is the kind, as many of the token's first bits as there is room for, and the place.
_KIND_SHIFT, _PREFIX_SHIFT, _PLACE_BITS = np.uint64(62), np.uint64(34), np.uint64(32)


@dataclass(frozen=True, slots=True)
class OrderedTokens:
    """Token records by kind and token, equal ones in the order they came in; ``starts`` marks the first of each key."""

    records: Records = field(repr=False)
    starts: Mask = field(repr=False)

    @classmethod
    def of(cls, tokens: Records) -> OrderedTokens:
        """Order token records that come in any order."""
        ordered = pick(tokens, token_order(tokens))
        return cls(ordered, token_starts(ordered))

    @property
    def distinct(self) -> int:
        """How many different keys there are, each once however many accounts it stands on."""
        return int(np.count_nonzero(self.starts))

    def by_kind(self) -> Iterator[tuple[Kind, OrderedTokens]]:
        """Yield the tokens of each kind, of which there may be none."""
        kinds = kinds_of(self.records)
        for kind in Kind:
            start, end = np.searchsorted(kinds, kind, "left"), np.searchsorted(kinds, kind, "right")
            yield kind, OrderedTokens(self.records[start:end], self.starts[start:end])


def token_order(tokens: Records) -> Places:
    """Order by kind, then by token, then by place.

    Plain integers of the kind, some of the token and the place sort several times faster than whole tokens do. What
    that leaves out of order are the few runs in which tokens start alike and differ later.
    """
    high, low = token_halves(tokens)
    keys = kinds_of(tokens).astype(np.uint64) << _KIND_SHIFT
    keys |= (high >> _PREFIX_SHIFT) << _PLACE_BITS
    keys |= np.arange(tokens.size, dtype=np.uint64)
    keys.sort()
    order = (keys & _LOW_HALF).astype(np.intp)
    runs: Places = np.cumsum(run_starts(keys >> _PLACE_BITS))
    is_unsorted = np.zeros(tokens.size + 1, np.bool_)
    is_unsorted[runs[1:][_descents(runs, high[order], low[order])]] = True
    left = np.flatnonzero(is_unsorted[runs])
    places = order[left]
    order[left] = places[np.lexsort((places, low[places], high[places], runs[left]))]
    return order


def token_starts(ordered: Records) -> Mask:
    """Mark the first of each run of equal tokens of one kind, in records that are in token order."""
    high, low = token_halves(ordered)
    starts: Mask = run_starts(high) | run_starts(low) | run_starts(kinds_of(ordered))
    return starts


def _descents(runs: Places, high: Words, low: Words) -> Mask:
    """Mark what stands after a greater token of the same run."""
    lower: Mask = (high[1:] < high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] < low[:-1]))
    lower &= runs[1:] == runs[:-1]
    return lower
