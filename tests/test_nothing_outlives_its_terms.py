"""After a tightening, a pause or an end commits, nothing is read that it forbids: in any history, at every moment.

Both sides say terms, send lists, seal details, pause and end as chance has it, and the worker is ahead or behind. After
each step all that can be read is read, and held to the stricter of what both say, worked out here once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import cycle
from math import lcm
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from escrow import changes, details, overlaps, partnerships
from escrow.access import Party
from escrow.details import DetailsBatch, SealedDetails
from escrow.errors import PartnershipNotActive, PartnershipPaused
from escrow.psi.envelope_format import PADDED_SIZES, WRAP_BYTES, Body, pack_body, uploaded
from escrow.psi.matchkeys import MatchKeyClass
from escrow.releases import Report, releases_of, report_of
from escrow.reports.matrix import CellState
from escrow.store.database import Database, Transaction
from escrow.store.tables import partnerships as paired
from escrow.terms import CELLS, Cell, Level, Population, Side, Terms, Tier, uniform_levels
from tests.partnership_makers import active_partnership, seat
from tests.psi.making_lists import Account, records_of, token_of
from tests.submission_makers import TRUSTED, Desk, desk_of

Read = TypeVar("Read")

DOMAIN, NAME = MatchKeyClass.DOMAIN, MatchKeyClass.NAME
CUSTOMERS, _OPPORTUNITIES, PROSPECTS = Population
LEFT, RIGHT = Side
BODY = pack_body(Body(bytes(12), bytes(32), b"c" * (PADDED_SIZES[0] + 16)))
ALL = 1_000
OPEN = Terms(
    levels=uniform_levels(Level.DETAILS),
    fields=("account_name", "domain"),
    reveals_from=Tier.LIKELY,
    disclosure=TRUSTED,
)


def many(population: Population, rows: range, *, domains_from: int) -> dict[int, Account]:
    """Make accounts with one domain each."""
    return {row: (population, frozenset({(DOMAIN, domains_from + row - rows[0])})) for row in rows}


#: Ten customers are on both lists, and ten prospects of left are customers of right: enough for public numbers.
FIRST: Mapping[Side, Mapping[int, Account]] = {
    LEFT: many(CUSTOMERS, range(100, 160), domains_from=1_000) | many(PROSPECTS, range(200, 260), domains_from=1_150),
    RIGHT: many(CUSTOMERS, range(300, 410), domains_from=1_050),
}


@dataclass
class History:
    """A partnership, all terms that were said in it by their numbers, and the lists that were sent by theirs."""

    desk: Desk
    said: dict[Side, dict[int, Terms]] = field(default_factory=lambda: {side: {} for side in Side})
    sent: dict[Side, dict[int, Mapping[int, Account]]] = field(default_factory=lambda: {side: {} for side in Side})
    pausing: set[Side] = field(default_factory=set)
    has_ended: bool = False

    def read(self, side: Side, what: Callable[[Transaction, Party], Read]) -> Read:
        """Do or read something as a side may."""
        with self.desk.database.transaction("read") as tx:
            return what(tx, seat(tx, self.desk.couple, side))

    def state(self, side: Side, terms: Terms) -> None:
        """Let a side say its terms, cells as it sees them."""
        self.desk.state(side, terms)
        self.said[side][self.desk.standing().sides[side].terms_number] = terms

    def submit(self, side: Side, more: Mapping[int, Account]) -> None:
        """Let a side send its first list with these accounts beside it, unless the one before waits for the worker."""
        accounts = {**FIRST[side], **more}
        if self.applied(side) == len(self.sent[side]):
            self.desk.submit(side, records_of(accounts))
            self.sent[side][len(self.sent[side]) + 1] = accounts

    def applied(self, side: Side) -> int:
        """Give the number of the list of a side that is applied."""
        applied = self.desk.standing().sides[side].applied
        return 0 if applied is None else applied.number

    def work(self) -> None:
        """Let a day pass and all be done that is due, and both sides seal what is asked of them."""
        self.desk.clock.move(timedelta(days=1))
        self.desk.drain()
        for side in () if self.pausing or self.has_ended else Side:
            self.seal(side)

    def seal(self, side: Side) -> None:
        """Seal details of every row that is asked for."""
        now, key = self.desk.clock(), self.desk.couple.service_key
        wanted = self.read(side, lambda tx, party: details.wanted_details(tx, party, after=None, limit=ALL, now=now))
        items = []
        for row in wanted.rows:
            population, keys = self.sent[side][wanted.submission][int.from_bytes(row)]
            wraps = [(token_of(value), bytes(WRAP_BYTES)) for _, value in sorted(keys)]
            items.append(SealedDetails(row, population, uploaded(BODY, wraps)))
        batch = DetailsBatch(wanted.terms_number, wanted.submission, tuple(items))
        self.read(side, lambda tx, party: details.store_details(tx, party, batch, service_key=key, now=now))

    def pause(self, side: Side) -> None:
        """Let a side pause, or resume."""
        move = partnerships.resume if side in self.pausing else partnerships.pause
        self.read(side, lambda tx, party: move(tx, party, now=self.desk.clock()))
        self.pausing ^= {side}

    def end(self, side: Side) -> None:
        """Let a side end it."""
        self.read(side, lambda tx, party: partnerships.end(tx, party, now=self.desk.clock()))
        self.has_ended = True

    def do(self, side: Side, step: Terms | Mapping[int, Account] | str) -> None:
        """Do what a step says; the worker does nothing before it is told to work."""
        if isinstance(step, Terms):
            self.state(side, step)
        elif isinstance(step, Mapping):
            self.submit(side, step)
        elif step == "work":
            self.work()
        elif step == "pause":
            self.pause(side)
        else:
            self.end(side)


@dataclass(frozen=True)
class Seen:
    """All that a side reads at one moment."""

    reports: tuple[Report, ...]
    overlaps: tuple[overlaps.OverlappingRow, ...]
    changes: tuple[changes.ChangeItem, ...]
    details: tuple[details.ServedDetails, ...]

    @classmethod
    def by(cls, history: History, side: Side) -> Seen:
        """Read all there is."""
        key, now = history.desk.couple.service_key, history.desk.clock()

        def everything(tx: Transaction, party: Party) -> Seen:
            made = releases_of(tx, party, before=None, limit=ALL).items
            return cls(
                tuple(report_of(tx, party, each.number, service_key=key, now=now) for each in made),
                overlaps.overlaps_page(tx, party, after=None, limit=ALL, service_key=key, now=now).items,
                changes.changes_page(tx, party, after=0, limit=ALL, service_key=key, now=now).items,
                details.details_page(tx, party, after=None, limit=ALL, service_key=key, now=now).items,
            )

        return history.read(side, everything)


@dataclass(frozen=True)
class Allowed:
    """The stricter of what both say, cells as one side sees them."""

    levels: Mapping[Cell, Level]
    reveals_from: Tier
    step: int
    k: int
    noise: bool
    fields: frozenset[str]

    @classmethod
    def to(cls, side: Side, history: History) -> Allowed:
        """Work out what a side may be told now."""
        ours, theirs = (list(history.said[each].values())[-1] for each in (side, side.other))
        step = lcm(ours.disclosure.step, theirs.disclosure.step)
        threshold = max(ours.disclosure.threshold, theirs.disclosure.threshold)
        return cls(
            {cell: min(ours.levels[cell], theirs.levels[cell.transposed]) for cell in CELLS},
            min(ours.reveals_from, theirs.reveals_from),
            step,
            -(-threshold // step) * step,
            ours.disclosure.noise or theirs.disclosure.noise,
            frozenset(theirs.fields),
        )


def hold_to(allowed: Allowed, seen: Seen, history: History, side: Side) -> None:
    """Hold what a side has read to what it may be told."""
    for report in seen.reports:
        hold_report_to(allowed, report)
    for row in seen.overlaps:
        assert allowed.levels[row.cell] is row.level >= Level.ACCOUNTS
        assert row.tier <= allowed.reveals_from
    for change in seen.changes:
        assert all(allowed.levels[cell] >= Level.ACCOUNTS for cell in (change.cell, change.was) if cell is not None)
        assert change.tier is None or change.tier <= allowed.reveals_from
    ours = history.sent[side].get(history.applied(side), {})
    for each in seen.details:
        cell = Cell(ours[int.from_bytes(each.row)][0], each.population)
        assert allowed.levels[cell] is Level.DETAILS
        assert allowed.fields >= frozenset(history.said[side.other][each.terms_number].fields)


def hold_report_to(allowed: Allowed, report: Report) -> None:
    """Hold the numbers of one release to what may be told now."""
    made = report.made_under.rule
    for cell, count in report.matrix.items():
        assert count.level <= allowed.levels[cell]
        if count.number is None:
            continue
        assert Level.HIDDEN < count.level <= report.levels_then[cell]
        assert (made.k >= allowed.k, made.step % allowed.step, made.noise >= allowed.noise) == (True, 0, True)
        assert report.made_under.reveals_from <= allowed.reveals_from
        if count.level is Level.COUNTS:
            assert report.levels_then[cell] is Level.COUNTS
            assert count.number >= allowed.k
            assert count.number % allowed.step == 0


#: Each takes away one thing that is there at the start.
TIGHTENINGS = [
    *(replace(OPEN, levels={**OPEN.levels, Cell(CUSTOMERS, CUSTOMERS): level}) for level in Level),
    replace(OPEN, fields=("account_name",)),
    replace(OPEN, reveals_from=Tier.CERTAIN),
    *(
        replace(OPEN, disclosure=stricter)
        for stricter in (replace(TRUSTED, threshold=8), replace(TRUSTED, step=5), replace(TRUSTED, noise=True))
    ),
]
LEVELS = st.fixed_dictionaries(dict.fromkeys(CELLS, st.sampled_from(Level)))
TERMS = st.one_of(st.just(OPEN), st.sampled_from(TIGHTENINGS), LEVELS.map(lambda levels: replace(OPEN, levels=levels)))
#: Every tightening there is, each at once taken back and then done about.
EVERY = [step for each, side in zip(TIGHTENINGS, cycle(Side)) for step in ((side, each), (side, OPEN), (side, "work"))]
#: Three domains and three names; no two have one token.
KEYS = [*((DOMAIN, number) for number in range(3)), *((NAME, number) for number in range(3, 6))]
LISTS = st.dictionaries(
    st.integers(1, 4),
    st.tuples(
        st.sampled_from(Population),
        st.frozensets(st.sampled_from(KEYS), min_size=1, max_size=3),
    ),
    max_size=4,
)
STEPS = st.lists(
    st.tuples(st.sampled_from(Side), st.one_of(TERMS, TERMS, LISTS, st.just("work"), st.just("pause"))),
    min_size=4,
    max_size=8,
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database for as many partnerships as are tried."""
    opened = Database(database_url)
    yield opened
    opened.close()


