"""The command blocks of a page, and two partners and an operator who run them line by line."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from escrow.client.cli.app import run as run_command
from examples.demo_certificates import write_certificates
from tests.journeys.programs import PROGRAMS, RunningService, bare_environment, eventually, free_port, said_here
from tools.healthcheck import is_healthy

__all__ = ["EXAMPLES", "PARTNERS", "Line", "Scene", "lines_of"]

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "Larkfield": ROOT / "examples" / "larkfield-salesforce.csv",
    "Brightwater": ROOT / "examples" / "brightwater-hubspot.csv",
}
PARTNERS = tuple(EXAMPLES)

_BLOCK = re.compile(r'^```sh(?: title="(?P<who>\w+)")?\n(?P<lines>.*?)^```$', re.MULTILINE | re.DOTALL)
_KEY, _ID = re.compile(r"esk_\S+"), re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = re.compile(r"\b[A-Z2-7]{5}(?:-[A-Z2-7]{1,5})+\b")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a block, and who runs it: the operator, a partner by name, or both."""

    who: str
    text: str


def lines_of(page: str) -> list[Line]:
    """Read the lines of every block; where a block has no title, the comment behind a line says who runs it."""
    return [
        Line(block["who"] or _told_by(comment), command.strip())
        for block in _BLOCK.finditer(page)
        for command, _, comment in (line.partition(" #") for line in block["lines"].splitlines())
        if command.strip()
    ]


def _told_by(comment: str) -> str:
    if comment.strip().startswith("both sides"):
        return "both"
    return "Brightwater" if "your partner runs" in comment else "Larkfield"


@dataclass(slots=True)
class Scene:
    """The machines of a page: one of the operator with a certificate, one of each partner with an export."""

    folder: Path
    service: RunningService
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    placeholders: dict[str, str] = field(default_factory=dict)

    @classmethod
    def in_folder(cls, folder: Path) -> Scene:
        """Make all that a page supposes to be there."""
        settings = {"ESCROW_POLL_SECONDS": "0.05"}
        service = RunningService(folder, f"sqlite:///{folder / 'data' / 'escrow.sqlite'}", free_port(), settings)
        certificates = write_certificates(folder / "tls")
        shutil.copyfile(certificates.certificate, folder / "chain.pem")
        shutil.copyfile(certificates.key, folder / "key.pem")
        (folder / "key.pem").chmod(0o600)
        scene = cls(folder, service, placeholders={"https://escrow.example.com": f"https://localhost:{service.port}"})
        for name in PARTNERS:
            scene.environments[name] = _environment_of(folder / name, certificates.authority)
            shutil.copyfile(EXAMPLES[name], folder / name / "accounts.csv")
        return scene

    def run(self, line: Line) -> None:
        """Run a line as whoever it is for; both run it one after the other, the inviter first."""
        for who in PARTNERS if line.who == "both" else (line.who,):
            for command in line.text.split(" && "):
                self._run(who, shlex.split(self._filled(command)))

    def answer(self, who: str, *words: str) -> dict[str, Any]:
        """Run a command of a partner and read what it says as JSON."""
        answer: dict[str, Any] = json.loads(self._escrow(who, [*words, "--json"]))
        return answer

    def _run(self, who: str, words: list[str]) -> None:
        match words:
            case ["make" | "python3" | ".", *_]:
                """What CI runs, or an environment that the tests have already."""
            case ["pip", "install", what]:
                _is_ours(what)
            case ["export", setting]:
                name, _, value = setting.partition("=")
                home = self.environments[who]["HOME"]
                self.environments[who][name] = value.replace("~", home)
            case ["escrow-server", "serve", *options]:
                self._serve(options)
            case ["escrow-server", *command]:
                self._learn(command, self.service.operate(*command))
            case ["escrow", *command]:
                if command[0] == "report":
                    eventually(lambda: self.answer(who, "report")["number"])
                self._learn_code(self._escrow(who, command))
            case _:
                raise AssertionError(f"no part of this scene runs: {shlex.join(words)}")

    def _filled(self, command: str) -> str:
        for placeholder, value in self.placeholders.items():
            command = re.sub(rf"(?<!\w){re.escape(placeholder)}(?!\w)", value, command)
        return command

    def _serve(self, options: list[str]) -> None:
        """Start the service as told, but on loopback and a free port."""
        replaced = {"0.0.0.0": "127.0.0.1", "443": str(self.service.port)}  # noqa: S104  # replaced, not listened on
        command = [str(PROGRAMS / "escrow-server"), "serve", *(replaced.get(option, option) for option in options)]
        with (self.folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(command, env=self.service.environment, cwd=self.folder, stdout=log, stderr=log)
        self.service.processes.append(process)
        settings = {"ESCROW_PORT": str(self.service.port), "ESCROW_TLS_CERTIFICATE": "chain.pem"}
        eventually(lambda: is_healthy(settings) or process.poll() is not None)
        assert process.poll() is None, self.service.logged()

    def _escrow(self, who: str, words: list[str]) -> str:
        with contextlib.chdir(self.folder / who), said_here(self.environments[who]) as said:
            code = run_command(words)
        assert code == 0, f"{who}: escrow {shlex.join(words)}: {said.error.getvalue()}"
        return said.out.getvalue()

    def _learn(self, command: list[str], said: str) -> None:
        """Send a partner the API key that was made for it."""
        if command[:2] == ["organization", "add"]:
            name, key, organization = command[2], _KEY.search(said), _ID.search(said)
            assert key
            assert organization
            self.environments[name]["ESCROW_API_KEY"] = key[0]
            if name == "Brightwater":
                self.placeholders["PARTNER_ORGANIZATION_ID"] = organization[0]

    def _learn_code(self, said: str) -> None:
        """Carry the pairing code to the partner."""
        if code := _CODE.search(said):
            self.placeholders["CODE"] = code[0]


def _environment_of(home: Path, authority: Path) -> dict[str, str]:
    passphrase_file = home / ".config" / "escrow" / "passphrase"
    passphrase_file.parent.mkdir(parents=True)
    passphrase_file.write_text("a passphrase of nobody\n", encoding="utf-8")
    return bare_environment() | {
        "HOME": str(home),
        "ESCROW_HOME": str(home / "escrow"),
        "ESCROW_CA_FILE": str(authority),
        "ESCROW_PASSPHRASE": "a passphrase of nobody",
    }


def _is_ours(what: str) -> None:
    """An install line names this project and extras that it has."""
    wanted = Requirement(what.replace(".", "escrow", 1))
    assert wanted.name == "escrow"
    assert wanted.extras <= set(metadata("escrow").get_all("Provides-Extra") or ())
