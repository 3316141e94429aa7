"""Reading a list as escrow.toml and the options of a command say, and telling a person what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import typer

from escrow.client.cli.column_choice import (
    chosen_mapping,
    planned_filters,
    planned_mapping,
    remember_mapping,
    stages_named,
)
from escrow.client.cli.progress import Bars
from escrow.client.cli.session import Session, name_of
from escrow.client.cli.texts import counted, without_controls
from escrow.client.columns import ColumnMapping
from escrow.client.project import ListPlan
from escrow.client.seats import Seat
from escrow.client.sources import CrmRows, ReadAs, open_export, read_rows
from escrow.client.sources.segments import SegmentFilters
from escrow.errors import ExportEmpty, ProjectMissing
from escrow.terms import Population

__all__ = ["AskedList", "plan_for", "read_as", "read_list", "read_offline", "read_planned", "told_of"]

_SHOWN = 10
_SIGNS = {"tab": "\t", "\\t": "\t"}


@dataclass(frozen=True, slots=True)
class AskedList:
    """What the options of a command say about a list; it goes before escrow.toml."""

    file: Path | None = None
    read_as: ReadAs = field(default_factory=ReadAs)
    columns: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


def read_as(sheet: str | None, header_row: int | None, encoding: str | None, delimiter: str | None) -> ReadAs:
    """Put together what the options say about a file."""
    sign = _SIGNS.get(delimiter, delimiter) if delimiter is not None else None
    if sign is not None and len(sign) != 1:
        raise typer.BadParameter("write one sign, or tab", param_hint="--delimiter")
    return ReadAs(sheet=sheet, header_row=header_row, encoding=encoding, delimiter=sign)


def plan_for(session: Session, seat: Seat) -> ListPlan:
    """Say what escrow.toml says of the list of a partnership; the defaults where there is none."""
    if session.project is None:
        return ListPlan()
    return session.project.plan_of(seat.label, seat.partner_name, str(seat.partnership_id), name_of(seat))


def read_list(session: Session, seat: Seat, asked: AskedList, bars: Bars) -> tuple[CrmRows, ColumnMapping]:
    """Read the list of a partnership, and tell a person how it was understood."""
    project = session.project
    if project is not None:
        crm, mapping = read_planned(session, plan_for(session, seat), asked, bars)
    else:
        crm, mapping = _read_remembered(session, asked, bars)
    if not session.options.is_json:
        _show_columns(mapping)
    for line in told_of(crm):
        if project is not None or crm.left.absent:
            session.note(line)
    return crm, mapping


def read_offline(session: Session, asked: AskedList, bars: Bars) -> tuple[ListPlan, CrmRows]:
    """Read a list as it would be read for submitting it, without keyring and service, and remember nothing."""
    if session.project is not None:
        plan = session.project.plan_of(session.options.partnership or "")
        return plan, read_planned(session, plan, asked, bars)[0]
    return ListPlan(), _read_remembered(session, asked, bars, is_kept=False)[0]


def read_planned(session: Session, plan: ListPlan, asked: AskedList, bars: Bars) -> tuple[CrmRows, ColumnMapping]:
    """Read a list as escrow.toml says, fetching it first where it is no file.

    Raises:
        ProjectMissing: neither it nor an option names a file.
        SourceFailed: it could not be fetched.
        ExportInvalid: the list cannot be read so.
    """
    fetched = None if asked.file else _fetched(session, plan)
    file = asked.file or fetched or plan.file
    if file is None:
        raise ProjectMissing("escrow.toml names no file of accounts; say its path under [source], or name the file")
    given = {name: value for name in _READ_AS if (value := getattr(asked.read_as, name)) is not None}
    export = open_export(file, replace(plan.read_as, **given))
    mapping = planned_mapping(plan, export.headers, asked.columns, asked.stages)
    try:
        crm = read_rows(
            export,
            mapping,
            filters=planned_filters(plan, asked.stages),
            segments=SegmentFilters(plan.segments, plan.fields),
            custom=plan.details,
            said_stages=(*plan.stages, *stages_named(asked.stages)),
            progress=bars.stage("Reading"),
        )
    except ExportEmpty:
        if fetched is None:
            raise
        raise ExportEmpty(
            "the [source] of escrow.toml gave no rows; look at its query or object, and at the rights there"
        ) from None
    return crm, mapping


def _fetched(session: Session, plan: ListPlan) -> Path | None:
    if plan.fetched is None:
        return None
    from escrow.client.sources.fetching import fetch

    columns = tuple(dict.fromkeys((*plan.columns.values(), *plan.fields.values(), *plan.details.values())))
    return fetch(plan.fetched, columns, session.home.folder / "sources", session.environment, now=session.now)


def told_of(crm: CrmRows) -> Iterator[str]:
    """Say how many rows each population has, how many have none, and what somebody may have forgotten."""
    counts = np.bincount(crm.populations, minlength=max(Population) + 1)
    sizes = ", ".join(f"{counts[population]:,} {population.word}" for population in Population)
    yield f"Rows:     {sizes}, {crm.skipped:,} left out"
    if crm.segments:
        bearers = ", ".join(f"{name} {np.count_nonzero(rows):,}" for name, rows in crm.segments.items())
        yield f"Segments: {bearers}"
    left = crm.left
    if left.stages:
        shown = [
            f'"{stage.strip()}" ({rows:,})' if stage.strip() else f"(empty) ({rows:,})" for stage, rows in left.stages
        ]
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        yield without_controls(f"Stages that no filter mentions: {', '.join(shown[:_SHOWN])}{more}")
    for said, nearest in left.absent:
        hint = f'; did you mean "{nearest}"?' if nearest else ""
        yield without_controls(f'No row has "{said}", which was said or stands in a filter{hint}')
    for name, cells in left.unreadable.items():
        verb = "is" if cells == 1 else "are"
        told = f"{counted(cells, 'cell')} of {name} {verb} compared with a number or a date and {verb} none"
        yield without_controls(told)


_READ_AS = ("sheet", "header_row", "encoding", "delimiter")


def _read_remembered(
    session: Session, asked: AskedList, bars: Bars, *, is_kept: bool = True
) -> tuple[CrmRows, ColumnMapping]:
    if asked.file is None:
        raise ProjectMissing("name the file of accounts, or make an escrow.toml with `escrow config init FILE`")
    export = open_export(asked.file, asked.read_as)
    mapping = chosen_mapping(session.home, export.headers, asked.columns, asked.stages)
    reading = bars.stage("Reading")
    crm = read_rows(export, mapping, said_stages=stages_named(asked.stages), progress=reading)
    if is_kept:
        remember_mapping(session.home, mapping)
    return crm, mapping


def _show_columns(mapping: ColumnMapping) -> None:
    from rich.console import Console

    from escrow.client.cli.grids import columns_grid

    Console(stderr=True, highlight=False, soft_wrap=True).print(columns_grid(mapping))
