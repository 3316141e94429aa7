"""`escrow segments`: the 3×3 of our own labels, counted here from the overlaps that are listed to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from escrow.client.segments import SegmentMatrix
    from escrow.terms import Cell, Level

__all__ = ["app"]

app = typer.Typer()


@command(app, "segments")
def segments(
    session: Session,
    name: Annotated[str | None, typer.Argument(help="A segment of escrow.toml; else all of them.")] = None,
) -> Said:
    """Show how many companies of our segments overlap, by cell; the labels stay on this machine."""
    from escrow.client.cli.list_reading import AskedList, plan_for, read_planned
    from escrow.client.cli.progress import Bars
    from escrow.client.cli.reading import listed_overlaps
    from escrow.client.segments import segment_matrix

    plan = plan_for(session, session.seat)
    names = _wanted(tuple(plan.segments), name)
    with Bars(are_shown=not session.options.is_json) as bars:
        crm, _ = read_planned(session, plan, AskedList(), bars)
    listed, levels = listed_overlaps(session, None), _levels(session)
    matrices = [segment_matrix(listed, crm, each, levels) for each in names]
    machine = {"segments": [_object(matrix) for matrix in matrices]}
    return Said(machine, lambda console: _show(console, matrices, is_one=name is not None))


def _wanted(known: Sequence[str], name: str | None) -> Sequence[str]:
    if not known:
        raise typer.BadParameter(
            "escrow.toml names no segment; write some below [segments], as emea = 'region = \"EMEA\"'"
        )
    if name is None:
        return known
    if name not in known:
        raise typer.BadParameter(f"the segments in escrow.toml are {', '.join(known)}", param_hint="NAME")
    return (name,)


def _levels(session: Session) -> dict[Cell, Level]:
    from escrow.terms import Level, uniform_levels

    effective = session.service.terms(session.chosen.partnership_id).effective
    return dict(uniform_levels(Level.HIDDEN) if effective is None else effective.value().levels)


def _object(matrix: SegmentMatrix) -> dict[str, object]:
    cells = [
        {"ours": cell.ours.word, "theirs": cell.theirs.word, "number": number}
        for cell, number in matrix.numbers.items()
    ]
    return {"name": matrix.name, "rows": matrix.rows, "overlaps": matrix.total, "cells": cells}


def _show(console: Console, matrices: Sequence[SegmentMatrix], *, is_one: bool) -> None:
    from escrow.client.cli.grids import numbers_grid

    if is_one:
        (matrix,) = matrices
        console.print(
            f"[bold]{matrix.name}[/]: {counted(matrix.rows, 'row')} of our list, {counted(matrix.total, 'overlap')}"
        )
        console.print(numbers_grid(matrix.numbers))
    else:
        _show_all(console, matrices)
    if any(number is None for matrix in matrices for number in matrix.numbers.values()):
        console.print("[dim]–: not open at accounts or above; `escrow terms show` says which side holds it back[/]")


def _show_all(console: Console, matrices: Sequence[SegmentMatrix]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("segment")
    for header in ("rows", "overlaps"):
        table.add_column(header, justify="right")
    for matrix in matrices:
        table.add_row(matrix.name, f"{matrix.rows:,}", f"{matrix.total:,}")
    console.print(table)
