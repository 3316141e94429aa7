"""A wrong match, disputed at the command line, is gone for both partners until it is taken back."""

from __future__ import annotations

from tests.journeys.programs import Partner, eventually, of_the_client
from tests.journeys.test_main_job import FIELDS, submit_examples


@of_the_client
def test_a_match_disputed_at_the_command_line_is_gone_for_both_until_it_is_withdrawn(
    partners: tuple[Partner, Partner],
) -> None:
    left, right = submit_examples(partners)
    left.run("terms", "set", "--level", "opportunities:customers=details", "--fields", FIELDS)
    right.run("terms", "set", "--level", "customers:opportunities=details", "--fields", FIELDS)
    eventually(lambda: left.run("overlaps")["items"])
    for partner in (left, right, left):
        partner.run("sync")
    wrong, listed = left.run("overlaps")["items"][0], len(left.run("overlaps")["items"])
    assert left.run("disputes", "list")["ours"] == []

    made = left.run("disputes", "add", wrong["match_id"][:12], "--reason", "related-company", "--yes")
    assert (made["account_name"], made["dispute"]["number"]) == (wrong["account_name"], 1)
    assert wrong["match_id"] not in {item["match_id"] for item in left.run("overlaps")["items"]}
    assert len(left.run("overlaps")["items"]) == listed - 1
    (ours,) = left.run("disputes", "list")["ours"]
    assert (ours["account_name"], ours["reason"]) == (wrong["account_name"], "related-company")
    (theirs,) = right.run("disputes", "list")["theirs"]
    assert theirs["account_name"] == wrong["shared"]["account_name"]
    assert theirs["account_name"] not in {item["account_name"] for item in right.run("overlaps")["items"]}

    code, error = left.refused("disputes", "add", wrong["match_id"], "--yes")
    assert (code, error["code"]) == (2, "usage")
    left.run("disputes", "withdraw", "1")
    eventually(lambda: len(left.run("overlaps")["items"]) == listed)
    assert right.run("disputes", "list")["theirs"] == []
