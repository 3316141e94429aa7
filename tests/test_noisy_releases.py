"""Releases with noise: one draw for both sides, a fixed schedule, and a ledger of the pair that outlives an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from escrow import noise_ledger, partnerships
from escrow.presets import DISCLOSURE_PRESETS
from escrow.releases import make_release
from escrow.reports.matrix import CellCount, CellState
from escrow.reports.noise import EPSILON, draw_noise
from escrow.store.database import Database
from escrow.store.tables import noise_spent
from escrow.terms import CELLS, Cell, Level, Side, Terms, uniform_levels
from tests.partnership_makers import NOON, RELEASE_KEY, active_partnership, seat
from tests.psi.making_lists import records_of
from tests.submission_makers import Desk, new_desk
from tests.test_releases import CUSTOMERS, DAY, OPPORTUNITIES, PROSPECTS, many, numbers, report

CC = Cell(CUSTOMERS, CUSTOMERS)
GUARDED = DISCLOSURE_PRESETS["guarded"]
#: Five releases on five days: more than may be told.
DAILY = replace(GUARDED, interval=DAY)
WEEK = timedelta(days=7)

#: Three hundred shared customers, so that no noise makes a difference to whether they are shown.
LEFT = many(CUSTOMERS, 1, 400, domains_from=1_000)
RIGHT = many(CUSTOMERS, 1, 400, domains_from=1_100)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired, who ask for noise."""
    database = Database(database_url)
    desk = new_desk(database, tmp_path)
    desk.share(Level.COUNTS, disclosure=GUARDED)
    yield desk
    database.close()


def both_apply(desk: Desk) -> None:
    """Apply a list on each side, and let what follows be done."""
    desk.applied(Side.LEFT, records_of(LEFT))
    desk.applied(Side.RIGHT, records_of(RIGHT))


def one_changes(desk: Desk, by: timedelta, turn: int) -> None:
    """Let one account of the left's be another, and time pass."""
    desk.applied(Side.LEFT, records_of(LEFT | many(CUSTOMERS, 900, 1, domains_from=9_000 + turn)))
    desk.clock.move(by)
    desk.drain()


def release(desk: Desk, *, randbelow: Callable[[int], int]) -> None:
    """Make a release if it is due, with draws of one's own."""
    make_release(
        desk.database,
        desk.couple.partnership_id,
        service_key=desk.couple.service_key,
        key=RELEASE_KEY,
        now=desk.clock(),
        randbelow=randbelow,
    )


def spent(desk: Desk) -> list[datetime]:
    with desk.database.snapshot("ledger") as tx:
        return list(tx.execute(select(noise_spent.c.spent_at).order_by(noise_spent.c.number)).scalars())


def next_from(desk: Desk) -> datetime | None:
    with desk.database.snapshot("show") as tx:
        party = seat(tx, desk.couple, Side.LEFT)
        shown = partnerships.show(tx, party, service_key=desk.couple.service_key, now=desk.clock())
        return shown.next_release_from


def test_both_sides_read_one_noisy_number_and_read_it_again(desk: Desk) -> None:
    both_apply(desk)
    ours, theirs = report(desk, Side.LEFT).matrix, report(desk, Side.RIGHT).matrix
    assert ours == theirs.transposed == report(desk, Side.LEFT).matrix
    number = ours[CC].number
    # A draw is 150 away from zero once in 10 ** 16.
    assert number is not None
    assert number % 5 == 0
    assert 150 <= number <= 450


def test_the_number_is_the_count_with_what_was_drawn_for_its_cell(desk: Desk) -> None:
    both_apply(desk)
    desk.applied(Side.LEFT, records_of(LEFT | many(CUSTOMERS, 900, 1, domains_from=9_000)))
    desk.clock.move(WEEK)
    drawn = draw_noise(CELLS, randbelow=Random(4).randrange)
    release(desk, randbelow=Random(4).randrange)
    assert drawn[CC] not in range(5)
    assert report(desk, Side.LEFT, 2).matrix[CC].number == GUARDED.rounded(300 + drawn[CC])


def test_a_cell_in_which_nothing_is_shared_is_withheld_or_looks_like_a_small_count(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(LEFT | many(PROSPECTS, 500, 60, domains_from=5_000)))
    desk.applied(Side.RIGHT, records_of(RIGHT | many(OPPORTUNITIES, 500, 60, domains_from=6_000)))
    cell = report(desk, Side.LEFT).matrix[Cell(PROSPECTS, OPPORTUNITIES)]
    assert cell.level is Level.COUNTS
    assert cell.state is CellState.WITHHELD or (cell.number or 0) >= GUARDED.k
    # Populations that are not there are too small, whatever was drawn.
    assert report(desk, Side.LEFT).matrix[Cell(OPPORTUNITIES, CUSTOMERS)] == CellCount.withheld(Level.COUNTS)


