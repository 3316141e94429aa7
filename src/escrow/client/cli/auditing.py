"""`escrow audit`: who did what, as far as it concerns us; checked before it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.outputs import write_output
from escrow.client.cli.session import Said, Session, name_of
from escrow.client.cli.texts import counted, printable

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.trails import Trails
    from escrow.reports.trail import TrailEntry

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

OrganizationOption = Annotated[
    bool, typer.Option("--organization", help="Of our organization instead: its API keys, and what was granted.")
]


@app.callback()
def _audit() -> None: ...


@command(app, "list")
def list_entries(
    session: Session,
    last: Annotated[int, typer.Option("--last", min=1, help="How many of the newest entries to show.")] = 50,
    organization: OrganizationOption = False,
) -> Said:
    """Show who did what, newest last: what both sides see, and what only we do."""
    by_seer = _entries(session, organization=organization)
    dated = [(entry.at, seer, entry) for seer, entries in by_seer.items() for entry in entries]
    newest = sorted(dated, key=lambda each: each[0])[-last:]

    def show(console: Console) -> None:
        from rich.table import Table

        if not newest:
            console.print("There is no entry yet.")
            return
        table = Table("at (UTC)", "who", "what", "of it", "seen by")
        for at, seer, entry in newest:
            table.add_row(f"{at:%Y-%m-%d %H:%M:%S}", _who(session, entry), entry.action, _of_it(entry), seer)
        console.print(table)

    return Said({"entries": [_object(entry) for *_, entry in newest], "of": len(dated)}, show)


@command(app, "verify")
def verify(
    session: Session,
    file: Annotated[Path | None, typer.Argument(help="A file written by `escrow audit export`.")] = None,
) -> Said:
    """Check that no entry was changed, removed or put in since it was written, or since it was seen here."""
    if file is not None:
        return _verified_file(file)
    trails = _trails(session)

    def show(console: Console) -> None:
        partner = name_of(session.chosen)
        both = counted(len(trails.both), "entry", "entries")
        console.print(f"Checked {both} that {partner} sees too, and {len(trails.ours):,} of our own.")
        if trails.both:
            last = trails.both[-1]
            console.print(f"The last that both see is number {last.number}, digest {last.digest.hex()[:16]}.")

    machine = {"both": len(trails.both), "ours": len(trails.ours)}
    return Said({**machine, "last": [_object(entry) for entry in trails.both[-1:]]}, show)


@command(app, "export")
def export(
    session: Session,
    to: Annotated[Path, typer.Argument(help="The file to write: JSON, one entry on each line.")],
    organization: OrganizationOption = False,
) -> Said:
    """Write all entries, once they are checked, to a file that `escrow audit verify` checks without the service."""
    from escrow.wire import AuditEntry

    entries = [entry for each in _entries(session, organization=organization).values() for entry in each]
    write_output(to, "".join(f"{AuditEntry.of(entry).model_dump_json()}\n" for entry in entries))
    written = counted(len(entries), "entry", "entries")
    return Said({"entries": len(entries)}, lambda console: console.print(f"Wrote {written} to {to}."))


def _entries(session: Session, *, organization: bool) -> dict[str, list[TrailEntry]]:
    from escrow.client.trails import fetch_organization

    if organization:
        return {"us": fetch_organization(session.service, session.keyring.organization_id)}
    trails = _trails(session)
    return {"both": trails.both, "us": trails.ours}


def _trails(session: Session) -> Trails:
    from escrow.client.trails import SeenTrails, fetch

    seat = session.seat
    return fetch(session.service, seat, SeenTrails.load(session.home.partnership(seat.partnership_id)))


def _verified_file(file: Path) -> Said:
    from escrow.client.trails import read_exported
    from escrow.errors import ExportMissing

    try:
        with file.open(encoding="utf-8") as lines:
            trails = read_exported(lines)
    except OSError as failure:
        raise ExportMissing(f"{file}: {failure.strerror}") from None
    total = sum(map(len, trails))
    checked = f"Checked {counted(total, 'entry', 'entries')} of {counted(len(trails), 'trail')}."
    return Said(
        {"trails": len(trails), "entries": total, "last": [_object(entries[-1]) for entries in trails]},
        lambda console: console.print(checked),
    )


def _object(entry: TrailEntry) -> dict[str, object]:
    from escrow.wire import AuditEntry

    return AuditEntry.of(entry).model_dump(mode="json")


def _who(session: Session, entry: TrailEntry) -> str:
    if entry.organization_id is None:
        return "the service"
    return f"us, {entry.api_key_id}" if entry.organization_id == session.keyring.organization_id else "them"


def _of_it(entry: TrailEntry) -> str:
    return printable(", ".join(f"{name}: {_said(value)}" for name, value in entry.detail.items()))


def _said(value: str | int | bool | list[str]) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)
