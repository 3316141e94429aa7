"""Fields of details on the command line: details without any hold nothing, and that is said wherever it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.terminals import Partner, Partners

DETAILS = ("--level", "customers:opportunities=details")


@pytest.fixture
def fieldless(paired: Partners) -> Partner:
    """Somebody who opened a cell at details and named no field."""
    left, _ = paired
    left("terms", "set", *DETAILS)
    return left


def test_details_without_fields_are_warned_of_where_they_are_set(paired: Partners) -> None:
    left, right = paired
    assert "You open cells at details and name no field" in left("terms", "set", *DETAILS).out
    assert "They open cells at details and name no field" in right("terms", "show").out
    assert "name no field" not in left("terms", "set", "--fields", "domain").out


def test_a_sync_says_why_no_details_go_and_none_come(fieldless: Partner, export: Path) -> None:
    fieldless("submit", export)
    shown = fieldless("sync").out
    assert "our terms name no field" in shown
    assert "none is shared so far: `escrow terms show`" in shown
    assert fieldless("sync", "--json").json["is_without_fields"] is True


def test_without_a_cell_at_details_a_sync_expects_none(paired: Partners, export: Path) -> None:
    left, _ = paired
    left("submit", export)
    assert "none is shared so far" not in left("sync").out


def test_the_last_field_can_be_taken_back(paired: Partners) -> None:
    left, _ = paired
    left("terms", "set", *DETAILS, "--fields", "domain")
    ours = left("terms", "set", "--fields", "", "--json").json["ours"]
    assert isinstance(ours, dict)
    assert ours["fields"] == []
