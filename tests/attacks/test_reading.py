"""Attacks by reading: what answers look like, what old words still open, and what is read after the door is shut."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine, event, select

from escrow import organizations
from escrow.store.tables import api_keys
from escrow.terms import CELLS, Cell, Level, Population
from tests.attacks.arena import ATTACKERS_OWN, KNOWN, VICTIMS_OWN, Arena, Player, one_each
from tests.attacks.conftest import OpenArena

C, O, P = Population  # noqa: E741 - the letters of the grid

#: All that a partner may read of a partnership, once there are lists and a release.
READ = (
    "/releases",
    "/releases/latest",
    "/releases/1",
    "/overlaps",
    "/changes",
    "/details",
    "/disputes",
    "/disputed-rows",
)


def begin(field: Arena, level: Level, victims: range = KNOWN) -> None:
    """Let cells be shared, and both send lists."""
    field.share(level)
    field.submit(field.victim, one_each(*victims, *VICTIMS_OWN))
    field.submit(field.attacker, one_each(*KNOWN, *ATTACKERS_OWN))


def shape(answer: httpx.Response) -> tuple[int, int, list[tuple[str, str]]]:
    """What is seen of an answer without reading it: status, size, and headers but for time and name."""
    told = ((name, value) for name, value in answer.headers.items() if name not in {"date", "x-request-id"})
    return answer.status_code, len(answer.content), sorted(told)


def test_answers_look_alike_for_no_overlap_and_for_all(open_arena: OpenArena) -> None:
    seen = []
    for victims in (range(8_000, 8_050), ATTACKERS_OWN):
        field = open_arena()
        field.share(Level.COUNTS)
        field.submit(field.victim, one_each(*victims))
        answers = [field.attacker.send(one_each(*ATTACKERS_OWN))]
        answers.append(field.attacker.get("/submissions/1"))
        field.served.work()
        field.attacker.fate()
        # Fifty of fifty fill the line, so that all and none are withheld alike.
        paths = ("", "/submissions/1", "/releases", "/releases/latest", "/overlaps", "/changes", "/allowance")
        answers += [field.attacker.get(path) for path in paths]
        seen.append([shape(answer) for answer in answers])
    assert seen[0] == seen[1]


@dataclass
class Work:
    """What the service does in the database, in order: each statement, and how many rows each transaction changed."""

    statements: list[str] = dataclasses.field(default_factory=list)
    rows: list[int] = dataclasses.field(default_factory=list)

    @contextmanager
    def watched(self, engine: Engine) -> Iterator[None]:
        """Note all that is done until the block ends."""
        hooks: dict[str, Callable[..., None]] = {
            "begin": self._begins,
            "before_execute": self._executes,
            "commit": self._commits,
        }
        for name, hook in hooks.items():
            event.listen(engine, name, hook)
        yield
        for name, hook in hooks.items():
            event.remove(engine, name, hook)

    def _begins(self, connection: Connection) -> None:
        connection.info["changed before"] = changed(connection)

    def _executes(self, _connection: Connection, statement: object, *_: object) -> None:
        self.statements.append(str(statement))

    def _commits(self, connection: Connection) -> None:
        self.rows.append(changed(connection) - connection.info["changed before"])


def changed(connection: Connection) -> int:
    """Count the rows that a connection to SQLite has changed since it was opened."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw.total_changes


def test_the_service_does_the_same_work_for_no_overlap_and_for_all(open_arena: OpenArena) -> None:
    # How long an answer takes follows from what is done for it: here even matching and the release do the same.
    seen = []
    for victims in (range(8_000, 8_050), ATTACKERS_OWN):
        field = open_arena()
        field.share(Level.COUNTS)
        field.submit(field.victim, one_each(*victims))
        work, engine = Work(), field.served.service.database.engine
        with work.watched(engine):
            field.attacker.send(one_each(*ATTACKERS_OWN))
            field.attacker.get("/submissions/1")
            field.served.work()
            assert field.attacker.fate()["state"] == "applied"
            field.attacker.get("/releases/latest")
        seen.append(work)
    assert sum(seen[0].rows) > 30
    assert seen[0] == seen[1]


def test_pages_have_the_size_of_what_they_list_and_their_cursors_open_nothing_else(field: Arena) -> None:
    begin(field, Level.ACCOUNTS)
    page = field.attacker.get("/overlaps", limit="3").json()
    assert len(page["items"]) == 3
    field.victim.state(Level.HIDDEN)
    after = field.attacker.get("/overlaps", cursor=page["next"]).json()
    assert (after["items"], after["next"]) == ([], None)


