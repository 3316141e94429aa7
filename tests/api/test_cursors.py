"""Cursors on every route that takes one: only its own are read, and every other is the same refusal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from escrow.api.app import openapi_document
from escrow.psi.encoding import b64url
from tests.api.serving import Served

_OF_PARTNERSHIP = "/v1/partnerships/{partnership_id}"
MALFORMED = ["", "x", "=", "\0", "\u00e9", "AAAA", "A" * 400, b64url(bytes(12)), b64url(bytes(20))]


def paged_routes() -> list[str]:
    """Every route of the contract that takes a cursor."""
    return sorted(
        template
        for template, methods in openapi_document()["paths"].items()
        if any(each["name"] == "cursor" for each in methods.get("get", {}).get("parameters", ()))
    )


ROUTES = paged_routes()


def made(url: str, organization_id: UUID, *, octet: bytes = b"\0") -> Iterator[str]:
    """Cursors as the list at this address gives them to an organization, whichever kind of place it has."""
    parts = url.split("/")[2:]
    ids, name = [organization_id], "/".join(parts)
    if len(parts) > 1 and parts[0] == "partnerships":
        ids, name = [organization_id, UUID(parts[1])], "/".join(parts[2:])
    # The audit trail of a partnership is one of two lists.
    name = "audit/both" if name == "audit" else name
    for length in (8, 16):
        mark = hashlib.sha256(b"".join(each.bytes for each in ids) + name.encode()).digest()[:4]
        yield b64url(mark + octet * length)


def test_routes_that_take_cursors_are_found() -> None:
    assert len(ROUTES) >= 7


def addressed(api: Served, template: str) -> str:
    """The address of a list that is there."""
    url = template.replace(_OF_PARTNERSHIP, api.active())
    if "{endpoint_id}" in url:
        added = api.left.http.post("/v1/webhook-endpoints", json={"url": "https://hooks.example.com/"}).json()
        url = url.replace("{endpoint_id}", added["endpoint_id"])
    return url


@pytest.mark.parametrize("template", ROUTES)
def test_a_cursor_that_is_not_of_this_list_is_refused(shared_api: Served, template: str) -> None:
    left, url, elsewhere = shared_api.left, addressed(shared_api, template), str(uuid4())
    own = UUID(url.split("/")[3]) if url.startswith("/v1/partnerships/") else uuid4()
    foreign = [
        *made(url, shared_api.right.organization_id),
        *(made(url.replace(str(own), elsewhere), left.organization_id) if str(own) in url else ()),
        *(
            cursor
            for other in ROUTES
            if other != template
            for cursor in made(other.format(partnership_id=own, endpoint_id=elsewhere), left.organization_id)
        ),
    ]
    for cursor in MALFORMED + foreign:
        refused = left.http.get(url, params={"cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid"), cursor
    read = {left.http.get(url, params={"cursor": cursor}).status_code for cursor in made(url, left.organization_id)}
    assert read == {200, 422}, "one of the two kinds of place is its own"


def test_a_cursor_beyond_every_number_is_refused(shared_api: Served) -> None:
    left, url = shared_api.left, f"{shared_api.active()}/releases"
    for cursor in made(url, left.organization_id, octet=b"\xff"):
        assert left.http.get(url, params={"cursor": cursor}).status_code == 422
