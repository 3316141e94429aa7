"""A service held to the protocol: two organizations play a whole partnership through its public contract.

Each check is named and says which part of the protocol asks for it. The first check of a step that fails leaves out the
rest of that step alone; the partnership is ended whatever happens, which erases what was sent.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from escrow import wire
from escrow.client.conformance.details import SHARED_FIELDS, details
from escrow.client.conformance.disputes import disputes
from escrow.client.conformance.findings import Finding, finding, refusal, refused
from escrow.client.conformance.pairings import pairing, strangers, void_invitation
from escrow.client.conformance.players import Player, Stage, columns_of, made_lists, records_of, upload_of
from escrow.client.transport import HttpTransport
from escrow.errors import EscrowError, VerificationFailed
from escrow.presets import DISCLOSURE_PRESETS
from escrow.psi.envelope_format import PADDED_SIZES
from escrow.psi.records import SubmissionKind
from escrow.reports.matrix import CellState
from escrow.terms import Cell, Level, Population, Terms, uniform_levels

__all__ = ["check_service"]

CUS, OPP, PRO = Population.CUSTOMERS, Population.OPPORTUNITIES, Population.PROSPECTS
#: What is shared from left's side: counts but for cells that are hidden, name accounts and open details.
_LEVELS = {
    **uniform_levels(Level.COUNTS),
    Cell(PRO, PRO): Level.HIDDEN,
    Cell(OPP, OPP): Level.ACCOUNTS,
    Cell(PRO, OPP): Level.DETAILS,
}
#: How many accounts both lists have in each cell, from left's side; in the cell of details one of each padded size.
_SHARED = {
    Cell(CUS, CUS): 40,
    Cell(CUS, OPP): 25,
    Cell(OPP, CUS): 2,
    Cell(OPP, OPP): 12,
    Cell(PRO, PRO): 30,
    Cell(PRO, OPP): len(PADDED_SIZES),
}

Step = Callable[[Stage], Iterator[Finding]]


def check_service(
    url: str,
    left_key: str,
    right_key: str,
    *,
    seconds: float,
    ca: Path | None = None,
    proxy: str | None = None,
    transport: HttpTransport | None = None,
) -> Iterator[Finding]:
    """Play a partnership and yield what every check found; ``seconds`` bounds the whole play."""
    with contextlib.ExitStack() as open_players:
        left, right = (Player(url, key, ca=ca, proxy=proxy, transport=transport) for key in (left_key, right_key))
        for player in (left, right):
            open_players.callback(player.close)
        stage = Stage(left, right, time.monotonic() + seconds)
        open_players.callback(_end_all, stage)
        if left.organization_id == right.organization_id:
            raise VerificationFailed("both keys are of one organization; give the keys of two")
        for name, section, step in _STEPS:
            yield from _played(stage, name, section, step)


def _played(stage: Stage, name: str, section: str, step: Step) -> Iterator[Finding]:
    try:
        stage.must_have_time()
        yield from step(stage)
    except EscrowError as error:
        yield Finding(name, section, f"refused where it should not be ({error.code}): {error.message}")


def _end_all(stage: Stage) -> None:
    for partnership_id in (stage.partnership_id, stage.stray_id):
        with contextlib.suppress(EscrowError):
            stage.left.service.end(partnership_id)


def _terms(stage: Stage) -> Iterator[Finding]:
    section, at = "Rules that keep the promise: 3", stage.partnership_id
    fresh = stage.left.service.terms(at).ours.value()
    hidden = set(fresh.levels.values()) == {Level.HIDDEN}
    yield finding("a new partnership shares nothing", section, hidden, "a cell is open that nobody opened")
    ours = Terms(
        levels=_LEVELS,
        fields=SHARED_FIELDS,
        largest_list=fresh.largest_list,
        disclosure=DISCLOSURE_PRESETS["trusted"],
    )
    stage.left.service.set_terms(at, ours)
    shown = stage.right.service.terms(at)
    closed = shown.effective is not None and set(shown.effective.value().levels.values()) == {Level.HIDDEN}
    yield finding("one side alone opens nothing", section, closed, "a cell is open that one side keeps hidden")
    stage.right.service.set_terms(at, ours.transposed)
    effective = [player.service.terms(at).effective for player in stage.players]
    left, right = (each.value() if each else None for each in effective)
    same = left is not None and right is not None and left.levels == right.transposed.levels == ours.levels
    yield finding("both see the same effective terms", section, same, "they are not each other's transposes")


def _lists(stage: Stage) -> Iterator[Finding]:
    stage.accounts = made_lists(_SHARED)
    for player, side in zip(stage.players, ("left", "right"), strict=True):
        yield from _submit(stage, player, side)


def _submit(stage: Stage, player: Player, side: str) -> Iterator[Finding]:
    section, at, service = "Generations", stage.partnership_id, player.service
    accounts = stage.accounts[side]
    announced, chunks = upload_of(stage, records_of(accounts[:-1]), kind=SubmissionKind.SNAPSHOT, number=1, base=0)
    other = announced.model_copy(update={"profile": "another-profile"})
    yield refused(
        f"another profile is refused ({side})",
        section,
        lambda: service.open_submission(at, other),
        422,
        "profile-mismatch",
    )
    first, again = (service.open_submission(at, announced) for _ in range(2))
    yield finding(f"the same announcement gets the same answer ({side})", section, first == again, "another answer")
    yield from _carry(stage, player, announced, chunks, f"a snapshot is applied ({side})")
    late, _ = upload_of(stage, records_of(accounts), kind=SubmissionKind.DELTA, number=2, base=0)
    yield refused(
        f"a wrong base is refused ({side})",
        "Pairing",
        lambda: service.open_submission(at, late),
        409,
        "submission-base-wrong",
    )
    delta, chunks = upload_of(stage, records_of(accounts[-1:]), kind=SubmissionKind.DELTA, number=2, base=1)
    service.open_submission(at, delta)
    yield from _carry(stage, player, delta, chunks, f"a delta is applied ({side})")
    shown = service.partnership(at).list
    yield finding(f"the list is as long as it was made ({side})", section, shown.accounts == len(accounts), "it is not")


def _carry(
    stage: Stage, player: Player, announced: wire.NewSubmission, chunks: tuple[bytes, ...], name: str
) -> Iterator[Finding]:
    at, number = stage.partnership_id, announced.number
    for index, chunk in enumerate(chunks):
        if announced.type == "delta":
            columns = columns_of(chunk)
            path = f"/v1/partnerships/{at}/submissions/{number}/chunks/{index}"
            status = player.raw.send("PUT", path, content=columns).status
            yield finding(f"{name}, sent in columns", "The chunk", status < 300, f"it answers {status}")
        else:
            player.service.put_chunk(at, number, index, chunk)
    player.service.complete_submission(at, number)
    stage.eventually(lambda: player.service.submission(at, number).state != "received")
    state = player.service.submission(at, number).state
    yield finding(name, "Generations", state == "applied", f"it is {state}")


def _release(stage: Stage) -> Iterator[Finding]:
    section, at = "Rules that keep the promise: 6 and 7", stage.partnership_id
    for player in stage.players:
        player.service.say_ready(at)
    is_there = stage.eventually(lambda: stage.left.service.partnership(at).latest_release)
    yield finding("a release goes out once both are ready", section, is_there, "there is none in time")
    if not is_there:
        return
    left, right = (player.service.release(at) for player in stage.players)
    mine = {(cell.ours, cell.theirs): (cell.level, cell.state, cell.number) for cell in left.cells}
    theirs = {(cell.theirs, cell.ours): (cell.level, cell.state, cell.number) for cell in right.cells}
    yield finding("the two reports are transposes", section, mine == theirs, "a cell differs")
    yield from _cells(left)
    yield from _overlaps(stage)


def _cells(report: wire.Report) -> Iterator[Finding]:
    section = "Rules that keep the promise: 7"
    cells = {Cell(cell.ours, cell.theirs): cell for cell in report.cells}
    rule = report.disclosure.value()
    few = [cell for cell in cells.values() if cell.level is Level.COUNTS and (cell.number or rule.k) < rule.k]
    yield finding("nothing below the threshold is shown", section, not few, "a smaller number is")
    state = cells[Cell(OPP, CUS)].state
    yield finding("two shared accounts are withheld", section, state is CellState.WITHHELD, f"it is {state}")
    zero, two = (
        cells[cell].model_dump(include={"level", "state", "number"}) for cell in (Cell(PRO, CUS), Cell(OPP, CUS))
    )
    yield finding("zero looks like every other withheld number", section, zero == two, "it can be told apart")
    count = cells[Cell(CUS, CUS)].number
    right = count == rule.rounded(_SHARED[Cell(CUS, CUS)])
    yield finding("a cell that may be shown has its number", section, right, f"it has {count}")
    hidden = cells[Cell(PRO, PRO)]
    closed = (hidden.state, hidden.number) == (CellState.HIDDEN, None)
    yield finding("a hidden cell is hidden in a report", section, closed, "it says something")


def _overlaps(stage: Stage) -> Iterator[Finding]:
    section, at = "Rules that keep the promise: 2 and 3", stage.partnership_id
    stage.eventually(lambda: list(stage.left.service.overlaps(at)))
    for player, side in zip(stage.players, ("left", "right"), strict=True):
        listed = list(player.service.overlaps(at))
        own = {account.row for account in stage.accounts[side]}
        cells = {(item.ours, item.theirs) for item in listed}
        yield finding(f"overlaps name the caller's rows ({side})", section, {i.row for i in listed} <= own, "others")
        open_cells = {(OPP, OPP), (PRO, OPP) if side == "left" else (OPP, PRO)}
        yield finding(
            f"overlaps of closed cells are absent ({side})", section, cells == open_cells, f"{len(cells)} cells"
        )
        every = _SHARED[Cell(OPP, OPP)] + _SHARED[Cell(PRO, OPP)]
        yield finding(f"every overlap is listed ({side})", section, len(listed) == every, f"{len(listed)}")


def _tighten(stage: Stage) -> Iterator[Finding]:
    section, at = "Rules that keep the promise: 3 and 6", stage.partnership_id
    ours = stage.left.service.terms(at).ours.value()
    closed = {**ours.levels, **dict.fromkeys((Cell(CUS, CUS), Cell(OPP, OPP), Cell(PRO, OPP)), Level.HIDDEN)}
    stage.left.service.set_terms(at, replace(ours, levels=closed))
    report = stage.right.service.release(at)
    cells = {Cell(cell.theirs, cell.ours): cell for cell in report.cells}
    shut = all((cells[c].state, cells[c].number) == (CellState.HIDDEN, None) for c in (Cell(CUS, CUS), Cell(OPP, OPP)))
    yield finding("tightening holds at once in the report that is there", section, shut, "the partner still reads it")
    listed = list(stage.right.service.overlaps(at))
    yield finding("tightening holds at once for accounts", section, not listed, f"{len(listed)} are still listed")


def _pause(stage: Stage) -> Iterator[Finding]:
    section, at = "Words: while either party pauses", stage.partnership_id
    stage.left.service.pause(at)
    for player, side in zip(stage.players, ("left", "right"), strict=True):
        for name, ask in _reads(player, at):
            yield refused(f"a pause stops {name} ({side})", section, ask, 409, "partnership-paused")
    stage.left.service.resume(at)
    yield finding("a resumed partnership is read again", section, stage.right.service.release(at).cells, "it is not")


def _end(stage: Stage) -> Iterator[Finding]:
    section, at = "Rules that keep the promise: 9", stage.partnership_id
    stage.right.service.end(at)
    states = {player.service.partnership(at).state for player in stage.players}
    yield finding("an end is an end for both", section, states == {"ended"}, f"{states}")
    for player, side in zip(stage.players, ("left", "right"), strict=True):
        for name, ask in _reads(player, at):
            status, _ = refusal(ask)
            yield finding(f"an end stops {name} ({side})", section, status in {404, 409, 410}, f"it answers {status}")


def _reads(player: Player, at: UUID) -> tuple[tuple[str, Callable[[], object]], ...]:
    return (
        ("reports", lambda: player.service.release(at)),
        ("overlaps", lambda: list(player.service.overlaps(at))),
        ("details", lambda: list(player.service.details(at))),
    )


_STEPS: tuple[tuple[str, str, Step], ...] = (
    ("an invitation that is void", "Pairing", void_invitation),
    ("foreign and absent", "Rules that keep the promise", strangers),
    ("pairing", "Pairing", pairing),
    ("terms", "Rules that keep the promise: 3", _terms),
    ("lists", "Generations", _lists),
    ("a release", "Rules that keep the promise: 6 and 7", _release),
    ("details", "Account secret, token, wrap key, stored index", details),
    ("disputes", "Rules that keep the promise: 11", disputes),
    ("tightening", "Rules that keep the promise: 3", _tighten),
    ("a pause", "Words", _pause),
    ("an end", "Rules that keep the promise: 9", _end),
)
