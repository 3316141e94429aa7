"""Which accounts match, how surely, and which companies are on both lists: the definitions of design.md over arrays.

Everything is symmetric: swapping the lists and transposing the levels transposes every count. Cells are seen from left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntFlag

import numpy as np
import numpy.typing as npt

from escrow.psi.components import Indices, components
from escrow.psi.matchkeys import Kind, MatchKeyClass
from escrow.psi.meetings import Meetings, meetings
from escrow.psi.records import ListRecords, kinds_of, run_starts
from escrow.psi.records.layout import Mask, Records, Words, pick
from escrow.terms import CELLS, Cell, Level, Population, Tier

__all__ = ["Band", "Matches", "Overlaps", "connecting_tokens", "counts", "overlaps", "pairs", "settle", "split_off"]

Codes = npt.NDArray[np.uint8]

_NO_TIER = 0
_SHARED_BITS = np.uint64(3)
_KIND_BITS = np.uint64(3)
_INDEX_BITS = np.uint64(30)


class Band(Enum):
    """Matches are settled twice, in bands that do not see each other: what is listed must not tell what is counted."""

    COUNTS = "counts"
    ACCOUNTS = "accounts"

    def cells(self, levels: Mapping[Cell, Level]) -> tuple[Cell, ...]:
        """Give the cells of this band: those at counts, or those at accounts or above."""
        if self is Band.COUNTS:
            return tuple(cell for cell in CELLS if levels[cell] == Level.COUNTS)
        return tuple(cell for cell in CELLS if levels[cell] >= Level.ACCOUNTS)


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Pairs of accounts that share a key, as aligned arrays in (left, right) order, over the two lists they index.

    ``unique`` tells that a key which makes this match what it is stands on exactly one account of each list; where the
    match is certain, it says so without looking.
    """

    left: ListRecords
    right: ListRecords
    left_index: Indices
    right_index: Indices
    tiers: Codes
    unique: Mask

    def __len__(self) -> int:
        return self.tiers.size

    @property
    def left_rows(self) -> Words:
        """The row of each match's left account."""
        return self.left.rows[self.left_index]

    @property
    def right_rows(self) -> Words:
        """The row of each match's right account."""
        return self.right.rows[self.right_index]

    @property
    def left_populations(self) -> Codes:
        """The population of each match's left account."""
        populations: Codes = self.left.accounts["population"][self.left_index]
        return populations

    @property
    def right_populations(self) -> Codes:
        """The population of each match's right account."""
        populations: Codes = self.right.accounts["population"][self.right_index]
        return populations

    def where(self, kept: Mask) -> Matches:
        """Keep some of the matches."""
        return Matches(
            left=self.left,
            right=self.right,
            left_index=self.left_index[kept],
            right_index=self.right_index[kept],
            tiers=self.tiers[kept],
            unique=self.unique[kept],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Companies on both lists: standing matches in connected groups.

    ``group`` gives each match its overlap, numbered from 0; the other arrays have one entry for each overlap: its tier,
    and the strongest population on each side.
    """

    matches: Matches
    group: Indices
    tiers: Codes
    left_populations: Codes
    right_populations: Codes

    def __len__(self) -> int:
        return self.tiers.size


def pairs(left: ListRecords, right: ListRecords) -> Matches:
    """Find every match of two lists, with its tier, before terms and stronger matches take any away.

    Both lists have tokens of the same form and generation, and at most 2**30 accounts.
    """
    met = meetings(left, right)
    keys = _pair_keys(met.left_index, met.right_index) << _SHARED_BITS
    keys |= _shared_by(met, left.tokens, right.tokens)
    left_index, right_index, shared = _merged(keys)
    both_domains = _has_domain(left)[left_index] & _has_domain(right)[right_index]
    verdicts = _VERDICTS[both_domains.astype(np.intp), shared]
    found = Matches(left, right, left_index, right_index, verdicts >> np.uint8(1), (verdicts & 1).astype(np.bool_))
    return found.where(found.tiers != _NO_TIER)


def split_off(matches: Matches, disputed: Collection[tuple[bytes, bytes]]) -> tuple[Matches, Matches]:
    """Give the matches without the disputed pairs of rows, and those of these pairs that there are."""
    is_disputed = np.zeros(len(matches), np.bool_)
    if disputed and len(matches):
        rows = np.array([[int.from_bytes(row) for row in pair] for pair in disputed], np.uint64)
        (left_index, has_left), (right_index, has_right) = (
            _places(each.rows, rows[:, seat]) for seat, each in enumerate((matches.left, matches.right))
        )
        both = has_left & has_right
        keys = _pair_keys(matches.left_index, matches.right_index)
        places, met = _places(keys, _pair_keys(left_index[both], right_index[both]))
        is_disputed[places[met]] = True
    return matches.where(~is_disputed), matches.where(is_disputed)


def settle(matches: Matches, *, levels: Mapping[Cell, Level], band: Band) -> Matches:
    """Keep the matches that stand in a band: own cell in the band, and no stronger match there of either account."""
    in_band = np.zeros((len(Population) + 1, len(Population) + 1), np.bool_)
    for cell in band.cells(levels):
        in_band[cell.ours, cell.theirs] = True
    seen = matches.where(in_band[matches.left_populations, matches.right_populations])
    strongest_left = _lowest_of_each(seen.left_index, seen.tiers, seen.left.accounts.size, codes=Tier)
    strongest_right = _lowest_of_each(seen.right_index, seen.tiers, seen.right.accounts.size, codes=Tier)
    stands = (seen.tiers == strongest_left[seen.left_index]) & (seen.tiers == strongest_right[seen.right_index])
    return seen.where(stands)


def overlaps(standing: Matches, *, at_least: Tier, revealing: bool = False) -> Overlaps:
    """Group the standing matches of this tier or a stronger one into companies.

    ``revealing`` is rule 10: a match that is not certain names an account only if the key that makes it stands on
    exactly one account of each list; it is asked of both sides, so that both are told the same number.
    """
    enough = standing.tiers <= at_least
    if revealing:
        enough &= standing.unique
    matches = standing.where(enough)
    group, size = _groups(matches)
    return Overlaps(
        matches=matches,
        group=group,
        tiers=_lowest_of_each(group, matches.tiers, size, codes=Tier),
        left_populations=_lowest_of_each(group, matches.left_populations, size, codes=Population),
        right_populations=_lowest_of_each(group, matches.right_populations, size, codes=Population),
    )


def counts(found: Overlaps, cells: Iterable[Cell]) -> dict[Cell, int]:
    """Count the overlaps that lie in each of these cells; those that lie elsewhere are counted nowhere."""
    side = len(Population) + 1
    cell_codes = found.left_populations.astype(np.intp) * side + found.right_populations
    sizes = np.bincount(cell_codes, minlength=side * side)
    return {cell: int(sizes[cell.ours * side + cell.theirs]) for cell in cells}


def connecting_tokens(matches: Matches) -> Records:
    """Give the token that connects each match, as the left list's record: the lowest of web, else word, else fallback.

    Of words, one that stands on one account of each list comes first: owners seal for no other (rule 10). Tokens are
    found again and not carried along from ``pairs``, since most matches are never listed.
    """
    met = meetings(matches.left, matches.right)
    keys = _pair_keys(met.left_index, met.right_index) << _KIND_BITS
    kinds = kinds_of(pick(matches.left.tokens, met.left_place))
    keys |= kinds << np.uint8(1) | ((kinds != Kind.WEB) & ~met.unique)
    # Meetings ascend by token, so in a stable order the first of each pair has the lowest token of its strongest kind.
    order = np.argsort(keys, kind="stable")
    keys = keys[order] >> _KIND_BITS
    first = run_starts(keys)
    wanted = np.searchsorted(keys[first], _pair_keys(matches.left_index, matches.right_index))
    return pick(matches.left.tokens, met.left_place[order[first]][wanted])


class _Shared(IntFlag):
    """What two accounts share: keys by kind and class, and whether such a key stands on one account of each list."""

    WEB = 1
    VARIANT = 2
    VARIANT_UNIQUE = 4
    NAME = 8
    NAME_UNIQUE = 16
    FALLBACK = 32
    FALLBACK_UNIQUE = 64


def _verdict(shared: _Shared, *, both_domains: bool) -> tuple[Tier | None, bool]:
    """Give the tier of a match and whether a key that makes it is unique."""
    name = shared & (_Shared.NAME | _Shared.NAME_UNIQUE)
    word = shared & (_Shared.VARIANT | _Shared.VARIANT_UNIQUE) | name
    if shared & _Shared.WEB:
        return Tier.CERTAIN, True
    if word and not both_domains:
        return Tier.LIKELY, bool(word & (_Shared.VARIANT_UNIQUE | _Shared.NAME_UNIQUE))
    if name:
        return Tier.POSSIBLE, bool(name & _Shared.NAME_UNIQUE)
    if shared & (_Shared.FALLBACK | _Shared.FALLBACK_UNIQUE) and not both_domains:
        return Tier.POSSIBLE, bool(shared & _Shared.FALLBACK_UNIQUE)
    return None, False


def _verdict_code(shared: int, *, both_domains: bool) -> int:
    tier, unique = _verdict(_Shared(shared), both_domains=both_domains)
    return (tier or _NO_TIER) << 1 | unique


_VERDICTS = np.array(
    [[_verdict_code(shared, both_domains=both) for shared in range(128)] for both in (False, True)], np.uint8
)


def _shared_by(met: Meetings, left: Records, right: Records) -> Codes:
    """Give each meeting the number of its bit in ``_Shared``."""
    left_class, right_class = left["key_class"][met.left_place], right["key_class"][met.right_place]
    name = (left_class == MatchKeyClass.NAME) & (right_class == MatchKeyClass.NAME)
    bit_of_class = np.array([0, 0, 1, 1, 5], np.uint8)
    bits: Codes = bit_of_class[left_class] + np.uint8(2) * name
    bits[met.unique & (left_class != MatchKeyClass.DOMAIN)] += 1
    return bits


def _merged(keys: Words) -> tuple[Indices, Indices, Codes]:
    """Give the pairs in order with all that each shares; the lowest bits of a key number one thing shared."""
    keys.sort()
    bits = np.left_shift(np.uint8(1), (keys & np.uint64(7)).astype(np.uint8))
    keys >>= _SHARED_BITS
    first = np.flatnonzero(run_starts(keys))
    shared: Codes = np.bitwise_or.reduceat(bits, first) if first.size else bits
    keys = keys[first]
    right_index = keys & np.uint64((1 << int(_INDEX_BITS)) - 1)
    return (keys >> _INDEX_BITS).astype(np.uint32), right_index.astype(np.uint32), shared


def _has_domain(records: ListRecords) -> Mask:
    has_domain = np.zeros(records.accounts.size, np.bool_)
    domains = records.tokens["row"][records.tokens["key_class"] == MatchKeyClass.DOMAIN]
    has_domain[np.searchsorted(records.rows, domains.astype(np.uint64))] = True
    return has_domain


def _lowest_of_each(index: Indices, values: Codes, size: int, *, codes: Iterable[int]) -> Codes:
    """Give for each of ``size`` places the lowest code, which is the strongest, among the values that fall on it."""
    lowest = np.zeros(size, np.uint8)
    for code in sorted(codes, reverse=True):
        lowest[index[values == code]] = code
    return lowest


def _groups(matches: Matches) -> tuple[Indices, int]:
    """Number the connected groups, and tell how many there are."""
    lefts = matches.left.accounts.size
    nodes = lefts + matches.right.accounts.size
    labels = components(matches.left_index, matches.right_index + np.uint32(lefts), nodes)[matches.left_index]
    is_label = np.zeros(nodes, np.bool_)
    is_label[labels] = True
    numbers = np.cumsum(is_label, dtype=np.uint32)
    return numbers[labels] - np.uint32(1), int(numbers[-1]) if nodes else 0


def _places(ascending: Words, wanted: Words) -> tuple[Indices, Mask]:
    """Find values in an ascending array: the place of each, and whether it is there; the array is not empty."""
    places = np.minimum(np.searchsorted(ascending, wanted), ascending.size - 1).astype(np.uint32)
    return places, ascending[places] == wanted


def _pair_keys(left_index: Indices, right_index: Indices) -> Words:
    return left_index.astype(np.uint64) << _INDEX_BITS | right_index
