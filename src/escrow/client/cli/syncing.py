"""`escrow sync`: details go both ways, and what overlaps goes to the sinks of escrow.toml; once, or again and again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import answer, command, report_error
from escrow.client.cli.sending import submit_as_planned, together
from escrow.client.cli.session import Said, Session
from escrow.client.cli.synced import previewed, synced
from escrow.client.cli.texts import counted, printable, without_controls
from escrow.errors import EscrowError, ProjectMissing

if TYPE_CHECKING:
    from datetime import timedelta

    from escrow.client.cli.stopping import Stopping
    from escrow.client.seats import Seat
    from escrow.client.sinks.plans import SinkPlan
    from escrow.client.sync_run import NamedSink

__all__ = ["Turn", "app", "told_turn"]

app = typer.Typer()


@command(app, "sync")
def sync(
    session: Session,
    once: Annotated[bool, typer.Option("--once", help="Run once, whatever escrow.toml says.")] = False,
    every: Annotated[
        str | None, typer.Option("--every", help="Run again and again, like 15m; else as [sync] of escrow.toml says.")
    ] = None,
    submit: Annotated[
        bool | None,
        typer.Option("--submit/--no-submit", help="Submit our lists first; else as [sync] of escrow.toml says."),
    ] = None,
    again: Annotated[
        list[str] | None, typer.Option("--again", help="Tell this sink of escrow.toml everything once more.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what each sink would be told, and send nothing to anybody.")
    ] = False,
) -> Said:
    """Send the details our terms open, open theirs, and tell the sinks of escrow.toml which accounts overlap."""
    if once and every is not None:
        raise typer.BadParameter("say one of the two", param_hint="--once, --every")
    span = None if once or dry_run else _span(session, every)
    plan = session.project.sync if session.project is not None else None
    is_submitting = not dry_run and (plan.submits if submit is None and plan is not None else bool(submit))
    turn = Turn(session, is_submitting, tuple(again or ()), dry_run)
    turn.check()
    return turn.once() if span is None else _again_and_again(turn, span)


@dataclass(slots=True)
class Turn:
    """One run over all partnerships that are meant."""

    session: Session
    is_submitting: bool
    again: tuple[str, ...] = ()
    dry_run: bool = False
    stopping: Stopping | None = None

    def check(self) -> None:
        """Refuse sinks that there are not."""
        project = self.session.project
        known = [sink.name for sink in project.sync.sinks] if project is not None else []
        for name in self.again:
            if name not in known:
                there = ", ".join(known) or "none"
                raise typer.BadParameter(f"escrow.toml has no sink {name}; there are: {there}", param_hint="--again")
        if self.is_submitting and project is None:
            raise ProjectMissing("there is no escrow.toml to submit by; make one with `escrow config init FILE`")
        for sink in project.sync.sinks if project is not None else ():
            self._note_if_for_nobody(sink)

    def _note_if_for_nobody(self, sink: SinkPlan) -> None:
        """Say that no partnership goes by a name that a sink is for: it would be told nothing, and nobody why."""
        seats = self.session.keyring.seats
        if not seats or any(sink.is_for(*_names_of(seat)) for seat in seats):
            return
        known, wanted = (", ".join(names) for names in ([seat.name for seat in seats], sink.partnerships))
        told = f"The sink {sink.name} is for {wanted}, and no partnership here is called so; there are: {known}."
        self.session.note(without_controls(told))

    def once(self) -> Said:
        """Sync every partnership that is meant; one that fails does not keep the others from theirs."""
        names = self._names()
        if len(names) == 1:
            return self._one(self.session.seat_of(names[0]))
        return together([(name, self._tried(name)) for name in names])

    def of(self, name: str) -> Said:
        """Sync one partnership anew; a failure is told as others are."""
        try:
            self.session.renew()
        except EscrowError as error:
            return _failed(error)
        return self._tried(name)

    def _names(self) -> list[str]:
        """Name the partnership that --partnership says, else those of escrow.toml, else all that are paired."""
        from escrow.client.mirror import has_told
        from escrow.client.seats import Standing

        session = self.session
        if session.options.partnership is not None:
            return [session.options.partnership]
        if session.project is not None and session.project.partnerships:
            return list(session.project.partnerships)
        seats = session.keyring.seats
        paired = [seat for seat in seats if seat.standing is Standing.PAIRED]
        over = [
            seat
            for seat in seats
            if seat.standing is Standing.CLOSED and has_told(session.home.partnership(seat.partnership_id))
        ]
        return [str(seat.partnership_id) for seat in (*paired, *over)] or [str(session.seat.partnership_id)]

    def _tried(self, name: str) -> Said:
        try:
            return self._one(self.session.seat_of(name))
        except EscrowError as error:
            return _failed(error)

    def _one(self, seat: Seat) -> Said:
        from escrow.client.cli.progress import Bars
        from escrow.client.home import held
        from escrow.client.seats import Standing
        from escrow.client.state import AccountState
        from escrow.client.sync_run import SyncRun

        session = self.session
        submitted = self._submitted(seat) if seat.standing is Standing.PAIRED else None
        sinks = self._sinks(seat)
        state = AccountState(session.home.partnership(seat.partnership_id))
        is_stopping = (lambda: False) if self.stopping is None else self.stopping.is_asked
        with Bars(are_shown=not session.options.is_json) as bars, held(state.folder / "sync.lock", seconds=1.0):
            run = SyncRun(session.service, session.file, session.random, session.now, is_stopping, bars.stage)
            if self.dry_run:
                return previewed(run.preview(seat, state, sinks))
            if self._is_over(seat, sinks):
                return synced(run.clear(seat, state, sinks), submitted)
            return synced(run.sync(seat, state, sinks), submitted)

    def _is_over(self, seat: Seat, sinks: list[NamedSink]) -> bool:
        from escrow.client.seats import Standing

        if seat.standing is Standing.CLOSED:
            return True
        return bool(sinks) and self.session.service.partnership(seat.partnership_id).state == "ended"

    def _submitted(self, seat: Seat) -> Said | None:
        if not self.is_submitting:
            return None
        try:
            return submit_as_planned(self.session, seat)
        except EscrowError as error:
            return _failed(error)

    def _sinks(self, seat: Seat) -> list[NamedSink]:
        from functools import partial

        from escrow.client.sinks.opening import open_sink
        from escrow.client.sync_run import NamedSink

        project = self.session.project
        return [
            NamedSink(
                plan.name,
                partial(open_sink, plan.name, plan.to, self.session.environment),
                plan.cells,
                plan.name in self.again,
            )
            for plan in (project.sync.sinks if project is not None else ())
            if plan.is_for(*_names_of(seat))
        ]


def _again_and_again(turn: Turn, span: timedelta) -> Said:
    """Run turns until somebody asks to stop; a turn that fails is told, and the next one tries again."""
    import gc

    from escrow.client.cli.stopping import stopping_by_signal

    gc.enable()
    turns = 0
    with stopping_by_signal() as stopping:
        turn.stopping = stopping
        while not stopping.is_asked():
            began = time.monotonic()
            told_turn(turn)
            turns += 1
            turn.again = ()
            stopping.wait(max(0.0, span.total_seconds() - (time.monotonic() - began)))
    return Said(
        {"stopped": True, "turns": turns}, lambda console: console.print(f"Stopped after {counted(turns, 'run')}.")
    )


def told_turn(turn: Turn) -> None:
    """Run a turn and tell what it came to, also where it failed."""
    is_json = turn.session.options.is_json
    try:
        turn.session.renew()
        said = turn.once()
    except EscrowError as error:
        report_error(error.code, error.message, is_json=is_json)
        return
    if not is_json:
        turn.session.note(f"{turn.session.now:%Y-%m-%d %H:%M} UTC")
    answer(said, is_json=is_json)


def _span(session: Session, every: str | None) -> timedelta | None:
    from pathlib import Path

    from escrow.client.project_values import Reading
    from escrow.errors import ProjectInvalid

    if every is None:
        return session.project.sync.every if session.project is not None else None
    try:
        return Reading(Path()).span(every, "")
    except ProjectInvalid:
        raise typer.BadParameter('write a time as "90s", "15m", "6h" or "1d"', param_hint="--every") from None


def _names_of(seat: Seat) -> tuple[str, ...]:
    return seat.label, seat.partner_name, str(seat.partnership_id), seat.name


def _failed(error: EscrowError) -> Said:
    told = {"error": {"code": error.code, "detail": error.message}}
    text = printable(error.message)
    return Said(told, lambda console: console.print(f"[red]Failed:[/] {text}"), error)
