"""`escrow terms show` and `terms set`: how far each cell is shared, from our side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.pairing_up import YesOption
from escrow.client.cli.session import Said, Session
from escrow.presets import DISCLOSURE_PRESETS, SHARING_PRESETS, USUAL_PRESET
from escrow.terms import (
    DETAIL_FIELDS,
    MOST_ACCOUNTS,
    Cell,
    DisclosureRule,
    Level,
    Population,
    Terms,
    Tier,
    fields_in_order,
    is_detail_field,
)

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.seats import Seat
    from escrow.wire import TermsDocument, TermsRequest

__all__ = [
    "CountsOption",
    "DisclosureOption",
    "FieldsOption",
    "LargestOption",
    "LevelOption",
    "PresetOption",
    "RevealsOption",
    "SaidTerms",
    "app",
    "read_cell",
    "told",
]

app = typer.Typer(no_args_is_help=True)

Word = TypeVar("Word", Tier, Level)


@command(app, "show")
def show_terms(session: Session) -> Said:
    """Show our terms, theirs, and what both together allow."""
    from escrow.client.agreeing import take_note

    seat = session.seat
    document = session.service.terms(seat.partnership_id)
    requests = session.service.terms_requests(seat.partnership_id).items
    return told(document, take_note(session.file, seat, document), requests)


PresetOption = Annotated[str | None, typer.Option("--preset", help=f"Start from one of: {', '.join(SHARING_PRESETS)}.")]
LevelOption = Annotated[
    list[str] | None,
    typer.Option("--level", help="One cell, ours:theirs=level, like customers:opportunities=details."),
]
_FIELDS = ", ".join(DETAIL_FIELDS)
FieldsOption = Annotated[
    str | None,
    typer.Option(
        "--fields", help=f"What details hold, with commas: {', '.join(DETAIL_FIELDS)}, custom.NAME; '' for nothing."
    ),
]
CountsOption = Annotated[str | None, typer.Option("--counts-from", help="Weakest tier that counts.")]
RevealsOption = Annotated[str | None, typer.Option("--reveals-from", help="Weakest tier that reveals an account.")]
LargestOption = Annotated[
    int | None,
    typer.Option("--largest-list", min=1, max=MOST_ACCOUNTS, help="Most accounts taken on the partner's list."),
]
DisclosureOption = Annotated[
    str | None,
    typer.Option(
        "--disclosure",
        help=f"How counts are shown: {', '.join(DISCLOSURE_PRESETS)}, or a preset of the service's own.",
    ),
]


@command(app, "set")
def set_terms(  # each is an option
    session: Session,
    preset: PresetOption = None,
    level: LevelOption = None,
    fields: FieldsOption = None,
    counts_from: CountsOption = None,
    reveals_from: RevealsOption = None,
    largest_list: LargestOption = None,
    disclosure: DisclosureOption = None,
    from_here: Annotated[
        bool,
        typer.Option("--from-here", help="Put the terms of this machine in the place of those set on another one."),
    ] = False,
) -> Said:
    """Set our terms. What is shared is the stricter of both sides', cell by cell.

    The first time, without any option, they are those of counts-only.
    """
    from escrow.client.agreeing import restate, up_to_date
    from escrow.client.agreeing import set_terms as state

    seat = up_to_date(session.service, session.file, session.seat)
    said = SaidTerms(preset, level, fields, counts_from, reveals_from, largest_list, disclosure)
    if not said.says_anything and not (from_here and seat.confirmed.number):
        if seat.confirmed.number:
            raise typer.BadParameter("say what is to change; `escrow terms show` tells how they are")
        said = replace(said, preset=USUAL_PRESET)
    meant = said.changing(seat.confirmed.terms, session)
    document = (restate if from_here else state)(session.service, session.file, seat, meant)
    return told(document, session.seat)


@command(app, "confirm")
def confirm_terms(session: Session, yes: YesOption = False) -> Said:
    """Confirm on this machine our terms as another one has set them: details follow what is confirmed here."""
    from escrow.client.agreeing import differences, take_over
    from escrow.client.cli.pairing_up import ask

    seat = session.seat
    document = session.service.terms(seat.partnership_id)
    differing = tuple(differences(seat.confirmed.terms, document.ours.value()))
    if differing and not yes:
        lines = "".join(f"\n- {line}" for line in differing)
        ask(f"Our terms at the service (number {document.number}) are not those of this machine:{lines}\nConfirm them?")
    return told(document, take_over(session.file, seat, document))


@dataclass(frozen=True, slots=True)
class SaidTerms:
    """What a command line says of terms; what it does not say stays as it was."""

    preset: str | None
    level: list[str] | None
    fields: str | None
    counts_from: str | None
    reveals_from: str | None
    largest_list: int | None
    disclosure: str | None

    @property
    def says_anything(self) -> bool:
        """Something is said, be it that no field is shared."""
        return any(each is not None and each != [] for each in astuple(self))

    def changing(self, before: Terms, session: Session) -> Terms:
        """Give the terms that are meant, or BadParameter."""
        try:
            return replace(
                before,
                levels=_levels(before, self.preset, self.level or []),
                fields=before.fields if self.fields is None else _fields(self.fields),
                counts_from=_word(Tier, self.counts_from, before.counts_from, "--counts-from"),
                reveals_from=_word(Tier, self.reveals_from, before.reveals_from, "--reveals-from"),
                largest_list=self.largest_list or before.largest_list,
                disclosure=before.disclosure if self.disclosure is None else _disclosure(session, self.disclosure),
            )
        except ValueError as problem:
            raise typer.BadParameter(str(problem)) from None


def _disclosure(session: Session, name: str) -> DisclosureRule:
    if name in DISCLOSURE_PRESETS:
        return DISCLOSURE_PRESETS[name]
    offered = {each.name: each.rule.value() for each in session.service.service().disclosure_presets}
    if name not in offered:
        raise typer.BadParameter(f"it is one of: {', '.join(offered)}", param_hint="--disclosure")
    return offered[name]


def _levels(before: Terms, preset: str | None, said: list[str]) -> Mapping[Cell, Level]:
    if preset is not None and preset not in SHARING_PRESETS:
        raise typer.BadParameter(f"it is one of: {', '.join(SHARING_PRESETS)}", param_hint="--preset")
    start = before.levels if preset is None else SHARING_PRESETS[preset]
    return {**start, **dict(_level(each) for each in said)}


def _level(said: str) -> tuple[Cell, Level]:
    cell, is_there, level = said.partition("=")
    if not is_there:
        raise typer.BadParameter("write it as customers:opportunities=details", param_hint="--level")
    return read_cell(cell, "--level"), _word(Level, level, Level.HIDDEN, "--level")


def read_cell(text: str, hint: str) -> Cell:
    """Read a cell as ours:theirs."""
    ours, _, theirs = text.partition(":")
    try:
        return Cell(Population[ours.strip().upper()], Population[theirs.strip().upper()])
    except KeyError:
        words = ", ".join(population.word for population in Population)
        raise typer.BadParameter(f"a cell is ours:theirs, each one of {words}", param_hint=hint) from None


def _fields(said: str) -> tuple[str, ...]:
    named = {word.strip() for word in said.split(",") if word.strip()}
    if unknown := sorted(name for name in named if not is_detail_field(name)):
        known = f"{_FIELDS}, and custom.NAME for those under [details] of escrow.toml"
        raise typer.BadParameter(f"no such field: {', '.join(unknown)}; there are {known}", param_hint="--fields")
    return fields_in_order(named)


def _word(kind: type[Word], said: str | None, otherwise: Word, hint: str) -> Word:
    if said is None:
        return otherwise
    try:
        return kind[said.strip().upper()]
    except KeyError:
        words = ", ".join(member.word for member in kind)
        raise typer.BadParameter(f"it is one of: {words}", param_hint=hint) from None


def told(document: TermsDocument, seat: Seat, requests: Sequence[TermsRequest] = ()) -> Said:
    """Show both sides' terms and what holds, and the requests that wait for an answer."""
    ours, confirmed = document.ours.value(), seat.confirmed
    # Terms that were never set have no number here.
    differs = ours != confirmed.terms or (bool(confirmed.number) and document.number != confirmed.number)

    def show(console: Console) -> None:
        from escrow.client.cli.terms_tables import terms_tables

        theirs = None if document.theirs is None else document.theirs.value()
        effective = None if document.effective is None else document.effective.value()
        for table in terms_tables(ours=ours, theirs=theirs, effective=effective):
            console.print(table)
        if set(ours.levels.values()) == {Level.HIDDEN}:
            console.print("\nYou share nothing yet: `escrow terms set --preset counts-only` is a start.")
        for line in _without_fields(ours, theirs):
            console.print(line)
        if differs:
            console.print(
                "Our terms were changed elsewhere. Details follow the copy confirmed on this machine: "
                "`escrow terms confirm` takes over what we allow by now."
            )
        for request in requests:
            console.print(_REQUESTED[request.asked_by].format(until=request.expires_at))

    machine = {
        **document.model_dump(mode="json"),
        "confirmed_number": seat.confirmed.number,
        "differs": differs,
        "requests": [request.model_dump(mode="json") for request in requests],
    }
    return Said(machine, show)


def _without_fields(ours: Terms, theirs: Terms | None) -> Iterator[str]:
    """Say of each side whose terms open details that hold nothing."""
    if ours.opens_empty_details:
        yield (
            "\n[yellow]You open cells at details and name no field, so no details are sent:[/]\n"
            "`escrow terms set --fields account_name,domain` names some."
        )
    if theirs is not None and theirs.opens_empty_details:
        yield "\nThey open cells at details and name no field, so there are no details of theirs to read."


_REQUESTED = {
    "ours": "\nOur request for other terms waits for their answer until {until:%Y-%m-%d}.",
    "theirs": "\nThey ask for other terms: `escrow terms answer` shows what would hold. Open until {until:%Y-%m-%d}.",
}