def test_neither_number_nor_state_with_noise_is_kept_by_a_release_without_it(desk: Desk) -> None:
    exact = replace(DISCLOSURE_PRESETS["trusted"], interval=DAY)

    def left_has(own: int, shared: int) -> None:
        accounts = many(CUSTOMERS, 1, own, domains_from=7_000) | many(CUSTOMERS, 2_000, shared, domains_from=1_100)
        desk.applied(Side.LEFT, records_of(accounts))

    desk.share(Level.COUNTS, disclosure=exact)
    desk.applied(Side.RIGHT, records_of(RIGHT))
    left_has(60, exact.k - 1)
    assert report(desk, Side.LEFT).matrix[CC] == CellCount.withheld(Level.COUNTS)
    desk.state(Side.LEFT, Terms(levels=uniform_levels(Level.COUNTS), disclosure=replace(exact, noise=True)))
    # One shared company more: the count would be public now, but right has changed nothing that hides which it is.
    left_has(60, exact.k)
    desk.clock.move(DAY)
    release(desk, randbelow=Random(40).randrange)  # which draws 10 for this cell
    assert report(desk, Side.LEFT).matrix[CC].number == exact.k + 10
    desk.state(Side.LEFT, Terms(levels=uniform_levels(Level.COUNTS), disclosure=exact))
    left_has(61, exact.k)
    desk.clock.move(DAY)
    desk.drain()
    assert numbers(desk) == [3, 2, 1]
    assert [report(desk, side).matrix[CC] for side in Side] == [CellCount.withheld(Level.COUNTS)] * 2


def test_the_schedule_is_fixed_and_what_a_release_tells_is_written_with_it(desk: Desk) -> None:
    assert spent(desk) == []
    both_apply(desk)
    one_changes(desk, WEEK - timedelta(seconds=1), 1)
    assert (numbers(desk), spent(desk), next_from(desk)) == ([1], [NOON], NOON + WEEK)
    desk.clock.move(timedelta(seconds=1))
    desk.drain()
    assert (numbers(desk), spent(desk)) == ([2, 1], [NOON, NOON + WEEK])


def test_once_all_is_spent_releases_wait_and_say_until_when(desk: Desk) -> None:
    desk.share(Level.COUNTS, disclosure=DAILY)
    both_apply(desk)
    for turn in range(1, 6):
        one_changes(desk, DAY, turn)
    assert numbers(desk) == [4, 3, 2, 1]
    assert next_from(desk) == NOON + timedelta(days=28)
    desk.clock.move(timedelta(days=23))
    desk.drain()
    assert numbers(desk) == [5, 4, 3, 2, 1]
    assert next_from(desk) == NOON + timedelta(days=29)


def test_an_end_and_a_fresh_pairing_give_nothing_back(desk: Desk) -> None:
    desk.share(Level.COUNTS, disclosure=DAILY)
    both_apply(desk)
    for turn in range(1, 4):
        one_changes(desk, DAY, turn)
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, Side.RIGHT), now=desk.clock())
    desk.drain()
    couple = active_partnership(desk.database, lookup=b"\x09" * 16, of=desk.couple, now=desk.clock())
    again = Desk(desk.database, couple, desk.worker, desk.clock)
    again.share(Level.COUNTS, disclosure=DAILY)
    desk.clock.move(DAY)
    both_apply(again)
    assert (numbers(again), len(spent(again))) == ([], 4)
    assert next_from(again) == NOON + timedelta(days=28)
    desk.clock.move(timedelta(days=24))
    again.drain()
    assert (numbers(again), len(spent(again))) == ([1], 5)


def test_cells_that_are_listed_or_hidden_spend_nothing(desk: Desk) -> None:
    desk.share({CC: Level.ACCOUNTS}, disclosure=GUARDED)
    both_apply(desk)
    assert report(desk, Side.LEFT).matrix[CC] == CellCount.public(Level.ACCOUNTS, 300)
    assert spent(desk) == []


def test_of_two_partnerships_of_one_pair_that_draw_at_once_one_looks_again(desk: Desk) -> None:
    both_apply(desk)
    couple = active_partnership(desk.database, lookup=b"\x09" * 16, of=desk.couple, now=desk.clock())
    other = Desk(desk.database, couple, desk.worker, desk.clock)
    other.share(Level.HIDDEN)
    both_apply(other)
    other.share(Level.COUNTS, disclosure=GUARDED)
    has_drawn, may_write = Event(), Event()

    def draw(below: int) -> int:
        has_drawn.set()
        assert may_write.wait(30)
        return Random(4).randrange(below)

    with ThreadPoolExecutor(1) as beside:
        second = beside.submit(release, other, randbelow=draw)
        assert has_drawn.wait(30)
        with desk.database.transaction("release of the other partnership") as tx:
            noise_ledger.lock(tx, desk.standing())
            may_write.set()
            noise_ledger.spend(tx, desk.standing(), now=desk.clock())
        second.result(timeout=60)
    assert (numbers(other), len(spent(desk))) == ([], 2)
    other.drain()
    assert (numbers(other), len(spent(desk))) == ([1], 3)


def test_two_partnerships_of_one_pair_cannot_write_the_same_entry(desk: Desk) -> None:
    both_apply(desk)
    standing = desk.standing()
    with desk.database.snapshot("ledger") as tx:
        assert [each.epsilon for each in noise_ledger.recently_spent(tx, standing, now=NOON)] == [EPSILON]
        entry = tx.execute(select(noise_spent)).one()._asdict()
    with pytest.raises(IntegrityError), desk.database.transaction("once more") as tx:
        tx.execute(noise_spent.insert().values(**entry))
