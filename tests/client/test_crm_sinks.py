"""Salesforce and HubSpot as sinks, against servers on this machine that enforce what both document."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from escrow.client.calling import Caller
from escrow.client.crm.hubspot import HubSpot
from escrow.client.crm.salesforce import Salesforce, SalesforceKeys
from escrow.client.named_secrets import Secret
from escrow.client.sinks import Change, ChangeKind
from escrow.client.sinks.crm_fields import CrmFields
from escrow.client.sinks.hubspot_sink import HubSpotSink
from escrow.client.sinks.salesforce_sink import SalesforceSink
from escrow.client.transport import Patience
from escrow.errors import SinkFailed
from tests.client.crm_servers import HubSpotServer, SalesforceServer, serving
from tests.client.making_overlaps import PARTNERSHIP, a_batch, record

FIELDS = {"status": "Status__c", "theirs": "Stage__c", "shared.owner_email": "Owner__c"}
OWN_OBJECT = CrmFields({**FIELDS, "crm_id": "Account__c"}, "Key__c")
ACCOUNT = CrmFields(FIELDS, None)
QUICK = Patience(4, first_pause=0)


def entered(crm_id: str) -> Change:
    return Change(ChangeKind.ENTERED, record(crm_id, owner_email="ada@example.com"), None)


def left(crm_id: str) -> Change:
    return Change(ChangeKind.LEFT, record(crm_id, owner_email="ada@example.com"), None)


@pytest.fixture
def org() -> Iterator[SalesforceServer]:
    org = SalesforceServer(objects={"Overlap__c": {}, "Account": {"001": {}, "002": {}}})
    with serving(org.answer) as org.url:
        yield org


def salesforce(org: SalesforceServer, fields: CrmFields = OWN_OBJECT, *, word: str = "hush") -> SalesforceSink:
    keys = SalesforceKeys(org.url, Secret("id"), Secret(word))
    object_ = "Account" if fields.key is None else "Overlap__c"
    return SalesforceSink(Salesforce(keys, Caller("Salesforce", patience=QUICK)), object_, fields, url=org.url)


@pytest.fixture
def account() -> HubSpotServer:
    return HubSpotServer(objects={"2-77": {}, "companies": {"001": {}, "002": {}}})


@pytest.fixture
def hubspot_url(account: HubSpotServer) -> Iterator[str]:
    with serving(account.answer) as url:
        yield url


def hubspot(url: str, fields: CrmFields = OWN_OBJECT, *, word: str = "pat-hush") -> HubSpotSink:
    object_ = "companies" if fields.key is None else "2-77"
    return HubSpotSink(HubSpot(url, Secret(word), Caller("HubSpot", patience=QUICK)), object_, fields, url=url)


# Salesforce


def test_salesforce_has_one_record_for_each_overlap_however_often_it_is_told(org: SalesforceServer) -> None:
    sink = salesforce(org)
    for _ in range(2):
        assert not sink.take(a_batch(entered("001"), entered("009"))).refused
    held = org.objects["Overlap__c"]
    assert set(held) == {f"{PARTNERSHIP}:001", f"{PARTNERSHIP}:009"}
    assert held[f"{PARTNERSHIP}:009"] == {
        "Key__c": f"{PARTNERSHIP}:009",
        "Status__c": "overlaps",
        "Stage__c": "opportunities",
        "Owner__c": "ada@example.com",
        "Account__c": "009",
    }
    assert (org.sessions, len(org.calls)) == (1, 3)


def test_salesforce_keeps_of_what_left_only_what_it_was(org: SalesforceServer) -> None:
    sink = salesforce(org)
    sink.take(a_batch(entered("001")))
    sink.take(a_batch(left("001")))
    assert org.objects["Overlap__c"][f"{PARTNERSHIP}:001"] == {
        "Key__c": f"{PARTNERSHIP}:001",
        "Status__c": "left",
        "Stage__c": None,
        "Owner__c": None,
        "Account__c": "001",
    }


def test_salesforce_writes_fields_of_accounts_by_their_ids(org: SalesforceServer) -> None:
    sink = salesforce(org, ACCOUNT)
    taken = sink.take(a_batch(entered("001"), entered("404"), left("405")))
    assert org.objects["Account"]["001"]["Stage__c"] == "opportunities"
    assert (set(taken.refused), dict(taken.reasons)) == ({"404"}, {"ENTITY_IS_DELETED": 1})


def test_what_salesforce_refuses_of_a_batch_keeps_the_others_from_nothing(org: SalesforceServer) -> None:
    org.invalid = {f"{PARTNERSHIP}:002"}
    taken = salesforce(org).take(a_batch(entered("001"), entered("002"), entered("003")))
    assert (set(taken.refused), dict(taken.reasons)) == ({"002"}, {"FIELD_CUSTOM_VALIDATION_EXCEPTION": 1})
    assert len(org.objects["Overlap__c"]) == 2


def test_salesforce_takes_batches_of_the_documented_size_and_no_larger(org: SalesforceServer) -> None:
    sink = salesforce(org)
    assert sink.most == 200
    sink.take(a_batch(*(entered(f"{number:03}") for number in range(200))))
    assert len(org.objects["Overlap__c"]) == 200
    with pytest.raises(SinkFailed, match=r"400 \(EXCEEDED_MAX_TYPES_LIMIT\)"):
        sink.take(a_batch(*(entered(f"{number:03}") for number in range(201))))


def test_a_salesforce_session_that_lapsed_is_renewed_once(org: SalesforceServer) -> None:
    sink = salesforce(org)
    sink.take(a_batch(entered("001")))
    org.lapsed = {"session-1"}
    sink.take(a_batch(entered("002")))
    assert (org.sessions, len(org.objects["Overlap__c"])) == (2, 2)
    org.lapsed = {"session-2", "session-3"}
    with pytest.raises(SinkFailed, match=r"401 \(INVALID_SESSION_ID\)"):
        sink.take(a_batch(entered("003")))


def test_salesforce_without_calls_left_or_rights_says_what_to_do(org: SalesforceServer) -> None:
    org.calls_left = 0
    with pytest.raises(SinkFailed, match="calls of the day"):
        salesforce(org).take(a_batch(entered("001")))
    with pytest.raises(SinkFailed, match=r"gave no session \(400, invalid_client\)") as refused:
        salesforce(org, word="wrong").take(a_batch(entered("001")))
    assert "wrong" not in str(refused.value)


def test_a_salesforce_token_goes_to_no_other_site(org: SalesforceServer) -> None:
    real, org.url = org.url, "https://elsewhere.example.com"
    keys = SalesforceKeys(real, Secret("id"), Secret("hush"))
    sink = SalesforceSink(Salesforce(keys, Caller("Salesforce", patience=QUICK)), "Overlap__c", OWN_OBJECT, url=real)
    with pytest.raises(SinkFailed, match="names an instance"):
        sink.take(a_batch(entered("001")))


# HubSpot


def test_hubspot_has_one_record_for_each_overlap_however_often_it_is_told(
    account: HubSpotServer, hubspot_url: str
) -> None:
    sink = hubspot(hubspot_url)
    for _ in range(2):
        assert not sink.take(a_batch(entered("001"), entered("009"))).refused
    sink.take(a_batch(left("009")))
    held = account.objects["2-77"]
    assert held[f"{PARTNERSHIP}:001"]["Owner__c"] == "ada@example.com"
    assert held[f"{PARTNERSHIP}:009"] == {
        "Key__c": f"{PARTNERSHIP}:009",
        "Status__c": "left",
        "Stage__c": "",
        "Owner__c": "",
        "Account__c": "009",
    }


def test_hubspot_writes_properties_of_companies_and_tells_which_are_gone(
    account: HubSpotServer, hubspot_url: str
) -> None:
    account.invalid = {"002"}
    taken = hubspot(hubspot_url, ACCOUNT).take(a_batch(entered("001"), entered("002"), entered("404"), left("405")))
    assert account.objects["companies"]["001"]["Stage__c"] == "opportunities"
    assert (set(taken.refused), dict(taken.reasons)) == ({"002", "404"}, {"OBJECT_NOT_FOUND": 1, "VALIDATION_ERROR": 1})


def test_a_batch_of_which_hubspot_does_not_say_what_it_wrote_comes_again(
    account: HubSpotServer, hubspot_url: str
) -> None:
    account.silent = True
    account.invalid = {f"{PARTNERSHIP}:002"}
    with pytest.raises(SinkFailed, match="does not say which"):
        hubspot(hubspot_url).take(a_batch(entered("001"), entered("002")))


def test_hubspot_takes_batches_of_the_documented_size_and_no_larger(account: HubSpotServer, hubspot_url: str) -> None:
    sink = hubspot(hubspot_url)
    assert sink.most == 100
    sink.take(a_batch(*(entered(f"{number:03}") for number in range(100))))
    assert len(account.objects["2-77"]) == 100
    with pytest.raises(SinkFailed, match=r"400 \(VALIDATION_ERROR\)"):
        sink.take(a_batch(*(entered(f"{number:03}") for number in range(101))))


def test_hubspot_is_asked_again_when_calls_come_too_fast(account: HubSpotServer, hubspot_url: str) -> None:
    account.too_fast = 2
    hubspot(hubspot_url).take(a_batch(entered("001")))
    assert len(account.calls) == 3
    account.too_fast = 9
    with pytest.raises(SinkFailed, match="used up its calls"):
        hubspot(hubspot_url).take(a_batch(entered("001")))


def test_hubspot_refuses_another_token_and_it_is_not_told(hubspot_url: str) -> None:
    with pytest.raises(SinkFailed, match="is not taken") as refused:
        hubspot(hubspot_url, word="pat-other").take(a_batch(entered("001")))
    assert "pat-other" not in str(refused.value)


# Both


def test_a_dry_run_prints_the_calls_and_makes_none(
    org: SalesforceServer, account: HubSpotServer, hubspot_url: str
) -> None:
    batch = a_batch(entered("001"))
    call, body = salesforce(org).preview(batch)
    assert call == "PATCH /services/data/v62.0/composite/sobjects/Overlap__c/Key__c"
    assert json.loads(body)["records"][0]["Key__c"] == f"{PARTNERSHIP}:001"
    call, body = hubspot(hubspot_url, ACCOUNT).preview(batch)
    assert call == "POST /crm/v3/objects/companies/batch/update"
    assert json.loads(body)["inputs"][0]["id"] == "001"
    assert (org.calls, account.calls) == ([], [])
