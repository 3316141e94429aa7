"""The system's keyring keeps the passphrase of the key file, if asked to, and nothing falls back to a plain file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from escrow.client.cli.exits import ExitCode
from tests.client.making_keyrings import PASSPHRASE
from tests.client.terminals import Partners


class InMemory(KeyringBackend):
    """A keyring of a system that has no disk."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library types none of its own
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._must_be_open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._must_be_open()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]

    def _must_be_open(self) -> None:
        if self.is_locked:
            raise KeyringLocked("secret words of the system")


@pytest.fixture
def system() -> Iterator[InMemory]:
    before, backend = keyring.get_keyring(), InMemory()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def nobody_at_the_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with Path(os.devnull).open(encoding="utf-8") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        yield


def test_what_is_remembered_opens_the_keyring_without_being_given(partners: Partners, system: InMemory) -> None:
    left, _ = partners
    assert left("keyring", "remember", "--json").json["home"] == str(left.home)
    assert system.kept == {("escrow", str(left.home)): PASSPHRASE.text}
    left.passphrase = ""
    assert left("status").exit_code == ExitCode.DONE


def test_the_passphrases_of_two_home_folders_are_kept_apart(partners: Partners, system: InMemory) -> None:
    left, right = partners
    left("keyring", "remember")
    right.passphrase = ""
    assert right("status", "--json").error_code == "passphrase-missing"
    assert len(system.kept) == 1


def test_a_wrong_passphrase_is_not_remembered(partners: Partners, system: InMemory) -> None:
    left, _ = partners
    left.passphrase = "another passphrase"
    assert left("keyring", "remember", "--json").error_code == "passphrase-wrong"
    assert system.kept == {}


def test_what_is_given_comes_before_what_is_remembered(partners: Partners, system: InMemory) -> None:
    left, _ = partners
    left("keyring", "remember")
    system.is_locked = True
    assert left("status").exit_code == ExitCode.DONE


def test_forgetting_takes_it_out_and_twice_does_no_harm(partners: Partners, system: InMemory) -> None:
    left, _ = partners
    left("keyring", "remember")
    assert left("keyring", "forget", "--json").json["was_remembered"] is True
    assert system.kept == {}
    assert left("keyring", "forget", "--json").json["was_remembered"] is False
    left.passphrase = ""
    assert left("status", "--json").error_code == "passphrase-missing"


def test_a_locked_keyring_says_the_other_ways_and_not_what_the_system_said(
    partners: Partners, system: InMemory
) -> None:
    left, _ = partners
    left("keyring", "remember")
    system.is_locked = True
    left.passphrase = ""
    refused = left("status", "--json")
    assert (refused.exit_code, refused.error_code) == (ExitCode.LOCAL, "system-keyring-unusable")
    assert "ESCROW_PASSPHRASE_FILE" in refused.err
    assert "secret words" not in refused.err


def test_one_that_was_removed_by_hand_is_told_as_that(partners: Partners, system: InMemory) -> None:
    left, _ = partners
    left("keyring", "remember")
    system.kept.clear()
    left.passphrase = ""
    refused = left("status", "--json")
    assert refused.error_code == "system-keyring-unusable"
    assert "keyring remember" in refused.err


@pytest.mark.usefixtures("system")
def test_without_a_keyring_of_the_system_nothing_is_kept(partners: Partners) -> None:
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    left, _ = partners
    refused = left("keyring", "remember", "--json")
    assert (refused.exit_code, refused.error_code) == (ExitCode.LOCAL, "system-keyring-unusable")
    assert left("status").exit_code == ExitCode.DONE


@pytest.mark.usefixtures("system")
def test_a_backend_that_writes_a_plain_file_is_refused(partners: Partners) -> None:
    plain = type("PlaintextKeyring", (InMemory,), {"__module__": "keyrings.alt.file"})()
    keyring.set_keyring(plain)
    assert partners[0]("keyring", "remember", "--json").error_code == "system-keyring-unusable"
    assert plain.kept == {}


def test_without_the_extra_the_command_says_how_to_install_it(partners: Partners) -> None:
    left, _ = partners
    script = (
        "import sys; sys.modules['keyring'] = None\n"
        "from escrow.client.cli.app import run; sys.exit(run(['keyring', 'remember', '--json']))"
    )
    settings = {"ESCROW_HOME": str(left.home), "ESCROW_PASSPHRASE": PASSPHRASE.text}
    command = [sys.executable, "-c", script]
    ended = subprocess.run(
        command, env={**os.environ, **settings}, check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == ExitCode.LOCAL
    assert "pip install 'escrow[keyring]'" in ended.stderr
