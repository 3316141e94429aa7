"""`escrow terms show` and `terms set`: how far each cell is shared, from our side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypedDict, TypeVar, Unpack

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.session import Said, Session
from escrow.errors import VerificationFailed
from escrow.presets import DISCLOSURE_PRESETS, SHARING_PRESETS
from escrow.terms import DETAIL_FIELDS, Cell, DisclosureRule, Level, Population, Terms, Tier

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.seats import Seat
    from escrow.wire import TermsDocument

__all__ = ["app", "read_cell"]

app = typer.Typer(no_args_is_help=True)

Word = TypeVar("Word", Tier, Level)


@command(app, "show")
def show_terms(session: Session) -> Said:
    """Show our terms, theirs, and what both together allow."""
    seat = session.seat
    document = session.service.terms(seat.partnership_id)
    return _told(document, seat)


@command(app, "set")
def set_terms(  # each is an option
    session: Session,
    preset: Annotated[
        str | None, typer.Option("--preset", help=f"Start from one of: {', '.join(SHARING_PRESETS)}.")
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option("--level", help="One cell, ours:theirs=level, like customers:opportunities=details."),
    ] = None,
    fields: Annotated[
        str | None, typer.Option("--fields", help=f"What details hold, with commas: {', '.join(DETAIL_FIELDS)}.")
    ] = None,
    counts_from: Annotated[str | None, typer.Option("--counts-from", help="Weakest tier that counts.")] = None,
    reveals_from: Annotated[
        str | None, typer.Option("--reveals-from", help="Weakest tier that reveals an account.")
    ] = None,
    largest_list: Annotated[
        int | None, typer.Option("--largest-list", min=1, help="Most accounts taken on the partner's list.")
    ] = None,
    disclosure: Annotated[
        str | None,
        typer.Option(
            "--disclosure",
            help=f"How counts are shown: {', '.join(DISCLOSURE_PRESETS)}, or a preset of the service's own.",
        ),
    ] = None,
) -> Said:
    """Set our terms. What is shared is the stricter of both sides', cell by cell."""
    seat = session.seat
    before = seat.confirmed.terms
    terms = _changed(
        before,
        levels=_levels(before, preset, level or []),
        fields=before.fields if fields is None else _fields(fields),
        counts_from=_word(Tier, counts_from, before.counts_from, "--counts-from"),
        reveals_from=_word(Tier, reveals_from, before.reveals_from, "--reveals-from"),
        largest_list=largest_list or before.largest_list,
        disclosure=before.disclosure if disclosure is None else _disclosure(session, disclosure),
    )
    document = session.service.set_terms(seat.partnership_id, terms)
    if document.ours.value() != terms:
        raise VerificationFailed("the service keeps other terms than were set; nothing was confirmed here")
    return _told(document, session.file.move(seat, _confirming(terms, document.number)))


def _confirming(terms: Terms, number: int) -> Callable[[Seat], Seat]:
    from escrow.client.seats import ConfirmedTerms

    return lambda seat: replace(seat, confirmed=ConfirmedTerms(terms, number))


def _disclosure(session: Session, name: str) -> DisclosureRule:
    if name in DISCLOSURE_PRESETS:
        return DISCLOSURE_PRESETS[name]
    offered = {each.name: each.rule.value() for each in session.service.service().disclosure_presets}
    if name not in offered:
        raise typer.BadParameter(f"it is one of: {', '.join(offered)}", param_hint="--disclosure")
    return offered[name]


class _Parts(TypedDict):
    """All that terms are made of."""

    levels: Mapping[Cell, Level]
    fields: tuple[str, ...]
    counts_from: Tier
    reveals_from: Tier
    largest_list: int
    disclosure: DisclosureRule


def _changed(before: Terms, **parts: Unpack[_Parts]) -> Terms:
    try:
        return replace(before, **parts)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None


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
    if unknown := sorted(named - set(DETAIL_FIELDS)):
        raise typer.BadParameter(
            f"no such field: {', '.join(unknown)}; there are {', '.join(DETAIL_FIELDS)}", param_hint="--fields"
        )
    return tuple(field for field in DETAIL_FIELDS if field in named)


def _word(kind: type[Word], said: str | None, otherwise: Word, hint: str) -> Word:
    if said is None:
        return otherwise
    try:
        return kind[said.strip().upper()]
    except KeyError:
        words = ", ".join(member.word for member in kind)
        raise typer.BadParameter(f"it is one of: {words}", param_hint=hint) from None


def _told(document: TermsDocument, seat: Seat) -> Said:
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
        if differs:
            console.print(
                "Our terms were changed elsewhere. Details follow the copy confirmed on this machine: "
                "`escrow terms set` confirms anew."
            )

    machine = {**document.model_dump(mode="json"), "confirmed_number": seat.confirmed.number, "differs": differs}
    return Said(machine, show)
