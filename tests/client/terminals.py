"""A partner's terminal: commands typed there, and what they printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from escrow.client.cli.app import run
from tests.client.fake_service import Json
from tests.client.making_keyrings import PASSPHRASE

__all__ = ["CSV", "Answered", "Partner", "Partners", "files_of_at_most"]

CSV = """Account ID,Account Name,Website,Type,Account Owner
001,Acme Rockets Inc,https://www.acme-rockets.com,Customer,Ada
002,Bolt Brothers GmbH,bolt-brothers.de,Opportunity,Ben
003,Coil & Cable Ltd,coilcable.co.uk,Prospect,Cem
"""


@dataclass
class Answered:
    """What a command printed, and its exit code."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        answer: Json = json.loads(self.out)
        return answer

    @property
    def error_code(self) -> str:
        return str(json.loads(self.err)["error"]["code"])


@dataclass
class Partner:
    """One partner's terminal."""

    home: Path
    api_key: str
    url: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    passphrase: str = field(default=PASSPHRASE.text)

    def __call__(self, *arguments: str | Path) -> Answered:
        settings = {"HOME": str(self.home), "API_KEY": self.api_key, "URL": self.url, "PASSPHRASE": self.passphrase}
        for name, value in settings.items():
            self.monkeypatch.setenv(f"ESCROW_{name}", value)
        self.capsys.readouterr()
        exit_code = run([str(argument) for argument in arguments])
        printed = self.capsys.readouterr()
        return Answered(exit_code, printed.out, printed.err)


Partners = tuple[Partner, Partner]


@contextmanager
def files_of_at_most(octets: int) -> Iterator[None]:
    """Let no file grow past a size, as a full disk does."""
    import resource  # noqa: PLC0415  # Windows has none

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
