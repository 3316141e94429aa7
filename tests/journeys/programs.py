"""The two programs as their users run them: a service in processes of its own, real sockets on loopback.

Commands run in the process of the test, since starting Python takes longer than what they do; those that a test kills
run in processes of their own.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from typer.main import get_command

from escrow.client.cli.app import run as run_command
from escrow.client.home import Home
from escrow.client.keyring import KeyringFile
from escrow.client.sealed_files import Passphrase
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.server import app
from tests.client.making_keyrings import QUICK
from tests.journeys.processes import Running, start

__all__ = [
    "Ended",
    "Partner",
    "RunningService",
    "eventually",
    "free_port",
    "new_partner",
    "of_the_client",
    "pair",
    "start_service",
]

#: For journeys of which the service's part is tested on both databases elsewhere.
of_the_client = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PROGRAMS = Path(sys.executable).parent
#: Put together once: it takes longer than most of the operator's commands.
_OPERATE = get_command(app)
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Said:
    """Where what is said in this process goes meanwhile."""

    out: io.StringIO = field(default_factory=io.StringIO)
    error: io.StringIO = field(default_factory=io.StringIO)


@contextmanager
def said_here(environment: Mapping[str, str]) -> Iterator[Said]:
    """Run commands in this process as if it had another environment, and keep what they say."""
    said = Said()
    with mock.patch.dict(os.environ, environment, clear=True), redirect_stdout(said.out), redirect_stderr(said.error):
        yield said


@dataclass(slots=True)
class RunningService:
    """A service of the test's own: one process on SQLite, `serve` and `work` beside each other on PostgreSQL."""

    folder: Path
    database_url: str
    port: int
    settings: Mapping[str, str]
    processes: list[Running | subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_files(self) -> list[Path]:
        return sorted(self.folder.glob("*.log"))

    def operate(self, *arguments: str) -> str:
        """Run an operator's command and return what it prints."""
        with said_here(self.environment) as said:
            _OPERATE([*arguments], standalone_mode=False)
        return said.out.getvalue()

    @property
    def environment(self) -> dict[str, str]:
        return bare_environment() | {
            "ESCROW_DATA_FOLDER": str(self.folder / "data"),
            "ESCROW_SEALING_KEY_FILE": str(self.folder / "sealing.key"),
            "ESCROW_DATABASE_URL": self.database_url,
            **self.settings,
        }

    def start(self) -> None:
        """Start the processes and wait until the API answers."""
        roles = [["serve", "--port", str(self.port)]]
        if not self.database_url.startswith("sqlite"):
            roles.append(["work"])
        for role in roles:
            self.processes.append(start(role, self.environment, self.folder / f"{role[0]}.log"))
        eventually(self.is_healthy)

    def is_healthy(self) -> bool:
        """Whether the API answers; a process that has ended is an error."""
        assert all(process.poll() is None for process in self.processes), self.logged()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/healthz", timeout=5):
                return True
        except OSError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the processes of this service, gracefully or not, and wait for them."""
        for process in self.processes:
            process.send_signal(how)
        for process in self.processes:
            process.wait(timeout=30)
        self.processes.clear()

    def logged(self) -> str:
        """All that the processes have logged."""
        return "".join(file.read_text(encoding="utf-8") for file in self.log_files)


CARRIED = {"ESCROW_EXPORT_PASSPHRASE": "for the way over"}


@dataclass(frozen=True, slots=True)
class Partner:
    """One company's side: a home folder and the environment its commands run in."""

    name: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def home(self) -> Path:
        return Path(self.environment["ESCROW_HOME"])

    def export(self, place: Path) -> Path:
        """Write keyring and account states to a file for another machine."""
        place.unlink(missing_ok=True)
        self.run("keyring", "export", place)
        return place

    def on_another_machine(self, home: Path) -> Partner:
        """The same company at a machine that has nothing yet."""
        return Partner(self.name, {**self.environment, "ESCROW_HOME": str(home)})

    def run(self, *arguments: str | Path) -> dict[str, Any]:
        """Run `escrow … --json`, expect success, return its answer."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"{arguments[0]}: {done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def refused(self, *arguments: str | Path) -> tuple[int, dict[str, str]]:
        """Run `escrow … --json`, expect a refusal, return the exit code and the error."""
        done = self.attempt(*arguments)
        assert done.returncode != 0, done.stdout
        error: dict[str, str] = json.loads(done.stderr.strip().splitlines()[-1])["error"]
        return done.returncode, error

    def attempt(self, *arguments: str | Path) -> Ended:
        """Run `escrow … --json` to its end, whatever that is."""
        with said_here(self.environment) as said:
            code = run_command([*map(str, arguments), "--json"])
        return Ended(int(code), said.out.getvalue(), said.error.getvalue())

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start a command and do not wait for it."""
        command = [str(PROGRAMS / "escrow"), *map(str, arguments), "--json"]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, env=dict(self.environment), stdout=quiet, stderr=quiet)


def start_service(folder: Path, database_url: str, **settings: str) -> RunningService:
    """Make the sealing key and the tables, and start a service on a free port."""
    service = RunningService(folder, database_url, free_port(), settings)
    service.operate("init")
    service.start()
    return service


def new_partner(service: RunningService, name: str) -> Partner:
    """Make an organization with an API key, and the home folder of its side."""
    service.operate("organization", "add", name)
    key = json.loads(service.operate("api-key", "add", name, "--json"))["api_key"]
    settings = {
        "HOME": str(service.folder / name),
        "URL": service.url,
        "API_KEY": key,
        "PASSPHRASE": f"passphrase of {name}",
    }
    partner = Partner(
        name, bare_environment() | CARRIED | {f"ESCROW_{setting}": value for setting, value in settings.items()}
    )
    partner.run("init")
    _stretch_little(partner)
    return partner


def _stretch_little(partner: Partner) -> None:
    """Seal the keyring anew with less work between passphrase and key: each command would take a quarter second."""
    home, passphrase = Home.at(partner.home, {}), Passphrase(partner.environment["ESCROW_PASSPHRASE"])
    keyring = KeyringFile.open(home, passphrase, random=os.urandom).keyring
    home.keyring.unlink()
    KeyringFile.create(home, keyring, passphrase, random=os.urandom, stretching=QUICK)


def pair(left: Partner, right: Partner, *, profile: str = LATEST_PROFILE) -> None:
    """Pair two partners by a code that never passes the service."""
    acceptor = right.run("status")["organization_id"]
    code = left.run("invite", "--to", acceptor, "--profile", profile)["code"]
    right.run("accept", code)
    left.run("status")


def eventually(is_so: Callable[[], object]) -> None:
    """Return once it is so; fail when that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def bare_environment() -> dict[str, str]:
    """This process's environment without settings of another escrow."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ESCROW_")}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
