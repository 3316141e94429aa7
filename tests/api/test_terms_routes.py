"""Terms over HTTP: each party states its own, both read the meet, each from its own side."""

from __future__ import annotations

from typing import Any

import pytest

from escrow import terms as words
from escrow import wire
from escrow.terms import CELLS, Cell, Level, Population
from tests.api.serving import Served

#: Routes are thin: what they call has tests on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OURS = Cell(Population.CUSTOMERS, Population.PROSPECTS)


def stated(*, level: Level, cell: Cell = OURS) -> dict[str, Any]:
    levels = dict.fromkeys(CELLS, Level.COUNTS) | {cell: level}
    said: dict[str, Any] = wire.Terms.of(words.Terms(levels=levels)).model_dump(mode="json")
    return said


def level_of(terms: dict[str, Any], cell: Cell) -> str:
    return next(
        str(each["level"])
        for each in terms["levels"]
        if (each["ours"], each["theirs"]) == (cell.ours.word, cell.theirs.word)
    )


def test_nothing_is_shared_until_somebody_says_so(api: Served) -> None:
    document = api.left.http.get(f"{api.active()}/terms").json()
    assert {each["level"] for each in document["ours"]["levels"]} == {"hidden"}
    assert {each["level"] for each in document["effective"]["levels"]} == {"hidden"}
    assert document["number"] == 1


def test_the_effective_terms_are_the_stricter_of_both_seen_from_each_side(api: Served) -> None:
    url = f"{api.active()}/terms"
    api.left.http.put(url, json=stated(level=Level.DETAILS) | {"fields": ["domain"], "largest_list": 10})
    api.right.http.put(url, json=stated(level=Level.ACCOUNTS, cell=OURS.transposed))
    left, right = api.left.http.get(url).json(), api.right.http.get(url).json()
    assert level_of(left["ours"], OURS) == "details"
    assert level_of(left["theirs"], OURS) == "accounts"
    assert level_of(left["effective"], OURS) == "accounts"
    assert level_of(right["effective"], OURS.transposed) == "accounts"
    assert right["theirs"]["fields"] == ["domain"]
    assert right["effective"]["largest_list"] == 10


def test_terms_that_change_nothing_keep_their_number(api: Served) -> None:
    url = f"{api.active()}/terms"
    first = api.left.http.put(url, json=stated(level=Level.DETAILS))
    assert first.json()["number"] == 2
    assert api.left.http.put(url, json=stated(level=Level.DETAILS)).json() == first.json()


def test_terms_of_an_ended_partnership_do_not_change(api: Served) -> None:
    address = api.active()
    api.left.http.post(f"{address}/end", json={})
    refused = api.left.http.put(f"{address}/terms", json=stated(level=Level.COUNTS))
    assert (refused.status_code, refused.json()["code"]) == (409, "partnership-ended")


def test_terms_made_from_older_ones_undo_nothing_that_came_between(api: Served) -> None:
    address = api.active()
    url = f"{address}/terms"
    tight, wide = (stated(level=level) for level in (Level.HIDDEN, Level.COUNTS))
    assert api.left.http.put(url, json=tight, params={"base": 1}).json()["number"] == 2
    asked = api.right.http.post(f"{address}/terms-requests", json=wide).json()["number"]
    for refused in (
        api.left.http.put(url, json=wide, params={"base": 1}),
        api.left.http.post(f"{address}/terms-requests", json=wide, params={"base": 1}),
        api.left.http.post(f"{address}/terms-requests/{asked}/answer", json=wide, params={"base": 1}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "terms-changed")
    assert level_of(api.left.http.get(url).json()["ours"], OURS) == "hidden"
    assert api.left.http.put(url, json=tight, params={"base": 1}).json()["number"] == 2, "said again, they undo nothing"
    assert api.left.http.put(url, json=wide, params={"base": 2}).json()["number"] == 3


@pytest.mark.parametrize(("steps", "step"), [((1_000, 1_001), 1_001_000), ((999_983, 1_000_000), 2_147_483_647)])
def test_a_met_rule_may_be_more_than_anybody_can_demand(api: Served, steps: tuple[int, int], step: int) -> None:
    url = f"{api.active()}/terms"
    said = stated(level=Level.COUNTS)
    for party, own in zip((api.left, api.right), steps, strict=True):
        answer = party.http.put(url, json=said | {"disclosure": said["disclosure"] | {"step": own}})
        assert (answer.status_code, answer.json()["ours"]["disclosure"]["step"]) == (200, own)
    for party in (api.left, api.right):
        told = wire.TermsDocument.model_validate_json(party.http.get(url).content)
        assert told.effective is not None
        assert told.effective.value().disclosure.step == step
