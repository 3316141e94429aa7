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
NAMES = {template: template.removeprefix(f"{_OF_PARTNERSHIP}/").removeprefix("/v1/") for template in ROUTES}


def made(template: str, organization_id: UUID, partnership_id: UUID, *, octet: bytes = b"\0") -> Iterator[str]:
    """Cursors as this route gives them to an organization, in one partnership, whichever kind of place it has."""
    ids = [organization_id, partnership_id] if "{" in template else [organization_id]
    # The audit trail of a partnership is one of two lists.
    name = "audit/both" if "{" in template and NAMES[template] == "audit" else NAMES[template]
    of = b"".join(each.bytes for each in ids) + name.encode()
    for length in (8, 16):
        yield b64url(hashlib.sha256(of).digest()[:4] + octet * length)


def test_routes_that_take_cursors_are_found() -> None:
    assert len(ROUTES) >= 7


@pytest.mark.parametrize("template", ROUTES, ids=list(NAMES.values()))
def test_a_cursor_that_is_not_of_this_list_is_refused(shared_api: Served, template: str) -> None:
    left, address = shared_api.left, shared_api.active()
    own, url = UUID(address.rpartition("/")[2]), template.replace(_OF_PARTNERSHIP, address)
    foreign = [
        *made(template, shared_api.right.organization_id, own),
        *(made(template, left.organization_id, uuid4()) if "{" in template else ()),
        *(cursor for other in ROUTES if other != template for cursor in made(other, left.organization_id, own)),
    ]
    for cursor in MALFORMED + foreign:
        refused = left.http.get(url, params={"cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid"), cursor
    cursors = made(template, left.organization_id, own)
    read = {left.http.get(url, params={"cursor": cursor}).status_code for cursor in cursors}
    assert read == {200, 422}, "one of the two kinds of place is its own"


def test_a_cursor_beyond_every_number_is_refused(shared_api: Served) -> None:
    left, address = shared_api.left, shared_api.active()
    template = f"{_OF_PARTNERSHIP}/releases"
    for cursor in made(template, left.organization_id, UUID(address.rpartition("/")[2]), octet=b"\xff"):
        assert left.http.get(f"{address}/releases", params={"cursor": cursor}).status_code == 422
