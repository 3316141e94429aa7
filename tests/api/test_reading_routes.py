"""Reports, overlaps and details over HTTP, each seen from its own side."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from escrow import wire
from escrow.psi.encoding import b64url, unb64url
from escrow.psi.envelope_format import PADDED_SIZES, WRAP_BYTES, Body, pack_body, split_served, uploaded
from escrow.terms import Level, Population
from tests.api.mapping import agree, mapped
from tests.api.serving import Served
from tests.psi.making_lists import token_of

#: Routes are thin: what they call has tests on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

READING = ("releases", "releases/latest", "releases/1", "overlaps", "details", "details/wanted")
BODY = pack_body(Body(bytes(12), bytes(32), bytes(PADDED_SIZES[0] + 16)))


def got(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_both_parties_read_one_release_each_from_its_own_side(api: Served) -> None:
    address = mapped(api, Level.COUNTS)
    left = wire.Report.model_validate_json(api.left.http.get(f"{address}/releases/latest").content)
    right = wire.Report.model_validate_json(api.right.http.get(f"{address}/releases/1").content)
    assert {(cell.ours, cell.theirs): cell.number for cell in left.cells} == {
        (cell.theirs, cell.ours): cell.number for cell in right.cells
    }
    shown = {(cell.ours, cell.theirs): cell.number for cell in left.cells if cell.number is not None}
    assert shown == {(Population.CUSTOMERS, Population.OPPORTUNITIES): 41}
    assert (left.our_list.accounts, right.our_list.accounts) == (60, 80)
    assert [item["number"] for item in got(api.left.http.get(f"{address}/releases"))["items"]] == [1]
    partnership = got(api.left.http.get(address))
    assert (partnership["latest_release"], partnership["list"]["applied_number"]) == (1, 1)
    assert partnership["their_list"].keys() == {"applied_at", "ready", "head", "size", "alarms"}


def test_there_is_no_report_before_the_first_release(api: Served) -> None:
    address = api.active()
    assert api.left.http.get(f"{address}/releases/latest").status_code == 404
    assert got(api.left.http.get(f"{address}/releases")) == {"items": [], "next": None}
    assert got(api.left.http.get(f"{address}/overlaps")) == {"items": [], "next": None, "changes_after": 0}


def test_overlaps_are_paged_in_row_order_and_hold_the_callers_own_rows_only(api: Served) -> None:
    address = mapped(api, Level.ACCOUNTS)
    url = httpx.URL(f"{address}/overlaps?limit=15")
    pages = [got(api.left.http.get(url))]
    while pages[-1]["next"]:
        pages.append(got(api.left.http.get(url.copy_add_param("cursor", pages[-1]["next"]))))
    found = [item for page in pages for item in page["items"]]
    assert [int.from_bytes(unb64url(item["row"])) for item in found] == list(range(20, 61))
    assert {(item["tier"], item["ours"], item["theirs"], item["level"]) for item in found} == {
        ("certain", "customers", "opportunities", "accounts")
    }
    theirs = got(api.right.http.get(f"{address}/overlaps"))["items"]
    assert {int.from_bytes(unb64url(item["row"])) for item in theirs} == set(range(120, 161))


def test_overlaps_are_filtered_by_population(api: Served) -> None:
    address = mapped(api, Level.ACCOUNTS)
    for query, expected in (("ours=customers", 41), ("ours=prospects", 0), ("theirs=opportunities", 41)):
        assert len(got(api.left.http.get(f"{address}/overlaps?{query}"))["items"]) == expected


def test_a_population_that_is_unknown_is_refused(api: Served) -> None:
    refused = api.left.http.get(f"{api.active()}/overlaps?ours=suspects")
    assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid")


def test_details_go_from_their_owner_to_the_partner_with_one_wrap(api: Served) -> None:
    address = mapped(api, Level.DETAILS)
    wanted = got(api.left.http.get(f"{address}/details/wanted"))
    assert len(wanted["items"]) == 41
    row = wanted["items"][0]["row"]
    batch = {
        "terms_number": wanted["terms_number"],
        "submission": wanted["submission"],
        "items": [{"row": row, "population": "customers", "envelope": b64url(envelope(20))}],
    }
    assert got(api.left.http.post(f"{address}/details", json=batch)) == {"stored": 1}
    (served,) = got(api.right.http.get(f"{address}/details"))["items"]
    assert (served["owner_row"], served["population"]) == (row, "customers")
    assert int.from_bytes(unb64url(served["row"])) == 120
    assert split_served(unb64url(served["envelope"])).wrap == bytes(WRAP_BYTES)
    assert len(got(api.left.http.get(f"{address}/details/wanted"))["items"]) == 40


def test_details_of_a_row_that_does_not_overlap_are_refused(api: Served) -> None:
    address = mapped(api, Level.DETAILS)
    wanted = got(api.left.http.get(f"{address}/details/wanted"))
    batch = {
        "terms_number": wanted["terms_number"],
        "submission": wanted["submission"],
        "items": [{"row": b64url((1).to_bytes(8)), "population": "customers", "envelope": b64url(envelope(1))}],
    }
    refused = api.left.http.post(f"{address}/details", json=batch)
    assert (refused.status_code, refused.json()["code"]) == (422, "details-not-wanted")
    outdated = api.left.http.post(f"{address}/details", json=batch | {"terms_number": 1})
    assert (outdated.status_code, outdated.json()["code"]) == (409, "terms-changed")


def test_a_tightening_ends_reading_at_once(api: Served) -> None:
    address = mapped(api, Level.ACCOUNTS)
    agree(api, address, Level.COUNTS)
    assert got(api.left.http.get(f"{address}/overlaps"))["items"] == []
    report = got(api.left.http.get(f"{address}/releases/latest"))
    assert {cell["state"] for cell in report["cells"]} == {"withheld"}


def test_a_pause_of_one_keeps_both_from_reading_until_the_same_one_resumes(api: Served) -> None:
    address = mapped(api, Level.DETAILS)
    assert got(api.right.http.post(f"{address}/pause", json={}))["paused"] == {"ours": True, "theirs": False}
    assert got(api.left.http.post(f"{address}/resume", json={}))["paused"] == {"ours": False, "theirs": True}
    batch = {"terms_number": 1, "submission": 1, "items": []}
    for party in (api.left, api.right):
        refusals = [party.http.get(f"{address}/{path}") for path in READING]
        for refused in (*refusals, party.http.post(f"{address}/details", json=batch)):
            assert (refused.status_code, refused.json()["code"]) == (409, "partnership-paused")
    assert got(api.right.http.post(f"{address}/resume", json={}))["paused"] == {"ours": False, "theirs": False}
    assert all(
        party.http.get(f"{address}/{path}").status_code == 200 for party in (api.left, api.right) for path in READING
    )


def test_an_end_ends_all_reading(api: Served) -> None:
    address = mapped(api, Level.DETAILS)
    got(api.right.http.post(f"{address}/end", json={}))
    for path in READING:
        refused = api.left.http.get(f"{address}/{path}")
        assert (refused.status_code, refused.json()["code"]) == (409, "partnership-not-active")


def envelope(domain: int) -> bytes:
    """Make what looks like an envelope, with a wrap for the token of this domain."""
    return uploaded(BODY, [(token_of(domain), bytes(WRAP_BYTES))])
