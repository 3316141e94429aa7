"""Step-ups from this machine: asking for other terms, answering, and taking note that the partner has answered.

What details follow is what our user said, never the service's word: terms that were asked for are confirmed here
before they are sent, and go into use once the service shows exactly these as ours.
"""

from __future__ import annotations

from dataclasses import replace

from escrow import wire
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import ConfirmedTerms, Seat
from escrow.errors import VerificationFailed
from escrow.terms import Terms

__all__ = ["answer", "ask", "take_note"]


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
    document = service.answer_terms(seat.partnership_id, request.number, ours)
    if document.ours.value() != ours:
        raise VerificationFailed("the service keeps other terms than were set; nothing was confirmed here")
    confirmed = ConfirmedTerms(ours, document.number)
    file.move(seat, lambda held: replace(held, confirmed=confirmed, asked=None))
    return document


def take_note(file: KeyringFile, seat: Seat, document: wire.TermsDocument) -> Seat:
    """Put the terms that our user asked for into use, if they are ours at the service by now."""
    if seat.asked is None or document.number == seat.confirmed.number or document.ours.value() != seat.asked:
        return seat
    confirmed = ConfirmedTerms(seat.asked, document.number)
    return file.move(seat, lambda held: replace(held, confirmed=confirmed, asked=None))
