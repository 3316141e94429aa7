"""The command `escrow`: all its commands under one roof, with the exit codes in its help."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated

import typer
import typer.main

from escrow import __version__
from escrow.client.cli import (
    agreeing,
    auditing,
    carrying_over,
    checking,
    configuring,
    conforming,
    digesting,
    disputing,
    doctoring,
    explaining,
    following,
    granting,
    listening,
    overview,
    pairing_up,
    pausing,
    reading,
    rotating,
    segmenting,
    sending,
    setting_up,
    stepping_up,
    syncing,
    verifying,
    webhook_changing,
    webhooking,
    withdrawing,
)
from escrow.client.cli.commands import report_error, take_any_name
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.plain_words import UsageError, WordedGroup

__all__ = ["app", "run"]

_HELP = "Map accounts with a partner: learn which companies are on both lists, and show nothing else."
_EXITS = "Exit codes: " + "; ".join(f"{code.value} {code.meaning}" for code in ExitCode) + "."

app = typer.Typer(cls=WordedGroup, help=_HELP, epilog=_EXITS, add_completion=True, pretty_exceptions_enable=False)
for part in (
    setting_up.app,
    pairing_up.app,
    pausing.app,
    explaining.app,
    checking.app,
    sending.app,
    syncing.app,
    listening.app,
    reading.app,
    segmenting.app,
    overview.app,
    following.app,
    doctoring.app,
):
    app.registered_commands += part.registered_commands
agreeing.app.registered_commands += stepping_up.app.registered_commands
reading.report_app.registered_commands += verifying.app.registered_commands
webhooking.app.registered_commands += webhook_changing.app.registered_commands
app.add_typer(reading.report_app, name="report", help="The 3×3 of a release, and whether it is what was signed.")
app.add_typer(agreeing.app, name="terms", help="What we share, cell by cell.")
app.add_typer(granting.app, name="allowance", help="How many new accounts may be asked about, by us and by a partner.")
app.add_typer(withdrawing.app, name="submission", help="What was sent: take it back.")
app.add_typer(conforming.app, name="conformance", help="Hold a client of your own to the protocol.")
app.add_typer(configuring.app, name="config", help="The project file escrow.toml: what our lists are made from.")
app.add_typer(rotating.app, name="generation", help="Rotate the key of a partnership, or go over to another profile.")
app.add_typer(disputing.app, name="disputes", help="Matches that are wrong: take them out, see them, take it back.")
app.add_typer(
    webhooking.app, name="webhook", help="Where the service posts what we are told: add, confirm, look, repeat."
)
app.add_typer(digesting.app, name="digest", help="Who is mailed what happened, daily or weekly: add, confirm, look.")
app.add_typer(auditing.app, name="audit", help="Who did what: entries that nobody can change unseen.")
app.add_typer(
    carrying_over.app,
    name="keyring",
    help="Carry keys to another machine, compare them by voice, keep their passphrase, replace the API key.",
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"escrow {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _escrow(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(_WITHOUT_A_COMMAND)


_WITHOUT_A_COMMAND = """\
escrow compares your list of accounts with a partner's, and shows neither side what does not overlap.

  escrow init              once: the service's address and your API key
  escrow invite            make a code for a partner; or: escrow accept CODE
  escrow terms set         say how far each cell is shared
  escrow submit FILE.csv   blind your CRM export and send it
  escrow report            the 3×3; escrow overlaps lists the accounts
  escrow status            how every partnership stands

escrow --help lists every command, escrow doctor says what is wrong with this machine."""


def _told_of(failure: Exception) -> str:
    """Say what was not understood, with the name of the argument or the option, as a person is told it."""
    formatted = getattr(failure, "format_message", failure.__str__)
    return str(formatted())


@cache
def _commands() -> Callable[..., object]:
    """Put the commands together once for this process: it takes longer than most of them."""
    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code."""
    try:
        # In JSON, a line that is not understood is told as every other error is.
        ended = _commands()(arguments, prog_name="escrow", standalone_mode="--json" not in arguments)
    except SystemExit as exited:
        ended = exited.code
    except typer.Abort:
        ended = ExitCode.UNEXPECTED
    except UsageError as failure:
        report_error("usage", _told_of(failure), is_json=True)
        ended = ExitCode.USAGE
    return ended if isinstance(ended, int) else ExitCode.DONE


def main() -> None:
    """Run the command line of this process."""
    # A command ends before garbage in cycles amounts to anything; looking for it among a million accounts costs more.
    gc.disable()
    # Nothing here is linear algebra: without its threads numpy is there in half the time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # httpx does without its own command line, which costs more to import than all the rest of it.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None is how an import is refused
    take_any_name(sys.stdout, sys.stderr)
    sys.exit(run(sys.argv[1:]))
