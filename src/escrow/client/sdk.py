"""The service as a typed object: one method for each route, wire models back, refusals as errors with its code.

::

    with Escrow("https://escrow.example.com", api_key) as escrow:
        report = escrow.release(partnership_id)

Nothing here blinds, seals or keeps anything: that is the rest of the client.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from escrow import wire
from escrow.client.calls import accepted
from escrow.client.endpoint_calls import EndpointCalls
from escrow.client.mail_calls import MailCalls
from escrow.client.told_events import ToldEventPage
from escrow.client.transport import Connection, HttpTransport, Patience
from escrow.terms import Cell, Terms

__all__ = ["Escrow"]


class Escrow(EndpointCalls, MailCalls):
    """A caller's view of the service, by one API key.

    Every method raises ServiceRefused (the service said no), ServiceUnreachable (no answer) or ServiceAnswerInvalid (an
    answer outside the contract). ``proxy`` and ``ca`` come before what the environment says.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        ca: Path | None = None,
        proxy: str | None = None,
        transport: HttpTransport | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(
            Connection(url, api_key, ca=ca, proxy=proxy, transport=transport, patience=patience, sleep=sleep)
        )

    def __repr__(self) -> str:
        return f"Escrow({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._connection.close()

    @property
    def url(self) -> str:
        """The service's address."""
        return self._connection.url

    # The service and who is calling

    def health(self) -> wire.Health:
        """Say whether the service answers."""
        return self._get("/healthz", wire.Health)

    def service(self) -> wire.Service:
        """What the service speaks, and its limits."""
        return self._get("/v1/service", wire.Service)

    def organization(self) -> wire.Organization:
        """The organization that the API key belongs to."""
        return self._get("/v1/organization", wire.Organization)

    def api_key(self) -> wire.ApiKey:
        """What the API key may be used for, and until when."""
        return self._get("/v1/api-key", wire.ApiKey)

    # Partnerships and pairing

    def invite(self, invitation: wire.NewPartnership) -> wire.Partnership:
        """Register an invitation under the id its inviter made; an id that exists is refused."""
        return self._post("/v1/partnerships", invitation, wire.Partnership)

    def partnerships(self) -> Iterator[wire.Partnership]:
        """Yield every partnership of the caller."""
        for page in self._pages("/v1/partnerships", wire.PartnershipPage):
            yield from page.items

    def partnership(self, partnership_id: UUID) -> wire.Partnership:
        """One partnership, with how far both lists have come."""
        return self._get(_at(partnership_id), wire.Partnership)

    def look_up(self, lookup: bytes) -> wire.Invitation:
        """Find the invitation that a pairing code is for."""
        return self._post("/v1/invitations/lookup", wire.InvitationLookup(lookup=lookup), wire.Invitation)

    def accept(self, partnership_id: UUID, acceptance: wire.Acceptance) -> wire.Partnership:
        """Take an invitation; the same acceptance again gets the same answer."""
        return self._post(_at(partnership_id, "accept"), acceptance, wire.Partnership)

    def pairing(self, partnership_id: UUID) -> wire.Pairing:
        """The public parts of both halves, unverified."""
        return self._get(_at(partnership_id, "pairing"), wire.Pairing)

    def confirm(self, partnership_id: UUID, tag: bytes) -> wire.Partnership:
        """Send the inviter's tag, which makes the partnership active."""
        return self._post(_at(partnership_id, "confirm"), wire.Confirmation(tag=tag), wire.Partnership)

    def start_generation(
        self, partnership_id: UUID, number: int, profile: str, *, fresh: wire.FreshPairing | None = None
    ) -> wire.Partnership:
        """Propose the next generation, or consent to the partner's proposal; the same again gets the same answer."""
        wanted = wire.NewGeneration(number=number, profile=profile, fresh_pairing=fresh)
        return self._post(_at(partnership_id, "generations"), wanted, wire.Partnership)

    def accept_fresh_pairing(self, partnership_id: UUID, acceptance: wire.Acceptance) -> wire.Partnership:
        """Answer the partner's fresh pairing; the same answer again gets the same answer."""
        return self._post(_at(partnership_id, "generations", "accept"), acceptance, wire.Partnership)

    def fresh_pairing(self, partnership_id: UUID) -> wire.Pairing:
        """The public parts of both halves of a fresh pairing, unverified."""
        return self._get(_at(partnership_id, "generations", "pairing"), wire.Pairing)

    def confirm_fresh_pairing(self, partnership_id: UUID, tag: bytes) -> wire.Partnership:
        """Send the starter's tag: the generation is built from now on."""
        confirmation = wire.Confirmation(tag=tag)
        return self._post(_at(partnership_id, "generations", "confirm"), confirmation, wire.Partnership)

    def cancel_generation(self, partnership_id: UUID, number: int) -> wire.Partnership:
        """Take a proposal back, decline the partner's, or give up what is being built; done before, nothing changes."""
        cancelled = wire.CancelledGeneration(number=number)
        return self._post(_at(partnership_id, "generations", "cancel"), cancelled, wire.Partnership)

    def pause(self, partnership_id: UUID) -> wire.Partnership:
        """Let nothing be matched, released or read, for both parties, until this one resumes."""
        return self._post(_at(partnership_id, "pause"), wire.Nothing(), wire.Partnership)

    def resume(self, partnership_id: UUID) -> wire.Partnership:
        """Take the caller's own pause back."""
        return self._post(_at(partnership_id, "resume"), wire.Nothing(), wire.Partnership)

    def end(self, partnership_id: UUID) -> wire.Partnership:
        """End a partnership for both parties, or void an invitation."""
        return self._post(_at(partnership_id, "end"), wire.Nothing(), wire.Partnership)

    # Terms

    def terms(self, partnership_id: UUID) -> wire.TermsDocument:
        """Both parties' terms and their meet."""
        return self._get(_at(partnership_id, "terms"), wire.TermsDocument)

    def set_terms(self, partnership_id: UUID, terms: Terms, *, base: int | None = None) -> wire.TermsDocument:
        """Replace the caller's terms; with ``base``, only if that is still their number."""
        return self._put(_at(partnership_id, "terms"), wire.Terms.of(terms), wire.TermsDocument, base=base)

    def terms_requests(self, partnership_id: UUID) -> wire.TermsRequests:
        """The requests for other terms that can be answered."""
        return self._get(_at(partnership_id, "terms-requests"), wire.TermsRequests)

    def request_terms(self, partnership_id: UUID, terms: Terms, *, base: int | None = None) -> wire.TermsRequest:
        """Ask the partner to answer these terms, made from those numbered ``base``; they hold once it does."""
        return self._post(_at(partnership_id, "terms-requests"), wire.Terms.of(terms), wire.TermsRequest, base=base)

    def answer_terms(
        self, partnership_id: UUID, number: int, terms: Terms, *, base: int | None = None
    ) -> wire.TermsDocument:
        """Take these terms as the caller's, and the requested ones as the partner's, at the same instant."""
        path = _at(partnership_id, "terms-requests", number, "answer")
        return self._post(path, wire.Terms.of(terms), wire.TermsDocument, base=base)

    def close_terms_request(self, partnership_id: UUID, number: int) -> wire.TermsRequests:
        """Take one's own request back, or decline the partner's."""
        return self._post(_at(partnership_id, "terms-requests", number, "close"), wire.Nothing(), wire.TermsRequests)

    # Allowances

    def allowance(self, partnership_id: UUID) -> wire.Allowance:
        """What the caller's own lists may still ask about."""
        return self._get(_at(partnership_id, "allowance"), wire.Allowance)

    def grant_allowance(self, partnership_id: UUID, accounts: int) -> wire.Partnership:
        """Let the partner ask about so many accounts more until its period ends."""
        granted = wire.Grant(accounts=accounts)
        return self._post(_at(partnership_id, "allowance", "grants"), granted, wire.Partnership)

    # Submissions

    def open_submission(self, partnership_id: UUID, submission: wire.NewSubmission) -> wire.Submission:
        """Announce an upload, chunk by chunk; the same one again gets the same answer."""
        return self._post(_at(partnership_id, "submissions"), submission, wire.Submission)

    def submission(self, partnership_id: UUID, number: int) -> wire.Submission:
        """How far an upload has come, and which chunks are missing."""
        return self._get(_at(partnership_id, "submissions", number), wire.Submission)

    def submit_rows(self, partnership_id: UUID, submission: wire.RowSubmission) -> wire.Submission:
        """Submit a small list in one request; the same number and content again get the same answer."""
        return self._post(_at(partnership_id, "submissions", "rows"), submission, wire.Submission)

    def put_chunk(self, partnership_id: UUID, number: int, index: int, chunk: bytes) -> None:
        """Upload one chunk; the same bytes again change nothing."""
        path = _at(partnership_id, "submissions", number, "chunks", index)
        accepted(self._connection.send("PUT", path, content=chunk, media_type="application/octet-stream"))

    def complete_submission(self, partnership_id: UUID, number: int, *, ready: bool = False) -> wire.Submission:
        """Say that every chunk is there."""
        completion = wire.Completion(ready=ready)
        return self._post(_at(partnership_id, "submissions", number, "complete"), completion, wire.Submission)

    def withdraw_submission(self, partnership_id: UUID, number: int) -> wire.Submission:
        """Withdraw an upload that is not applied yet, or the applied list, which an empty one then follows."""
        return self._post(_at(partnership_id, "submissions", number, "withdraw"), wire.Nothing(), wire.Submission)

    def say_ready(self, partnership_id: UUID) -> wire.Partnership:
        """Say that the counts of the list as applied are right."""
        return self._post(_at(partnership_id, "ready"), wire.Nothing(), wire.Partnership)

    def tell_canary(self, partnership_id: UUID, canary: wire.Canary) -> wire.Partnership:
        """Vouch for our normalisation; the partner's canary, if there is one, is in the answer."""
        return self._post(_at(partnership_id, "canary"), canary, wire.Partnership)

    # Releases

    def releases(self, partnership_id: UUID) -> Iterator[wire.ReleaseItem]:
        """Yield every release, newest first."""
        for page in self._pages(_at(partnership_id, "releases"), wire.ReleasePage):
            yield from page.items

    def release(self, partnership_id: UUID, number: int | None = None) -> wire.Report:
        """The caller's view of one release; without a number, of the latest."""
        return self._get(_at(partnership_id, "releases", "latest" if number is None else number), wire.Report)

    # Overlaps and details

    def overlaps(self, partnership_id: UUID, cell: Cell | None = None) -> Iterator[wire.OverlapItem]:
        """Yield the caller's rows that overlap in cells open at accounts or above, or in one such cell."""
        for page in self.overlap_pages(partnership_id, cell):
            yield from page.items

    def overlap_pages(self, partnership_id: UUID, cell: Cell | None = None) -> Iterator[wire.OverlapPage]:
        """Yield the same in pages: the first says after which change to go on, once all are read."""
        of_cell = {"ours": cell.ours.word, "theirs": cell.theirs.word} if cell else {}
        return self._pages(_at(partnership_id, "overlaps"), wire.OverlapPage, **of_cell)

    def changes(self, partnership_id: UUID, after: int = 0, *, limit: int | None = None) -> wire.ChangePage:
        """Give what changed in the list of overlaps after this number, a page of it; a reset says to read the list."""
        return self._get(_at(partnership_id, "changes"), wire.ChangePage, after=after, limit=limit)

    # Events

    def events(self, after: int | None = None, *, limit: int | None = None) -> ToldEventPage:
        """Give what the caller's organization was told after this number, a page of it; without one, from the oldest.

        An event that this version does not know is given as it came.

        Raises:
            ServiceRefused: ``events-forgotten``, if they are kept no more.
        """
        return self._get("/v1/events", ToldEventPage, after=after, limit=limit)

    def wanted_details(self, partnership_id: UUID) -> Iterator[wire.WantedPage]:
        """Yield pages of rows whose details the service says the partner may read: a claim that the caller checks."""
        return self._pages(_at(partnership_id, "details/wanted"), wire.WantedPage)

    def upload_details(self, partnership_id: UUID, upload: wire.DetailsUpload) -> wire.DetailsStored:
        """Store sealed envelopes; one refused row refuses them all."""
        return self._post(_at(partnership_id, "details"), upload, wire.DetailsStored)

    def details(self, partnership_id: UUID, *, changed_after: int | None = None) -> Iterator[wire.ServedDetails]:
        """Yield the partner's envelopes for the caller's rows, sealed; or for those that changed after this number."""
        of_changed = {} if changed_after is None else {"changed_after": str(changed_after)}
        for page in self._pages(_at(partnership_id, "details"), wire.DetailsPage, **of_changed):
            yield from page.items

    # Disputes

    def dispute(self, partnership_id: UUID, wrong: wire.NewDispute) -> wire.Dispute:
        """Take a match out for both sides; disputed again, it is the same dispute."""
        return self._post(_at(partnership_id, "disputes"), wrong, wire.Dispute)

    def disputes(self, partnership_id: UUID) -> Iterator[wire.Dispute]:
        """Yield the caller's own disputes, newest first, withdrawn ones too."""
        for page in self._pages(_at(partnership_id, "disputes"), wire.DisputePage):
            yield from page.items

    def disputed_rows(self, partnership_id: UUID) -> Iterator[bytes]:
        """Yield the caller's rows on which a dispute of the partner's stands."""
        for page in self._pages(_at(partnership_id, "disputed-rows"), wire.DisputedRowPage):
            yield from (item.row for item in page.items)

    def withdraw_dispute(self, partnership_id: UUID, number: int) -> wire.Dispute:
        """Take a dispute of the caller's own back."""
        return self._post(_at(partnership_id, "disputes", number, "withdraw"), wire.Nothing(), wire.Dispute)

    # Audit

    def audit_entries(self, partnership_id: UUID, trail: str) -> Iterator[wire.AuditEntry]:
        """Yield the entries of a partnership's trail, oldest first: what ``both`` parties see, or ``ours``."""
        for page in self._pages(_at(partnership_id, "audit"), wire.AuditPage, trail=trail):
            yield from page.items

    def organization_entries(self) -> Iterator[wire.AuditEntry]:
        """Yield the entries of the caller's organization, oldest first."""
        for page in self._pages("/v1/organization/audit", wire.AuditPage):
            yield from page.items


def _at(partnership_id: UUID, *parts: str | int) -> str:
    return "/".join(("/v1/partnerships", str(partnership_id), *map(str, parts)))
