"""Columns and stages are guessed as the two big CRMs write them, can be said by hand, and are remembered."""

from __future__ import annotations

import pytest

from escrow.client.columns import ColumnMapping, Meaning, guess_mapping
from escrow.errors import ColumnMissing, ColumnTwice, MappingInvalid
from escrow.terms import Population

NEEDED = ("Account ID", "Account Name", "Website", "Type")


def test_the_headers_of_salesforce_are_known() -> None:
    headers = (*NEEDED, "Account Owner", "Billing Country", "Created Date", "Last Modified Date", "Open Opportunities")
    assert dict(guess_mapping(headers).columns) == {
        Meaning.CRM_ID: "Account ID",
        Meaning.ACCOUNT_NAME: "Account Name",
        Meaning.WEBSITE: "Website",
        Meaning.STAGE: "Type",
        Meaning.OWNER_NAME: "Account Owner",
        Meaning.COUNTRY: "Billing Country",
        Meaning.CREATED_DATE: "Created Date",
        Meaning.UPDATED_DATE: "Last Modified Date",
        Meaning.OPEN_OPPORTUNITIES: "Open Opportunities",
    }


def test_the_headers_of_hubspot_are_known_and_the_lifecycle_stage_goes_before_the_type() -> None:
    headers = (
        "Record ID",
        "Company name",
        "Type",
        "Lifecycle Stage",
        "Company Domain Name",
        "Company owner",
        "Create Date",
    )
    columns = guess_mapping(headers).columns
    assert columns[Meaning.CRM_ID] == "Record ID"
    assert columns[Meaning.ACCOUNT_NAME] == "Company name"
    assert columns[Meaning.STAGE] == "Lifecycle Stage"
    assert columns[Meaning.WEBSITE] == "Company Domain Name"


@pytest.mark.parametrize("header", ["account_name", "ACCOUNT NAME", " Account-Name "])
def test_a_header_is_known_however_it_is_spelled(header: str) -> None:
    assert guess_mapping(("id", header, "status")).columns[Meaning.ACCOUNT_NAME] == header


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        (("Account Name", "Type"), "crm_id"),
        (("Account ID", "Account Name"), "stage"),
        (("Account ID", "Type"), "account_name or website"),
    ],
)
def test_a_needed_column_that_no_header_suggests_is_asked_for_by_name(headers: tuple[str, ...], word: str) -> None:
    with pytest.raises(ColumnMissing, match=f"looks like {word}; name it with --column"):
        guess_mapping(headers)


def test_a_column_named_by_hand_goes_before_the_guess() -> None:
    mapping = guess_mapping((*NEEDED, "Segment")).with_columns({Meaning.STAGE: "Segment"})
    assert mapping.columns[Meaning.STAGE] == "Segment"
    mapping.check_headers((*NEEDED, "Segment"))


def test_a_column_named_by_hand_must_be_there_once() -> None:
    mapping = guess_mapping(NEEDED).with_columns({Meaning.TIER: "Plan"})
    with pytest.raises(ColumnMissing, match="no column 'Plan'"):
        mapping.check_headers(NEEDED)
    with pytest.raises(ColumnTwice, match="2 columns named 'Plan'"):
        mapping.check_headers((*NEEDED, "Plan", "Plan"))


@pytest.mark.parametrize(
    ("stage", "population"),
    [
        ("Customer - Direct", Population.CUSTOMERS),
        ("CUSTOMER", Population.CUSTOMERS),
        ("Open Opportunity", Population.OPPORTUNITIES),
        ("Marketing Qualified Lead", Population.PROSPECTS),
        (" subscriber ", Population.PROSPECTS),
    ],
)
def test_usual_stages_belong_to_a_population(stage: str, population: Population) -> None:
    assert guess_mapping(NEEDED).population_of(stage) is population


@pytest.mark.parametrize("stage", ["", "Partner", "Former Customer", "Other"])
def test_a_stage_that_could_mean_anything_is_not_guessed(stage: str) -> None:
    assert not guess_mapping(NEEDED).knows_stage(stage)


def test_what_is_said_about_a_stage_goes_before_its_usual_meaning_and_none_skips_it() -> None:
    mapping = guess_mapping(NEEDED).with_stages({"Evangelist": Population.PROSPECTS, "": None})
    assert mapping.population_of("evangelist") is Population.PROSPECTS
    assert mapping.knows_stage(" ")
    assert mapping.population_of(" ") is None


def test_a_mapping_is_remembered_as_it_was_said() -> None:
    mapping = guess_mapping(NEEDED).with_stages({"Büro - Kunde": Population.CUSTOMERS, "Partner": None})
    assert ColumnMapping.from_json(mapping.to_json()) == mapping


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"columns": {"nickname": "Name"}, "stages": {}}', '{"columns": {}, "stages": {"x": "friends"}}'],
)
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(MappingInvalid):
        ColumnMapping.from_json(text)
