"""`escrow terms request`, `answer` and `close`: looser terms that begin to hold for both at the same instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.agreeing import (
    CountsOption,
    DisclosureOption,
    FieldsOption,
    LargestOption,
    LevelOption,
    PresetOption,
    RevealsOption,
    SaidTerms,
    told,
)
from escrow.client.cli.commands import command
from escrow.client.cli.pairing_up import YesOption, ask
from escrow.client.cli.session import Said, Session
from escrow.errors import TermsRequestMissing
from escrow.terms import meet, opened_to

if TYPE_CHECKING:
    from escrow.terms import Terms
    from escrow.wire import TermsDocument, TermsRequest

__all__ = ["app"]

app = typer.Typer()


@command(app, "request")
def request_terms(  # each is an option
    session: Session,
    preset: PresetOption = None,
    level: LevelOption = None,
    fields: FieldsOption = None,
    counts_from: CountsOption = None,
    reveals_from: RevealsOption = None,
    largest_list: LargestOption = None,
    disclosure: DisclosureOption = None,
) -> Said:
    """Ask the partner for other terms: ours change, with theirs, once they answer; until then nothing does."""
    from escrow.client.agreeing import ask as ask_partner
    from escrow.client.agreeing import up_to_date

    seat = up_to_date(session.service, session.file, session.seat)
    said = SaidTerms(preset, level, fields, counts_from, reveals_from, largest_list, disclosure)
    ask_partner(session.service, session.file, seat, said.changing(seat.confirmed.terms, session))
    return _shown(session, session.service.terms(seat.partnership_id))


@command(app, "answer")
def answer_terms(  # each is an option
    session: Session,
    preset: PresetOption = None,
    level: LevelOption = None,
    fields: FieldsOption = None,
    counts_from: CountsOption = None,
    reveals_from: RevealsOption = None,
    largest_list: LargestOption = None,
    disclosure: DisclosureOption = None,
    yes: YesOption = False,
) -> Said:
    """Answer the partner's request: ours are loosened just so far, unless said otherwise, and both change at once."""
    from escrow.client.agreeing import answer, up_to_date

    seat = up_to_date(session.service, session.file, session.seat)
    request = _open_request(session, "theirs")
    asked = request.terms.value()
    said = SaidTerms(preset, level, fields, counts_from, reveals_from, largest_list, disclosure)
    ours = said.changing(opened_to(seat.confirmed.terms, asked), session)
    if not yes:
        _preview(ours, asked)
        ask("Answer with these terms?")
    return _shown(session, answer(session.service, session.file, seat, request, ours))


@command(app, "close")
def close_request(
    session: Session,
    ours: Annotated[
        bool, typer.Option("--ours", help="Take our own request back, instead of declining theirs.")
    ] = False,
) -> Said:
    """Decline the partner's request for other terms, or take ours back; the terms stay as they are."""
    from escrow.client.agreeing import close_ours

    seat = session.seat
    request = _open_request(session, "ours" if ours else "theirs")
    if ours:
        close_ours(session.service, session.file, seat, request)
    else:
        session.service.close_terms_request(seat.partnership_id, request.number)
    return _shown(session, session.service.terms(seat.partnership_id))


def _open_request(session: Session, asked_by: str) -> TermsRequest:
    for request in session.service.terms_requests(session.seat.partnership_id).items:
        if request.asked_by == asked_by:
            return request
    raise TermsRequestMissing("there is no such request for other terms; `escrow terms show` tells what is open")


def _preview(ours: Terms, asked: Terms) -> None:
    from rich.console import Console

    from escrow.client.cli.terms_tables import terms_tables

    console = Console(stderr=True)
    for table in terms_tables(ours=ours, theirs=asked, effective=meet(ours, asked)):
        console.print(table)


def _shown(session: Session, document: TermsDocument) -> Said:
    seat = session.seat
    return told(document, seat, session.service.terms_requests(seat.partnership_id).items)
