"""How many companies a determined partner learns of in a year, with what each preset lets it send and read.

The partner knows a dictionary of companies, and nothing of any of them but that a half is on the list; each is learnt
when it can be told for certain (with noise: 95 times in 100). It is as clever as we know how to be, has known
customers to pad its lines with, and its victim's list does not move. The rules are the service's own: what is charged,
when a release may come, what it shows, and the noise. Four ways are played:

- *details*: a dictionary, as much as the ceiling of a small first list and twelve allowances take;
- *trusted*: accounts are weighed like coins: each release tells the exact sum of those in each of two populations, and
  moves between populations, a fifth of a key each, are the weights (after Cantor and Mills);
- *standard*: each line of its own is padded to the edge of a step, so that one company, or a group of which none may
  be there, decides what is shown;
- *guarded*: accounts are in one population or another by chance, and what the noise leaves is averaged.

The last line is the ratio of the default preset's figure to that of the dictionary.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt

from escrow.allowance import FIFTHS_OF_A_TOKEN, AllowanceRule, Asked, Spending, Start, first_spending, spend
from escrow.errors import AllowanceExceeded
from escrow.presets import DISCLOSURE_PRESETS
from escrow.reports.disclosure import disclose
from escrow.reports.noise import SCALE, discrete_laplace
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, uniform_levels

C, O, P = Population  # noqa: E741 - the letters of the grid
YEAR = timedelta(days=364)
#: A small list of its own, and a victim's list in which nothing is filled.
OWN_TOKENS = 1_000
SIZES = dict.fromkeys(Population, 20_000)
PADDING = 100
#: A release with noise: how sure the partner is to be before a company counts as learnt.
SURE = 0.95
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

Design = npt.NDArray[np.int8]
Truth = npt.NDArray[np.int64]


#: What a move costs, in keys.
PRICE = Fraction(1, FIFTHS_OF_A_TOKEN)


@dataclass
class Purse:
    """What the partner may still ask about as time passes, by the rules of the service but for the price of a move."""

    own_tokens: int = OWN_TOKENS
    price: Fraction = PRICE
    now: datetime = BEGAN
    spending: Spending = field(init=False)

    def __post_init__(self) -> None:
        asked = self._asked(self.own_tokens * FIFTHS_OF_A_TOKEN)
        self.spending = first_spending(asked, most_accounts=250_000, rule=AllowanceRule(), now=self.now)

    def pay(self, *, tokens: int = 0, moves: int = 0) -> bool:
        """Pay for one list, unless there is not enough left."""
        asked = self._asked(math.ceil((tokens + moves * self.price) * FIFTHS_OF_A_TOKEN))
        try:
            self.spending = spend(
                self.spending,
                asked,
                Start(is_opening=False, is_first=False),
                most_accounts=250_000,
                rule=AllowanceRule(),
                now=self.now,
            )
        except AllowanceExceeded:
            return False
        return True

    def _asked(self, fifths: int) -> Asked:
        return Asked(fifths, self.own_tokens, self.own_tokens)


MakePurse = Callable[[], Purse]


@dataclass
class Oracle:
    """The service, as the partner meets it: a list in, and once in an interval the numbers of its lines out."""

    rule: DisclosureRule
    purse: Purse
    releases: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the year is."""
        return self.purse.now >= BEGAN + YEAR

    def wait(self) -> None:
        """Let an interval pass."""
        self.purse.now += self.rule.interval

    def release(self, overlapping: Mapping[Population, int]) -> dict[Population, int | None]:
        """Give what a release shows of each line of the partner's against the victim's customers."""
        self.releases += 1
        exact = dict.fromkeys(CELLS, 0) | {Cell(line, C): count for line, count in overlapping.items()}
        draw = random.Random(self.releases).randrange
        noise = {cell: discrete_laplace(SCALE, draw) for cell in CELLS} if self.rule.noise else {}
        matrix = disclose(
            exact,
            levels=uniform_levels(Level.COUNTS),
            left_sizes=SIZES,
            right_sizes=SIZES,
            rule=self.rule,
            noise=noise,
        )
        return {line: matrix[Cell(line, C)].number for line in Population}


