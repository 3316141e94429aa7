"""Partnerships: two organizations that compare lists, from the invitation to the last erased row.

The states and their moves are drawn in ``escrow.store.states.PartnershipState``; each move is one function here:
``invite``, ``accept``, ``confirm`` and ``end``.
"""

from escrow.partnerships.agreement import (
    NOTHING_SHARED,
    TermsDocument,
    set_terms,
    terms_document,
)
from escrow.partnerships.canaries import Canary, tell_canary
from escrow.partnerships.ending import end, purge, purge_generation
from escrow.partnerships.fresh_pairing import accept_fresh_pairing, confirm_fresh_pairing, fresh_pairing
from escrow.partnerships.generations import cancel_generation, start_generation, switch
from escrow.partnerships.granting import grant_allowance, show_allowance
from escrow.partnerships.invitations import Invitation, accept, invite, look_up
from escrow.partnerships.pairing import Pairing, confirm, pairing
from escrow.partnerships.pausing import pause, resume
from escrow.partnerships.proposals import FreshHalf
from escrow.partnerships.readiness import say_ready
from escrow.partnerships.requests import (
    TermsRequest,
    answer_terms,
    close_request,
    open_requests,
    request_terms,
)
from escrow.partnerships.view import (
    Generation,
    NextGeneration,
    OwnList,
    Partner,
    Partnership,
    TheirHead,
    TheirList,
    page,
    show,
)

__all__ = [
    "NOTHING_SHARED",
    "Canary",
    "FreshHalf",
    "Generation",
    "Invitation",
    "NextGeneration",
    "OwnList",
    "Pairing",
    "Partner",
    "Partnership",
    "TermsDocument",
    "TermsRequest",
    "TheirHead",
    "TheirList",
    "accept",
    "accept_fresh_pairing",
    "answer_terms",
    "cancel_generation",
    "close_request",
    "confirm",
    "confirm_fresh_pairing",
    "end",
    "fresh_pairing",
    "grant_allowance",
    "invite",
    "look_up",
    "open_requests",
    "page",
    "pairing",
    "pause",
    "purge",
    "purge_generation",
    "request_terms",
    "resume",
    "say_ready",
    "set_terms",
    "show",
    "show_allowance",
    "start_generation",
    "switch",
    "tell_canary",
    "terms_document",
]
