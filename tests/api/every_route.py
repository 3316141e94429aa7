"""One request for each route that asks for a key; a test compares them with the contract, so that none is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

import httpx

from escrow.api.app import openapi_document
from escrow.psi.encoding import b64url
from escrow.psi.profile_ids import LATEST_PROFILE
from tests.api.uploading import snapshot

__all__ = ["LEVELS", "OCTETS", "OWNERS", "Route", "Whose", "ids_of", "keyed_routes", "scopes_of"]

OCTETS = {"Content-Type": "application/octet-stream"}
LEVELS = [
    {"ours": ours, "theirs": theirs, "level": "counts"}
    for ours in ("customers", "opportunities", "prospects")
    for theirs in ("customers", "opportunities", "prospects")
]

_KEY = b64url(bytes(32))
_CHUNK = snapshot(f"/v1/partnerships/{UUID(int=1)}").chunks[0]
_LOOKUP = b64url(bytes(16))
_NUMBERS = {"number": "1", "position": "0", "endpoint_id": str(UUID(int=7)), "mail_digest_id": str(UUID(int=7))}
_ENDPOINT = "/v1/webhook-endpoints/{endpoint_id}"
_MAIL_DIGEST = "/v1/mail-digests/{mail_digest_id}"
_OF_PARTNERSHIP = "/v1/partnerships/{partnership_id}"
_ID = re.compile(r"/([a-z-]+)/\{(\w+)\}")


class Whose(Enum):
    """Who may know that there is something with an id: of a partnership, or one organization alone."""

    BOTH = "both"
    SIDE = "side"
    ORGANIZATION = "organization"


#: Each id in an address, by the noun before it.
OWNERS: Mapping[tuple[str, str], Whose] = {
    ("partnerships", "partnership_id"): Whose.BOTH,
    ("releases", "number"): Whose.BOTH,
    ("disputes", "number"): Whose.SIDE,
    ("terms-requests", "number"): Whose.BOTH,
    ("submissions", "number"): Whose.SIDE,
    ("chunks", "position"): Whose.SIDE,
    ("webhook-endpoints", "endpoint_id"): Whose.ORGANIZATION,
    ("mail-digests", "mail_digest_id"): Whose.ORGANIZATION,
}


def ids_of(template: str) -> dict[str, str]:
    """Give the ids in an address: the noun before each, and its name."""
    return dict(_ID.findall(template))


@dataclass(frozen=True, slots=True)
class Route:
    """A route by its address in the contract, and a request that is valid there."""

    method: str
    template: str
    request: dict[str, Any] = field(default_factory=dict)

    @property
    def is_of_partnership(self) -> bool:
        """Whether the address names a partnership."""
        return self.template.startswith(_OF_PARTNERSHIP)

    def send(self, http: httpx.Client, partnership_id: str, **numbers: str) -> httpx.Response:
        """Send the request about one partnership, and about what has these numbers in it."""
        url = self.template.format(partnership_id=partnership_id, **(_NUMBERS | numbers))
        return http.request(self.method, url, **self.request)


def keyed_routes() -> list[Route]:
    """Give every route that asks for a key, the one that ends a partnership last."""
    submission = {
        "number": 1,
        "type": "snapshot",
        "base": 0,
        "generation": 0,
        "suite": 1,
        "profile": LATEST_PROFILE,
        "accounts": 0,
        "chunks": [_KEY],
        "digest": _KEY,
    }
    rows = {name: submission[name] for name in ("number", "type", "base", "generation", "suite", "profile")}
    rows["accounts"] = []
    invitation = {
        "partnership_id": str(uuid4()),
        "inviter_public": _KEY,
        "lookup": _LOOKUP,
        "suite": 1,
        "profile": LATEST_PROFILE,
    }
    acceptance = {"lookup": _LOOKUP, "acceptor_public": _KEY, "tag": _KEY}
    wrong = {"row": b64url(bytes([1] * 8)), "match_id": _LOOKUP, "reason": "different-company"}
    upload = {"terms_number": 1, "submission": 1, "items": []}
    return [
        Route("GET", "/v1/service"),
        Route("GET", "/v1/organization"),
        Route("GET", "/v1/api-key"),
        Route("GET", "/v1/events"),
        Route("GET", "/v1/partnerships"),
        Route("POST", "/v1/partnerships", {"json": invitation}),
        Route("POST", "/v1/invitations/lookup", {"json": {"lookup": _LOOKUP}}),
        Route("GET", _OF_PARTNERSHIP),
        Route("POST", f"{_OF_PARTNERSHIP}/accept", {"json": acceptance}),
        Route("GET", f"{_OF_PARTNERSHIP}/pairing"),
        Route("POST", f"{_OF_PARTNERSHIP}/confirm", {"json": {"tag": _KEY}}),
        Route("POST", f"{_OF_PARTNERSHIP}/ready", {"json": {}}),
        Route("POST", f"{_OF_PARTNERSHIP}/canary", {"json": {"generation": 0, "canary": _KEY}}),
        Route("GET", f"{_OF_PARTNERSHIP}/terms"),
        Route("GET", f"{_OF_PARTNERSHIP}/allowance"),
        Route("POST", f"{_OF_PARTNERSHIP}/allowance/grants", {"json": {"accounts": 5}}),
        Route("PUT", f"{_OF_PARTNERSHIP}/terms", {"json": {"levels": LEVELS}}),
        Route("GET", f"{_OF_PARTNERSHIP}/terms-requests"),
        Route("POST", f"{_OF_PARTNERSHIP}/terms-requests", {"json": {"levels": LEVELS}}),
        Route("POST", f"{_OF_PARTNERSHIP}/terms-requests/{{number}}/answer", {"json": {"levels": LEVELS}}),
        Route("POST", f"{_OF_PARTNERSHIP}/terms-requests/{{number}}/close", {"json": {}}),
        Route("POST", f"{_OF_PARTNERSHIP}/submissions", {"json": submission}),
        Route("POST", f"{_OF_PARTNERSHIP}/submissions/rows", {"json": rows}),
        Route("GET", f"{_OF_PARTNERSHIP}/submissions/{{number}}"),
        Route(
            "PUT",
            f"{_OF_PARTNERSHIP}/submissions/{{number}}/chunks/{{position}}",
            {"content": _CHUNK, "headers": OCTETS},
        ),
        Route("POST", f"{_OF_PARTNERSHIP}/submissions/{{number}}/complete", {"json": {}}),
        Route("POST", f"{_OF_PARTNERSHIP}/submissions/{{number}}/withdraw", {"json": {}}),
        Route("GET", f"{_OF_PARTNERSHIP}/releases"),
        Route("GET", f"{_OF_PARTNERSHIP}/releases/latest"),
        Route("GET", f"{_OF_PARTNERSHIP}/releases/{{number}}"),
        Route("GET", f"{_OF_PARTNERSHIP}/overlaps"),
        Route("GET", f"{_OF_PARTNERSHIP}/changes"),
        Route("GET", f"{_OF_PARTNERSHIP}/details/wanted"),
        Route("GET", f"{_OF_PARTNERSHIP}/details"),
        Route("POST", f"{_OF_PARTNERSHIP}/details", {"json": upload}),
        Route("POST", f"{_OF_PARTNERSHIP}/generations", {"json": {"number": 1, "profile": LATEST_PROFILE}}),
        Route("POST", f"{_OF_PARTNERSHIP}/generations/accept", {"json": acceptance}),
        Route("GET", f"{_OF_PARTNERSHIP}/generations/pairing"),
        Route("POST", f"{_OF_PARTNERSHIP}/generations/confirm", {"json": {"tag": _KEY}}),
        Route("POST", f"{_OF_PARTNERSHIP}/generations/cancel", {"json": {"number": 1}}),
        Route("POST", f"{_OF_PARTNERSHIP}/disputes", {"json": wrong}),
        Route("GET", f"{_OF_PARTNERSHIP}/disputes"),
        Route("GET", f"{_OF_PARTNERSHIP}/disputed-rows"),
        Route("POST", f"{_OF_PARTNERSHIP}/disputes/{{number}}/withdraw", {"json": {}}),
        Route("GET", f"{_OF_PARTNERSHIP}/audit"),
        Route("GET", "/v1/organization/audit"),
        Route("POST", "/v1/webhook-endpoints", {"json": {"url": "https://hooks.example.com/"}}),
        Route("GET", "/v1/webhook-endpoints"),
        Route("GET", _ENDPOINT),
        Route("PATCH", _ENDPOINT, {"json": {"enabled": False}}),
        Route("POST", f"{_ENDPOINT}/confirm", {"json": {}}),
        Route("POST", f"{_ENDPOINT}/test", {"json": {}}),
        Route("POST", f"{_ENDPOINT}/secret", {"json": {}}),
        Route("POST", f"{_ENDPOINT}/replay", {"json": {"first": 1, "last": 1}}),
        Route("GET", f"{_ENDPOINT}/deliveries"),
        Route("DELETE", _ENDPOINT),
        Route("POST", "/v1/mail-digests", {"json": {"address": "kim@example.com"}}),
        Route("GET", "/v1/mail-digests"),
        Route("GET", _MAIL_DIGEST),
        Route("POST", f"{_MAIL_DIGEST}/code", {"json": {}}),
        Route("POST", f"{_MAIL_DIGEST}/confirm", {"json": {"code": "mzxw-6ytb-oi5d-qz3f"}}),
        Route("DELETE", _MAIL_DIGEST),
        Route("POST", f"{_OF_PARTNERSHIP}/pause", {"json": {}}),
        Route("POST", f"{_OF_PARTNERSHIP}/resume", {"json": {}}),
        Route("POST", f"{_OF_PARTNERSHIP}/end", {"json": {}}),
    ]


def scopes_of() -> Iterator[tuple[tuple[str, str], str | None]]:
    """Yield each route of the contract that asks for a key, with the scope it asks for, if any."""
    for template, methods in openapi_document()["paths"].items():
        for method, said in methods.items():
            if "security" in said:
                (scopes,) = said["security"][0].values()
                yield (method.upper(), template), next(iter(scopes), None)
