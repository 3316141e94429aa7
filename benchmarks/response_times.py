"""Whether the time that an answer takes tells how many accounts overlap: a list with none against one with all.

One partner pairs with two who have lists: of the one it has no account, of the other every account. It sends the same
lists to both and asks what became of them; a service on loopback answers, on SQLite. Baseline is the list
with no overlap: the last line is the ratio of the lower quartiles of the durations of sending a list.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from escrow.store.migrate import migrate
from escrow.terms import Level, Population
from tests.attacks.arena import Arena, Listed, arena, one_each

CUSTOMERS = Population.CUSTOMERS
Durations = dict[str, list[float]]

POST = "POST of a list"
WARMING_UP = 3


def main() -> None:
    """Print the lower quartile of each kind of request, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=2_000, help="accounts on each list")
    parser.add_argument("--rounds", type=int, default=40, help="lists sent to each of the two")
    asked = parser.parse_args()
    durations = measured(asked.accounts, asked.rounds)
    for name in durations["none"]:
        none, every = (quartile(durations[kind][name]) for kind in ("none", "all"))
        print(
            f"{name:<24} {1_000 * none:8.2f} ms with no overlap {1_000 * every:8.2f} with every {every / none:7.3f} x"
        )
    none, every = (quartile(durations[kind][POST]) for kind in ("none", "all"))
    print(f"\n{every / none:.3f} x the time of a list with no overlap")


def quartile(durations: Sequence[float]) -> float:
    """Give what a quarter of the requests are faster than: other work on the machine shows little in it."""
    return statistics.quantiles(durations, n=4)[0]


def measured(accounts: int, rounds: int) -> dict[str, Durations]:
    """Send lists to both, by chance the one or the other first; give the durations of requests in seconds.

    By chance, since what the database does now and then, like a checkpoint, must not always meet the same one.
    """
    chance, ours = Random(7), range(1, accounts + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'escrow.sqlite'}"
        migrate(url)
        with arena(url, folder) as first:
            seats = {"none": first, "all": first.beside()}
            for kind, seat in seats.items():
                seat.share(Level.COUNTS)
                theirs = ours if kind == "all" else range(accounts + 1, 2 * accounts + 1)
                seat.submit(seat.attacker, one_each(*theirs))
            found: dict[str, Durations] = {kind: {} for kind in seats}
            for turn in range(WARMING_UP + rounds):
                if turn == WARMING_UP:
                    found = {kind: {} for kind in seats}
                for kind in chance.sample(sorted(seats), len(seats)):
                    # One account changes place with each list, so that there is something to apply.
                    sent = {**one_each(*ours), 1: (CUSTOMERS, frozenset({1, 2 + turn % 2}))}
                    send(seats[kind], sent, found[kind])
            return found


def send(seat: Arena, accounts: Listed, found: Durations) -> None:
    """Send one list as the victim of the arena, which is the same in both, and time what is answered."""
    sender = seat.victim
    timed(found, POST, lambda: sender.send(accounts))
    timed(found, "GET of it, received", lambda: sender.get(f"/submissions/{sender.sent}"))
    seat.served.work()
    timed(found, "GET of it, applied", sender.fate)
    timed(found, "GET of the partnership", sender.get)


def timed(found: Durations, name: str, request: Callable[[], object]) -> None:
    """Note how long a request takes."""
    began = time.perf_counter()
    request()
    found.setdefault(name, []).append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
