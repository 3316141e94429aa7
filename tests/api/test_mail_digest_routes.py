"""Mail digests over HTTP: an address is shown in part, a wrong code is counted, and each key sees its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from escrow.access import Grant
from escrow.api.idempotency import HEADER
from escrow.mail_digests.postman import Postman
from tests.api.serving import Served, calling, served
from tests.mail_digests.mail_servers import MailBox, mail_server_on_loopback
from tests.mail_digests.mailing import ADDRESS, code_in, limits_at

#: Routes are thin: what they call has tests on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def box() -> Iterator[MailBox]:
    """A mail server that takes everything."""
    with mail_server_on_loopback() as running:
        yield running


@pytest.fixture
def mailing_api(database_url: str, tmp_path: Path, box: MailBox) -> Iterator[Served]:
    """A service that has a mail server."""
    with served(database_url, tmp_path, limits=limits_at(box.port)) as running:
        yield running


def posted(api: Served) -> None:
    """Send what is due."""
    Postman(api.service.database, api.service.sealing_key, api.service.settings).run_once()


def added(http: httpx.Client, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    answer = http.post("/v1/mail-digests", json={"address": ADDRESS, **asked})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_service_without_a_mail_server_takes_no_address(api: Served) -> None:
    refused = api.left.http.post("/v1/mail-digests", json={"address": ADDRESS})
    assert (refused.status_code, refused.json()["code"]) == (409, "mail-off")


def test_an_address_is_confirmed_by_its_code_and_never_shown_or_logged(mailing_api: Served, box: MailBox) -> None:
    http = mailing_api.left.http
    made = added(http, hour=9, weekday="friday", types=["release.made"])
    address = f"/v1/mail-digests/{made['mail_digest_id']}"
    assert (made["state"], made["address"], made["weekday"]) == ("unconfirmed", "k…@people.example", "friday")
    posted(mailing_api)
    wrong = http.post(f"{address}/confirm", json={"code": "aaaa"}, headers={HEADER: "one"})
    again = http.post(f"{address}/confirm", json={"code": "bbbb"}, headers={HEADER: "two"})
    assert [(each.status_code, each.json()["guesses_left"]) for each in (wrong, again)] == [(200, 4), (200, 3)]
    confirmed = http.post(f"{address}/confirm", json={"code": code_in(box.mails[0])}).json()
    assert (confirmed["state"], confirmed["last_outcome"], confirmed["types"]) == ("enabled", "sent", ["release.made"])
    assert http.post(f"{address}/code", json={}).json() == confirmed
    assert http.get("/v1/mail-digests").json()["items"] == [http.get(address).json()]
    assert http.delete(address).status_code == 204
    assert http.get("/v1/mail-digests").json() == {"items": []}
    assert "canary" not in mailing_api.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("address", ["kim.canary", "kim.canary@people.example\r\nBcc: lee@people.example"])
def test_what_is_no_address_is_refused_and_not_repeated(mailing_api: Served, address: str) -> None:
    refused = mailing_api.left.http.post("/v1/mail-digests", json={"address": address})
    assert (refused.status_code, refused.json()["code"]) == (422, "mail-address-invalid")
    assert "canary" not in refused.text


def test_codes_are_mailed_three_times_a_day_to_one_address(mailing_api: Served) -> None:
    http = mailing_api.left.http
    address = f"/v1/mail-digests/{added(http)['mail_digest_id']}/code"
    assert [http.post(address, json={}).status_code for _ in range(3)] == [202, 202, 409]


def test_a_digest_is_absent_for_other_organizations_and_for_keys_bound_elsewhere(mailing_api: Served) -> None:
    own = mailing_api.active().rpartition("/")[2]
    of_all = f"/v1/mail-digests/{added(mailing_api.left.http)['mail_digest_id']}"
    assert mailing_api.right.http.get(of_all).status_code == 404
    with calling(mailing_api, mailing_api.left, Grant(partnership_ids=frozenset({UUID(own)}))) as bound:
        made = added(bound, address="lee@people.example")
        assert made["partnership_ids"] == [own]
        assert bound.get("/v1/mail-digests").json()["items"] == [made]
        assert [bound.get(of_all).status_code, bound.delete(of_all).status_code] == [404, 404]
