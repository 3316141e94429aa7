"""A list in its three forms, chunks, columns and rows: the same records, digest and effect; hostile bodies refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from escrow.api.dependencies import UnverifiedChunk
from escrow.api.records import COLUMNS_EXAMPLES, ROWS_EXAMPLES, account_rows, packed
from escrow.psi.encoding import b64url
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.psi.records import (
    MOST_TOKENS_OF_AN_ACCOUNT,
    ListRecords,
    difference,
    pack_chunk,
    parse_chunk,
    records_of_rows,
)
from escrow.store.database import Database
from escrow.store.states import SubmissionState, SubmissionType
from escrow.submissions import Announcement, Place, WholeSubmission, cut, submit_at_once
from escrow.terms import Population, Side
from escrow.wire import ColumnChunk, RowSubmission
from escrow.wire import submissions as wire_submissions
from tests.api.serving import Served, served
from tests.api.uploading import snapshot
from tests.partnership_makers import seat
from tests.psi.making_lists import LISTS, Account, records_of
from tests.submission_makers import CHUNK_BYTES, LIMITS, Desk, new_desk

_CLASSES = ("domain", "name", "variant", "fallback")
_JSON = {"Content-Type": "application/json"}


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def place(**changed: object) -> dict[str, Any]:
    """Say where the first snapshot stands."""
    first = {"number": 1, "type": "snapshot", "base": 0, "generation": 0, "suite": 1, "profile": LATEST_PROFILE}
    return first | changed


def in_rows(records: ListRecords, **changed: object) -> dict[str, Any]:
    """Write records account by account, in an order that is not theirs."""
    accounts: list[dict[str, Any]] = []
    removals: list[str] = []
    for account in reversed(records.accounts):
        row = int(account["row"]).to_bytes(8)
        if not account["population"]:
            removals.append(b64url(row))
            continue
        keys = records.tokens[records.tokens["row"] == account["row"]]
        tokens = {
            word: [b64url(key["token"].tobytes()) for key in keys if key["key_class"] == number]
            for number, word in enumerate(_CLASSES, start=1)
        }
        population = Population(int(account["population"])).word
        accounts.append({"row": b64url(row), "population": population, "tokens": tokens})
    return place(**changed) | {"accounts": accounts} | ({"removals": removals} if removals else {})


def in_columns(records: ListRecords) -> dict[str, str]:
    """Write records column by column."""
    accounts, tokens = records.accounts, records.tokens
    columns = {
        "rows": accounts["row"],
        "populations": accounts["population"],
        "segments": accounts["segments"],
        "tokens": tokens["token"],
        "token_rows": tokens["row"],
        "classes": tokens["key_class"],
    }
    return {name: b64url(np.ascontiguousarray(column).tobytes()) for name, column in columns.items()}


def columns_body(columns: dict[str, str]) -> bytes:
    """Write columns as they travel."""
    return ("{" + ",".join(f'"{name}":"{value}"' for name, value in columns.items()) + "}").encode()


def read_rows(body: dict[str, Any]) -> ListRecords:
    """Read rows as the route does."""
    return records_of_rows(account_rows(RowSubmission.model_validate_json(json.dumps(body))))


@given(before=LISTS, now=LISTS)
def test_any_delta_has_the_same_records_in_all_three_forms(before: dict[int, Account], now: dict[int, Account]) -> None:
    records = difference(records_of(before), records_of(now))
    chunk = pack_chunk(records)
    assert packed(UnverifiedChunk(columns_body(in_columns(records)), is_columns=True)) == chunk
    assert packed(UnverifiedChunk(chunk, is_columns=False)) == chunk
    assert read_rows(in_rows(records, type="delta")) == parse_chunk(chunk)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=LISTS, now=LISTS)
def test_any_list_is_stored_alike_whichever_form_it_came_in(
    desk: Desk, before: dict[int, Account], now: dict[int, Account]
) -> None:
    first, last = keepable(before), keepable(now)
    desk.applied(Side.LEFT, first)
    desk.applied(Side.LEFT, difference(first, last), type=SubmissionType.DELTA)
    at_once(desk, first, SubmissionType.SNAPSHOT)
    at_once(desk, difference(first, last), SubmissionType.DELTA)
    assert desk.list_of(Side.LEFT) == desk.list_of(Side.RIGHT)
    left, right = (desk.standing().applied[side] for side in Side)
    assert (left.number, left.populations) == (right.number, right.populations)
    assert desk.digest(Side.LEFT) == desk.digest(Side.RIGHT)


def keepable(accounts: dict[int, Account]) -> ListRecords:
    """Give every account keys of its own, so that no rule about keys is broken."""
    return records_of(
        {
            row: (population, frozenset((key_class, index * 10 + number) for key_class, number in keys))
            for index, (row, (population, keys)) in enumerate(sorted(accounts.items()))
        }
    )


def at_once(desk: Desk, records: ListRecords, type: SubmissionType) -> None:  # noqa: A002 - the domain's word
    """Let the right side submit rows in one request, and the worker apply them."""
    announced = desk.next(Side.RIGHT, [pack_chunk(records)], accounts=records.accounts.size, type=type)
    whole = cut(
        desk.couple.partnership_id,
        place_of(announced),
        account_rows(RowSubmission.model_validate_json(json.dumps(in_rows(records, type="delta")))),
        most_accounts=LIMITS.largest_list,
        chunk_bytes=CHUNK_BYTES,
    )
    assert whole.announced == announced
    hand_over(desk, whole)
    desk.drain()
    assert desk.submission(Side.RIGHT, announced.number).state is SubmissionState.APPLIED


def place_of(announced: Announcement) -> Place:
    """Say where an announced submission stands."""
    return Place(
        number=announced.number,
        type=announced.type,
        base=announced.base,
        generation=announced.generation,
        suite=announced.suite,
        profile=announced.profile,
    )


def hand_over(desk: Desk, whole: WholeSubmission) -> None:
    """Submit from the right side."""
    with desk.database.transaction("submit rows") as tx:
        submit_at_once(
            tx,
            seat(tx, desk.couple, Side.RIGHT),
            whole,
            ready=True,
            limits=LIMITS,
            service_key=desk.couple.service_key,
            now=desk.clock(),
        )


def test_a_list_of_rows_is_applied_and_said_again_gets_the_same_answer(api: Served) -> None:
    address = api.active()
    head = {"release": 1, "head": b64url(bytes(32))}
    records = records_of({row: (Population.CUSTOMERS, frozenset()) for row in range(1, 4)})
    body = in_rows(records, ready=True) | {"head": head}
    first = api.left.http.post(f"{address}/submissions/rows", json=body)
    assert (first.status_code, first.json()["state"], first.json()["accounts"]) == (202, "received", 3)
    assert api.left.http.post(f"{address}/submissions/rows", json=body).json() == first.json()
    api.work()
    again = api.left.http.post(f"{address}/submissions/rows", json=body).json()
    assert (again["state"], again["number"]) == ("applied", 1)
    assert api.left.http.get(address).json()["list"]["ready"]
    assert api.right.http.get(address).json()["their_list"]["head"] == {"generation": 0, **head}
    other = in_rows(records_of({9: (Population.CUSTOMERS, frozenset())}))
    refused = api.left.http.post(f"{address}/submissions/rows", json=other)
    assert (refused.status_code, refused.json()["code"]) == (409, "submission-base-wrong")


def test_a_chunk_may_come_in_columns(api: Served) -> None:
    upload = snapshot(api.active())
    upload.announce(api.left.http)
    for position, chunk in enumerate(upload.chunks):
        body = columns_body(in_columns(parse_chunk(chunk)))
        sent = api.left.http.put(f"{upload.url}/chunks/{position}", content=body, headers=_JSON)
        assert sent.status_code == 204, sent.text
    upload.complete(api.left.http)
    api.work()
    assert api.left.http.get(upload.url).json()["state"] == "applied"


@pytest.fixture(scope="module")
def shared_address(shared_api: Served) -> str:
    """An active partnership that nothing is submitted to."""
    return shared_api.active()


_ROW, _TOKEN = b64url(bytes(7) + b"\x07"), b64url(b"secret-token-16b")
_ACCOUNT = {"row": _ROW, "population": "customers", "tokens": {"domain": [_TOKEN]}}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"accounts": [_ACCOUNT, _ACCOUNT]}, "body.accounts"),
        ({"accounts": [_ACCOUNT | {"row": _TOKEN}]}, "body.accounts.0.row"),
        ({"accounts": [_ACCOUNT | {"row": b64url(bytes(8))}]}, "body.accounts.0.row"),
        ({"accounts": [_ACCOUNT | {"population": _TOKEN}]}, "body.accounts.0.population"),
        ({"accounts": [_ACCOUNT | {"tokens": {"domain": [_TOKEN + "="]}}]}, "body.accounts.0.tokens.domain.0"),
        ({"accounts": [_ACCOUNT | {"tokens": {"domain": [_TOKEN] * 33}}]}, "body.accounts.0.tokens.domain"),
        ({"accounts": [_ACCOUNT | {"tokens": {w: [_TOKEN] * 9 for w in _CLASSES}}]}, "body.accounts.0.tokens"),
        ({"accounts": [_ACCOUNT | {"segments": -1}]}, "body.accounts.0.segments"),
        ({"accounts": [_ACCOUNT | {_TOKEN: 1}]}, "body.accounts.0"),
        ({"accounts": [_ACCOUNT], "removals": [_ROW]}, "body.removals"),
        ({"accounts": [_ACCOUNT], "removals": [_ROW], "type": "delta"}, "body.removals"),
        ({"accounts": [], "number": "1"}, "body.number"),
        ({}, "body.accounts"),
    ],
)
def test_hostile_rows_are_refused_by_field_and_not_repeated(
    shared_api: Served, shared_address: str, body: dict[str, Any], where: str
) -> None:
    refused = shared_api.left.http.post(f"{shared_address}/submissions/rows", json=place() | body)
    assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid")
    assert where in {each["where"] for each in refused.json()["errors"]}
    assert _TOKEN not in refused.text


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"rows": "AA="}, "request-invalid", "body.rows"),
        ({"extra": _TOKEN}, "request-invalid", "body"),
        ({"populations": ""}, "records-invalid", "populations"),
        ({"token_rows": "AAAA"}, "records-invalid", "token_rows"),
        ({"classes": b64url(b"\x09\x09\x09")}, "records-invalid", "key class"),
        ({"tokens": ""}, "records-invalid", "token_rows"),
    ],
)
def test_hostile_columns_are_refused_by_name_and_not_repeated(
    shared_api: Served, change: dict[str, str], code: str, told: str
) -> None:
    upload = snapshot(shared_api.active())
    upload.announce(shared_api.left.http)
    columns = in_columns(parse_chunk(upload.chunks[0])) | change
    url = f"{upload.url}/chunks/0"
    refused = shared_api.left.http.put(url, content=columns_body(columns), headers=_JSON)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert told in refused.text
    assert _TOKEN not in refused.text
    assert shared_api.left.http.put(url, content=b"{", headers=_JSON).json()["code"] == "body-unreadable"


def test_more_accounts_or_bytes_than_one_request_takes_are_refused_with_the_limit(
    migrated_file: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'escrow.sqlite')}"
    with served(url, tmp_path, limits={"json_list_accounts": 2, "json_list_bytes": 4_000}) as api:
        address = api.active()
        three = in_rows(records_of({row: (Population.CUSTOMERS, frozenset()) for row in (1, 2, 3)}))
        refused = api.left.http.post(f"{address}/submissions/rows", json=three)
        assert (refused.status_code, refused.json()["code"]) == (422, "submission-too-large")
        assert "at most 2 accounts" in refused.json()["detail"]
        large = api.left.http.post(f"{address}/submissions/rows", content=b" " * 4_001, headers=_JSON)
        limits = api.left.http.get("/v1/service").json()["limits"]
        assert (limits["json_list_accounts"], limits["json_list_bytes"]) == (2, 4_000)
        assert (large.status_code, large.json()["code"]) == (413, "body-too-large")


def test_an_account_has_as_many_tokens_in_rows_as_in_chunks() -> None:
    assert wire_submissions.MOST_TOKENS_OF_AN_ACCOUNT == MOST_TOKENS_OF_AN_ACCOUNT


def test_the_examples_of_the_contract_are_what_it_takes() -> None:
    for example in ROWS_EXAMPLES.values():
        read_rows(example["value"])
    for example in COLUMNS_EXAMPLES.values():
        ColumnChunk.model_validate(example["value"])
        packed(UnverifiedChunk(columns_body(example["value"]), is_columns=True))
