"""`escrow report` and `escrow overlaps`: what the partnership has come to."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.agreeing import read_cell
from escrow.client.cli.commands import command
from escrow.client.cli.grouping import ReportGroup
from escrow.client.cli.outputs import write_output
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import printable
from escrow.client.cli.verifying import checked_line, checked_object

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.reporting import FoundReport
    from escrow.client.seats import Seat
    from escrow.reports.report import OverlapList, ReleaseView, Report
    from escrow.terms import Cell

__all__ = ["app", "listed_overlaps", "report_app"]

app = typer.Typer()
report_app = typer.Typer(cls=ReportGroup)

_SHOWN = 20
_FORMATS = (".html", ".csv", ".json")

OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Also write it to a file: .html, .csv or .json.")
]


@command(report_app, "show")
def report(
    session: Session,
    release: Annotated[
        int | None, typer.Option("--release", min=1, help="Number of a release; else the latest.")
    ] = None,
    plays: Annotated[bool, typer.Option("--plays", help="Say what an overlap in each cell is good for.")] = False,
    output: OutputOption = None,
) -> Said:
    """Show the 3×3 of a release: how many companies are on both lists, by population; and check what it shows."""
    from escrow.client.chain import Chain
    from escrow.client.reporting import read_report

    _check_name(output)
    seat = session.seat
    seat.require_paired()
    chain = Chain.load(session.home.partnership(seat.partnership_id))
    found = read_report(session.service, session.file, seat, chain, release)
    if output is not None:
        _write(session, output, _report_formats(found.report, session))
    machine = _report_object(seat, found) | {"lists": _ages_object(found.report, session)}

    def show(console: Console) -> None:
        _show_report(console, found.report, session, plays=plays)
        if found.served is not None:
            console.print(f"[dim]{checked_line(found.checked, is_signed=found.served.signed is not None)}[/]")

    return Said(machine | {"checked": checked_object(found.checked)}, show)


@command(app, "overlaps")
def overlaps(
    session: Session,
    cell: Annotated[str | None, typer.Option("--cell", help="One cell, like customers:opportunities.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help=f"Show so many [{_SHOWN} on a terminal].")] = None,
    ids: Annotated[bool, typer.Option("--ids", help="Show the ids by which matches are disputed.")] = False,
    output: OutputOption = None,
) -> Said:
    """List our accounts that are also theirs, in cells open at accounts or above, with what they share of them."""
    from escrow.reports.render import overlaps_json

    _check_name(output)
    listed = listed_overlaps(session, read_cell(cell, "--cell") if cell else None)
    if output is not None:
        _write(session, output, _overlaps_formats(listed))
    machine = json.loads(overlaps_json(listed))
    machine["items"] = machine["items"][:limit]
    machine["total"] = len(listed.items)
    return Said(machine, lambda console: _show_overlaps(console, listed, limit or _SHOWN, ids=ids))


def listed_overlaps(session: Session, cell: Cell | None) -> OverlapList:
    """Read our overlaps, in one cell or in all, once a list that went out without waiting is settled."""
    from escrow.client.filling import settled
    from escrow.client.listing import read_overlaps
    from escrow.client.state import AccountState
    from escrow.client.submitting import Submitter

    partnership_id = session.seat.partnership_id
    state = AccountState(session.home.partnership(partnership_id))
    with state.held():
        seat = settled(session.service, session.file, state, partnership_id, now=session.now)
        Submitter(session.service, state, seat.live_keys).settle(wait=False)
        return read_overlaps(session.service, session.keyring, seat, state, cell=cell)


def _report_object(seat: Seat, found: FoundReport) -> dict[str, object]:
    """Give the report as it was served, and of each cell whether noise was added to its number."""
    from escrow.terms import Cell

    served, release = found.served, found.report.release
    if served is None or release is None:
        return {"partnership_id": str(seat.partnership_id), "number": None, "cells": []}
    cells = [
        each.model_dump(mode="json") | {"approximate": release.is_approximate(Cell(each.ours, each.theirs))}
        for each in served.cells
    ]
    return served.model_dump(mode="json") | {"cells": cells}


def _report_formats(report: Report, session: Session) -> Mapping[str, Callable[[], str]]:
    from escrow.reports.pages import report_html
    from escrow.reports.render import report_csv, report_json

    return {
        ".html": lambda: report_html(report, now=session.now),
        ".csv": lambda: report_csv(report, now=session.now),
        ".json": lambda: report_json(report, now=session.now),
    }


def _overlaps_formats(listed: OverlapList) -> Mapping[str, Callable[[], str]]:
    from escrow.reports.pages import overlaps_html
    from escrow.reports.render import overlaps_csv, overlaps_json

    return {
        ".html": lambda: overlaps_html(listed),
        ".csv": lambda: overlaps_csv(listed),
        ".json": lambda: overlaps_json(listed),
    }


def _check_name(output: Path | None) -> None:
    if output is not None and output.suffix.lower() not in _FORMATS:
        raise typer.BadParameter(f"the name ends in one of {', '.join(_FORMATS)}", param_hint="--output")


def _write(session: Session, output: Path, formats: Mapping[str, Callable[[], str]]) -> None:
    write_output(output, formats[output.suffix.lower()]())
    if not session.options.is_json:
        session.note(f"Written to {output}.")


def _show_report(console: Console, report: Report, session: Session, *, plays: bool) -> None:
    from escrow.client.cli.grids import counts_grid, plays_grid

    if report.release is None:
        console.print("There is no release yet: it goes out once both sides have submitted and said --ready.")
        return
    release = report.release
    console.print(
        f"Release {release.number} of {release.made_at:%Y-%m-%d %H:%M} UTC: "
        f"[bold]{printable(report.ours)}[/] down, [bold]{printable(report.theirs)}[/] across"
    )
    console.print(counts_grid(release))
    for line in _legend(release):
        console.print(f"[dim]{line}[/]")
    _show_ages(console, report, session)
    if plays:
        console.print(plays_grid())


def _show_ages(console: Console, report: Report, session: Session) -> None:
    from escrow.reports.ages import OLD_AFTER, ages_of

    told = (("Our list:  ", "submit it again"), ("Their list:", "ask them for a new one"))
    for (title, what_to_do), age in zip(told, ages_of(report, session.now), strict=True):
        old = f"; [bold yellow]older than {OLD_AFTER.days} days: {what_to_do}[/]" if age.is_old else ""
        console.print(f"{title} {age}{old}")


def _ages_object(report: Report, session: Session) -> dict[str, object]:
    from escrow.reports.ages import ages_of

    return {
        side: {
            "applied_at": age.applied_at.isoformat().replace("+00:00", "Z") if age.applied_at else None,
            "age": age.words,
            "is_old": age.is_old,
        }
        for side, age in zip(("ours", "theirs"), ages_of(report, session.now), strict=True)
    }


def _legend(release: ReleaseView) -> Iterator[str]:
    """Say what the words in a matrix mean, those that stand in it."""
    from escrow.reports.matrix import CellState

    states = {count.state for count in release.matrix.values()}
    if release.margin is not None:
        yield f"≈: with noise, within {release.margin} of the shared primary domains 95 times in 100"
    if CellState.WITHHELD in states:
        rule = release.conditions.rule
        yield "withheld: " + (
            "no count is as large as the steps that both sides' terms ask for together"
            if rule.shows_no_count
            else f"fewer than {rule.k}, or too few others beside them to hide among"
        )
    if CellState.HIDDEN in states:
        yield "hidden: one side or both do not share this cell; `escrow terms show` says which"
    if states != {CellState.PUBLIC}:
        yield "–: a total is shown only if everything in it is"


def _show_overlaps(console: Console, listed: OverlapList, limit: int, *, ids: bool) -> None:
    from escrow.client.cli.grids import overlaps_table

    if not listed.items:
        console.print("No account is listed: none overlaps in a cell that both sides open at accounts or details.")
        return
    table, left_out = overlaps_table(listed, limit, width=console.width, ids=ids)
    console.print(table)
    if left_out:
        told = f"No room for {', '.join(left_out)}: a wider terminal or --output FILE.csv has them."
        console.print(textwrap.fill(told, console.width))
    if len(listed.items) > limit:
        console.print(f"{limit} of {len(listed.items):,} shown; --output FILE.csv writes all, --limit N shows more.")
