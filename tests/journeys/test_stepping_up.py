"""A step-up between two real clients: asked on one machine, answered on the other, open on both."""

from __future__ import annotations

from tests.journeys.programs import Partner, eventually, of_the_client
from tests.journeys.test_main_job import HUBSPOT, SALESFORCE

CELL = "opportunities:customers"


@of_the_client
def test_a_cell_opens_for_both_once_the_partner_answers(partners: tuple[Partner, Partner]) -> None:
    left, right = partners
    for partner, export in ((left, SALESFORCE), (right, HUBSPOT)):
        partner.run("terms", "set", "--preset", "counts-only", "--disclosure", "quick")
        partner.run("submit", export, "--ready")
    code, error = right.refused("terms", "answer", "--yes")
    assert (code, error["code"]) == (5, "terms-request-missing")

    left.run("terms", "request", "--level", f"{CELL}=details", "--fields", "account_name")
    assert left.run("overlaps")["items"] == []
    answered = right.run("terms", "answer", "--fields", "account_name,domain", "--yes")
    assert answered["requests"] == []

    for side in (left, right):
        eventually(lambda side=side: side.run("overlaps")["items"])  # type: ignore[misc]  # the side of this turn
    for side in (left, right, left):
        side.run("sync")
    shown = left.run("terms", "show")
    assert not shown["differs"]
    assert {*right.run("overlaps")["items"][0]["shared"]} == {"account_name"}
    assert {*left.run("overlaps")["items"][0]["shared"]} == {"account_name", "domain"}
