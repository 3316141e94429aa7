"""The wire models: words, exact lengths, strictness, and refusals that repeat nothing."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from escrow import terms as words
from escrow import wire
from escrow.terms import CELLS, DETAIL_FIELDS, Level, Population, Tier

PARTNERSHIP = "5f0c3c5e-2f52-4d5b-9d0a-6d3f3f1f2a11"
CANARY = "canary-acme-gmbh"

tiers = st.sampled_from(Tier)
any_terms = st.builds(
    words.Terms,
    levels=st.fixed_dictionaries({cell: st.sampled_from(Level) for cell in CELLS}),
    fields=st.lists(st.sampled_from((*DETAIL_FIELDS, "custom.a", "custom.b_2")), unique=True).map(tuple),
    counts_from=st.just(Tier.POSSIBLE),
    reveals_from=tiers,
    largest_list=st.integers(1, 2**31 - 1),
)


def invitation(**changes: object) -> dict[str, Any]:
    request: dict[str, Any] = {
        "partnership_id": PARTNERSHIP,
        "inviter_public": "A" * 43,
        "lookup": "A" * 22,
        "suite": 1,
        "profile": "escrow-1+psl-2026-10-23",
    }
    return request | changes


def refusal(model: type[BaseModel], request: object) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(json.dumps(request))
    return str(caught.value)


@given(any_terms)
def test_terms_come_back_as_the_same_value(terms: words.Terms) -> None:
    said = wire.Terms.of(terms)
    heard = wire.Terms.model_validate_json(said.model_dump_json())
    assert heard == said
    assert set(heard.value().fields) == set(terms.fields)
    assert heard.value().levels == terms.levels
    assert heard.value().reveals_from is terms.reveals_from


def test_terms_are_told_in_words() -> None:
    said = json.loads(wire.Terms.of(words.Terms(words.uniform_levels(Level.COUNTS))).model_dump_json())
    assert said["levels"][1] == {"ours": "customers", "theirs": "opportunities", "level": "counts"}
    assert said["counts_from"] == "likely"


def test_json_and_python_input_are_read_alike() -> None:
    request = invitation()
    assert wire.NewPartnership.model_validate(request) == wire.NewPartnership.model_validate_json(json.dumps(request))
    assert wire.NewPartnership.model_validate(request).partnership_id == UUID(PARTNERSHIP)


@pytest.mark.parametrize(
    "changes",
    [
        {"suite": "1"},
        {"suite": 1.0},
        {"suite": True},
        {"suite": 0},
        {"profile": CANARY + "\n"},
        {"profile": ""},
        {"partnership_id": PARTNERSHIP.upper()},
        {"partnership_id": PARTNERSHIP.replace("-", "")},
        {"partnership_id": f"urn:uuid:{PARTNERSHIP}"},
        {"partnership_id": 7},
        {"lookup": "A" * 21},
        {"lookup": "A" * 24},
        {"lookup": "A" * 22 + "=="},
        {"lookup": "A" * 21 + "B"},
        {"lookup": "A" * 21 + "+"},
        {"lookup": None},
        {"inviter_public": "A" * 10_000},
        {CANARY: 1},
    ],
)
def test_an_invitation_that_is_not_exact_is_refused(changes: dict[str, object]) -> None:
    assert "input_value" not in refusal(wire.NewPartnership, invitation(**changes))


def test_a_row_of_zeroes_is_refused() -> None:
    refusal(wire.WantedDetails, {"row": "A" * 11})


@pytest.mark.parametrize("cells", [8, 10])
def test_terms_name_each_cell_once(cells: int) -> None:
    level = {"ours": "customers", "theirs": "customers", "level": "counts"}
    refusal(wire.Terms, {"levels": [level] * cells})
    refusal(wire.Terms, {"levels": [level] * 9})


def test_terms_refuse_to_reveal_what_does_not_count() -> None:
    said = json.loads(wire.Terms.of(words.Terms(words.uniform_levels(Level.COUNTS))).model_dump_json())
    assert "reveals_from" in refusal(wire.Terms, said | {"counts_from": "certain", "reveals_from": "likely"})


def test_a_word_that_is_unknown_is_refused_without_repeating_it() -> None:
    level = {"ours": CANARY, "theirs": "customers", "level": "counts"}
    message = refusal(wire.CellLevel, level)
    assert "customers, opportunities, prospects" in message
    assert CANARY not in message


def test_the_detail_fields_on_the_wire_are_those_of_the_domain() -> None:
    schema = wire.Terms.model_json_schema()
    named = re.compile(schema["properties"]["fields"]["items"]["pattern"])
    assert all(map(named.search, (*DETAIL_FIELDS, "custom.a")))
    assert not any(map(named.search, ("shoe_size", "custom.A", "region2", "xregion")))


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 11, 21, 23, 30, tzinfo=timezone(timedelta(hours=1)))
    assert wire.ReleaseItem(number=1, made_at=moment, signed=None).model_dump_json() == (
        '{"number":1,"made_at":"2026-11-21T22:30:00Z","signed":null}'
    )


def test_population_sizes_come_back_by_population() -> None:
    sizes = wire.PopulationSizes.of({Population.CUSTOMERS: 3})
    assert sizes.value() == {Population.CUSTOMERS: 3, Population.OPPORTUNITIES: 0, Population.PROSPECTS: 0}


@given(st.binary(min_size=32, max_size=32))
def test_binary_comes_back_as_the_same_bytes(tag: bytes) -> None:
    said = wire.Confirmation(tag=tag)
    assert wire.Confirmation.model_validate_json(said.model_dump_json()) == said
