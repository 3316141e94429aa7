"""`escrow conformance vectors` and `export`: hold a program of one's own to the protocol."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import printable

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.conformance.findings import Finding

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Findings = list[tuple["Finding", bool]]


@command(app, "vectors")
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
    return Said(machine, show, exit_code=ExitCode.VERIFICATION if failed else ExitCode.DONE)


def _by_group(found: Findings) -> list[tuple[str, int, int]]:
    groups = dict.fromkeys(finding.name.partition(":")[0] for finding, _ in found)
    of = {group: [each for each in found if each[0].name.startswith(f"{group}:")] for group in groups}
    return [
        (group, sum(finding.passed and not skipped for finding, skipped in listed), sum(skip for _, skip in listed))
        for group, listed in of.items()
    ]


@command(app, "export")
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
    return Said(machine, lambda console: console.print(f"{len(written)} files written to {folder}.", markup=False))
