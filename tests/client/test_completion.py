"""The shell completes commands and partnerships, from this machine alone and without loading what is slow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.terminals import Partners

SHELLS = ["bash", "zsh", "fish", "powershell"]
MAIN = "from escrow.client.cli import main; main()"
LOADED = """
import sys
from escrow.client.cli.app import run
run([])
slow = ("httpx", "numpy", "cryptography", "escrow.wire", "keyring")
print([name for name in slow if name in sys.modules], file=sys.stderr)
"""


def ask(script: str, asked: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what a shell runs: without a key, a passphrase or a service."""
    unset = {name: value for name, value in os.environ.items() if not name.startswith(("ESCROW_", "_ESCROW_"))}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(
        command, env=unset | asked, check=False, capture_output=True, text=True, encoding="utf-8", timeout=60
    )


def asked_by(shell: str, line: str, home: Path) -> dict[str, str]:
    words = line.split(" ")
    asked = {"_ESCROW_COMPLETE": f"complete_{shell}", "ESCROW_HOME": str(home)}
    match shell:
        case "bash":
            return asked | {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        case "fish":
            return asked | {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        case "zsh":
            return asked | {"_TYPER_COMPLETE_ARGS": line}
        case _:
            return asked | {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1]}


def completed(line: str, home: Path, shell: str) -> list[str]:
    return [line for line in ask(MAIN, asked_by(shell, line, home)).stdout.splitlines() if line]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_is_completed(shell: str, tmp_path: Path) -> None:
    assert any("doctor" in line for line in completed("escrow doct", tmp_path, shell))


@pytest.mark.parametrize("shell", SHELLS)
def test_partnerships_are_completed_from_the_home_folder(shell: str, partners: Partners) -> None:
    left, _ = partners
    left("invite", "--label", "contoso")
    left("invite", "--label", "fabrikam")
    offered = "\n".join(completed("escrow report --partnership con", left.home, shell))
    assert "contoso" in offered
    assert "fabrikam" not in offered


def test_a_partnership_that_has_ended_is_not_offered(partners: Partners) -> None:
    left, _ = partners
    left("invite", "--label", "contoso")
    assert completed("escrow report --partnership con", left.home, "bash") == ["contoso"]
    left("end", "--yes")
    assert completed("escrow report --partnership con", left.home, "bash") == []


def test_a_home_that_is_not_there_offers_nothing_and_says_nothing(tmp_path: Path) -> None:
    ended = ask(MAIN, asked_by("bash", "escrow report --partnership ", tmp_path / "none"))
    assert (ended.stdout.strip(), ended.stderr) == ("", "")


def test_completing_loads_nothing_that_is_slow(partners: Partners) -> None:
    left, _ = partners
    left("invite", "--label", "contoso")
    ended = ask(LOADED, asked_by("bash", "escrow report --partnership con", left.home))
    assert ended.stdout.split() == ["contoso"]
    assert ended.stderr.strip() == "[]"


def test_the_script_for_a_shell_can_be_shown() -> None:
    # Where no shell runs the tests there is none to detect.
    said = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert "_ESCROW_COMPLETE=complete_bash" in ask(MAIN, said, "--show-completion", "bash").stdout
