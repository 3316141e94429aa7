"""Noise on counts: differential privacy for what a list says of one account, and how much of it is spent.

Each cell at counts is told with an integer of its own drawn from the discrete Laplace distribution, in which x has a
probability in proportion to exp(-|x| / scale). What is counted are shared primary domains (`psi.primary_domains`): one
account, changed in any way, moves the nine counts by `SENSITIVITY` in all, since its domain leaves at most one cell and
enters at most one. The nine draws are independent, so with ``scale = SENSITIVITY / EPSILON`` the probability of any
nine numbers differs by a factor of at most exp(EPSILON) between two lists that differ in one account: the whole release
has EPSILON, and there is nothing to divide among its cells. Thresholds and steps are applied to what was drawn, which
takes nothing away from that.

The draw is exact: integers and fractions alone, from a secure source (Canonne, Kamath, Steinke: The Discrete Gaussian
for Differential Privacy, NeurIPS 2020, algorithms 1 and 2). With floating-point numbers the low bits of the result tell
the count that the noise was added to (Mironov, CCS 2012). How long a draw takes depends on what is drawn; only the
worker draws, and nobody is shown how long it takes.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from escrow.terms import Cell, DisclosureRule

__all__ = [
    "EPSILON",
    "EPSILON_OF_A_PERIOD",
    "PERIOD",
    "SCALE",
    "SENSITIVITY",
    "Spent",
    "affordable_from",
    "discrete_laplace",
    "draw_noise",
    "half_width",
    "margin",
]

#: How much the nine counts together move with one account, whatever is changed about it.
SENSITIVITY = 2
#: What one release tells of an account, at most.
EPSILON = Fraction(1, 2)
#: What all releases of a pair of organizations tell of an account within any `PERIOD`, at most.
EPSILON_OF_A_PERIOD = Fraction(2)
PERIOD = timedelta(days=28)
#: The scale of the noise on each cell.
SCALE = SENSITIVITY / EPSILON

#: Uniform integers from zero up to, but without, the argument.
RandBelow = Callable[[int], int]

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Spent:
    """What one release with noise has told, and when."""

    at: datetime
    epsilon: Fraction


def draw_noise(cells: Iterable[Cell], *, randbelow: RandBelow = secrets.randbelow) -> dict[Cell, int]:
    """Draw one integer for each of these cells."""
    return {cell: discrete_laplace(SCALE, randbelow) for cell in cells}


def discrete_laplace(scale: Fraction, randbelow: RandBelow) -> int:
    """Draw an integer x with a probability in proportion to exp(-|x| / scale), exactly."""
    t, s = scale.numerator, scale.denominator
    while True:
        remainder = randbelow(t)
        if not _happens(Fraction(remainder, t), randbelow):
            continue
        whole = 0
        while _happens(Fraction(1), randbelow):
            whole += 1
        magnitude = (remainder + t * whole) // s
        negative = randbelow(2) == 1
        if not (negative and magnitude == 0):  # else zero would come twice as often as it should
            return -magnitude if negative else magnitude


def affordable_from(spent: Iterable[Spent], *, now: datetime) -> datetime:
    """Tell from when one more release can be paid for: now, or when enough of what was spent is a period ago."""
    known = list(spent)
    later = sorted(each.at + PERIOD for each in known if each.at + PERIOD > now)
    return next(moment for moment in (now, *later) if _spent_before(known, moment) + EPSILON <= EPSILON_OF_A_PERIOD)


def half_width() -> int:
    """Give the smallest N such that a draw is within N of zero with 95 % probability; of nothing that is secret."""
    ratio = math.exp(-1 / float(SCALE))
    # The probability of more than N is 2 * ratio ** (N + 1) / (1 + ratio).
    return math.ceil(math.log((1 - _CONFIDENCE) * (1 + ratio) / 2, ratio)) - 1


def margin(rule: DisclosureRule) -> int | None:
    """Tell how far a shown number is from what was counted, at most, with 95 %: the noise and the step together.

    None where no noise is added.
    """
    return half_width() + rule.step - 1 if rule.noise else None


def _spent_before(known: Iterable[Spent], moment: datetime) -> Fraction:
    return sum((each.epsilon for each in known if each.at + PERIOD > moment), Fraction(0))


def _happens(gamma: Fraction, randbelow: RandBelow) -> bool:
    """Be true with probability exp(-gamma), for gamma between 0 and 1: the length of a run tells, by its parity."""
    length = 1
    while randbelow(gamma.denominator * length) < gamma.numerator:
        length += 1
    return length % 2 == 1
