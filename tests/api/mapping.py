"""Two partners who have agreed and submitted, with what the worker made of it."""

from __future__ import annotations

from escrow import terms as words
from escrow import wire
from escrow.presets import DISCLOSURE_PRESETS
from escrow.terms import Level, Population, uniform_levels
from tests.api.serving import Served
from tests.api.uploading import snapshot

__all__ = ["LEFT", "RIGHT", "agree", "mapped"]

#: Rows 20 and up of the left meet rows 120 and up of the right: forty companies.
LEFT, RIGHT = range(1, 61), range(120, 200)


def agree(api: Served, address: str, level: Level) -> None:
    trusted = DISCLOSURE_PRESETS["trusted"]
    terms = words.Terms(levels=uniform_levels(level), fields=("domain",), disclosure=trusted)
    for party in (api.left, api.right):
        answer = party.http.put(f"{address}/terms", json=wire.Terms.of(terms).model_dump(mode="json"))
        assert answer.status_code == 200, answer.text


def mapped(api: Served, level: Level) -> str:
    """Pair, agree on one level for every cell, submit both lists, and let the worker do its work."""
    address = api.active()
    agree(api, address, level)
    snapshot(address, rows=LEFT).send(api.left.http)
    snapshot(address, rows=RIGHT, population=Population.OPPORTUNITIES).send(api.right.http)
    api.work()
    return address
