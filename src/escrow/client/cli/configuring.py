"""`escrow config`: write a first escrow.toml from an export, and check one without sending anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.completing import known_names
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.outputs import write_output
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import counted, without_controls
from escrow.errors import (
    EscrowError,
    PartnershipUnknown,
    PassphraseMissing,
    ProjectInvalid,
    ProjectMissing,
    SystemKeyringUnusable,
)

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.corrections import Corrections
    from escrow.client.project import ListPlan, Project
    from escrow.client.sinks.plans import SinkPlan

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@command(app, "init")
def init(
    session: Session,
    file: Annotated[Path, typer.Argument(help="CRM export: CSV, an Excel workbook or Parquet.", show_default=False)],
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Sheet of the workbook; needed if it has several.")
    ] = None,
) -> Said:
    """Write a first escrow.toml, with comments, from the columns and stages of an export."""
    from escrow.client.project import project_place
    from escrow.client.project_start import first_project
    from escrow.client.sources import ReadAs

    place, _ = project_place(session.options.config, session.environment)
    if place.exists():
        raise ProjectInvalid(f"{place} is there already; remove it, or name another with --config")
    write_output(place, first_project(file, ReadAs(sheet=sheet), place))
    machine = {"path": str(place)}
    return Said(
        machine, lambda console: console.print(f"Written: {place}. Look it over, then run escrow config check.")
    )


@command(app, "check")
def check(session: Session) -> Said:
    """Read every list that escrow.toml names, as submit would, look at its sinks and secrets, and send nothing."""
    project = session.project
    if project is None:
        raise ProjectMissing("there is no escrow.toml here; make one with `escrow config init FILE`")
    answers = {name: _checked(session, plan) for name, plan in _plans(project).items()}
    sinks = {plan.name: _checked_sink(session, plan) for plan in project.sync.sinks}
    webhooks = _checked_secrets(session, project)
    for_nobody = _for_nobody(session, project)

    def show(console: Console) -> None:
        from escrow.client.cli.texts import printable

        for name, said in answers.items():
            console.print(f"[bold]{printable(name)}[/]")
            said.person(console)
        for line in (
            *_lines("Partnership", for_nobody, ""),
            *_lines("Sink", sinks, "can be opened"),
            *_lines("Secret of webhooks", webhooks, "is there"),
        ):
            console.print(line)

    problems: tuple[ExitCode | EscrowError | None, ...] = (
        *(said.ended for said in answers.values()),
        *sinks.values(),
        *webhooks.values(),
        *for_nobody.values(),
    )
    machine: dict[str, object] = {"lists": {name: said.machine for name, said in answers.items()}}
    if sinks:
        kinds = {plan.name: plan.to.kind for plan in project.sync.sinks}
        machine["sinks"] = {name: _found_object(kinds[name], problem) for name, problem in sinks.items()}
    if for_nobody:
        machine["partnerships"] = {name: _found_object("", problem) for name, problem in for_nobody.items()}
    if webhooks:
        machine["webhooks"] = {place: _found_object("secret", problem) for place, problem in webhooks.items()}
    return Said(machine, show, next((problem for problem in problems if problem), ExitCode.DONE))


def _plans(project: Project) -> dict[str, ListPlan]:
    """The lists that the file says how to make; whoever only takes in what overlaps submits from elsewhere."""
    plans = dict(project.partnerships) or {"every partnership": project.shared}
    if not project.sync.sinks and project.listen is None:
        return plans
    return {name: plan for name, plan in plans.items() if plan.file is not None or plan.fetched is not None}


def _lines(what: str, found: Mapping[str, EscrowError | None], if_well: str) -> Iterator[str]:
    from escrow.client.cli.texts import printable

    for name, problem in found.items():
        told = if_well if problem is None else f"[red]{printable(problem.message)}[/]"
        yield f"{what} [bold]{printable(name)}[/]: {told}"


def _checked_secrets(session: Session, project: Project) -> dict[str, EscrowError | None]:
    """Look for the secrets by which webhooks are received, each by where it is."""
    from escrow.client.named_secrets import find_signing_secret

    found: dict[str, EscrowError | None] = {}
    for named in project.listen.secrets if project.listen is not None else ():
        try:
            find_signing_secret(named, session.environment)
            found[str(named)] = None
        except EscrowError as problem:
            found[str(named)] = problem
    return found


def _for_nobody(session: Session, project: Project) -> dict[str, EscrowError]:
    """Find the names under [partnerships] by which no partnership goes, as far as this machine can tell.

    The keyring is opened only where the names that lie beside it do not settle it.
    """
    if not session.home.keyring.is_file():
        return {}
    known = {name.casefold() for name in known_names(session.home)}
    found: dict[str, EscrowError] = {}
    for name in project.partnerships:
        if name.casefold() in known:
            continue
        try:
            session.named(name)
        except PartnershipUnknown as unknown:
            found[name] = unknown
        except (PassphraseMissing, SystemKeyringUnusable) as shut:
            session.note(f"Whether there is a partnership {without_controls(name)} is not known: {shut.message}")
    return found


def _checked_sink(session: Session, plan: SinkPlan) -> EscrowError | None:
    """Open a sink as a sync would, without writing anything."""
    from escrow.client.sinks.opening import open_sink

    try:
        open_sink(plan.name, plan.to, session.environment).close()
    except EscrowError as problem:
        return problem
    return None


def _found_object(if_well: str, problem: EscrowError | None) -> object:
    return if_well if problem is None else _error_object(problem)


def _error_object(problem: EscrowError) -> dict[str, object]:
    return {"error": {"code": problem.code, "detail": problem.message}}


def _checked(session: Session, plan: ListPlan) -> Said:
    from escrow.client.cli.correcting import SaidCorrections
    from escrow.client.cli.list_reading import AskedList, read_planned, told_of
    from escrow.client.cli.progress import Bars
    from escrow.client.cli.texts import printable
    from escrow.terms import Population

    try:
        with Bars(are_shown=False) as bars:
            crm, _ = read_planned(session, plan, AskedList(), bars)
        corrections = SaidCorrections().read(plan)
    except EscrowError as error:
        told = printable(error.message) if "\n" not in error.message else error.message.replace("[", "\\[")
        return Said(_error_object(error), lambda console: console.print(f"[red]Cannot be read:[/] {told}"), error)
    lines = [printable(line) for line in (*told_of(crm), *_told_of_files(corrections))]
    machine = {
        "populations": {each.word: int((crm.populations == each).sum()) for each in Population},
        "left_out": crm.skipped,
        "stages_not_mentioned": dict(crm.left.stages),
        "not_found": [said for said, _ in crm.left.absent],
        "unreadable": dict(crm.left.unreadable),
        "aliases": len(corrections.aliases.one_company) + len(corrections.aliases.apart),
        "do_not_map": None if corrections.do_not_map is None else len(corrections.do_not_map),
    }
    return Said(machine, lambda console: console.print(*lines, sep="\n"))


def _told_of_files(corrections: Corrections) -> Iterator[str]:
    """Say what the files that correct the list were read as."""
    said = len(corrections.aliases.one_company) + len(corrections.aliases.apart)
    if said:
        yield f"Aliases: {counted(said, 'company', 'companies')}"
    if corrections.do_not_map is not None:
        yield f"Do-not-map list: {counted(len(corrections.do_not_map), 'entry', 'entries')}"