def begun(database: Database, folder: Path) -> History:
    """Share all, and let both sides see numbers, rows and details of the other."""
    with database.snapshot("count partnerships") as tx:
        before = tx.execute(select(func.count()).select_from(paired)).scalar_one()
    couple = active_partnership(database, lookup=before.to_bytes(16))
    history = History(desk_of(couple, database, folder))
    for side in Side:
        history.state(side, OPEN)
        history.submit(
            side, {1: (CUSTOMERS, frozenset({(DOMAIN, 1), (NAME, 4)})), 2: (PROSPECTS, frozenset({(NAME, 5)}))}
        )
    history.work()
    return history


def look(history: History) -> None:
    """Let both sides read all there is: what they may be told, and of one release the same, transposed."""
    if history.has_ended or history.pausing:
        for side in Side:
            with pytest.raises(PartnershipNotActive if history.has_ended else PartnershipPaused):
                Seen.by(history, side)
        return
    seen = {side: Seen.by(history, side) for side in Side}
    for side in Side:
        hold_to(Allowed.to(side, history), seen[side], history, side)
    for left, right in zip(seen[LEFT].reports, seen[RIGHT].reports, strict=True):
        assert left.matrix == right.matrix.transposed


@example(steps=EVERY, ends=True)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, ends=st.booleans())
def test_whatever_both_sides_do_nothing_is_read_that_their_terms_forbid_by_then(
    database: Database, tmp_path: Path, steps: list[tuple[Side, Terms | dict[int, Account] | str]], *, ends: bool
) -> None:
    history = begun(database, tmp_path)
    look(history)
    for side, step in [*steps, *([(LEFT, "end"), (LEFT, "work")] if ends else ())]:
        history.do(side, step)
        look(history)


def test_what_is_held_to_the_terms_is_there(database: Database, tmp_path: Path) -> None:
    for side in Side:
        seen = Seen.by(begun(database, tmp_path), side)
        assert len(seen.overlaps) == len(seen.details) == 22
        assert sum(count.state is CellState.PUBLIC for count in seen.reports[0].matrix.values()) == 9
        assert seen.changes
