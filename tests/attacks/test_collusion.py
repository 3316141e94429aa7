"""Two organizations that work together against a third: each has its own limits, and what they learn adds up."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from escrow.presets import DISCLOSURE_PRESETS
from escrow.store.tables import noise_spent
from escrow.terms import Cell, Level, Population
from tests.attacks.arena import ATTACKERS_OWN, CC, KNOWN, VICTIMS_OWN, Arena, learnt, one_each
from tests.attacks.conftest import OpenArena

C, O, _ = Population  # noqa: E741 - the letters of the grid
KEYS = 10
SMALL = {"allowance_keys": KEYS, "allowance_percent": 0}
DICTIONARY = range(1, 160)
VICTIMS = frozenset(DICTIONARY[::3])
FIRST = 30


def test_two_who_work_together_ask_about_the_sum_of_what_each_may(open_arena: OpenArena) -> None:
    field = open_arena(**SMALL)
    halves = {field: DICTIONARY[:80], field.beside(): DICTIONARY[80:]}
    claims: dict[int, bool] = {}
    for seat, half in halves.items():
        seat.share(Level.ACCOUNTS)
        seat.submit(seat.victim, one_each(*VICTIMS))
        for asked in (half[:FIRST], half[FIRST : FIRST + KEYS]):
            assert seat.submit(seat.attacker, one_each(*asked))["state"] == "applied"
            found = seat.attacker.overlapping()
            claims |= {company: company in found for company in asked}
        assert seat.submit(seat.attacker, one_each(half[-1]))["problem"]["code"] == "allowance-exceeded"
    assert learnt(claims, VICTIMS) == 2 * (FIRST + KEYS)


def test_two_who_work_together_are_answered_one_question_each_by_a_release(field: Arena) -> None:
    asked, secret = {field: 1, field.beside(): 2}, frozenset({2})
    before, claims = {}, {}
    for seat in asked:
        seat.share(Level.COUNTS)
        seat.submit(seat.victim, one_each(*secret, *KNOWN, *VICTIMS_OWN))
        seat.submit(seat.attacker, one_each(*KNOWN, *ATTACKERS_OWN))
        before[seat] = seat.attacker.number()
    for seat, company in asked.items():
        seat.submit(seat.attacker, one_each(company, *KNOWN, *ATTACKERS_OWN))
    field.pass_interval()
    for seat, company in asked.items():
        claims[company] = seat.attacker.number() != before[seat]
    assert learnt(claims, secret) == len(asked)


def test_what_is_withheld_from_one_may_be_shown_to_another_who_asks_about_the_same_accounts(field: Arena) -> None:
    secret, asked = (1, 2), range(1, 5)
    numbers = []
    for seat, population in ((field, O), (field.beside(), C)):
        seat.share(Level.COUNTS)
        seat.submit(seat.victim, one_each(*secret, *KNOWN, *VICTIMS_OWN))
        others = one_each(*range(7_000, 7_050), population=O)
        seat.submit(
            seat.attacker, {**one_each(*KNOWN, *ATTACKERS_OWN), **others, **one_each(*asked, population=population)}
        )
        numbers.append(seat.attacker.numbers())
    assert [each[Cell(O, C)] for each in numbers] == [None, None]
    assert [each[CC] for each in numbers] == [len(KNOWN), len(KNOWN) + len(secret)]


def test_two_who_work_together_have_a_ledger_of_noise_each(field: Arena) -> None:
    guarded = replace(DISCLOSURE_PRESETS["guarded"], threshold=3)
    for seat in (field, field.beside()):
        seat.share(Level.COUNTS, guarded)
        seat.submit(seat.victim, one_each(*KNOWN, *VICTIMS_OWN))
        seat.submit(seat.attacker, one_each(*KNOWN, *ATTACKERS_OWN))
    with field.served.service.database.snapshot("ledger") as tx:
        spent = tx.execute(select(noise_spent.c.number)).scalars().all()
    # Each release of each pair tells what one tells: the two of them add up.
    assert spent == [1, 1]
