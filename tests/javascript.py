"""Running the JavaScript of the examples as its reader runs it, and reading the page that shows it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

__all__ = ["JAVASCRIPT", "PAGE", "ROOT", "Block", "answer", "blocks", "node", "run", "shown_after"]

ROOT = Path(__file__).parents[1]
JAVASCRIPT = ROOT / "examples" / "javascript"
PAGE = ROOT / "docs" / "your-own-client.md"

_OLDEST_NODE = 18
_NOT_RUN = "the JavaScript of docs/your-own-client.md was NOT run; install Node 18 or newer"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of the page: its language, the file it is a part of, and its text."""

    language: str
    title: str
    text: str


def blocks(language: str) -> list[Block]:
    """Give the blocks of the page in one language."""
    fence = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
    found = [Block(*each) for each in fence.findall(PAGE.read_text(encoding="utf-8"))]
    return [block for block in found if block.language == language]


def shown_after(passage: str) -> str:
    """Give the first block of plain text that the page shows below a passage."""
    _, _, below = PAGE.read_text(encoding="utf-8").partition(passage)
    shown = re.search(r"^```text\n(.*?)^```$", below, re.DOTALL | re.MULTILINE)
    assert shown is not None, f"the page shows no text below {passage!r}"
    return shown[1]


def node() -> str:
    """Give the Node of this machine, or skip the test and say loudly what was not run."""
    found, version = _node()
    if found is None:
        pytest.skip(f"NO NODE ON THIS MACHINE: {_NOT_RUN}")
    if version < _OLDEST_NODE:
        pytest.skip(f"NODE {version} IS TOO OLD: {_NOT_RUN}")
    return found


def run(file: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one file of the examples from the root of the repository, with more in its environment."""
    command = [node(), f"examples/javascript/{file}", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def answer(script: str, given: object = None) -> Any:  # noqa: ANN401 - whatever the script answers in JSON
    """Run a script that has ``given`` in reach and may import the examples; read what it says as JSON."""
    module = f"const given = {json.dumps(given)};\n{script}"
    command = [node(), "--input-type=module", "-"]
    made = subprocess.run(command, check=False, cwd=ROOT, input=module, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


@cache
def _node() -> tuple[str | None, int]:
    found = shutil.which("node")
    if found is None:
        return None, 0
    version = subprocess.run([found, "--version"], check=True, capture_output=True, text=True).stdout
    return found, int(version.removeprefix("v").partition(".")[0])
