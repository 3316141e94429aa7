"""How the answer of a sync is shown: what went both ways, how much overlaps, and what each sink was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import Said
from escrow.client.cli.texts import counted, printable

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.sync_run import Previewed, SinkOutcome, Synced
    from escrow.client.syncing import Exchanged
    from escrow.errors import EscrowError

__all__ = ["previewed", "synced"]


def synced(outcome: Synced, submitted: Said | None) -> Said:
    """Show a sync of one partnership."""

    def show(console: Console) -> None:
        if submitted is not None:
            submitted.person(console)
        if outcome.exchanged is not None:
            _show_exchanged(console, outcome.exchanged)
        if outcome.sinks:
            console.print(f"Overlap: {counted(outcome.overlapping, 'record')} of our CRM")
        for sink in outcome.sinks:
            console.print(f"Sink:    {printable(sink.name)}: {_told(sink)}")

    machine: dict[str, object] = _exchanged_object(outcome.exchanged) if outcome.exchanged is not None else {}
    if outcome.sinks:
        machine |= {"overlapping": outcome.overlapping, "sinks": [_sink_object(each) for each in outcome.sinks]}
    if submitted is not None:
        machine["submitted"] = submitted.machine
    return Said(machine, show, _ended(outcome, submitted))


def previewed(sinks: Mapping[str, Previewed]) -> Said:
    """Show what each sink would be told."""
    failures = {name: each.failure for name, each in sinks.items() if each.failure is not None}

    def show(console: Console) -> None:
        if not sinks:
            console.print("escrow.toml names no sink for this partnership: nobody would be told anything.")
            return
        console.print("[bold]No sink was told anything.[/] This is what they would be told:")
        for name, each in sinks.items():
            console.print(f"\n[bold]{printable(name)}[/]{_previewed_as(each)}")
            for line in each.lines:
                console.print(printable(line))

    machine: dict[str, object] = {"dry_run": True, "sinks": {name: list(each.lines) for name, each in sinks.items()}}
    if failures:
        machine["errors"] = {name: _error_object(failure) for name, failure in failures.items()}
    return Said(machine, show, next(iter(failures.values()), ExitCode.DONE))


def _previewed_as(sink: Previewed) -> str:
    if sink.failure is not None:
        return f": [red]{printable(sink.failure.message)}[/]"
    return "" if sink.lines else ": nothing"


def _ended(outcome: Synced, submitted: Said | None) -> ExitCode | EscrowError:
    if submitted is not None and submitted.exit_code:
        return submitted.ended
    if outcome.exchanged is not None and outcome.exchanged.refused:
        return ExitCode.VERIFICATION
    for sink in outcome.sinks:
        if sink.failure is not None:
            return sink.failure
        if sink.refused:
            return ExitCode.OTHER_SYSTEM
    return ExitCode.DONE


def _told(sink: SinkOutcome) -> str:
    parts = [f"{count:,} {kind.value}" for kind, count in sink.counted.items() if count]
    told = ", ".join(parts) or ("nothing new" if sink.failure is None else "told nothing")
    if sink.refused:
        reasons = ", ".join(f"{count:,} {printable(reason)}" for reason, count in sink.refused.items())
        told += f"; [red]refused: {reasons}[/]; they are told again next time"
    return told if sink.failure is None else f"{told}; [red]{printable(sink.failure.message)}[/]"


def _sink_object(sink: SinkOutcome) -> dict[str, object]:
    failure = sink.failure
    return {
        "name": sink.name,
        "changes": {kind.value: count for kind, count in sink.counted.items()},
        "refused": dict(sink.refused),
        "error": None if failure is None else _error_object(failure),
    }


def _error_object(failure: EscrowError) -> dict[str, object]:
    return {"code": failure.code, "detail": failure.message}


def _show_exchanged(console: Console, exchanged: Exchanged) -> None:
    console.print(f"Sent:    details of {counted(exchanged.sent, 'account')} of ours")
    if exchanged.is_without_fields:
        console.print("         [yellow]our terms name no field:[/] `escrow terms set --fields` says what details hold")
    if exchanged.not_sealed:
        console.print(f"         {exchanged.not_sealed:,} more were asked for and stay: our terms do not open them")
    console.print(f"Opened:  details of {exchanged.opened:,} of theirs, {exchanged.unchanged:,} unchanged")
    if exchanged.is_open and not exchanged.opened + exchanged.unchanged:
        console.print("         none is shared so far: `escrow terms show` tells what both allow, and their fields")
    if exchanged.forgotten:
        console.print(f"Dropped: {exchanged.forgotten:,} that are no longer shared")
    for code, count in exchanged.refused.items():
        console.print(f"[red]Refused: {counted(count, 'envelope')} not verified ({code})[/]")


def _exchanged_object(exchanged: Exchanged) -> dict[str, object]:
    return {
        "sent": exchanged.sent,
        "not_sealed": exchanged.not_sealed,
        "is_without_fields": exchanged.is_without_fields,
        "opened": exchanged.opened,
        "unchanged": exchanged.unchanged,
        "forgotten": exchanged.forgotten,
        "refused": dict(exchanged.refused),
    }
