"""`escrow digest` against the service and a mail server: from an address to a digest, without a line of curl."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from escrow.client.cli.exits import ExitCode
from escrow.mail_digests.postman import Postman
from tests.api.serving import Served, served
from tests.client.making_keyrings import a_keyring, a_keyring_file
from tests.client.terminals import Partner
from tests.mail_digests.mail_servers import MailBox, mail_server_on_loopback
from tests.mail_digests.mailing import ADDRESS, code_in, limits_at


@dataclass(frozen=True, slots=True)
class Office:
    """A partner's terminal, and the mailbox of a colleague."""

    terminal: Partner
    box: MailBox
    api: Served

    def posted(self) -> None:
        """Send what is due."""
        service = self.api.service
        Postman(service.database, service.sealing_key, service.settings).run_once()


@pytest.fixture
def office(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Office]:
    """A service that has a mail server, on a database of the test's own."""
    database_url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'escrow.sqlite')}"
    with mail_server_on_loopback() as box, served(database_url, tmp_path, limits=limits_at(box.port)) as api:
        http = api.left.http
        url, api_key = str(http.base_url).rstrip("/"), http.headers["Authorization"].removeprefix("Bearer ")
        a_keyring_file(tmp_path, a_keyring(api_key, api.left.organization_id, url))
        yield Office(Partner(tmp_path, api_key, url, monkeypatch, capsys), box, api)


def answered(office: Office, *arguments: str) -> dict[str, Any]:
    return dict(office.terminal("digest", *arguments, "--json").json)


def test_a_colleague_is_added_confirmed_listed_and_removed(office: Office) -> None:
    terminal = office.terminal
    assert "escrow digest add ADDRESS" in terminal("digest", "list").out
    made = terminal("digest", "add", ADDRESS, "--at", "7", "--on", "Monday", "--description", "sales")
    office.posted()
    (digest,) = answered(office, "list")["digests"]
    id_ = digest["mail_digest_id"]
    assert f"escrow digest confirm {id_} CODE" in made.out
    wrong = terminal("digest", "confirm", id_, "aaaa", "--json")
    assert (wrong.exit_code, wrong.error_code) == (ExitCode.VERIFICATION, "mail-code-wrong")
    assert "4 more tries" in wrong.err
    right = terminal("digest", "confirm", id_[:8], code_in(office.box.mails[0]))
    assert "on mondays at 07:00 UTC" in right.out
    assert "nothing to prove" in terminal("digest", "code", id_).out
    listed = terminal("digest", "list")
    assert "sales" in listed.out
    assert "canary" not in "".join(each.out + each.err for each in (made, wrong, right, listed))
    assert answered(office, "remove", id_, "--yes")["removed"]["mail_digest_id"] == id_
    assert answered(office, "list") == {"digests": []}


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        (("--on", "someday"), "tuesday"),
        (("--at", "24"), "23"),
        (("--event", "release.mad"), "release.made"),
        (("--description", "x" * 201), "200"),
    ],
)
def test_what_is_not_understood_is_told_what_there_is(office: Office, slip: tuple[str, str], told: str) -> None:
    refused = office.terminal("digest", "add", ADDRESS, *slip, "--json")
    assert refused.exit_code == ExitCode.USAGE
    assert told in refused.err
