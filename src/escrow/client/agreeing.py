"""Terms from this machine: setting ours, asking for others, answering, and taking note that the partner has answered.

What details follow is what our user said last, never the service's word. Terms that were asked for are kept here before
they are sent, and go into use once the service shows exactly these as ours; whatever our user says of terms after it
takes them back, for a service could otherwise call an old request answered after ours were tightened.

New terms are made from those confirmed here. Where the service has others, set from another machine, nothing is stated
that would undo them silently, and nothing is taken over until our user says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from escrow import wire
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import ConfirmedTerms, Seat
from escrow.errors import TermsElsewhere, VerificationFailed
from escrow.presets import disclosure_name
from escrow.terms import CELLS, DisclosureRule, Terms

__all__ = [
    "answer",
    "ask",
    "close_ours",
    "differences",
    "restate",
    "set_terms",
    "take_note",
    "take_over",
    "up_to_date",
]


def set_terms(service: Escrow, file: KeyringFile, seat: Seat, terms: Terms) -> wire.TermsDocument:
    """State our terms, made from those confirmed here; what was asked for before is not.

    Raises:
        TermsElsewhere: the service has other terms of ours than those confirmed here.
        VerificationFailed: the service keeps other terms than were said.
    """
    base = _base(service, seat, terms)
    file.move(seat, _without_request)
    return _confirmed(file, seat, terms, service.set_terms(seat.partnership_id, terms, base=base))


def restate(service: Escrow, file: KeyringFile, seat: Seat, terms: Terms) -> wire.TermsDocument:
    """State our terms in the place of whatever the service has: our user has said that they go over it.

    Raises:
        VerificationFailed: the service keeps other terms than were said.
    """
    base = service.terms(seat.partnership_id).number
    file.move(seat, _without_request)
    return _confirmed(file, seat, terms, service.set_terms(seat.partnership_id, terms, base=base))


def take_over(file: KeyringFile, seat: Seat, document: wire.TermsDocument) -> Seat:
    """Confirm here the terms that the service has of ours, which our user has looked at."""
    confirmed = ConfirmedTerms(document.ours.value(), document.number)
    return file.move(seat, lambda held: replace(held, confirmed=confirmed, asked=None))


def ask(service: Escrow, file: KeyringFile, seat: Seat, terms: Terms) -> wire.TermsRequest:
    """Remember what our user asks for, then ask.

    Raises:
        TermsElsewhere: the service has other terms of ours than those confirmed here.
    """
    base = _base(service, seat, terms)
    file.move(seat, lambda held: replace(held, asked=terms))
    return service.request_terms(seat.partnership_id, terms, base=base)


def answer(
    service: Escrow, file: KeyringFile, seat: Seat, request: wire.TermsRequest, ours: Terms
) -> wire.TermsDocument:
    """Answer the partner's request with these terms of ours.

    Raises:
        TermsElsewhere: the service has other terms of ours than those confirmed here.
        VerificationFailed: the service keeps other terms than were said.
    """
    base = _base(service, seat, ours)
    file.move(seat, _without_request)
    return _confirmed(file, seat, ours, service.answer_terms(seat.partnership_id, request.number, ours, base=base))


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


def differences(here: Terms, there: Terms) -> Iterator[str]:
    """Say, in a few words each, where the terms confirmed here and those that the service has differ."""
    for cell in CELLS:
        if here.levels[cell] is not there.levels[cell]:
            yield f"{cell} is {here.levels[cell].word} here and {there.levels[cell].word} there"
    for name, ours, theirs in (
        ("the fields are", ", ".join(here.fields) or "none", ", ".join(there.fields) or "none"),
        ("counts from", here.counts_from.word, there.counts_from.word),
        ("reveals from", here.reveals_from.word, there.reveals_from.word),
        ("the largest list is", f"{here.largest_list:,}", f"{there.largest_list:,}"),
        ("the disclosure is", _rule_said(here.disclosure), _rule_said(there.disclosure)),
    ):
        if ours != theirs:
            yield f"{name} {ours} here and {theirs} there"


def _rule_said(rule: DisclosureRule) -> str:
    seconds = int(rule.interval.total_seconds())
    own = f"{rule.k:,} or more in steps of {rule.step:,} after {seconds:,} s and {rule.least_changes:,} changes"
    return disclosure_name(rule) or own + (" with noise" if rule.noise else "")


def _base(service: Escrow, seat: Seat, meant: Terms) -> int:
    """Give the number of our terms at the service, if new ones may be made from those that this machine knows."""
    document = service.terms(seat.partnership_id)
    there = document.ours.value()
    if there not in (seat.confirmed.terms, meant):
        here = f"number {seat.confirmed.number}" if seat.confirmed.number else "none"
        raise TermsElsewhere(
            f"the service has other terms of ours (number {document.number}) than this machine has confirmed ({here}): "
            f"{'; '.join(differences(seat.confirmed.terms, there))}. `escrow terms confirm` takes those over on this "
            "machine; `escrow terms set --from-here` puts the ones of this machine in their place"
        )
    return document.number


def _without_request(held: Seat) -> Seat:
    return replace(held, asked=None)


def _confirmed(file: KeyringFile, seat: Seat, said: Terms, document: wire.TermsDocument) -> wire.TermsDocument:
    if document.ours.value() != said:
        raise VerificationFailed("the service keeps other terms than were set; nothing was confirmed here")
    file.move(seat, lambda held: replace(held, confirmed=ConfirmedTerms(said, document.number)))
    return document
