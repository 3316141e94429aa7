"""A service in memory behind an httpx transport, honest unless a test makes it lie; it matches nothing by itself.

Two organizations call it with the keys ``esk_left`` and ``esk_right``. What a test wants it to say about overlaps it
writes into ``wanted`` and ``overlaps``; ``tamper`` may change any answer on its way out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import httpx
from pydantic import BaseModel

from escrow import wire
from escrow.client.sdk import Escrow
from escrow.client.transport import Patience
from escrow.psi.encoding import b64url, unb64url
from escrow.psi.envelope_format import served, split_uploaded
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.psi.records import ListRecords, apply_delta, chunk_digest, join, pack_chunk, parse_chunk
from escrow.terms import DisclosureRule, Level, Side, Terms, meet, uniform_levels
from escrow.wire.values import PartnershipState, SubmissionState

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LEFT_ORG = UUID("11111111-1111-4111-8111-111111111111")
RIGHT_ORG = UUID("22222222-2222-4222-8222-222222222222")
_CALLERS = {
    "esk_left": (LEFT_ORG, "Northwind"),
    "esk_left_anew": (LEFT_ORG, "Northwind"),
    "esk_right": (RIGHT_ORG, "Contoso"),
}

ALLOWANCE = wire.Allowance(
    is_opening=False,
    limit=2_500,
    carried=0,
    granted=0,
    renewed=0,
    spent=0,
    left=2_500,
    total=0,
    fifths_of_an_account=15,
    renews_at=NOW,
)

Json = dict[str, object]
Tamper = Callable[[str, str, Json], Json]


class Problem(Exception):  # it is the document's name
    def __init__(self, status: int, code: str, **members: object) -> None:
        self.status, self.code, self.members = status, code, members

    def response(self) -> httpx.Response:
        body = {"type": f"/errors/{self.code}", "title": self.code, "status": self.status, "detail": "Do this."}
        return httpx.Response(self.status, json={**body, "code": self.code, **self.members})


@dataclass
class Upload:
    opened: wire.NewSubmission
    chunks: dict[int, bytes] = field(default_factory=dict)
    state: SubmissionState = "uploading"
    problem: wire.SubmissionProblem | None = None
    was_applied: bool = False

    def shown(self) -> wire.Submission:
        missing = [index for index in range(len(self.opened.chunks)) if index not in self.chunks]
        done = self.state in {"applied", "rejected", "received"}
        return wire.Submission(
            number=self.opened.number,
            type=self.opened.type,
            base=self.opened.base,
            state=self.state,
            chunks=len(self.opened.chunks),
            missing=tuple(missing),
            received_at=NOW if done else None,
            applied_at=NOW if self.was_applied else None,
            problem=self.problem,
            accounts=self.opened.accounts,
        )


@dataclass
class Seat:
    terms: Terms = field(default_factory=lambda: Terms(levels=uniform_levels(Level.HIDDEN)))
    terms_number: int = 0
    uploads: dict[int, Upload] = field(default_factory=dict)
    applied_number: int = 0
    records: ListRecords = field(default_factory=ListRecords.empty)
    is_ready: bool = False
    is_paused: bool = False
    canary: wire.Canary | None = None
    wanted: list[bytes] = field(default_factory=list)
    envelopes: dict[bytes, tuple[wire.SealedDetails, int, int]] = field(default_factory=dict)
    #: (our row, their row) pairs whose envelopes we may read, and the token each matched by.
    readable: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)


@dataclass
class Deal:
    partnership_id: UUID
    lookup: bytes
    inviter_public: bytes
    profile: str
    named: UUID | None
    state: PartnershipState = "invited"
    acceptor_public: bytes = b""
    acceptor_tag: bytes = b""
    inviter_tag: bytes | None = None
    seats: dict[UUID, Seat] = field(default_factory=lambda: {LEFT_ORG: Seat(), RIGHT_ORG: Seat()})


@dataclass
class FakeService:
    deals: dict[UUID, Deal] = field(default_factory=dict)
    tamper: Tamper | None = None
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    #: What the worker does with a complete upload: applied, received (still at work) or rejected.
    outcome: SubmissionState = "applied"
    chunk_bytes: int = 1 << 20
    reports: dict[int, Json] = field(default_factory=dict)
    #: What one organization alone is shown, in the place of a report that all are.
    own_reports: dict[UUID, dict[int, Json]] = field(default_factory=dict)
    release_keys: tuple[wire.ReleaseKey, ...] = ()
    overlaps: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    #: What the change feed holds, two to a page.
    feed: list[Json] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    scopes: list[str] = field(default_factory=lambda: ["read", "submit", "terms", "pair"])
    key_expires: str | None = None
    allowance: wire.Allowance = field(default_factory=lambda: ALLOWANCE)
    next_release_from: datetime | None = None
    granted: list[int] = field(default_factory=list)

    def escrow(self, api_key: str) -> Escrow:
        """The SDK on this service, for one of its callers."""
        transport = httpx.MockTransport(self.answer)
        return Escrow("https://escrow.test", api_key, transport=transport, patience=Patience(2), sleep=lambda _: None)

    def answer(self, request: httpx.Request) -> httpx.Response:
        presented = request.headers["Authorization"].removeprefix("Bearer ")
        caller = None if presented in self.revoked else _CALLERS.get(presented)
        path = request.url.path
        self.requests.append(f"{request.method} {path}")
        self.bodies.append(request.content)
        if path == "/healthz":
            return httpx.Response(200, json={"status": "ok"})
        try:
            if caller is None:
                raise Problem(401, "not-authenticated")
            asked = request.url.params
            after = int(asked.get("after", asked.get("changed_after", 0)))
            status, body = self._route(request.method, path, caller, request.content, after)
        except Problem as refused:
            return refused.response()
        if body is None:
            return httpx.Response(status)
        if self.tamper is not None:
            body = self.tamper(request.method, path, body)
        return httpx.Response(status, json=body)

    def _route(
        self, method: str, path: str, caller: tuple[UUID, str], content: bytes, after: int
    ) -> tuple[int, Json | None]:
        own = caller[0]
        if path == "/v1/service":
            return 200, _json(self._service())
        if path in {"/v1/organization", "/v1/api-key", "/v1/events"}:
            return 200, self._caller(path, caller)
        if path == "/v1/invitations/lookup":
            return 200, self._look_up(own, unb64url(json.loads(content)["lookup"]))
        if path == "/v1/partnerships" and method == "POST":
            return 201, self._invite(own, wire.NewPartnership.model_validate_json(content))
        if path == "/v1/partnerships":
            return 200, {"items": [self._shown(deal, own) for deal in self._deals_of(own)], "next": None}
        found = re.fullmatch(r"/v1/partnerships/([^/]+)(?:/(.*))?", path)
        assert found is not None, path
        deal = self.deals.get(UUID(found[1]))
        if deal is None:
            raise Problem(404, "not-found")
        return self._in_partnership(deal, own, method, found[2] or "", content, after)

    def _in_partnership(  # noqa: C901, PLR0911, PLR0912  # one line a route reads best in one place
        self, deal: Deal, own: UUID, method: str, rest: str, content: bytes, after: int
    ) -> tuple[int, Json | None]:
        seat = deal.seats[own]
        match [method, *rest.split("/")]:
            case ["GET", ""]:
                return 200, self._shown(deal, own)
            case ["POST", "accept"]:
                return 200, self._accept(deal, own, wire.Acceptance.model_validate_json(content))
            case ["GET", "pairing"]:
                return 200, self._pairing(deal)
            case ["POST", "confirm"]:
                deal.inviter_tag, deal.state = unb64url(json.loads(content)["tag"]), "active"
                return 200, self._shown(deal, own)
            case ["POST", "pause" | "resume" as said]:
                seat.is_paused = said == "pause"
                return 200, self._shown(deal, own)
            case ["POST", "end"]:
                deal.state = "ended"
                return 200, self._shown(deal, own)
            case ["GET", "terms-requests"]:
                return 200, {"items": []}
            case ["POST", "terms-requests"]:
                return 201, _asked(content)
            case ["POST", "terms-requests", _, "close"]:
                return 200, {"items": []}
            case [_, "terms"]:
                return 200, self._terms(deal, own, content)
            case ["GET", "allowance"]:
                return 200, _json(self.allowance)
            case ["POST", "allowance", "grants"]:
                self.granted.append(json.loads(content)["accounts"])
                return 200, self._shown(deal, own)
            case ["POST", "submissions"]:
                return 201, self._open(seat, wire.NewSubmission.model_validate_json(content))
            case ["GET", "submissions", number]:
                return 200, _json(_upload(seat, number).shown())
            case ["PUT", "submissions", number, "chunks", index]:
                upload = _upload(seat, number)
                assert chunk_digest(content) == upload.opened.chunks[int(index)]
                upload.chunks[int(index)] = content
                return 204, None
            case ["POST", "submissions", number, "complete"]:
                return 202, self._complete(seat, _upload(seat, number), is_ready=json.loads(content)["ready"])
            case ["POST", "submissions", number, "withdraw"]:
                return 200, self._withdraw(seat, _upload(seat, number))
            case ["POST", "canary"]:
                seat.canary = wire.Canary.model_validate_json(content)
                return 200, self._shown(deal, own)
            case ["POST", "ready"]:
                seat.is_ready = True
                return 200, self._shown(deal, own)
            case ["GET", "releases"]:
                return 200, self._releases(own)
            case ["GET", "releases", number]:
                return self._report(own, number)
            case ["GET", "overlaps"]:
                return 200, {"items": self.overlaps, "next": None, "changes_after": self._last_change}
            case ["GET", "changes"]:
                return 200, self._changes(after)
            case ["GET", "details", "wanted"]:
                items = [{"row": b64url(row)} for row in seat.wanted if row not in seat.envelopes]
                numbers = {"terms_number": seat.terms_number, "submission": seat.applied_number}
                return 200, {"items": items, **numbers, "next": None}
            case ["POST", "details"]:
                sealed = wire.DetailsUpload.model_validate_json(content)
                return 200, self._store(seat, deal.seats[_other(own)], sealed)
            case ["GET", "details"]:
                return 200, {"items": self._served(deal, own, after), "next": None}
        raise AssertionError((method, rest))

    @property
    def _last_change(self) -> int:
        return int(str(self.feed[-1]["number"])) if self.feed else 0

    def changed(self, row: bytes, kind: str = "details") -> None:
        """Have the change feed say something of a row; its kind is one that says no more."""
        nothing = dict.fromkeys(("cell", "was", "tier", "overlap", "match_id"))
        number = {"number": self._last_change + 1, "occurred_at": NOW.isoformat()}
        self.feed.append({"kind": kind, "row": b64url(row), **number, **nothing})

    def _changes(self, after: int) -> Json:
        if after > self._last_change:
            nothing = dict.fromkeys(("row", "cell", "was", "tier", "overlap", "match_id"))
            reset = {"number": self._last_change, "kind": "reset", **nothing, "occurred_at": NOW.isoformat()}
            return {"items": [reset], "next_after": self._last_change, "more": False}
        left = [item for item in self.feed if int(str(item["number"])) > after]
        last = int(str(left[:2][-1]["number"])) if left else after
        return {"items": left[:2], "next_after": last, "more": len(left) > 2}

    def _caller(self, path: str, caller: tuple[UUID, str]) -> Json:
        if path == "/v1/organization":
            return {"organization_id": str(caller[0]), "name": caller[1]}
        if path == "/v1/events":
            return {"items": self.events, "next_after": len(self.events), "more": False}
        return {
            "api_key_id": "abcdefghijkl",
            "scopes": self.scopes,
            "partnership_ids": None,
            "expires_at": self.key_expires,
        }

    def _service(self) -> wire.Service:
        limits = wire.Limits(
            chunk_bytes=self.chunk_bytes,
            chunks=1024,
            body_bytes=1 << 20,
            json_list_accounts=10_000,
            json_list_bytes=1 << 23,
            page_items=1000,
            largest_list=5_000_000,
        )
        presets = (wire.DisclosurePreset(name="own", rule=wire.DisclosureRule.of(DisclosureRule(3))),)
        return wire.Service(
            name="fake",
            version="0",
            profiles=(LATEST_PROFILE,),
            suites=(1,),
            limits=limits,
            disclosure_presets=presets,
            release_keys=self.release_keys,
            time=NOW,
        )

    def _invite(self, own: UUID, new: wire.NewPartnership) -> Json:
        assert own == LEFT_ORG
        if new.acceptor_organization_id not in {None, LEFT_ORG, RIGHT_ORG}:
            raise Problem(404, "not-found")
        deal = Deal(new.partnership_id, new.lookup, new.inviter_public, new.profile, new.acceptor_organization_id)
        self.deals[deal.partnership_id] = deal
        return self._shown(deal, own)

    def _look_up(self, own: UUID, lookup: bytes) -> Json:
        for deal in self.deals.values():
            if deal.lookup == lookup and deal.state == "invited" and deal.named in {None, own}:
                return _json(
                    wire.Invitation(
                        partnership_id=deal.partnership_id,
                        inviter=wire.Organization(organization_id=LEFT_ORG, name="Northwind"),
                        inviter_public=deal.inviter_public,
                        suite=1,
                        profile=deal.profile,
                        generation=0,
                        expires_at=NOW,
                    )
                )
        raise Problem(404, "not-found")

    def _accept(self, deal: Deal, own: UUID, acceptance: wire.Acceptance) -> Json:
        deal.acceptor_public, deal.acceptor_tag = acceptance.acceptor_public, acceptance.tag
        deal.state = "accepted"
        return self._shown(deal, own)

    def _pairing(self, deal: Deal) -> Json:
        if deal.state == "invited":
            raise Problem(409, "pairing-incomplete")
        return _json(
            wire.Pairing(
                inviter_organization_id=LEFT_ORG,
                acceptor_organization_id=RIGHT_ORG,
                inviter_public=deal.inviter_public,
                acceptor_public=deal.acceptor_public,
                acceptor_tag=deal.acceptor_tag,
                inviter_tag=deal.inviter_tag,
            )
        )

    def _terms(self, deal: Deal, own: UUID, content: bytes) -> Json:
        seat, theirs = deal.seats[own], deal.seats[_other(own)].terms.transposed
        if content:
            asked = wire.Terms.model_validate_json(content).value()
            seat.terms_number += asked != seat.terms
            seat.terms = asked
        effective = wire.EffectiveTerms.of(meet(seat.terms, theirs))
        return _json(
            wire.TermsDocument(
                number=seat.terms_number,
                ours=wire.Terms.of(seat.terms),
                theirs=wire.Terms.of(theirs),
                effective=effective,
            )
        )

    def _open(self, seat: Seat, opened: wire.NewSubmission) -> Json:
        if opened.base != seat.applied_number:
            raise Problem(409, "submission-base-wrong", last_number=_last(seat), applied_number=seat.applied_number)
        present = seat.uploads.get(opened.number)
        if present is None or present.opened.digest != opened.digest:
            seat.uploads[opened.number] = Upload(opened)
        return _json(seat.uploads[opened.number].shown())

    def _complete(self, seat: Seat, upload: Upload, *, is_ready: bool) -> Json:
        assert not upload.shown().missing
        if upload.state == "withdrawn":
            return _json(upload.shown())
        seat.is_ready = seat.is_ready or is_ready
        upload.state = self.outcome
        if self.outcome == "applied":
            self.apply(seat, upload)
        if self.outcome == "rejected":
            upload.problem = wire.SubmissionProblem(code="match-key-ambiguous", detail="A key is on too many accounts.")
        return _json(upload.shown())

    def _withdraw(self, seat: Seat, upload: Upload) -> Json:
        if upload.state == "applied":
            number, content = _last(seat) + 1, pack_chunk(ListRecords.empty())
            empty = {"number": number, "base": seat.applied_number, "type": "snapshot", "accounts": 0}
            of_nothing = {"chunks": (chunk_digest(content),), "digest": bytes([number]) * 32}
            seat.uploads[number] = Upload(upload.opened.model_copy(update=empty | of_nothing), {0: content})
            self._complete(seat, seat.uploads[number], is_ready=False)
            seat.is_ready = False
        upload.state = "withdrawn"
        return _json(upload.shown())

    def apply(self, seat: Seat, upload: Upload) -> None:
        """Do the worker's part."""
        sent = join([parse_chunk(upload.chunks[index]) for index in sorted(upload.chunks)])
        seat.records = sent if upload.opened.type == "snapshot" else apply_delta(seat.records, sent)
        seat.applied_number, upload.state, upload.was_applied = upload.opened.number, "applied", True

    def _report(self, own: UUID, number: str) -> tuple[int, Json]:
        reports = self._reports_of(own)
        if not reports:
            raise Problem(404, "not-found")
        return 200, reports[max(reports) if number == "latest" else int(number)]

    def _releases(self, own: UUID) -> Json:
        reports = sorted(self._reports_of(own).items(), reverse=True)
        items = [{name: each[name] for name in ("number", "made_at", "signed")} for _, each in reports]
        return {"items": items, "next": None}

    def _reports_of(self, own: UUID) -> dict[int, Json]:
        return self.reports | self.own_reports.get(own, {})

    def _store(self, seat: Seat, reader: Seat, upload: wire.DetailsUpload) -> Json:
        if upload.terms_number != seat.terms_number:
            raise Problem(409, "terms-changed")
        for item in upload.items:
            seat.envelopes[item.row] = (item, upload.submission, upload.terms_number)
            for row, owner_row, _ in reader.readable:
                if owner_row == item.row:
                    self.changed(row)
        return {"stored": len(upload.items)}

    def _served(self, deal: Deal, own: UUID, changed_after: int) -> list[Json]:
        theirs = deal.seats[_other(own)].envelopes
        changed = {item["row"] for item in self.feed if int(str(item["number"])) > changed_after}
        return [
            _serve(row, owner_row, token, *theirs[owner_row])
            for row, owner_row, token in deal.seats[own].readable
            if owner_row in theirs and (not changed_after or b64url(row) in changed)
        ]

    def _deals_of(self, own: UUID) -> list[Deal]:
        return [deal for deal in self.deals.values() if own == LEFT_ORG or deal.acceptor_public]

    def _shown(self, deal: Deal, own: UUID) -> Json:
        seat, names = deal.seats[own], dict(_CALLERS.values())
        partner = None
        if own == RIGHT_ORG or deal.acceptor_public:
            partner = wire.Organization(organization_id=_other(own), name=names[_other(own)])
        return _json(
            wire.Partnership(
                partnership_id=deal.partnership_id,
                state=deal.state,
                side=Side.LEFT if own == LEFT_ORG else Side.RIGHT,
                partner=partner,
                created_at=NOW,
                expires_at=None,
                generation=wire.Generation(number=0, profile=deal.profile, suite=1, state="live"),
                next_generation=None,
                latest_generation=0,
                terms_number=seat.terms_number,
                paused=wire.Paused(ours=seat.is_paused, theirs=deal.seats[_other(own)].is_paused),
                list=_own_list(seat),
                their_list=wire.TheirList(
                    applied_at=None, ready=False, head=_head(deal.seats[_other(own)]), size=None, alarms=()
                ),
                canaries=wire.Canaries(ours=seat.canary, theirs=deal.seats[_other(own)].canary),
                latest_release=max(self.reports) if self.reports else None,
                next_release_from=self.next_release_from,
            )
        )