def raised(player: Player, level: Level) -> dict[str, Any]:
    """Give the player's terms with another level in every cell."""
    ours = player.get("/terms").json()["ours"]
    return {**ours, "levels": [{**each, "level": level.word} for each in ours["levels"]]}


def test_old_terms_and_an_old_step_up_said_again_open_nothing(field: Arena) -> None:
    begin(field, Level.COUNTS)
    asking, answering = raised(field.attacker, Level.ACCOUNTS), raised(field.victim, Level.ACCOUNTS)
    requests, once = f"{field.attacker.address}/terms-requests", {"Idempotency-Key": "a-step-up-of-last-week"}
    number = field.attacker.http.post(requests, json=asking, headers=once).json()["number"]
    assert field.victim.http.post(f"{requests}/{number}/answer", json=answering).status_code == 200
    field.served.work()
    assert field.attacker.overlapping() == set(KNOWN)
    assert field.victim.state(Level.COUNTS).status_code == 200
    for _ in range(2):
        field.attacker.http.post(requests, json=asking, headers=once)
        field.attacker.http.put(f"{field.attacker.address}/terms", json=raised(field.attacker, Level.DETAILS))
        assert field.attacker.http.post(f"{requests}/{number}/answer", json=asking).status_code == 404
        field.served.work()
        assert field.attacker.overlapping() == set()


@pytest.mark.parametrize("shut", ["end", "pause"])
def test_after_an_end_or_a_pause_nothing_is_read(field: Arena, shut: str) -> None:
    begin(field, Level.ACCOUNTS)
    assert all(field.attacker.get(path).status_code == 200 for path in READ)
    assert field.victim.http.post(f"{field.victim.address}/{shut}", json={}).status_code == 200
    assert {path: field.attacker.get(path).status_code for path in READ} == dict.fromkeys(READ, 409)
    field.served.work()
    field.pass_time(timedelta(days=2))
    assert {path: field.attacker.get(path).status_code for path in READ} == dict.fromkeys(READ, 409)


def test_a_request_sent_again_brings_back_nothing_that_was_forbidden_since(field: Arena) -> None:
    begin(field, Level.ACCOUNTS)
    match = field.attacker.get("/overlaps").json()["items"][0]
    wrong = {"row": match["row"], "match_id": match["match_id"], "reason": "other"}
    asked = {"/disputes": (wrong, 201), "/allowance/grants": ({"accounts": 1}, 200)}

    def again(path: str) -> httpx.Response:
        once = {"Idempotency-Key": path}
        return field.attacker.http.post(f"{field.attacker.address}{path}", json=asked[path][0], headers=once)

    answers = {path: again(path) for path in asked}
    assert {path: (each.status_code, each.content) for path, each in answers.items()} == {
        path: (asked[path][1], again(path).content) for path in asked
    }
    field.victim.state(Level.COUNTS)
    for shut in ("pause", "end"):
        told = {path: again(path).json() for path in asked}
        assert [each["code"] for each in told.values()] == ["already-done"] * 2
        assert {tuple(sorted(each)) for each in told.values()} == {("code", "detail", "status", "title", "type")}
        assert field.victim.http.post(f"{field.victim.address}/{shut}", json={}).status_code == 200
    assert [again(path).json()["code"] for path in asked] == ["already-done"] * 2


def test_a_tightening_shuts_what_was_open_at_once_and_in_every_release_there_was(field: Arena) -> None:
    begin(field, Level.ACCOUNTS)
    only = {cell: Level.COUNTS if cell == Cell(C, C) else Level.HIDDEN for cell in CELLS}
    assert field.victim.state(only).status_code == 200
    assert field.attacker.overlapping() == set()
    for path in ("/releases/latest", "/releases/1"):
        cells = field.attacker.get(path).json()["cells"]
        assert [each["number"] for each in cells] == [None] * 9
        assert [each["salt"] for each in cells] == [None] * 9


def test_a_revoked_key_reads_nothing(field: Arena) -> None:
    begin(field, Level.ACCOUNTS)
    service = field.served.service
    with service.database.transaction("revoke") as tx:
        owner = field.attacker.organization.organization_id
        key = tx.execute(select(api_keys.c.api_key_id).where(api_keys.c.organization_id == owner)).scalar_one()
        organizations.revoke_api_key(tx, key, now=service.now())
    assert {path: field.attacker.get(path).status_code for path in ("", *READ)} == dict.fromkeys(("", *READ), 401)
