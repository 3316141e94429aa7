"""Terms from this machine: setting ours, asking for others, answering, and taking note that the partner has answered.

What details follow is what our user said last, never the service's word. Terms that were asked for are kept here before
they are sent, and go into use once the service shows exactly these as ours; whatever our user says of terms after it
takes them back, for a service could otherwise call an old request answered after ours were tightened.
"""

from __future__ import annotations

from dataclasses import replace

from escrow import wire
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import ConfirmedTerms, Seat
from escrow.errors import VerificationFailed
from escrow.terms import Terms

__all__ = ["answer", "ask", "close_ours", "set_terms", "take_note", "up_to_date"]


def set_terms(service: Escrow, file: KeyringFile, seat: Seat, terms: Terms) -> wire.TermsDocument:
    """State our terms; what was asked for before is not.

    Raises:
        VerificationFailed: the service keeps other terms than were said.
    """
    file.move(seat, _without_request)
    return _confirmed(file, seat, terms, service.set_terms(seat.partnership_id, terms))


def ask(service: Escrow, file: KeyringFile, seat: Seat, terms: Terms) -> wire.TermsRequest:
    """Remember what our user asks for, then ask."""
    file.move(seat, lambda held: replace(held, asked=terms))
    return service.request_terms(seat.partnership_id, terms)


def answer(
    service: Escrow, file: KeyringFile, seat: Seat, request: wire.TermsRequest, ours: Terms
) -> wire.TermsDocument:
    """Answer the partner's request with these terms of ours.

    Raises:
        VerificationFailed: the service keeps other terms than were said.
    """
    file.move(seat, _without_request)
    return _confirmed(file, seat, ours, service.answer_terms(seat.partnership_id, request.number, ours))


def close_ours(service: Escrow, file: KeyringFile, seat: Seat, request: wire.TermsRequest) -> None:
    """Take our own request back: nothing that is said of it later counts on this machine."""
    file.move(seat, _without_request)
    service.close_terms_request(seat.partnership_id, request.number)


def take_note(file: KeyringFile, seat: Seat, document: wire.TermsDocument) -> Seat:
    """Put the terms that our user asked for into use, if they are ours at the service by now."""
    if seat.asked is None or document.number == seat.confirmed.number or document.ours.value() != seat.asked:
        return seat
    confirmed = ConfirmedTerms(seat.asked, document.number)
    return file.move(seat, lambda held: replace(held, confirmed=confirmed, asked=None))


def up_to_date(service: Escrow, file: KeyringFile, seat: Seat) -> Seat:
    """Ask whether the partner has answered, where our user waits for it, and take note."""
    return seat if seat.asked is None else take_note(file, seat, service.terms(seat.partnership_id))


def _without_request(held: Seat) -> Seat:
    return replace(held, asked=None)


def _confirmed(file: KeyringFile, seat: Seat, said: Terms, document: wire.TermsDocument) -> wire.TermsDocument:
    if document.ours.value() != said:
        raise VerificationFailed("the service keeps other terms than were set; nothing was confirmed here")
    file.move(seat, lambda held: replace(held, confirmed=ConfirmedTerms(said, document.number)))
    return document
