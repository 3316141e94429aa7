"""Lists that are no files: a query, and records of CRMs fetched by what was modified, as a file like any other."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from escrow.client.calling import Caller
from escrow.client.crm.hubspot import HubSpot
from escrow.client.crm.salesforce import Salesforce, SalesforceKeys
from escrow.client.named_secrets import NamedSecret, Secret
from escrow.client.sources.crm_reading import hubspot_reader, salesforce_reader
from escrow.client.sources.fetched import Cached
from escrow.client.sources.fetching import fetch
from escrow.client.sources.plans import SqlSource
from escrow.client.sql import open_database
from escrow.client.transport import Patience
from escrow.errors import SourceFailed
from tests.client.crm_servers import HubSpotServer, SalesforceServer, serving
from tests.client.terminals import Partners

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
DAY = timedelta(days=1)
QUICK = Patience(2, first_pause=0)


def lines(place: Path) -> list[dict[str, str]]:
    with place.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def an_account(id_: str, name: str, at: str = "2026-11-20T06:00:00.000+0000", **more: object) -> dict[str, object]:
    told = {"Id": id_, "Name": name, "SystemModstamp": at, "IsDeleted": False, "Owner.Name": "Ada"}
    return {**told, **more}


@pytest.fixture
def org() -> Iterator[SalesforceServer]:
    accounts = {id_: an_account(id_, f"Name {id_}") for id_ in ("001", "002", "003")}
    org = SalesforceServer(objects={"Account": accounts}, page=2)
    with serving(org.answer) as org.url:
        yield org


def fetched(org: SalesforceServer, folder: Path, now: datetime = NOW) -> list[tuple[str, ...]]:
    keys = SalesforceKeys(org.url, Secret("id"), Secret("hush"))
    salesforce = Salesforce(keys, Caller("Salesforce", patience=QUICK), error=SourceFailed)
    cached = Cached(folder, "salesforce")
    place = cached.file(("Id", "Name", "Owner.Name"), salesforce_reader(salesforce, "Account"), whole=DAY, now=now)
    return [tuple(line.values()) for line in lines(place)]


def test_salesforce_is_read_whole_by_pages_and_then_by_what_was_modified(org: SalesforceServer, tmp_path: Path) -> None:
    assert fetched(org, tmp_path) == [(each, f"Name {each}", "Ada") for each in ("001", "002", "003")]
    accounts = org.objects["Account"]
    accounts["002"] = an_account("002", "Renamed", "2026-11-22T05:00:00.000+0000")
    accounts["003"] = an_account("003", "", "2026-11-22T05:00:00.000+0000", IsDeleted=True)
    accounts["004"] = an_account("004", "New", "2026-11-22T05:00:00.000+0000")
    assert fetched(org, tmp_path, NOW + timedelta(hours=1)) == [
        ("001", "Name 001", "Ada"),
        ("002", "Renamed", "Ada"),
        ("004", "New", "Ada"),
    ]
    assert org.queries[1].endswith("WHERE SystemModstamp >= 2026-11-20T05:50:00Z")


def test_everything_is_read_again_once_a_day(org: SalesforceServer, tmp_path: Path) -> None:
    fetched(org, tmp_path)
    del org.objects["Account"]["001"]
    assert len(fetched(org, tmp_path, NOW + timedelta(hours=23))) == 3
    assert len(fetched(org, tmp_path, NOW + DAY)) == 2


def test_a_fetch_that_fails_changes_nothing(org: SalesforceServer, tmp_path: Path) -> None:
    fetched(org, tmp_path)
    org.objects["Account"]["001"]["Name"] = "Changed"
    org.calls_left = 1
    with pytest.raises(SourceFailed, match="calls of the day"):
        fetched(org, tmp_path, NOW + DAY)
    org.calls_left = 100
    org.objects["Account"]["001"]["Name"] = "Name 001"
    assert len(fetched(org, tmp_path, NOW + timedelta(hours=1))) == 3


def test_a_column_that_is_no_field_is_refused_before_it_is_asked_for(org: SalesforceServer, tmp_path: Path) -> None:
    keys = SalesforceKeys(org.url, Secret("id"), Secret("hush"))
    reader = salesforce_reader(Salesforce(keys, Caller("Salesforce"), error=SourceFailed), "Account")
    with pytest.raises(SourceFailed, match="cannot be a field"):
        Cached(tmp_path, "salesforce").file(("Id FROM User",), reader, whole=DAY, now=NOW)
    with pytest.raises(SourceFailed, match=r"\[columns\]"):
        Cached(tmp_path, "salesforce").file((), reader, whole=DAY, now=NOW)
    assert org.calls == []


def a_company(number: int, at: str = "2026-11-20T06:00:00.000Z") -> dict[str, object]:
    return {"hs_object_id": str(number), "name": f"Name {number}", "domain": None, "hs_lastmodifieddate": at}


def test_hubspot_is_read_by_pages_and_then_by_what_was_modified_however_much_that_is(tmp_path: Path) -> None:
    companies = {str(number): a_company(number) for number in range(1, 251)}
    account = HubSpotServer(objects={"companies": companies}, most_found=10_000)
    with serving(account.answer) as url:
        hubspot = HubSpot(url, Secret("pat-hush"), Caller("HubSpot", patience=QUICK), error=SourceFailed)
        reader, cached = hubspot_reader(hubspot, "companies"), Cached(tmp_path, "hubspot")
        fields = ("hs_object_id", "name", "domain")
        assert len(lines(cached.file(fields, reader, whole=DAY, now=NOW))) == 250
        companies["7"] |= {"name": "Renamed", "hs_lastmodifieddate": "2026-11-22T05:00:00.000Z"}
        companies["251"] = a_company(251, "2026-11-22T05:00:00.000Z")
        found = lines(cached.file(fields, reader, whole=DAY, now=NOW + timedelta(hours=1)))
        assert (len(found), {line["name"] for line in found if line["hs_object_id"] == "7"}) == (251, {"Renamed"})
        account.calls.clear()
        many = list(hubspot.modified("companies", fields, since=0, by="hs_lastmodifieddate"))
        assert (len(many), len(account.calls)) == (251, 3)


def test_search_is_begun_anew_behind_the_last_id_where_it_shows_no_more() -> None:
    companies = {str(number): a_company(number) for number in range(1, 251)}
    account = HubSpotServer(objects={"companies": companies}, most_found=100)
    with serving(account.answer) as url:
        caller = Caller("HubSpot", patience=QUICK)
        hubspot = HubSpot(url, Secret("pat-hush"), caller, error=SourceFailed, most_found=100)
        ids = [record["id"] for record in hubspot.modified("companies", (), since=0, by="hs_lastmodifieddate")]
    assert ids == [str(number) for number in range(1, 251)]


def test_a_query_of_a_database_is_a_list(paired: Partners, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    database = open_database("sqlite:///crm.sqlite", Path(), what="the test", error=SourceFailed)
    with database.transaction() as tx:
        tx.run("CREATE TABLE accounts (id INTEGER, name TEXT, web TEXT, stage TEXT)")
        rows = [
            {"id": 1, "name": "Acme", "web": "acme.com", "stage": "won"},
            {"id": 2, "name": "Bolt", "web": None, "stage": "open"},
        ]
        tx.run("INSERT INTO accounts VALUES (:id, :name, :web, :stage)", rows)
    Path("escrow.toml").write_text(
        """