def main() -> None:
    """Print the year of each attack, then the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prices", action="store_true", help="what other prices of a move would give, instead")
    if parser.parse_args().prices:
        prices()
        return
    asked = dictionary()
    print(f"details:  {asked:,} accounts a year are asked about and answered at once (one key each)")
    weighed, releases = weighing(DISCLOSURE_PRESETS["trusted"])
    print(f"trusted:  {weighed:,} accounts a year from {releases} releases, weighed like coins")
    edges, releases = at_edges(DISCLOSURE_PRESETS["standard"])
    print(f"standard: {edges:,} accounts a year from {releases} releases, one at the edge of each of three lines")
    exact = replace(DISCLOSURE_PRESETS["standard"], step=1)
    weekly = max(weighing(exact)[0], at_edges(exact)[0])
    print(f"          {weekly:,} if its weekly counts were exact: what slows is the interval")
    groups = at_edges_in_groups(DISCLOSURE_PRESETS["standard"], share=Fraction(1, 20))
    print(f"          {groups:,} a year, nearly all of them absent, where one in twenty is on the list")
    told, right, releases = averaging(DISCLOSURE_PRESETS["guarded"])
    print(f"guarded:  {told:,} accounts a year from {releases} releases are told with {SURE:.0%};")
    print(f"          a guess at each of {releases} accounts is right {right:.0%} of the time, where a coin is 50%")
    print(f"\n{edges / asked:.3f} x the accounts that a dictionary learns of at details (standard, the default)")


def prices() -> None:
    """Print what a partner learns of if a move costs more, with a small list and with a large one."""
    for own_tokens, price in product((OWN_TOKENS, 20 * OWN_TOKENS), (PRICE, Fraction(1, 2), Fraction(1))):
        purse = partial(Purse, own_tokens, price)
        weighed, _ = weighing(DISCLOSURE_PRESETS["trusted"], purse)
        edges, _ = at_edges(DISCLOSURE_PRESETS["standard"], purse)
        print(f"list of {own_tokens:>6,} keys, a move at {price!s:>3} key: trusted {weighed:,}, standard {edges:,}")


def dictionary() -> int:
    """Ask about as much as there is left, each day."""
    purse, asked = Purse(), 0
    while purse.now < BEGAN + YEAR:
        left = purse.spending.rolled(AllowanceRule(), purse.now).left // FIFTHS_OF_A_TOKEN
        if left and purse.pay(tokens=left):
            asked += left
        purse.now += timedelta(days=1)
    return asked


def weighing(rule: DisclosureRule, purse: MakePurse = Purse) -> tuple[int, int]:
    """Weigh one block of accounts after another for a year; give how many were learnt, and the releases it took.

    A weight of +1 is to be among customers, -1 among opportunities, 0 among prospects.
    """
    return max((_weighed(rule, order, purse()) for order in range(9)), key=lambda each: each[0])


def _weighed(rule: DisclosureRule, order: int, purse: Purse) -> tuple[int, int]:
    oracle, learnt = Oracle(rule, purse), 0
    while True:
        design = coin_design(order)
        truth: Truth = np.array(np.random.default_rng(learnt).integers(0, 2, design.shape[1]), np.int64)
        found = _weigh(oracle, design, truth)
        if found is None:
            return learnt, oracle.releases
        assert np.array_equal(found, truth)
        learnt += truth.size


def _weigh(oracle: Oracle, design: Design, truth: Truth) -> Truth | None:
    """Take one release for each weighing, and work the accounts out; nothing once the year is over."""
    weighed, before = [], None
    for weights in design:
        changed = {"tokens": truth.size} if before is None else {"moves": int(np.count_nonzero(weights != before))}
        while not oracle.purse.pay(**changed):
            oracle.wait()
            if oracle.is_over:
                return None
        oracle.wait()
        if oracle.is_over:
            return None
        lines = {C: int(truth[weights > 0].sum()), O: int(truth[weights < 0].sum())}
        shown = oracle.release({line: PADDING + count for line, count in lines.items()})
        weighed.append((shown[C] or 0) - (shown[O] or 0))
        before = weights
    return solve_coins(np.array(weighed), design.shape[1])


def coin_design(order: int) -> Design:
    """Give 2**order weighings that tell any set of coins apart: (D D 1; D -D 0) from the one before."""
    design = np.ones((1, 1), np.int8)
    for _ in range(order):
        ones = np.eye(len(design), dtype=np.int8)
        design = np.block([[design, design, ones], [design, -design, 0 * ones]])
    return design


def solve_coins(weighed: npt.NDArray[np.int64], coins: int) -> npt.NDArray[np.int64]:
    """Work out the coins from what the weighings of `coin_design` gave: the last ones are told by parity."""
    if len(weighed) == 1:
        return weighed
    half = len(weighed) // 2
    added, taken = weighed[:half], weighed[half:]
    last = (added + taken) % 2
    each = (coins - half) // 2
    return np.concatenate(
        (solve_coins((added - last + taken) // 2, each), solve_coins((added - last - taken) // 2, each), last)
    )


def at_edges(rule: DisclosureRule, purse: MakePurse = Purse) -> tuple[int, int]:
    """Ask about one account on each line in each release; give how many were learnt, and the releases it took."""
    oracle, learnt, chance = Oracle(rule, purse()), 0, random.Random(1)
    for _ in _releases(oracle, asked=len(Population)):
        truth = {line: chance.random() < 0.5 for line in Population}
        learnt += _at_edge(oracle, {line: int(there) for line, there in truth.items()}) == truth and len(truth)
    return learnt, oracle.releases


def at_edges_in_groups(rule: DisclosureRule, *, share: Fraction) -> int:
    """Ask about a group on each line, large enough to be empty half of the time; all of an empty one are learnt."""
    size = round(math.log(0.5) / math.log(1 - share))
    oracle, learnt, chance = Oracle(rule, Purse()), 0, random.Random(1)
    for _ in _releases(oracle, asked=size * len(Population)):
        groups = {line: sum(chance.random() < share for _ in range(size)) for line in Population}
        answers = _at_edge(oracle, groups)
        assert answers == {line: count > 0 for line, count in groups.items()}
        learnt += size * sum(not there for there in answers.values())
    return learnt


def _releases(oracle: Oracle, *, asked: int) -> Iterator[None]:
    """Go through the year's releases, each paid for: what is asked, and moves enough for a release to come at all."""
    while True:
        oracle.wait()
        if oracle.is_over:
            return
        if oracle.purse.pay(tokens=asked, moves=max(0, oracle.rule.least_changes - asked)):
            yield


