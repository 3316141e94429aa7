"""Every sink, killed before or after it wrote, ends with what it has when nothing is killed; and after a restore."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from escrow.client.calling import Caller
from escrow.client.crm.hubspot import HubSpot
from escrow.client.crm.salesforce import Salesforce, SalesforceKeys
from escrow.client.named_secrets import Secret
from escrow.client.sinks import Batch, Sink, Taken
from escrow.client.sinks.commands import CommandSink
from escrow.client.sinks.crm_fields import CrmFields
from escrow.client.sinks.csv_files import CsvFiles
from escrow.client.sinks.hubspot_sink import HubSpotSink
from escrow.client.sinks.salesforce_sink import SalesforceSink
from escrow.client.sinks.slack import SlackSink
from escrow.client.sinks.sql_table import SqlTable
from escrow.client.sql import open_database
from escrow.errors import SinkFailed
from tests.client.crm_servers import HubSpotServer, SalesforceServer, serving
from tests.client.making_overlaps import OPEN, joined, record, tell

FIELDS = CrmFields({"status": "Status__c", "theirs": "Stage__c", "shared.owner_email": "Owner__c"}, "Key__c")


class KilledError(Exception):
    """The machine was killed."""


@dataclass
class Killed:
    """A sink of which the machine is killed once, before or after a batch is written."""

    sink: Sink
    when: str

    @property
    def most(self) -> int | None:
        return self.sink.most

    @property
    def place(self) -> str:
        return self.sink.place

    def take(self, batch: Batch) -> Taken:
        if self.when == "after":
            self.sink.take(batch)
        raise KilledError

    def preview(self, batch: Batch) -> Iterator[str]:
        return self.sink.preview(batch)

    def close(self) -> None:
        self.sink.close()


#: A sink, and what lies in its place.
Opened = tuple[Sink, Callable[[], Any]]
Place = Callable[[Path], AbstractContextManager[Opened]]


@contextmanager
def csv_files(folder: Path) -> Iterator[Opened]:
    yield CsvFiles(folder / "out"), lambda: {each.name: each.read_bytes() for each in folder.glob("out/*/*")}


@contextmanager
def sql_table(folder: Path) -> Iterator[Opened]:
    database = open_database("sqlite:///rows.sqlite", folder, what="the table", error=SinkFailed)

    def rows() -> list[object]:
        with database.transaction() as tx:
            return list(tx.rows("SELECT * FROM overlaps ORDER BY crm_id")[1])

    yield SqlTable(database, "overlaps", reference="rows"), rows


@contextmanager
def a_command(folder: Path) -> Iterator[Opened]:
    def told() -> dict[object, object]:
        """What a reader has who keeps the last line of each record and change set."""
        lines = map(json.loads, (folder / "got").read_text(encoding="utf-8").splitlines())
        return {(each["change_set"], each["crm_id"]): each for each in lines}

    yield CommandSink(("sh", "-c", "cat >> got"), folder, seconds=60), told


@contextmanager
def slack(_: Path) -> Iterator[Opened]:
    heard: set[bytes] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        heard.add(request.content)
        return httpx.Response(200, text="ok")

    caller = Caller("Slack", transport=httpx.MockTransport(answer))
    yield SlackSink(Secret("https://hooks.slack.test/T/B/x"), caller), lambda: heard


@contextmanager
def salesforce(_: Path) -> Iterator[Opened]:
    org = SalesforceServer(objects={"Overlap__c": {}})
    with serving(org.answer) as org.url:
        keys = SalesforceKeys(org.url, Secret("id"), Secret("hush"))
        sink = SalesforceSink(Salesforce(keys, Caller("Salesforce")), "Overlap__c", FIELDS, url="here")
        yield sink, lambda: org.objects


@contextmanager
def hubspot(_: Path) -> Iterator[Opened]:
    account = HubSpotServer(objects={"2-77": {}})
    with serving(account.answer) as url:
        sink = HubSpotSink(HubSpot(url, Secret("pat-hush"), Caller("HubSpot")), "2-77", FIELDS, url="here")
        yield sink, lambda: account.objects


PLACES: list[Place] = [csv_files, sql_table, a_command, slack, salesforce, hubspot]
TURNS = (
    (record("1"), record("2", owner_email="ada@example.com"), record("3")),
    (record("1", OPEN), record("2", owner_email="ben@example.com"), record("4")),
)


def left_over(place: Place, folder: Path, killed: tuple[int, str] | None) -> object:
    """Run two turns, killed in one of them or not, and give what the sink has in the end."""
    folder.mkdir()
    with place(folder) as (sink, read):
        for turn, records in enumerate(TURNS):
            joined(folder, *records)
            if killed is not None and killed[0] == turn:
                with pytest.raises(KilledError):
                    tell(folder, Killed(sink, killed[1]))
            tell(folder, sink)
        return read()


@pytest.mark.parametrize("place", PLACES)
def test_a_sink_that_is_killed_at_any_step_ends_as_if_it_had_not_been(place: Place, tmp_path: Path) -> None:
    expected = left_over(place, tmp_path / "smooth", None)
    assert expected
    for turn, when in ((0, "before"), (0, "after"), (1, "before"), (1, "after")):
        assert left_over(place, tmp_path / f"{turn} {when}", (turn, when)) == expected


def test_a_batch_that_a_database_breaks_off_leaves_nothing_of_itself(tmp_path: Path) -> None:
    with sql_table(tmp_path) as (sink, read):
        joined(tmp_path, *TURNS[0])
        tell(tmp_path, sink)
        before = read()
        database = open_database("sqlite:///rows.sqlite", tmp_path, what="the table", error=SinkFailed)
        with database.transaction() as tx:
            tx.run(
                "CREATE TRIGGER full BEFORE INSERT ON overlaps WHEN NEW.crm_id = '4' BEGIN SELECT RAISE(ABORT, ''); END"
            )
        joined(tmp_path, *TURNS[1])
        with pytest.raises(SinkFailed):
            tell(tmp_path, sink)
        assert read() == before


@pytest.mark.parametrize("place", [csv_files, sql_table])
def test_a_machine_that_was_restored_without_its_memory_leaves_each_record_once(place: Place, tmp_path: Path) -> None:
    first, restored = tmp_path / "first", tmp_path / "restored"
    first.mkdir()
    restored.mkdir()
    with place(tmp_path) as (sink, read):
        joined(first, *TURNS[0])
        tell(first, sink, first=1_000)
        joined(restored, *TURNS[1])
        tell(restored, sink, first=2_000)
        told = read()
    now = told["current.csv"].decode() if place is csv_files else str(told)
    assert [crm_id for crm_id in "1234" if f"\n{crm_id}," in now or f"'{crm_id}'," in now] == ["1", "2", "4"]
    if place is csv_files:
        assert sorted(told) == ["changes-001000.csv", "changes-002000.csv", "current.csv"]
