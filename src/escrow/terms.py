"""The words of a partnership as types, and terms with their one operation, the meet.

Everything that decides what leaves the escrow is a value in this module. Nothing here reads a clock, a file or a
network.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, IntEnum
from math import lcm
from types import MappingProxyType

__all__ = [
    "CELLS",
    "CUSTOM_FIELD",
    "DETAIL_FIELDS",
    "LEAST_THRESHOLD",
    "LONGEST_INTERVAL",
    "MOST_ACCOUNTS",
    "MOST_CUSTOM_FIELDS",
    "MOST_DEMANDED",
    "NO_COUNT_STEP",
    "STANDARD_RULE",
    "Cell",
    "DisclosureRule",
    "Level",
    "Population",
    "Side",
    "Terms",
    "Tier",
    "fields_in_order",
    "is_detail_field",
    "meet",
    "opened_to",
    "uniform_levels",
]

#: A list is far from this many accounts; the store counts them in 32 bits.
MOST_ACCOUNTS = 2**31 - 1


class Population(IntEnum):
    """Where an account stands with its owner; a lower code is stronger, and the codes are those on the wire."""

    CUSTOMERS = 1
    OPPORTUNITIES = 2
    PROSPECTS = 3

    @property
    def word(self) -> str:
        """The lower-case plural that the API, the CLI and reports use."""
        return self.name.lower()


class Side(Enum):
    """A seat in a partnership: the inviter is left, the acceptor is right."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        """The seat across the table."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Level(IntEnum):
    """How far a cell is shared; each level includes those below it."""

    HIDDEN = 0
    COUNTS = 1
    ACCOUNTS = 2
    DETAILS = 3

    @property
    def word(self) -> str:
        """The lower-case word that the API, the CLI and reports use."""
        return self.name.lower()


class Tier(IntEnum):
    """How sure a match is; a lower code is stronger."""

    CERTAIN = 1
    LIKELY = 2
    POSSIBLE = 3

    @property
    def word(self) -> str:
        """The lower-case word that the API, the CLI and reports use."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One of the nine: our population against theirs (seen from the escrow: left against right)."""

    ours: Population
    theirs: Population

    @property
    def transposed(self) -> Cell:
        """The same cell as the partner sees it."""
        return Cell(self.theirs, self.ours)

    def __str__(self) -> str:
        return f"{self.ours.word}:{self.theirs.word}"


CELLS: tuple[Cell, ...] = tuple(Cell(ours, theirs) for ours in Population for theirs in Population)

#: What one row of details may hold, in the order reports show it.
DETAIL_FIELDS: tuple[str, ...] = (
    "account_name",
    "domain",
    "owner_name",
    "owner_email",
    "region",
    "stage",
    "open_opportunities",
    "tier",
    "created_date",
    "crm_id",
)


#: A field of one's own: the name behind ``custom.`` is agreed on between the two partners.
CUSTOM_FIELD = r"custom\.[a-z][a-z0-9_]{0,29}"
#: Most fields of one's own that terms may name.
MOST_CUSTOM_FIELDS = 10


def is_detail_field(name: str) -> bool:
    """Tell whether details may hold a field of this name."""
    return name in DETAIL_FIELDS or re.fullmatch(CUSTOM_FIELD, name, re.ASCII) is not None


def fields_in_order(names: Collection[str]) -> tuple[str, ...]:
    """Give fields in the order reports show them: those that everybody has, then custom ones by name."""
    custom = sorted(set(names).difference(DETAIL_FIELDS))
    return (*(field for field in DETAIL_FIELDS if field in names), *custom)


def uniform_levels(level: Level) -> Mapping[Cell, Level]:
    """Give every cell the same level."""
    return MappingProxyType(dict.fromkeys(CELLS, level))


#: No rule shows smaller counts, whoever asks for it.
LEAST_THRESHOLD = 3
#: No larger threshold, step or number of changes is demanded by anybody.
MOST_DEMANDED = 1_000_000
#: Nobody demands a longer time between two releases.
LONGEST_INTERVAL = timedelta(days=366)
#: The step under which no count is shown: it stands for every common multiple that no list reaches. It is prime and
#: more than anybody demands, so it is nobody's step otherwise.
NO_COUNT_STEP = 2**31 - 1


