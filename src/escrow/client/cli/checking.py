"""`escrow check`: what a list is worth, before anything of it is sent. No service, no keyring, no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.correcting import AliasesOption, DoNotMapOption, SaidCorrections
from escrow.client.cli.list_options import (
    ColumnsOption,
    DelimiterOption,
    EncodingOption,
    FileArgument,
    HeaderRowOption,
    PopulationsOption,
    SheetOption,
)
from escrow.client.cli.outputs import write_output
from escrow.client.cli.session import Said, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from escrow.reports.quality import Example, IdleEntries, Quality, ReasonCount

__all__ = ["app"]

app = typer.Typer()

_FORMATS = (".html", ".json")


@command(app, "check")
def check(  # noqa: PLR0913, PLR0917  # each is an option of the command
    session: Session,
    file: FileArgument = None,
    columns: ColumnsOption = None,
    populations: PopulationsOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    aliases: AliasesOption = None,
    do_not_map: DoNotMapOption = None,
    profile_id: Annotated[
        str | None,
        typer.Option("--profile", help="Normalisation profile; else the partnership's with -p, else the latest."),
    ] = None,
    examples: Annotated[int, typer.Option("--examples", min=0, help="Show so many examples of each reason.")] = 5,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write it to a file: .html or .json.")
    ] = None,
) -> Said:
    """Tell what a list is worth before it is sent: rows without keys and why, duplicates, ambiguous keys, coverage."""
    from escrow.client.checking import check_list
    from escrow.client.cli.list_reading import AskedList, read_as, read_offline, told_of
    from escrow.client.cli.progress import Bars

    if output is not None and output.suffix.lower() not in _FORMATS:
        raise typer.BadParameter(f"the name ends in one of {', '.join(_FORMATS)}", param_hint="--output")
    profile_id = profile_id or _profile_of(session)
    reading = read_as(sheet, header_row, encoding, delimiter)
    asked = AskedList(file, reading, tuple(columns or ()), tuple(populations or ()))
    with Bars(are_shown=not session.options.is_json) as bars:
        plan, crm = read_offline(session, asked, bars)
        quality = check_list(
            crm,
            profile_id=profile_id,
            key=session.random(32),
            examples=examples,
            corrections=SaidCorrections(aliases, do_not_map).read(plan),
            progress=bars.stage("Checking", len(crm)),
        )
    for line in told_of(crm):
        session.note(line)
    if output is not None:
        _write(quality, output)
        session.note(f"Written to {output}; it names accounts, so keep it to yourself.")
    return Said(quality.to_object(), lambda console: _show(console, quality))


def _profile_of(session: Session) -> str:
    """Name the profile of the partnership that is meant, the latest if none is named."""
    from escrow.psi.profile_ids import LATEST_PROFILE

    if session.options.partnership is None:
        return LATEST_PROFILE
    seat = session.chosen
    seat.require_paired()
    return seat.paired_keys.profile_id


def _write(quality: Quality, output: Path) -> None:
    from escrow.reports.pages import quality_html

    if output.suffix.lower() == ".html":
        text = quality_html(quality)
    else:
        text = json.dumps(quality.to_object(), ensure_ascii=False, indent=2) + "\n"
    write_output(output, text)


def _show(console: Console, quality: Quality) -> None:
    from rich.table import Table

    from escrow.client.cli.texts import printable

    console.print(f"[bold]Nothing was sent.[/] As it would be submitted under {quality.profile_id}:\n")
    table = Table(box=None, show_header=False, pad_edge=False)
    for label, words in quality.lines():
        table.add_row(label, words)
    console.print(table)
    _show_reasons(console, "Rows without keys", quality.without_keys)
    _show_reasons(console, "Websites that give no domain", quality.no_domain)
    _show_joined(console, quality)
    for heading, keys in (
        ("[bold]Ambiguous keys[/], on more than 5 accounts each", quality.ambiguous),
        ("[bold]Shared fallbacks[/], on 2 to 5 accounts each", quality.shared),
    ):
        if keys:
            values = ", ".join(f"{each.value} ({each.key_class} of {each.accounts:,})" for each in keys)
            console.print(f"\n{heading}, among them: {printable(values)}")
    _show_idle(console, "Entries of your do-not-map list", quality.idle_do_not_map)
    _show_idle(console, "Companies of your alias file", quality.idle_aliases)
    _show_idle(console, "Entries that your alias file keeps apart", quality.idle_sides)


def _show_idle(console: Console, heading: str, entries: IdleEntries) -> None:
    from escrow.client.cli.texts import printable

    if entries.examples:
        console.print(f"\n[bold]{heading}[/] with no account here; are they misspelled?")
    for each in entries.examples:
        console.print(f"           {printable(each.words)}")


def _show_reasons(console: Console, heading: str, counts: Iterable[ReasonCount]) -> None:

    for number, each in enumerate(counts):
        if number == 0:
            console.print(f"\n[bold]{heading}[/]")
        console.print(f"{each.rows:>9,}  {each.told}")
        _show_examples(console, each.examples)


def _show_joined(console: Console, quality: Quality) -> None:
    if quality.joined:
        console.print(
            "\n[bold]Accounts of several rows[/], those not joined by website alone first; are they one company?"
        )
    for each in quality.joined:
        console.print(f"           {each.told}")
        _show_examples(console, each.examples)
        if each.more:
            console.print(f"           [dim]{each.more}[/]")
    if quality.joined and quality.more_joined:
        console.print(f"           {quality.more_joined}")


def _show_examples(console: Console, examples: Iterable[Example]) -> None:
    from escrow.client.cli.texts import printable

    for example in examples:
        texts = " | ".join(text[:60] or "(empty)" for text in (example.crm_id, example.name, example.website))
        console.print(f"           [dim]{printable(texts)}[/]")
