"""Some hundred made-up requests on each database, every answer held to the contract; `make fuzz` sends thousands."""

from __future__ import annotations

from pathlib import Path

from tests.api.fuzzing import fuzz
from tests.api.serving import served


def test_no_made_up_request_gets_an_answer_outside_the_contract(database_url: str, tmp_path: Path) -> None:
    with served(database_url, tmp_path, limits={"requests_per_minute": 0}) as api:
        outcome = fuzz(api, of_operation=2, phases=("examples", "fuzzing"))
    assert outcome.failures == {}
    assert outcome.cases >= 150
    assert len(outcome.reached) >= 10
    assert not {status for status in outcome.statuses if status >= 500}
