"""The contract against the service: generated requests, every answer held to the OpenAPI document.

`make fuzz` sends more than 2,000 requests on each database; the tests send fewer. The requests follow from a seed, and
the run stops by itself. Ids that the generator makes are swapped for those of partnerships that exist, so that most
requests reach past the door, and the service has lists, a release, overlaps and wanted details to answer from.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from escrow.api.app import openapi_document
from escrow.store.migrate import migrate
from escrow.terms import Level
from tests.api.mapping import mapped
from tests.api.serving import Served, served
from tests.postgres import running_postgres

__all__ = ["ALL_PHASES", "CASES", "Outcome", "fuzz"]

#: What a whole run sends at least, on each database.
CASES = 2_000
SEED = 8470

#: What a partnership that others read from must not meet.
_CHANGES_STATE = ("/end", "/pause", "/resume", "/terms")

#: What no JSON schema says: which cells there are, which tier is the weaker, where a page may start, that a row is not
#: zero, and that a whole number has no fraction, not even .0.
_BEYOND_A_SCHEMA = (
    "each of the nine cells",
    "reveals_from cannot be weaker than counts_from",
    "The cursor is not one",
    "A row is not all zero",
    "A row stands in a submission once",
    "A snapshot removes nobody",
    "should be a whole number",
)

ALL_PHASES = ("examples", "coverage", "fuzzing", "stateful")

#: Requests of a whole run that are made up for each operation, beside those that cover its schema.
_OF_OPERATION = 40


@dataclass(slots=True)
class Outcome:
    """What a run met: how often each status, and what was not as the contract says."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    reached: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)


def fuzz(api: Served, *, of_operation: int, phases: Sequence[str] = ALL_PHASES, seed: int = SEED) -> Outcome:
    """Send requests to a service that does not count them, and hold every answer to the contract."""
    outcome = Outcome()
    config = _config(api, of_operation=of_operation, phases=phases, seed=seed)
    schema = schemathesis.openapi.from_dict(openapi_document(), config=config)
    _swap_ids(schema, api, seed)
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            outcome.failures.setdefault("the generator failed", str(getattr(event, "info", event)))
        if isinstance(event, events.ScenarioFinished):
            _note(outcome, event)
    return outcome


@schemathesis.check
def valid_requests_are_never_called_invalid(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """What the document allows may be refused for its meaning, never for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in {400, 422}:
        return
    refused = response.json()
    is_of_form = refused["code"] in {"request-invalid", "body-unreadable"}
    told = json.dumps(refused)
    assert not is_of_form or any(each in told for each in _BEYOND_A_SCHEMA), f"a valid request was refused: {told}"


def _config(api: Served, *, of_operation: int, phases: Sequence[str], seed: int) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "base-url": str(api.left.http.base_url),
            "auth": {"openapi": {"apiKey": {"bearer": _key(api)}}},
            "generation": {"deterministic": True, "no-shrink": True, "max-examples": of_operation},
            "phases": {phase: {"enabled": phase in phases} for phase in ALL_PHASES},
            "workers": 1,
            "continue-on-failure": True,
            "suppress-health-check": ["all"],
            # A 422 for what a value means is not in its list; our own check tells the two apart.
            "checks": {"positive_data_acceptance": {"enabled": False}},
        }
    )


def _key(api: Served) -> str:
    return api.left.http.headers["Authorization"].removeprefix("Bearer ")


def _swap_ids(schema: Any, api: Served, seed: int) -> None:  # noqa: ANN401 - the library names no type for it
    deep = [mapped(api, level).rpartition("/")[2] for level in (Level.DETAILS, Level.COUNTS)]
    spare = [api.active().rpartition("/")[2], api.invited()[0].rpartition("/")[2]]
    chance = Random(seed)

    def map_path_parameters(context: HookContext, path_parameters: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
        if not path_parameters:
            return path_parameters
        swapped = dict(path_parameters)
        operation = context.operation
        known = spare if operation is not None and operation.path.endswith(_CHANGES_STATE) else deep
        if _is_id(swapped.get("partnership_id")) and chance.random() < 0.9:
            swapped["partnership_id"] = chance.choice(known)
        for name, few in (("number", range(1, 4)), ("position", range(3))):
            if isinstance(swapped.get(name), int) and swapped[name] in range(2**53) and chance.random() < 0.8:
                swapped[name] = chance.choice(few)
        return swapped

    schema.hook(map_path_parameters)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and len(value) == 36 and value.islower() is not value.isdecimal()


def _note(outcome: Outcome, event: events.ScenarioFinished) -> None:
    for interaction in event.recorder.interactions.values():
        outcome.cases += 1
        if interaction.response is not None:
            outcome.statuses[interaction.response.status_code] += 1
            if interaction.response.status_code < 300 and event.label:
                outcome.reached.add(event.label)
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                told = f"{event.label} [{event.phase.value}] {check.name}"
                outcome.failures.setdefault(told, _told(event, case_id, check.failure_info.failure))


def _told(event: events.ScenarioFinished, case_id: str, failure: Any) -> str:  # noqa: ANN401 - of many kinds
    interaction = event.recorder.interactions.get(case_id)
    answer = interaction.response if interaction else None
    return f"{failure.title}: {failure.message}\n{answer.status_code if answer else ''} {answer.text if answer else ''}"


def _urls(folder: Path) -> Iterator[tuple[str, str]]:
    """Give a migrated database of each kind."""
    file = folder / "escrow.sqlite"
    migrate(f"sqlite:///{file}")
    yield "SQLite", f"sqlite:///{file}"
    with running_postgres() as server:
        url = server.url(server.create_database())
        migrate(url)
        yield "PostgreSQL", url


def main() -> int:
    """Run on both databases and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of-operation", type=int, default=_OF_OPERATION, help="made-up requests for each operation")
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    folder, found = Path(tempfile.mkdtemp()), 0
    for name, url in _urls(folder):
        with served(url, folder, limits={"requests_per_minute": 0}) as api:
            outcome = fuzz(api, of_operation=chosen.of_operation, seed=chosen.seed)
        found += len(outcome.failures)
        _say(f"{name}: {outcome.cases:,} requests, by status {dict(sorted(outcome.statuses.items()))}")
        _say(f"  answered with success at least once: {len(outcome.reached)} operations")
        for what, told in outcome.failures.items():
            _say(f"\n{what}\n{told}")
        if outcome.cases < CASES:
            _say(f"fewer than {CASES:,} requests: raise --of-operation")
            found += 1
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if found else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