[source]
kind = "sql"
url = "sqlite:///crm.sqlite"
query = "SELECT id, name, web, stage FROM accounts"
[columns]
crm_id = "id"
account_name = "name"
website = "web"
stage = "stage"
[stages]
won = "customers"
open = "opportunities"
""",
        encoding="utf-8",
    )
    planned = paired[0]("submit", "--dry-run", "--json")
    assert planned.json["populations"] == {"customers": 1, "opportunities": 1, "prospects": 0}
    with database.transaction() as tx:
        tx.run("DELETE FROM accounts")
    empty = paired[0]("submit", "--dry-run", "--json")
    assert "gave no rows" in empty.err
    Path("crm.sqlite").unlink()
    assert paired[0]("submit", "--dry-run", "--json").error_code == "source-failed"


def test_a_query_gives_texts_as_an_export_does(tmp_path: Path) -> None:
    source = SqlSource("sqlite:///x.sqlite", "SELECT 1 AS a, NULL AS b, 2.0 AS c, 'x:y%' AS d", tmp_path)
    place = fetch(source, (), tmp_path / "sources", {}, now=NOW)
    assert lines(place) == [{"a": "1", "b": "", "c": "2", "d": "x:y%"}]


def test_a_query_that_fails_tells_neither_itself_nor_the_address(tmp_path: Path) -> None:
    source = SqlSource(NamedSecret("env:URL"), "SELECT secret_column FROM nowhere", tmp_path)
    with pytest.raises(SourceFailed) as failed:
        fetch(source, (), tmp_path, {"URL": "sqlite:///hush.sqlite"}, now=NOW)
    assert not any(word in str(failed.value) for word in ("secret_column", "hush"))
