"""Attacks by lists: how many companies can be asked about, where each one on the list is answered at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from escrow.terms import Level, Population
from tests.attacks.arena import Arena, Listed, Player, learnt, one_each
from tests.attacks.conftest import OpenArena

C, O, P = Population  # noqa: E741 - the letters of the grid
PERIOD = timedelta(days=30)
#: Ten keys in a period, and no share of the list.
KEYS = 10
SMALL = {"allowance_keys": KEYS, "allowance_percent": 0}
FIRST = range(1, 31)
#: The victim has every third company of a dictionary.
DICTIONARY = range(1, 160)
VICTIMS = frozenset(DICTIONARY[::3])


def begin(field: Arena) -> None:
    """Let which accounts overlap be told, and both send a first list."""
    field.share(Level.ACCOUNTS)
    field.submit(field.victim, one_each(*VICTIMS))
    assert field.submit(field.attacker, one_each(*FIRST))["state"] == "applied"


def allowance(player: Player) -> dict[str, Any]:
    told: dict[str, Any] = player.get("/allowance").json()
    return told


def answered(field: Arena, asked: frozenset[int]) -> dict[int, bool]:
    """Claim of each company that was on a list whether it overlaps."""
    found = field.attacker.overlapping()
    return {company: company in found for company in asked}


def test_a_dictionary_is_answered_for_the_first_list_and_an_allowance_a_period(open_arena: OpenArena) -> None:
    field = open_arena(**SMALL)
    begin(field)
    claims, asked = answered(field, frozenset(FIRST)), list(DICTIONARY[len(FIRST) :])
    for _ in range(2):
        guesses = frozenset(asked[: KEYS + 1])
        assert field.submit(field.attacker, one_each(*guesses))["state"] == "rejected"
        guesses = frozenset(asked[:KEYS])
        assert field.submit(field.attacker, one_each(*guesses))["state"] == "applied"
        claims, asked = claims | answered(field, guesses), asked[KEYS:]
        assert field.submit(field.attacker, one_each(asked[0]))["problem"]["code"] == "allowance-exceeded"
        field.pass_time(PERIOD)
    assert learnt(claims, VICTIMS) == len(FIRST) + 2 * KEYS


def test_a_company_taken_off_and_put_on_again_is_paid_for_each_time(open_arena: OpenArena) -> None:
    field = open_arena(**SMALL)
    begin(field)
    field.submit(field.attacker, one_each())
    assert allowance(field.attacker)["spent"] == 0
    assert field.submit(field.attacker, one_each(*FIRST[:KEYS]))["state"] == "applied"
    field.submit(field.attacker, one_each())
    assert field.submit(field.attacker, one_each(FIRST[0]))["state"] == "rejected"


def test_moving_between_populations_asks_at_most_five_times_an_allowance(open_arena: OpenArena) -> None:
    field = open_arena(**SMALL)
    begin(field)
    states = [field.submit(field.attacker, one_each(*FIRST, population=each))["state"] for each in (O, C)]
    assert states == ["applied", "rejected"]
    assert len(FIRST) <= 5 * KEYS < 2 * len(FIRST)
    assert allowance(field.attacker)["spent"] == len(FIRST)


def test_regrouping_keys_into_other_rows_asks_at_most_five_times_an_allowance(open_arena: OpenArena) -> None:
    field = open_arena(**SMALL)
    begin(field)
    states = []
    for step in (1, 2):
        rows: Listed = {1_000 * step + each: (C, frozenset({each})) for each in FIRST}
        states.append(field.submit(field.attacker, rows)["state"])
    assert states == ["applied", "rejected"]
    assert len(FIRST) <= 5 * KEYS < 2 * len(FIRST)


def test_an_end_and_a_fresh_pairing_ask_no_more_than_the_last_list_and_the_allowance(open_arena: OpenArena) -> None:
    field = open_arena(**SMALL)
    begin(field)
    claims = answered(field, frozenset(FIRST))
    field.pair_again()
    field.share(Level.ACCOUNTS)
    granted = field.attacker.http.post(f"{field.attacker.address}/allowance/grants", json={"accounts": 1_000})
    assert granted.status_code == 200
    assert field.submit(field.victim, one_each(*VICTIMS))["state"] == "applied"
    fresh = DICTIONARY[len(FIRST) : len(FIRST) + KEYS + 1]
    # A whole list may be asked about anew once in ninety days: until then all of it comes off the allowance.
    assert field.submit(field.attacker, one_each(*fresh))["state"] == "rejected"
    assert field.submit(field.attacker, one_each(*fresh[:KEYS]))["state"] == "applied"
    claims |= answered(field, frozenset(fresh[:KEYS]))
    assert learnt(claims, VICTIMS) == len(FIRST) + KEYS


def test_a_new_generation_needs_the_victims_consent_and_asks_no_more_than_the_list_did(field: Arena) -> None:
    begin(field)
    field.pass_time(timedelta(days=91))
    proposal = {"number": 1, "profile": field.attacker.get().json()["generation"]["profile"]}
    assert field.attacker.http.post(f"{field.attacker.address}/generations", json=proposal).status_code == 200
    alone = field.attacker.send(one_each(*DICTIONARY[:60]), generation=1, base=0)
    assert alone.json()["code"] == "generation-mismatch"
    field.attacker.sent -= 1
    assert field.victim.http.post(f"{field.victim.address}/generations", json=proposal).status_code == 200
    field.attacker.send(one_each(*DICTIONARY[: len(FIRST) + 1]), generation=1, base=0)
    field.served.work()
    assert field.attacker.fate()["problem"]["code"] == "generation-outgrown"


def test_two_partnerships_of_the_same_two_share_one_allowance(open_arena: OpenArena) -> None:
    field = open_arena(**SMALL)
    begin(field)
    field.submit(field.attacker, one_each(*FIRST, *DICTIONARY[30:36]))
    first_seat = field.attacker
    field.begin()
    field.share(Level.ACCOUNTS)
    field.submit(field.victim, one_each(*VICTIMS))
    assert allowance(field.attacker)["left"] == allowance(first_seat)["left"] == 5 * (KEYS - 6)
    assert field.submit(field.attacker, one_each(*DICTIONARY[50 : 50 + 5]))["state"] == "rejected"
    assert field.submit(field.attacker, one_each(*DICTIONARY[50 : 50 + 4]))["state"] == "applied"