def _head(seat: Seat) -> wire.TheirHead | None:
    applied = seat.uploads.get(seat.applied_number)
    if applied is None or applied.opened.head is None:
        return None
    said = applied.opened.head
    return wire.TheirHead(generation=applied.opened.generation, release=said.release, head=said.head)


def _own_list(seat: Seat) -> wire.OwnList:
    applied = seat.uploads.get(seat.applied_number)
    return wire.OwnList(
        last_number=_last(seat),
        applied_number=seat.applied_number,
        applied_digest=applied.opened.digest if applied else None,
        accounts=seat.records.accounts.size,
        populations=wire.PopulationSizes.of(seat.records.population_sizes),
        applied_at=NOW if applied else None,
        ready=seat.is_ready,
    )


def _last(seat: Seat) -> int:
    """The last number that counts: one that is still uploading may be replaced."""
    return max((number for number, upload in seat.uploads.items() if upload.state != "uploading"), default=0)


def _upload(seat: Seat, number: str) -> Upload:
    if int(number) not in seat.uploads:
        raise Problem(404, "not-found")
    return seat.uploads[int(number)]


def _serve(
    row: bytes, owner_row: bytes, token: bytes, item: wire.SealedDetails, submission: int, terms_number: int
) -> Json:
    envelope = split_uploaded(item.envelope)
    return _json(
        wire.ServedDetails(
            row=row,
            match_id=row + owner_row,
            owner_row=owner_row,
            population=item.population,
            submission=submission,
            terms_number=terms_number,
            envelope=served(envelope.body, dict(envelope.wraps)[token]),
        )
    )


def _other(own: UUID) -> UUID:
    return RIGHT_ORG if own == LEFT_ORG else LEFT_ORG


def _asked(content: bytes) -> Json:
    terms = wire.Terms.model_validate_json(content)
    return _json(wire.TermsRequest(number=1, asked_by="ours", terms=terms, made_at=NOW, expires_at=NOW))


def _json(model: BaseModel) -> Json:
    return model.model_dump(mode="json")
