"""Attacks on counts: what lists and releases tell of a company that one asks about, in cells at counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

from escrow.terms import CELLS, Cell, Level, Population
from tests.attacks.arena import ATTACKERS_OWN, KNOWN, RULE, VICTIMS_OWN, Arena, Listed, learnt, one_each
from tests.attacks.conftest import OpenArena

C, O, P = Population  # noqa: E741 - the letters of the grid
#: Companies of which the victim has some, by chance.
ASKED = range(1, 13)


def on_the_list(seed: int = 5) -> frozenset[int]:
    """Draw which of the companies asked about are on the victim's list."""
    return frozenset(company for company in ASKED if Random(seed * 100 + company).random() < 0.5)


def begin(field: Arena, secret: frozenset[int]) -> None:
    """Let counts be shared, and the victim send a list with what is known and what is not."""
    field.share(Level.COUNTS, field.rule)
    field.submit(field.victim, one_each(*KNOWN, *VICTIMS_OWN, *secret))


def told(field: Arena) -> list[tuple[str, int | None]]:
    """What the attacker reads of the nine cells."""
    cells = field.attacker.get("/releases/latest").json()["cells"]
    return [(each["state"], each["number"]) for each in cells]


def test_lists_of_one_account_tell_nothing(field: Arena) -> None:
    secret = on_the_list()
    begin(field, secret)
    seen = []
    for company in (min(secret), min(set(ASKED) - secret)):
        field.submit(field.attacker, one_each(company))
        field.pass_interval()
        seen.append(told(field))
    # No population below fifty has public cells: nothing can be claimed, whatever is asked.
    assert seen == [[("withheld", None)] * 9] * 2


def test_differencing_answers_one_question_a_release_and_none_between_them(field: Arena) -> None:
    secret = on_the_list()
    begin(field, secret)
    field.submit(field.attacker, one_each(*KNOWN, *ATTACKERS_OWN))
    claims: dict[int, bool] = {}
    count, releases = field.attacker.number(), 1
    assert count == len(KNOWN)
    for company in ASKED[:4]:
        field.submit(field.attacker, one_each(*KNOWN, *ATTACKERS_OWN, *claims, company))
        assert field.attacker.number() == count
        field.pass_interval()
        now, releases = field.attacker.number(), releases + 1
        assert now is not None
        claims[company], count = now > count, now
    assert learnt(claims, secret) == len(claims) == releases - 1


def test_a_step_leaves_of_differencing_only_the_company_at_its_edge(field: Arena) -> None:
    field.rule, secret = replace(RULE, step=5), frozenset(ASKED)
    begin(field, secret)
    asked = ASKED[:4]
    field.submit(field.attacker, one_each(*KNOWN, *ATTACKERS_OWN))
    before, moved = field.attacker.number(), 0
    for last in range(len(asked)):
        field.submit(field.attacker, one_each(*KNOWN, *ATTACKERS_OWN, *asked[: last + 1]))
        field.pass_interval()
        now = field.attacker.number()
        moved, before = moved + (now != before), now
    # All four are on the list: a number that is told in fives shows none of them before the fifth.
    assert moved == 0


def test_padding_with_known_customers_asks_once_and_then_the_state_is_kept(field: Arena) -> None:
    secret = on_the_list()
    begin(field, secret)
    padding = [*KNOWN[: RULE.k - 1], *ATTACKERS_OWN]
    asked = [min(secret), min(set(ASKED) - secret), max(secret)]
    states = []
    for company in asked:
        field.submit(field.attacker, one_each(*padding, company))
        field.pass_interval()
        states.append(field.attacker.number() is not None)
    # The first state is an answer; from then on the victim has changed nothing that could hide another one.
    assert states == [True] * len(asked)
    assert learnt(dict(zip(asked, states, strict=True)), secret) == 1


def test_group_testing_for_a_year_answers_one_question_a_release_in_each_of_its_rows(field: Arena) -> None:
    field.rule, secret = replace(RULE, step=5, interval=timedelta(days=91), least_changes=4), on_the_list()
    begin(field, secret)
    waiting = {C: list(ASKED[:6]), O: list(ASKED[6:])}
    padding = {C: (*KNOWN[:9], *ATTACKERS_OWN), O: (*KNOWN[9:18], *(own + 100 for own in ATTACKERS_OWN))}
    claims: dict[int, bool] = {}
    for release in range(4):
        # Each row is padded to one below an edge of the step, so that one company decides; the rest waits in a third.
        asked = {population: waiting[population].pop() for population in (C, O)} if release else {}
        accounts: Listed = one_each(*range(7_000 + 10 * release, 7_010 + 10 * release), population=P)
        for population, companies in padding.items():
            accounts = {
                **accounts,
                **one_each(*companies, *([asked[population]] if asked else ()), population=population),
            }
        field.submit(field.attacker, accounts)
        field.pass_interval()
        numbers = field.attacker.numbers()
        claims |= {company: (numbers[Cell(population, C)] or 0) >= 10 for population, company in asked.items()}
    assert learnt(claims, secret) == 2 * 3


def test_bridging_rows_over_a_hidden_cell_change_no_count(open_arena: OpenArena) -> None:
    levels = {cell: Level.COUNTS if cell.ours is C else Level.HIDDEN for cell in CELLS}
    seen = []
    for secret in (one_each(1, population=P), {}):
        field = open_arena()
        field.share(levels)
        field.submit(field.victim, {**one_each(*KNOWN, *VICTIMS_OWN), **secret})
        # One row with a known customer's domain and that of the company asked about, which may be a prospect.
        field.submit(field.attacker, {**one_each(*KNOWN[1:], *ATTACKERS_OWN), 7: (C, frozenset({KNOWN[0], 1}))})
        assert field.attacker.number() == len(KNOWN)
        seen.append(told(field))
    assert seen[0] == seen[1]