@dataclass(frozen=True, slots=True)
class DisclosureRule:
    """How small a count may be shown, how coarsely, how often, and whether noise is added to it.

    A release follows the one before after ``interval``, and only once one of the two lists has had
    ``least_changes`` accounts added, removed or changed; with noise the schedule is fixed, whatever has changed.
    """

    threshold: int
    step: int = 1
    interval: timedelta = timedelta(days=1)
    least_changes: int = 1
    noise: bool = False

    def __post_init__(self) -> None:
        if self.threshold < LEAST_THRESHOLD:
            raise ValueError(f"the threshold is at least {LEAST_THRESHOLD}")
        if self.step < 1 or self.least_changes < 1:
            raise ValueError("the step and the number of changes are at least 1")
        if self.step > NO_COUNT_STEP:
            raise ValueError(f"the step is at most {NO_COUNT_STEP}")
        if self.interval < timedelta(seconds=1) or self.interval % timedelta(seconds=1):
            raise ValueError("whole seconds pass between two releases, at least one")

    @property
    def k(self) -> int:
        """The threshold raised to a multiple of the step, so that nothing shown is below it."""
        return -(-self.threshold // self.step) * self.step

    @property
    def shows_no_count(self) -> bool:
        """Whether the step is one that no count reaches."""
        return self.step == NO_COUNT_STEP

    def rounded(self, count: int) -> int:
        """Round down to the step."""
        return count - count % self.step

    def met(self, other: DisclosureRule) -> DisclosureRule:
        """Give the loosest rule that is at least as strict as both."""
        return DisclosureRule(
            threshold=max(self.threshold, other.threshold),
            step=_common_step(self.step, other.step),
            interval=max(self.interval, other.interval),
            least_changes=max(self.least_changes, other.least_changes),
            noise=self.noise or other.noise,
        )

    def is_at_least(self, other: DisclosureRule) -> bool:
        """Tell whether this rule is nowhere looser than the other."""
        return self.met(other) == self

    def rounds_no_finer_than(self, other: DisclosureRule) -> bool:
        """Tell whether whatever this rule shows is rounded as the other asks for, too."""
        return _common_step(self.step, other.step) == self.step


def _common_step(one: int, other: int) -> int:
    """Give the least step that is a multiple of both, or the one that shows nothing where no count reaches it."""
    if NO_COUNT_STEP in (one, other):
        return NO_COUNT_STEP
    return min(lcm(one, other), NO_COUNT_STEP)


#: What holds unless somebody asks for another: shared numbers move weekly, in steps, and only once much has changed.
STANDARD_RULE = DisclosureRule(threshold=10, step=5, interval=timedelta(days=7), least_changes=50)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one party allows and demands, cells seen from its own side.

    ``counts_from`` is the weakest tier that counts, ``reveals_from`` the weakest that reveals an account;
    ``largest_list`` is the number of accounts it accepts on the partner's list, ``disclosure`` how counts are shown;
    ``fields`` are the detail fields that it shares, which are its own and are not met.
    """

    levels: Mapping[Cell, Level]
    fields: tuple[str, ...] = ()
    counts_from: Tier = Tier.LIKELY
    reveals_from: Tier = Tier.CERTAIN
    largest_list: int = 250_000
    disclosure: DisclosureRule = STANDARD_RULE

    def __post_init__(self) -> None:
        if set(self.levels) != set(CELLS):
            raise ValueError("terms give a level to each of the nine cells")
        unknown = [field for field in self.fields if not is_detail_field(field)]
        if unknown:
            raise ValueError(f"not a detail field: {', '.join(unknown)}")
        if len(set(self.fields).difference(DETAIL_FIELDS)) > MOST_CUSTOM_FIELDS:
            raise ValueError(f"terms name at most {MOST_CUSTOM_FIELDS} custom fields")
        if self.largest_list < 1:
            raise ValueError("the largest list accepted is at least one account")
        if self.reveals_from > self.counts_from:
            raise ValueError(
                "a tier that reveals an account also counts: reveals_from cannot be weaker than counts_from"
            )
        object.__setattr__(self, "levels", MappingProxyType(dict(self.levels)))

    @property
    def transposed(self) -> Terms:
        """The same terms with the cells seen from the other side."""
        return replace(self, levels={cell.transposed: level for cell, level in self.levels.items()})

    def cells_from(self, level: Level) -> Iterator[Cell]:
        """Yield the cells shared at this level or above."""
        return (cell for cell in CELLS if self.levels[cell] >= level)

    @property
    def opens_empty_details(self) -> bool:
        """Some cell is open at details, and no field is named that they would hold."""
        return not self.fields and any(self.cells_from(Level.DETAILS))


def meet(left: Terms, right: Terms) -> Terms:
    """Give the stricter of both, value by value; both must see the cells from the same side.

    Fields are each party's own and are not met: the result has none. Commutative, associative and idempotent (up to
    fields).
    """
    return Terms(
        levels={cell: min(left.levels[cell], right.levels[cell]) for cell in CELLS},
        counts_from=min(left.counts_from, right.counts_from),
        reveals_from=min(left.reveals_from, right.reveals_from),
        largest_list=min(left.largest_list, right.largest_list),
        disclosure=left.disclosure.met(right.disclosure),
    )


def opened_to(ours: Terms, theirs: Terms) -> Terms:
    """Loosen our terms just so far that what their terms allow would hold; cells are seen from the same side."""
    rule = ours.disclosure if theirs.disclosure.is_at_least(ours.disclosure) else theirs.disclosure
    return replace(
        ours,
        levels={cell: max(ours.levels[cell], theirs.levels[cell]) for cell in CELLS},
        counts_from=max(ours.counts_from, theirs.counts_from),
        reveals_from=max(ours.reveals_from, theirs.reveals_from),
        largest_list=max(ours.largest_list, theirs.largest_list),
        disclosure=rule,
    )
