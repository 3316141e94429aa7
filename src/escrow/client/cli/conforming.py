"""`escrow conformance run`, `vectors` and `export`: hold a service or a program of one's own to the protocol."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import alone, command
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import counted, printable

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.conformance.findings import Finding

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Findings = list[tuple["Finding", bool]]


KeyFile = Annotated[
    Path | None, typer.Option(help="File with the API key of a throw-away organization; or its variable.")
]


@command(app, "run")
def run(
    session: Session,
    url: Annotated[str, typer.Argument(help="Address of the service.", show_default=False)],
    left_key_file: KeyFile = None,
    right_key_file: KeyFile = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="Longest time for all checks together.")] = 120.0,
) -> Said:
    """Play both partners of a partnership against a service, and check that it keeps the protocol.

    Takes the API keys of two throw-away organizations from files, or from ESCROW_CONFORMANCE_LEFT_KEY and
    ESCROW_CONFORMANCE_RIGHT_KEY. What it makes there it ends again.
    """
    from escrow.client.conformance.service import check_service

    left = _key(session, left_key_file, "ESCROW_CONFORMANCE_LEFT_KEY", "--left-key-file")
    right = _key(session, right_key_file, "ESCROW_CONFORMANCE_RIGHT_KEY", "--right-key-file")
    found = list(check_service(url, left, right, seconds=seconds, ca=session.ca_file, proxy=session.proxy))
    failed = sum(not finding.passed for finding in found)

    def show(console: Console) -> None:
        for each in found:
            word = "[green]pass[/]" if each.passed else "[red]fail[/]"
            told = f": {each.problem}" if each.problem else ""
            console.print(f"{word}  {printable(each.name + told)}  [dim]{printable(each.section)}[/]")
        console.print(f"\n{failed} of {len(found)} checks fail." if failed else f"\nAll {len(found)} checks pass.")

    machine = {"checks": [{**asdict(each), "passed": each.passed} for each in found], "failed": failed}
    return Said(machine, show, ExitCode.VERIFICATION if failed else ExitCode.DONE)


def _key(session: Session, file: Path | None, variable: str, option: str) -> str:
    from escrow.client.cli.passphrases import secret_line

    found = secret_line(file).strip() if file else session.environment.get(variable, "").strip()
    if not found:
        raise typer.BadParameter(
            f"give the API key of a throw-away organization here or in {variable}", param_hint=option
        )
    return found


@command(app, "vectors", alone)
def vectors(
    _session: Session,
    program: Annotated[list[str], typer.Argument(help="The program and its arguments, after --.", show_default=False)],
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Longest wait for one answer.")] = 10.0,
) -> Said:
    """Ask a program of yours every published vector, by JSON lines, and compare what it computes."""
    from escrow.client.conformance.programs import ask_program, findings
    from escrow.client.conformance.questions import questions

    asked = list(questions())
    found = list(findings(ask_program(program, asked, seconds=seconds)))
    failed = sum(not finding.passed for finding, _ in found)

    def show(console: Console) -> None:
        for finding, _ in found:
            if not finding.passed:
                console.print(f"[red]fail[/]  {printable(finding.name)}: {printable(finding.problem or '')}")
        for group, agree, skipped in _by_group(found):
            console.print(f"{group}: {agree} agree" + (f", {skipped} not supported" if skipped else ""))
        console.print(f"\n{failed} of {len(asked)} fail." if failed else f"\nAll {len(asked)} questions are settled.")

    told = [{**asdict(finding), "passed": finding.passed, "skipped": skipped} for finding, skipped in found]
    machine = {"checks": told, "asked": len(asked), "failed": failed}
    return Said(machine, show, ExitCode.VERIFICATION if failed else ExitCode.DONE)


def _by_group(found: Findings) -> list[tuple[str, int, int]]:
    groups = dict.fromkeys(finding.name.partition(":")[0] for finding, _ in found)
    of = {group: [each for each in found if each[0].name.startswith(f"{group}:")] for group in groups}
    return [
        (group, sum(finding.passed and not skipped for finding, skipped in listed), sum(skip for _, skip in listed))
        for group, listed in of.items()
    ]


@command(app, "export", alone)
def export(
    _session: Session, folder: Annotated[Path, typer.Argument(help="Where to write them.", show_default=False)]
) -> Said:
    """Write the published vectors to a folder, as JSON with a README that says what each field is."""
    from escrow.psi.vectors import files

    folder.mkdir(parents=True, exist_ok=True)
    written = [*files(), files()[0].parent / "README.md"]
    for file in written:
        (folder / file.name).write_bytes(file.read_bytes())
    machine = {"folder": str(folder), "files": [file.name for file in written]}
    return Said(
        machine, lambda console: console.print(f"{counted(len(written), 'file')} written to {folder}.", markup=False)
    )
