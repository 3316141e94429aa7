"""Attacks on withheld counts by the whole history: margins, and what moves between two releases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from escrow.terms import CELLS, Cell, Level, Population
from tests.attacks.arena import ATTACKERS_OWN, CC, DAY, KNOWN, RULE, VICTIMS_OWN, Arena, Listed, learnt, one_each

C, O, P = Population  # noqa: E741 - the letters of the grid
#: How many accounts the attacker takes away between two releases, to see what moves.
GONE = 3

Bounds = dict[Cell, tuple[int, int]]


def test_margins_of_the_whole_history_leave_k_values_of_every_withheld_cell(field: Arena) -> None:
    chance, rule = Random(11), replace(RULE, threshold=5)
    field.share(Level.COUNTS, rule)
    victim = {each: (chance.choice((C, C, O, P)), frozenset({each})) for each in range(1, 181)}
    field.submit(field.victim, victim)
    history: list[tuple[dict[Cell, int | None], dict[Population, int]]] = []
    theirs = (*range(1, 101), *range(5_000, 5_100))
    listed: Listed = {each: (chance.choice((C, O, P)), frozenset({each})) for each in theirs}
    for release in range(4):
        if release == 2:
            field.submit(field.victim, {**victim, **one_each(*range(50, 60), population=P)})
        field.submit(field.attacker, listed)
        field.pass_interval()
        sizes = {each: sum(population is each for population, _ in listed.values()) for each in Population}
        history.append((field.attacker.numbers(), sizes))
        gone = chance.sample(sorted(listed), GONE)
        listed = {row: account for row, account in listed.items() if row not in gone}
    bounds = [bounds_of(numbers, sizes, rule.step) for numbers, sizes in history]
    # While the victim changes nothing, no count moves by more than the accounts that the attacker took away. How many
    # accounts the victim changed after the second release nobody is told.
    for unchanged in (bounds[:2], bounds[2:]):
        for one, next_one in [*pairwise(unchanged), *pairwise(unchanged[::-1])]:
            narrow(next_one, one, by=GONE)
    withheld = [
        each[cell]
        for each, (numbers, _) in zip(bounds, history, strict=True)
        for cell in CELLS
        if numbers[cell] is None
    ]
    assert 0 < len(withheld) < len(CELLS) * len(history)
    assert all(high - low + 1 >= rule.k for low, high in withheld)


def bounds_of(numbers: dict[Cell, int | None], sizes: dict[Population, int], step: int) -> Bounds:
    """Give what a cell may be at least and at most, by its own number and by those of its line."""
    bounds = {}
    for cell, number in numbers.items():
        line = sum(shown or 0 for other, shown in numbers.items() if other.ours is cell.ours and other != cell)
        most = sizes[cell.ours] - line
        bounds[cell] = (0, most) if number is None else (number, min(most, number + step - 1))
    return bounds


def narrow(bounds: Bounds, others: Bounds, *, by: int) -> None:
    """Narrow bounds by those of a release from which no count has moved by more."""
    for cell, (low, high) in others.items():
        bounds[cell] = (max(bounds[cell][0], low - by), min(bounds[cell][1], high + by))


def test_how_many_accounts_the_victim_changed_would_narrow_a_withheld_count_and_is_not_told(field: Arena) -> None:
    field.share(Level.COUNTS)
    secret, own = (1, 2), [*ATTACKERS_OWN]
    field.submit(field.victim, one_each(*secret, *KNOWN, *VICTIMS_OWN))
    field.submit(field.attacker, one_each(*secret, *own))
    assert field.attacker.number() is None
    field.submit(field.attacker, one_each(*secret, *KNOWN[: RULE.k], *own))
    field.pass_interval()
    # Five of its own are on both lists by now, but a state waits for the victim's changes too.
    assert field.attacker.number() is None
    field.submit(field.victim, one_each(*secret, *KNOWN, *own[: RULE.k], *VICTIMS_OWN))
    field.pass_interval()
    number = field.attacker.number()
    assert number == len(secret) + 2 * RULE.k
    told = range(RULE.k)
    elsewhere = range(max(0, number - 2 * RULE.k), RULE.k)
    assert (len(told), list(elsewhere)) == (RULE.k, [len(secret)])


def test_noise_asked_for_in_between_has_no_kept_state_computed_anew(field: Arena) -> None:
    padding, asked, seen = [*KNOWN[: RULE.k - 1], *ATTACKERS_OWN], 1, []
    field.share(Level.COUNTS)
    field.submit(field.victim, one_each(asked, *KNOWN, *VICTIMS_OWN))
    field.submit(field.attacker, one_each(*padding))
    assert field.attacker.number() is None
    for turn in range(8):
        # About every second number with noise is public: as if the state had been so, if that were kept.
        for rule, waits in ((replace(RULE, noise=True), timedelta(days=28)), (RULE, DAY)):
            assert field.attacker.state(Level.COUNTS, rule).status_code == 200
            field.submit(field.attacker, one_each(asked, *padding, 6_000 + turn + 100 * rule.noise))
            field.pass_time(waits)
        seen.append(field.attacker.number())
    assert seen == [None] * 8
    assert field.attacker.get("/releases/latest").json()["number"] == 1 + 2 * len(seen)


@pytest.mark.parametrize("step", [1, 5])
def test_accounts_moved_out_of_a_withheld_cell_show_in_a_public_one_within_the_step(field: Arena, step: int) -> None:
    field.share(Level.COUNTS, replace(RULE, step=step))
    asked, secret = range(1, 5), (1, 2)
    field.submit(field.victim, one_each(*secret, *KNOWN, *VICTIMS_OWN))
    others = one_each(*range(7_000, 7_050), population=O)
    before = {**one_each(*KNOWN, *ATTACKERS_OWN), **others, **one_each(*asked, population=O)}
    field.submit(field.attacker, before)
    numbers = field.attacker.numbers()
    assert (numbers[CC], numbers[Cell(O, C)]) == (len(KNOWN), None)
    field.submit(field.attacker, {**before, **one_each(*asked)})
    field.pass_interval()
    moved = (field.attacker.number() or 0) - len(KNOWN)
    # A fifth of a key for each account, and one release: what was withheld, or nothing below a step.
    assert moved == (len(secret) if step == 1 else 0)
    assert field.attacker.get("/allowance").json()["spent"] == len(asked)


def test_a_number_that_stops_following_answers_one_question_a_release_of_a_population_too_small_to_count(
    field: Arena,
) -> None:
    known, asked, secret = range(2_000, 2_045), range(1, 7), frozenset({2, 3, 5})
    padding = range(2_100, 2_100 + RULE.k - 1)
    small = one_each(*padding, *secret, *range(2_200, 2_220), population=O)
    field.share(Level.COUNTS)
    field.submit(field.victim, {**one_each(*known, *VICTIMS_OWN), **small})
    claims: dict[int, bool] = {}
    size, shown = len(known) + 2 * RULE.k + 1, 0
    for company in (None, *asked):
        # Its customers leave room for one known customer more or less, but not for k opportunities of the victim's.
        following = len(known) - (shown == len(known))
        companies = [*known[:following], *padding, *([company] if company else ())]
        fill = ATTACKERS_OWN[: size - len(companies)]
        field.submit(field.attacker, one_each(*companies, *fill))
        field.pass_interval()
        numbers = field.attacker.numbers()
        assert all(numbers[Cell(ours, O)] is None for ours in Population)
        if company is not None:
            claims[company] = numbers[CC] != following
        shown = numbers[CC] or 0
    assert learnt(claims, secret) == len(asked)
