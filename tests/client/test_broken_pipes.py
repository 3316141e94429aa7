"""Whoever reads what a command prints may stop before its end, as `head` does; that is no failure."""

from __future__ import annotations

import io
import os
import sys

import pytest

from escrow.client.cli.app import run
from escrow.client.cli.exits import ExitCode

LINES = b'{"id": "1", "name": "Acme Rockets", "website": "", "country": ""}\n' * 3


@pytest.mark.parametrize("arguments", [["--jsonl"], ["--name", "Acme"], ["--name", "Acme", "--json"]])
def test_a_command_whose_reader_left_ends_quietly(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as unread:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES)))
        monkeypatch.setattr(sys, "stdout", unread)
        assert run(["explain", *arguments]) == ExitCode.DONE
        monkeypatch.undo()
    assert capsys.readouterr().err == ""
