"""A dishonest partner against the real service: HTTP on loopback, SQLite, and time that passes as the attack wants.

The victim's list is a matter of chance; the attacker knows which companies may be on it, and claims of some that they
are or are not. What it learnt is how many claims are right, less those that are wrong: luck adds up to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx

from escrow import terms as words
from escrow import wire
from escrow.psi.encoding import b64url, unb64url
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population
from tests.api.serving import Organization, Served, served
from tests.psi.making_lists import token_of
from tests.submission_makers import Clock

__all__ = [
    "ATTACKERS_OWN",
    "CC",
    "DAY",
    "KNOWN",
    "RULE",
    "VICTIMS_OWN",
    "Arena",
    "Listed",
    "Player",
    "arena",
    "learnt",
    "one_each",
]

C = Population.CUSTOMERS
CC = Cell(C, C)
DAY = timedelta(days=1)
#: The smallest numbers that an operator may offer, so that lists stay small.
RULE = DisclosureRule(3, step=1, interval=DAY, least_changes=1)
#: Companies that everybody knows to be the victim's customers.
KNOWN = range(1_000, 1_020)
#: Companies that only one of the two has, so that no population is smaller than fifty and no line is filled.
VICTIMS_OWN, ATTACKERS_OWN = range(3_000, 3_050), range(5_000, 5_050)

#: A list: the population of each row, and the numbers of the companies whose domains it has.
Listed = Mapping[int, tuple[Population, frozenset[int]]]


def one_each(*companies: int, population: Population = C) -> Listed:
    """Give each company a row of its own."""
    return {company: (population, frozenset({company})) for company in companies}


def learnt(claims: Mapping[int, bool], on_the_list: frozenset[int]) -> int:
    """Count the claims about companies that are right, less those that are wrong."""
    return sum(1 if claimed is (company in on_the_list) else -1 for company, claimed in claims.items())


@dataclass
class Player:
    """One side of a partnership, by what it may send and read."""

    organization: Organization
    address: str
    sent: int = 0
    applied: int = 0

    @property
    def http(self) -> httpx.Client:
        """Its client, which shows its key."""
        return self.organization.http

    def get(self, path: str = "", **query: str) -> httpx.Response:
        """Read something of the partnership."""
        return self.http.get(f"{self.address}{path}", params=query)

    def send(self, accounts: Listed, **changed: object) -> httpx.Response:
        """Send a whole list, said to be right; it is applied once the service has worked."""
        self.sent += 1
        place = {"number": self.sent, "type": "snapshot", "base": self.applied, "generation": 0, "suite": 1}
        rows = [
            {
                "row": b64url(row.to_bytes(8)),
                "population": population.word,
                "tokens": {"domain": [b64url(token_of(company)) for company in sorted(companies)]},
            }
            for row, (population, companies) in sorted(accounts.items())
        ]
        body = place | {"profile": LATEST_PROFILE, "accounts": rows, "ready": True} | changed
        return self.http.post(f"{self.address}/submissions/rows", json=body)

    def fate(self) -> dict[str, Any]:
        """Tell what has become of the last list sent."""
        told = cast("dict[str, Any]", self.get(f"/submissions/{self.sent}").json())
        if told["state"] == "applied":
            self.applied = self.sent
        return told

    def state(self, levels: Mapping[Cell, Level] | Level, rule: DisclosureRule = RULE) -> httpx.Response:
        """Say terms, cells as this side sees them."""
        each = dict.fromkeys(CELLS, levels) if isinstance(levels, Level) else levels
        stated = words.Terms(levels=dict.fromkeys(CELLS, Level.HIDDEN) | dict(each), disclosure=rule)
        return self.http.put(f"{self.address}/terms", json=wire.Terms.of(stated).model_dump(mode="json"))

    def number(self, cell: Cell = CC) -> int | None:
        """Read the number of a cell in the latest release."""
        return self.numbers()[cell]

    def numbers(self) -> dict[Cell, int | None]:
        """Read the latest release, cells as this side sees them."""
        cells = self.get("/releases/latest").json()["cells"]
        by_word = {population.word: population for population in Population}
        return {Cell(by_word[each["ours"]], by_word[each["theirs"]]): each["number"] for each in cells}

    def overlapping(self) -> set[int]:
        """Read which of its rows overlap, in cells at accounts or above."""
        found, cursor = set(), None
        while True:
            page = self.get("/overlaps", **({"cursor": cursor} if cursor else {})).json()
            found |= {int.from_bytes(unb64url(each["row"])) for each in page["items"]}
            cursor = page["next"]
            if cursor is None:
                return found


@dataclass(eq=False)
class Arena:
    """The service, its clock, and the two who play."""

    served: Served
    clock: Clock
    victim: Player
    attacker: Player
    rule: DisclosureRule = field(default=RULE)

    def share(self, levels: Mapping[Cell, Level] | Level, rule: DisclosureRule = RULE) -> None:
        """Let both say the same terms, cells as the victim sees them."""
        seen = levels if isinstance(levels, Level) else {cell.transposed: level for cell, level in levels.items()}
        for answer in (self.victim.state(levels, rule), self.attacker.state(seen, rule)):
            assert answer.status_code == 200, answer.text
        self.rule = rule

    def submit(self, player: Player, accounts: Listed) -> dict[str, Any]:
        """Send a list and let the service do what follows from it at once; tell what became of it."""
        answer = player.send(accounts)
        assert answer.status_code == 202, answer.text
        self.served.work()
        return player.fate()

    def pass_interval(self) -> None:
        """Let time pass until the next release may come, and let it come."""
        self.pass_time(self.rule.interval)

    def pass_time(self, by: timedelta) -> None:
        """Let time pass, and the service do what is due by then."""
        self.clock.move(by)
        self.served.work()

    def pair_again(self) -> None:
        """End the partnership and pair afresh; both say their terms anew."""
        assert self.victim.http.post(f"{self.victim.address}/end", json={}).status_code == 200
        self.served.work()
        self.begin()

    def begin(self) -> None:
        """Pair the two, from the start."""
        address = self.served.active()
        self.victim, self.attacker = Player(self.served.left, address), Player(self.served.right, address)

    def beside(self) -> Arena:
        """Pair the victim with somebody else too, who may work together with the attacker."""
        served = self.served
        address, invitation = served.invited(acceptor=served.stranger)
        half = {"acceptor_public": b64url(os.urandom(32)), "tag": b64url(os.urandom(32))}
        for player, verb, said in (
            (served.stranger, "accept", half | {"lookup": invitation["lookup"]}),
            (served.left, "confirm", {"tag": b64url(os.urandom(32))}),
        ):
            assert player.http.post(f"{address}/{verb}", json=said).status_code == 200
        return Arena(served, self.clock, Player(served.left, address), Player(served.stranger, address))


@contextmanager
def arena(database_url: str, folder: Path, **limits: float | str) -> Iterator[Arena]:
    """Serve a partnership in which nothing is shared yet."""
    clock = Clock()
    offered: dict[str, float | str] = {"own_preset_name": "small", "own_preset_threshold": 3, "requests_per_minute": 0}
    with served(database_url, folder, limits=offered | limits, now=clock) as running:
        address = running.active()
        yield Arena(running, clock, Player(running.left, address), Player(running.right, address))
