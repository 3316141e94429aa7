"""How many posts may begin, so that nobody waits for a receiver that is slow or dead. Pure: time is an argument.

There are two lanes. Receivers that took their last post, and did so quickly, have as many places as there are to be
posts at once; those that failed last or were slow have half as many of their own. A post of the first lane that turns
out to be slow leaves its place to another, up to a bound, since it does nothing but wait.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

__all__ = ["SLOW", "Lane", "Room", "UnderWay", "most_threads", "room"]

#: A receiver that takes longer for a post is a slow one.
SLOW = timedelta(seconds=1)

#: So many times as many posts as there are places may be waiting in the quick lane.
_FOLD = 4


class Lane(Enum):
    """Which endpoints: those that took their last post and did so quickly, those that did not, or all."""

    QUICK = auto()
    PATIENT = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A post: in which lane, and since when, in seconds of a clock that never goes back."""

    lane: Lane
    since: float


@dataclass(frozen=True, slots=True)
class Room:
    """How many more posts may begin in each lane."""

    quick: int
    patient: int

    @property
    def by_lane(self) -> Sequence[tuple[Lane, int]]:
        """The same with the lanes' names."""
        return (Lane.QUICK, self.quick), (Lane.PATIENT, self.patient)


def room(under_way: Collection[UnderWay], *, places: int, now: float) -> Room:
    """Count free places."""
    in_quick = [each for each in under_way if each.lane is Lane.QUICK]
    taken = sum(now - each.since <= SLOW.total_seconds() for each in in_quick)
    quick = min(places - taken, _FOLD * places - len(in_quick))
    patient = _patient(places) - (len(under_way) - len(in_quick))
    return Room(max(0, quick), max(0, patient))


def most_threads(places: int) -> int:
    """Count the posts that there can be at once."""
    return _FOLD * places + _patient(places)


def _patient(places: int) -> int:
    return max(1, places // 2)
