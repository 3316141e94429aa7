"""Two CRM exports become a 3×3: the command line, HTTP, the database and back, as two partners would do it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from unittest.mock import ANY

from tests.journeys.plaintext import Columns, companies, overlap_matrix
from tests.journeys.programs import Partner, eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
SALESFORCE, HUBSPOT = EXAMPLES / "larkfield-salesforce.csv", EXAMPLES / "brightwater-hubspot.csv"
FIELDS = "account_name,domain,region"

Numbers = dict[tuple[str, str], int | None]


def test_the_matrix_is_that_of_the_plaintext_and_both_sides_see_transposes(
    plain_partners: tuple[Partner, Partner],
) -> None:
    left, right = submit_examples(plain_partners)
    plain = overlap_matrix(
        companies(SALESFORCE, Columns("Account Name", "Website", "Type")),
        companies(HUBSPOT, Columns("Company name", "Company Domain Name", "Lifecycle Stage")),
    )
    assert numbers(left.run("report")) == dict(plain)
    assert numbers(right.run("report")) == {(ours, theirs): count for (theirs, ours), count in plain.items()}


def test_a_cell_opened_by_both_shows_each_side_what_the_other_shares(
    partners: tuple[Partner, Partner], tmp_path: Path
) -> None:
    left, right = submit_examples(partners)
    left.run("terms", "set", "--level", "opportunities:customers=details", "--fields", FIELDS)
    assert left.run("overlaps")["items"] == [], "one side alone opens nothing"
    right.run("terms", "set", "--level", "customers:opportunities=details", "--fields", FIELDS)
    eventually(lambda: left.run("overlaps")["items"])
    for partner in (left, right, left):
        partner.run("sync")
    listed = left.run("overlaps")["items"]
    assert len(listed) > 30
    with HUBSPOT.open(encoding="utf-8") as stream:
        theirs = {(row["Company name"], row["Region"]) for row in csv.DictReader(stream)}
    for item in listed:
        assert (item["ours"], item["theirs"]) == ("opportunities", "customers")
        assert set(item["shared"]) <= set(FIELDS.split(","))
        assert (item["shared"]["account_name"], item["shared"]["region"]) in theirs
    the_trail_tells_who_read_details(left, right, tmp_path / "trail.jsonl")


def the_trail_tells_who_read_details(reader: Partner, owner: Partner, exported: Path) -> None:
    seen = owner.run("audit", "list", "--last", "500")["entries"]
    readers = {entry["organization_id"] for entry in seen if entry["action"] == "details-read"}
    assert readers > {reader.run("audit", "list", "--organization")["entries"][0]["trail_id"]}
    assert reader.run("audit", "verify")["last"] == owner.run("audit", "verify")["last"]
    written = owner.run("audit", "export", exported)["entries"]
    assert owner.run("audit", "verify", exported)["entries"] == written
    exported.write_text(exported.read_text(encoding="utf-8").replace("details-read", "report-read", 1), "utf-8")
    assert owner.refused("audit", "verify", exported) == (7, ANY)


def test_a_second_submission_is_a_delta_and_comes_to_what_a_snapshot_would(
    plain_partners: tuple[Partner, Partner], tmp_path: Path
) -> None:
    left, _ = submit_examples(plain_partners)
    changed = tmp_path / "changed.csv"
    lines = SALESFORCE.read_text(encoding="utf-8").splitlines(keepends=True)
    changed.write_text("".join(lines[:1] + lines[100:]), encoding="utf-8")
    delta = left.run("submit", changed)
    assert delta["type"] == "delta"
    assert 0 < delta["sent_accounts"] <= 100
    eventually(lambda: left.run("report")["number"] == 2)
    again = left.run("submit", changed)
    assert again["sent_accounts"] == 0
    expected = overlap_matrix(
        companies(changed, Columns("Account Name", "Website", "Type")),
        companies(HUBSPOT, Columns("Company name", "Company Domain Name", "Lifecycle Stage")),
    )
    assert numbers(left.run("report")) == dict(expected)


def test_an_end_ends_all_reading_for_both(partners: tuple[Partner, Partner]) -> None:
    left, right = submit_examples(partners)
    left.run("end", "--yes")
    for partner, refusal in ((left, "partnership-not-ready"), (right, "partnership-not-active")):
        code, error = partner.refused("report")
        assert code != 0
        assert error["code"] == refusal


def submit_examples(partners: tuple[Partner, Partner]) -> tuple[Partner, Partner]:
    """Share counts in every cell, submit both exports and wait for the first release."""
    for partner, export in zip(partners, (SALESFORCE, HUBSPOT), strict=True):
        partner.run("terms", "set", "--preset", "counts-only", "--disclosure", "quick")
        partner.run("submit", export, "--ready")
    eventually(lambda: partners[0].run("report")["number"])
    return partners


def numbers(report: dict[str, Any]) -> Numbers:
    return {(cell["ours"], cell["theirs"]): cell["number"] for cell in report["cells"]}
