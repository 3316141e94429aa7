"""Sinks: what each writes, that told twice is as told once, and that a failure is one that can be told of."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from escrow.client.calling import Caller
from escrow.client.named_secrets import NamedSecret, Secret, find_secret, named_secret
from escrow.client.sinks import Change, ChangeKind, OverlapRecord, Sink
from escrow.client.sinks.commands import CommandSink
from escrow.client.sinks.csv_files import CsvFiles
from escrow.client.sinks.slack import SlackSink
from escrow.client.sinks.sql_table import SqlTable
from escrow.client.sql import holds_password, open_database
from escrow.client.transport import Patience
from escrow.errors import SecretMissing, SinkFailed
from escrow.terms import Cell
from tests.client.making_overlaps import GIVEN, OPEN, PARTNERSHIP, a_batch, record
from tests.postgres import Postgres


def entered(each: OverlapRecord) -> Change:
    return Change(ChangeKind.ENTERED, each, None)


def moved(each: OverlapRecord, was: Cell = OPEN) -> Change:
    return Change(ChangeKind.MOVED, each, was)


def left(each: OverlapRecord) -> Change:
    return Change(ChangeKind.LEFT, each, each.cell)


# CSV


def lines(place: Path) -> list[dict[str, str]]:
    with place.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_file_for_the_change_set_and_one_of_what_is_now(tmp_path: Path) -> None:
    now = record("1", owner_name="Ada", open_opportunities=3)
    batch = a_batch(entered(now), left(record("2", owner_name="Ben")), number=7, current=(now,))
    sink = CsvFiles(tmp_path)
    sink.take(batch)
    sink.take(batch)
    folder = tmp_path / "brightwater-33333333"
    assert sorted(file.name for file in folder.iterdir()) == ["changes-000007.csv", "current.csv"]
    (current,) = lines(folder / "current.csv")
    assert (current["crm_id"], current["their_owner_name"], current["their_open_opportunities"]) == ("1", "Ada", "3")
    changes = lines(folder / "changes-000007.csv")
    assert [(each["change"], each["crm_id"], each["their_owner_name"]) for each in changes] == [
        ("entered", "1", "Ada"),
        ("left", "2", ""),
    ]


def test_csv_never_starts_a_formula_with_what_a_partner_wrote(tmp_path: Path) -> None:
    CsvFiles(tmp_path).take(a_batch(current=(record("1", name="=1+1", owner_name="=cmd()"),)))
    (current,) = lines(tmp_path / "brightwater-33333333" / "current.csv")
    assert (current["account_name"], current["their_owner_name"]) == ("'=1+1", "'=cmd()")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkFailed, match="check the path"):
        CsvFiles(tmp_path / "file").take(a_batch(entered(record("1"))))


# SQL


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'warehouse.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


def table(url: str) -> SqlTable:
    database = open_database(url, Path(), what="the database of the sink crm", error=SinkFailed)
    return SqlTable(database, "escrow_overlaps", reference="env:URL")


def rows(url: str) -> list[tuple[object, ...]]:
    database = open_database(url, Path(), what="the test", error=SinkFailed)
    with database.transaction() as tx:
        _, found = tx.rows("SELECT crm_id, ours, theirs, last_change, change_set FROM escrow_overlaps ORDER BY crm_id")
        return [tuple(row) for row in found]


def test_a_table_holds_what_is_now_however_often_it_is_told(sql_url: str) -> None:
    sink = table(sql_url)
    sink.take(a_batch(entered(record("1", owner_name="O'Hara: 100%")), entered(record("2")), starts_over=True))
    for _ in range(2):
        sink.take(a_batch(moved(record("1", OPEN)), left(record("2")), entered(record("3")), number=2))
    assert rows(sql_url) == [
        ("1", "opportunities", "opportunities", "moved", 2),
        ("3", "customers", "opportunities", "entered", 2),
    ]


def test_a_new_start_leaves_nothing_of_before_and_nothing_of_others_out(sql_url: str) -> None:
    sink = table(sql_url)
    sink.take(a_batch(entered(record("gone")), starts_over=True))
    other = record("theirs")
    object.__setattr__(other, "partnership_id", other.partnership_id.__class__(int=1))
    with_other = a_batch(entered(other))
    object.__setattr__(with_other, "partnership_id", other.partnership_id)
    sink.take(with_other)
    sink.take(a_batch(entered(record("1")), number=2, starts_over=True))
    assert [row[0] for row in rows(sql_url)] == ["1", "theirs"]


def test_a_name_that_is_too_long_keeps_nothing_out(sql_url: str) -> None:
    table(sql_url).take(a_batch(entered(record("1", name="x" * 2_000))))
    assert len(rows(sql_url)) == 1


def test_a_table_tells_what_is_shared_as_json(sql_url: str) -> None:
    table(sql_url).take(a_batch(entered(record("1", owner_name="Zoë", open_opportunities=2))))
    with open_database(sql_url, Path(), what="the test", error=SinkFailed).transaction() as tx:
        _, found = tx.rows("SELECT shared FROM escrow_overlaps")
        ((shared,),) = list(found)
    assert json.loads(shared) == [{"owner_name": "Zoë", "open_opportunities": 2}]


def test_a_database_that_does_not_answer_names_neither_address_nor_password() -> None:
    with pytest.raises(SinkFailed) as failed:
        table("postgresql://me:hunter2@127.0.0.1:1/nothing?connect_timeout=1").take(a_batch(entered(record("1"))))
    assert "the database of the sink crm failed (OperationalError" in str(failed.value)
    assert not any(word in str(failed.value) for word in ("hunter2", "127.0.0.1"))


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(SinkFailed, match="is none"):
        table("not a url")
    with pytest.raises(SinkFailed, match="driver"):
        table("nonesuch://host/database")


def test_a_password_in_an_address_is_seen() -> None:
    assert holds_password("postgresql://me:secret@host/db")
    assert not holds_password("postgresql://me@host/db")
    assert not holds_password("sqlite:///file.sqlite")


# Slack


def slack(answers: list[int], heard: list[dict[str, object]]) -> SlackSink:
    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(json.loads(request.content))
        return httpx.Response(answers.pop(0), text="ok")

    caller = Caller("Slack", patience=Patience(3), transport=httpx.MockTransport(answer), sleep=lambda _: None)
    return SlackSink(Secret("https://hooks.slack.test/services/T/B/secret"), caller)


def test_slack_hears_what_happened_in_which_cell(tmp_path: Path) -> None:
    heard: list[dict[str, object]] = []
    changes = (entered(record("1", name="A&B <Rockets>", owner_email="ada@example.com")), moved(record("2")))
    assert tmp_path.exists()
    slack([200], heard).take(a_batch(*changes, left(record("3", OPEN, name="Coil"))))
    (message,) = heard
    assert message["text"] == "Brightwater: overlapping accounts: 1 entered, 1 moved, 1 left"
    told = json.dumps(message, ensure_ascii=False)
    assert "1 entered: A&amp;B &lt;Rockets&gt;" in told
    assert "1 left: Coil" in told
    assert "ada@example.com" not in told


def test_slack_hears_of_a_first_load_in_numbers() -> None:
    heard: list[dict[str, object]] = []
    many = [entered(record(str(number), name=f"Name {number}")) for number in range(30)]
    slack([200], heard).take(a_batch(*many, starts_over=True))
    assert heard[0]["text"] == "Brightwater: 30 accounts of ours overlap"
    assert "Name" not in json.dumps(heard)


def test_slack_is_asked_again_when_it_is_busy_and_a_refusal_names_no_address() -> None:
    heard: list[dict[str, object]] = []
    slack([429, 200], heard).take(a_batch(entered(record("1"))))
    assert len(heard) == 2
    with pytest.raises(SinkFailed, match="Slack answered 404") as failed:
        slack([404], heard).take(a_batch(entered(record("1"))))
    assert "secret" not in str(failed.value)
    with pytest.raises(SinkFailed, match="is none"):
        SlackSink(Secret("https://hooks.slack.test\u0000/x")).take(a_batch(entered(record("1"))))
    with pytest.raises(SinkFailed, match="no https"):
        SlackSink(Secret("http://hooks.slack.test/x")).take(a_batch(entered(record("1"))))


def test_nothing_to_tell_is_no_message() -> None:
    slack([], []).take(a_batch(starts_over=True))


# A command


def command(tmp_path: Path, program: str, *, seconds: float = 60) -> CommandSink:
    return CommandSink((sys.executable, "-c", program), tmp_path, seconds=seconds)


def test_a_command_reads_a_line_for_each_change(tmp_path: Path) -> None:
    program = "import pathlib, sys; pathlib.Path('got').write_bytes(sys.stdin.buffer.read())"
    command(tmp_path, program).take(a_batch(entered(record("1", name="Zoë")), left(record("2", owner_name="x"))))
    first, second = map(json.loads, (tmp_path / "got").read_text(encoding="utf-8").splitlines())
    assert (first["change_set"], first["change"], first["account_name"]) == (1, "entered", "Zoë")
    assert (second["change"], second["shared"]) == ("left", [])
    assert first["partnership_id"] == str(PARTNERSHIP)


@pytest.mark.parametrize(
    ("program", "seconds", "says"),
    [("raise SystemExit(3)", 60, "ended with 3"), ("import time; time.sleep(60)", 0.2, "was stopped after")],
)
def test_a_command_that_fails_gets_the_same_again(tmp_path: Path, program: str, seconds: float, says: str) -> None:
    with pytest.raises(SinkFailed, match=says):
        command(tmp_path, program, seconds=seconds).take(a_batch(entered(record("1"))))


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SinkFailed, match="cannot be run"):
        CommandSink(("no-such-program-anywhere",), tmp_path, seconds=1).take(a_batch(entered(record("1"))))


def test_every_sink_can_say_what_it_would_do(tmp_path: Path) -> None:
    batch = a_batch(entered(record("1")), current=(record("1"),))
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    sinks: list[Sink] = [CsvFiles(tmp_path), table(url), slack([], []), command(tmp_path, "")]
    for sink in sinks:
        assert any('"1"' in line or "Acme" in line for line in sink.preview(batch))
    assert list(tmp_path.iterdir()) == []


# Secrets


def test_a_secret_is_found_where_it_is_named_and_never_printed() -> None:
    named = named_secret("env:SLACK_URL")
    assert named == NamedSecret("env:SLACK_URL")
    found = find_secret(named, {"SLACK_URL": "https://x\n"})
    assert (found.text, repr(found), str(found)) == ("https://x", "Secret(…)", "Secret(…)")
    with pytest.raises(SecretMissing, match="set the environment variable SLACK_URL"):
        find_secret(named, {})
    assert named_secret("https://hooks.slack.com/x") is None


def test_sqlite_is_used_without_another_library(tmp_path: Path) -> None:
    table(f"sqlite:///{tmp_path / 'x.sqlite'}").take(a_batch(entered(record("1", GIVEN))))
    database = sqlite3.connect(tmp_path / "x.sqlite")
    assert database.execute("SELECT count(*) FROM escrow_overlaps").fetchone() == (1,)
    database.close()