def _at_edge(oracle: Oracle, there: Mapping[Population, int]) -> dict[Population, bool]:
    """Tell of each line whether anybody asked about is there, from whether its number reached the next step."""
    edge = (PADDING // oracle.rule.step) * oracle.rule.step
    shown = oracle.release({line: edge - 1 + count for line, count in there.items()})
    return {line: (shown[line] or 0) >= edge for line in Population}


def averaging(rule: DisclosureRule) -> tuple[int, float, int]:
    """Weigh as many accounts as there are releases, by signs; give how many are told, how often a guess is right."""
    size = 52
    truths, sure, right, runs = np.random.default_rng(3), 0, 0, 40
    for run in range(runs):
        truth = truths.integers(0, 2, size)
        oracle = Oracle(rule, Purse(), releases=run * size)
        signs = np.where(truths.random((size, size)) < 0.5, 1, -1)
        weighed = []
        for weights in signs:
            lines = {C: int(truth[weights > 0].sum()), O: int(truth[weights < 0].sum())}
            shown = oracle.release({line: PADDING + count for line, count in lines.items()})
            weighed.append((shown[C] or 0) - (shown[O] or 0))
        # Ridge regression with the prior's variance of a quarter and that of two draws.
        noise = 2 * _variance() + 2 * rule.step**2 / 12
        centred = np.array(weighed) - signs.sum(axis=1) / 2
        covariance = np.linalg.inv(signs.T @ signs / noise + np.eye(size) * 4)
        mean = covariance @ signs.T @ centred / noise
        deviation = np.sqrt(np.diag(covariance))
        odds = 1 / (1 + np.exp(-mean / deviation**2))
        sure += int(np.count_nonzero((odds > SURE) | (odds < 1 - SURE)))
        right += int(np.count_nonzero((mean > 0) == (truth == 1)))
    return round(sure / runs), right / (runs * size), size


def _variance() -> float:
    ratio = math.exp(-1 / float(SCALE))
    return 2 * ratio / (1 - ratio) ** 2


if __name__ == "__main__":
    main()
