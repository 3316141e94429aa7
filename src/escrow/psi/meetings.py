"""Where two lists meet: one sort over the tokens of both finds every key that stands on both sides.

Tokens are sorted by their first four bytes with the place of the token packed beside them, which sorts plain integers
and needs no permutation; whole tokens are compared only where those bytes tie. Tokens that tie without being equal are
rare by chance, but the order is right for any input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from escrow.psi.components import Indices
from escrow.psi.records import ListRecords, kinds_of, run_starts, token_halves
from escrow.psi.records.layout import Mask, Records, pick, stack

__all__ = ["Meetings", "meetings"]

Places = npt.NDArray[np.intp]

_PREFIX_DTYPE = np.dtype([("prefix", ">u4"), ("rest", "V21")])
_PLACE = np.uint64(0xFFFF_FFFF)
_RIGHT = np.uint32(1 << 31)


@dataclass(frozen=True, slots=True)
class Meetings:
    """A key that stands on both lists, once for each account on the left and each on the right; ascending by token.

    ``left_place`` and ``right_place`` point at token records, ``left_index`` and ``right_index`` at the accounts that
    they belong to; ``unique``: the key stands on one account of each list.
    """

    left_place: Places
    right_place: Places
    left_index: Indices
    right_index: Indices
    unique: Mask


@dataclass(frozen=True, slots=True)
class _Entries:
    """Token records of both lists in token order: their places (right after left) and where each key starts."""

    places: Places
    starts: Mask

    def where(self, kept: Mask) -> _Entries:
        """Keep some entries: the first of each key, or none of it."""
        return _Entries(self.places[kept], self.starts[kept])


def meetings(left: ListRecords, right: ListRecords) -> Meetings:
    """Find each key that stands on both lists, with every pair of accounts that it brings together."""
    tokens_left = left.tokens.size
    entries = _on_both_sides(_same_prefix(left.tokens, right.tokens), tokens_left)
    entries = _on_both_sides(_same_token(entries, left.tokens, right.tokens), tokens_left)
    accounts = _account_of_token(left), _account_of_token(right)
    return _every_pair(_one_per_account(entries, *accounts), *accounts)


def _account_of_token(records: ListRecords) -> Indices:
    """Give the index of the account that each token record belongs to."""
    starts = run_starts(records.tokens["row"].astype(np.uint64))
    owners = np.searchsorted(records.rows, records.tokens["row"][starts].astype(np.uint64))
    accounts: Indices = owners.astype(np.uint32)[np.cumsum(starts, dtype=np.uint32) - np.uint32(1)]
    return accounts


def _same_prefix(left: Records, right: Records) -> _Entries:
    packed = np.empty(left.size + right.size, np.uint64)
    packed[: left.size] = left.view(_PREFIX_DTYPE)["prefix"]
    packed[left.size :] = right.view(_PREFIX_DTYPE)["prefix"]
    packed <<= np.uint64(32)
    packed |= np.arange(packed.size, dtype=np.uint64)
    packed.sort()
    return _Entries((packed & _PLACE).astype(np.intp), run_starts(packed >> np.uint64(32)))


def _same_token(entries: _Entries, left: Records, right: Records) -> _Entries:
    """Cut keys that only begin alike into those that are equal in kind and token, and put them in token order."""
    tokens = _tokens_at(entries.places, left, right)
    differs = ~entries.starts & _key_starts(tokens)
    if not differs.any():
        return entries
    lengths = np.diff(np.flatnonzero(entries.starts), append=entries.starts.size)
    mixed = np.flatnonzero(np.repeat(np.logical_or.reduceat(differs, np.flatnonzero(entries.starts)), lengths))
    high, low = token_halves(pick(tokens, mixed))
    order = mixed[np.lexsort((entries.places[mixed], kinds_of(tokens)[mixed], low, high))]
    places = entries.places.copy()
    places[mixed] = places[order]
    tokens[mixed] = pick(tokens, order)
    return _Entries(places, _key_starts(tokens))


def _tokens_at(places: Places, left: Records, right: Records) -> Records:
    return pick(stack(left, right), places)


def _key_starts(tokens: Records) -> Mask:
    high, low = token_halves(tokens)
    return run_starts(high) | run_starts(low) | run_starts(kinds_of(tokens))


def _on_both_sides(entries: _Entries, tokens_left: int) -> _Entries:
    """Drop the keys of one side alone; within a key entries are in order of place, so left comes first."""
    if not entries.places.size:
        return entries
    first = np.flatnonzero(entries.starts)
    last = np.append(first[1:], entries.starts.size) - 1
    both = (entries.places[first] < tokens_left) & (entries.places[last] >= tokens_left)
    return entries.where(np.repeat(both, last - first + 1))


def _one_per_account(entries: _Entries, left: Indices, right: Indices) -> _Entries:
    """Keep one entry where an account has a key in two classes: the first, for a name is more than a variant.

    ``left`` and ``right`` give the account of each token; one that has the number of an account on the other list is
    told from it by the side that its token stands on.
    """
    accounts = np.concatenate((left, right | _RIGHT))
    return entries.where(entries.starts | run_starts(accounts[entries.places]))


def _every_pair(entries: _Entries, left: Indices, right: Indices) -> Meetings:
    tokens_left = left.size
    first = np.flatnonzero(entries.starts)
    many = np.diff(first, append=entries.places.size)
    many_left = np.add.reduceat(entries.places < tokens_left, first, dtype=np.intp) if first.size else many
    many_right = many - many_left
    pairs_each = many_left * many_right
    begins = np.repeat(np.cumsum(pairs_each) - pairs_each, pairs_each)
    step_left, step_right = np.divmod(np.arange(begins.size) - begins, np.repeat(many_right, pairs_each))
    left_place = entries.places[np.repeat(first, pairs_each) + step_left]
    right_place = entries.places[np.repeat(first + many_left, pairs_each) + step_right] - tokens_left
    unique = np.repeat(pairs_each == 1, pairs_each)
    return Meetings(left_place, right_place, left[left_place], right[right_place], unique)
