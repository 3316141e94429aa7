"""Noise: that it is drawn exactly as it is said to be, and how much of it may be spent."""

from __future__ import annotations

import importlib.util
import math
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from escrow.presets import DISCLOSURE_PRESETS
from escrow.reports.noise import (
    EPSILON,
    EPSILON_OF_A_PERIOD,
    PERIOD,
    SCALE,
    SENSITIVITY,
    Spent,
    affordable_from,
    discrete_laplace,
    draw_noise,
    half_width,
    margin,
)
from escrow.terms import CELLS

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def probability(x: int, scale: Fraction = SCALE) -> float:
    """The probability of x, from the definition: it falls by the same ratio with each step away from zero."""
    ratio = math.exp(-1 / float(scale))
    return (1 - ratio) / (1 + ratio) * ratio ** abs(x)


class _OutOfChoices(Exception):
    """A path through the draw is longer than was written down for it."""

    def __init__(self, upper: int) -> None:
        self.upper = upper


def outcomes(scale: Fraction, *, least: Fraction) -> Iterator[tuple[int, Fraction]]:
    """Yield every way a draw can go whose probability is at least this, with what it gives and its probability."""
    paths: list[tuple[tuple[int, ...], Fraction]] = [((), Fraction(1))]
    while paths:
        choices, weight = paths.pop()
        left = list(choices)

        def chosen(upper: int, left: list[int] = left) -> int:
            if not left:
                raise _OutOfChoices(upper)
            return left.pop(0)

        try:
            yield discrete_laplace(scale, chosen), weight
        except _OutOfChoices as missing:
            each = weight / missing.upper
            if each >= least:
                paths += (((*choices, choice), each) for choice in range(missing.upper))


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(1, 2)])
def test_every_way_a_draw_can_go_adds_up_to_the_distribution_exactly(scale: Fraction) -> None:
    found: dict[int, Fraction] = defaultdict(Fraction)
    for x, weight in outcomes(scale, least=Fraction(1, 100_000)):
        found[x] += weight
    missing = 1 - sum(found.values())
    assert 0 < missing < Fraction(1, 8)
    for x in range(-4, 5):
        assert float(found[x]) <= probability(x, scale) <= float(found[x] + missing)
        assert found[x] == found[-x]


def test_draws_from_the_secure_source_are_as_frequent_as_they_should_be() -> None:
    draws = 6_000
    furthest = 12
    seen = Counter(max(-furthest, min(furthest, discrete_laplace(SCALE, secrets.randbelow))) for _ in range(draws))
    expected = {x: probability(x) for x in range(-furthest + 1, furthest)}
    tail = (1 - sum(expected.values())) / 2
    expected |= {-furthest: tail, furthest: tail}
    # Chernoff: each of the bins is further off than this in one of 10 ** 12 runs, and no sample is too small for it.
    bound = math.log(2 * len(expected) * 10**12) / draws
    for x, share in expected.items():
        assert divergence(seen[x] / draws, share) < bound


def divergence(seen: float, expected: float) -> float:
    """How surprising a share is of what happens with another probability, after Kullback and Leibler."""
    parts = ((seen, expected), (1 - seen, 1 - expected))
    return sum(a * math.log(a / b) for a, b in parts if a)


def test_an_established_library_draws_alike() -> None:
    if importlib.util.find_spec("opendp") is None:
        pytest.skip("opendp is not installed: it is large, and only this test asks for it")
    dp = importlib.import_module("opendp.prelude")
    dp.enable_features("contrib")
    measurement = dp.m.make_laplace(dp.atom_domain(T="i32"), dp.absolute_distance(T="i32"), scale=float(SCALE))
    assert measurement.map(SENSITIVITY) == pytest.approx(float(EPSILON))
    draws = 4_000
    ours = Counter(discrete_laplace(SCALE, secrets.randbelow) for _ in range(draws))
    theirs = Counter(measurement(0) for _ in range(draws))
    for x in range(-8, 9):
        # Hoeffding for the difference of two shares; once in 10 ** 12.
        assert abs(ours[x] - theirs[x]) / draws < math.sqrt(math.log(2 * 17 * 10**12) / draws)


def test_neighbours_differ_by_no_more_than_epsilon() -> None:
    assert float(SCALE) == SENSITIVITY / float(EPSILON) == 4
    for shift in (1, SENSITIVITY):
        ratios = [probability(x) / probability(x + shift) for x in range(-30, 30)]
        assert max(ratios) <= math.exp(float(EPSILON) * shift / SENSITIVITY) * (1 + 1e-9)


def test_each_cell_has_a_draw_of_its_own() -> None:
    drawn = [draw_noise(CELLS) for _ in range(20)]
    assert all(set(each) == set(CELLS) for each in drawn)
    assert len({tuple(each.values()) for each in drawn}) > 1
    assert any(len(set(each.values())) > 1 for each in drawn)


def test_the_half_width_holds_95_of_100_draws_and_one_less_does_not() -> None:
    def within(width: int) -> float:
        return sum(probability(x) for x in range(-width, width + 1))

    assert within(half_width()) >= 0.95 > within(half_width() - 1)
    assert half_width() == 12


def test_the_margin_tells_of_the_step_too_and_there_is_none_without_noise() -> None:
    assert margin(DISCLOSURE_PRESETS["guarded"]) == 12 + 5 - 1
    assert margin(DISCLOSURE_PRESETS["standard"]) is None


def test_a_release_a_week_can_be_paid_for_for_ever() -> None:
    spent: list[Spent] = []
    for week in range(12):
        moment = NOON + week * WEEK
        assert affordable_from(spent, now=moment) == moment
        spent.append(Spent(moment, EPSILON))


def test_who_has_spent_all_waits_until_the_oldest_is_a_period_ago() -> None:
    day = timedelta(days=1)
    spent = [Spent(NOON + each * day, EPSILON) for each in range(4)]
    assert EPSILON_OF_A_PERIOD / EPSILON == 4
    assert affordable_from(spent, now=NOON + 4 * day) == NOON + PERIOD
    assert affordable_from(spent[1:], now=NOON + 4 * day) == NOON + 4 * day
