"""The base install is the partner's side alone, on every system: no server code, no server dependency."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SERVER_LIBRARIES = (
    "alembic",
    "fastapi",
    "psycopg",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
)

PARTNERS_SIDE = ("escrow.client", "escrow.wire", "escrow.reports", "escrow.psi")

#: Modules of Python that Windows lacks, `grp` to `termios`, and functions that `os` lacks there.
POSIX_ALONE = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")
POSIX_FUNCTIONS = ("chown", "fchmod", "fork", "getegid", "geteuid", "getgid", "getuid", "mkfifo", "sched_getaffinity")

# Runs in an interpreter of its own: what this process has loaded already says nothing.
WITHOUT = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError("not in the base install: " + name, name=name)

sys.meta_path.insert(0, Absent())
"""

START_PARTNERS_SIDE = (
    WITHOUT
    + """
import contextlib, os, secrets, time, types, uuid
from pathlib import Path
for name in {absent!r}:
    sys.modules.pop(name, None)
for name in {functions!r}:
    delattr(os, name)
sys.modules["msvcrt"] = types.ModuleType("msvcrt")  # locks are the one thing that each system has of its own
here, sys.platform = sys.platform, "win32"
import escrow.client.home
sys.platform = here
del sys.modules["msvcrt"]

for name in {packages!r}:
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, name + "."):
        importlib.import_module(module.name)

from escrow.client.cli import main
sys.argv = ["escrow", "--help"]
main()
"""
)

START_SERVICE = (
    WITHOUT
    + """
from escrow.server import main
sys.argv = ["escrow-server", "serve"]
main()
"""
)


def test_the_partners_program_starts_without_the_servers_libraries_and_without_what_windows_lacks() -> None:
    program = START_PARTNERS_SIDE.format(
        absent=SERVER_LIBRARIES + POSIX_ALONE, functions=POSIX_FUNCTIONS, packages=PARTNERS_SIDE
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    assert "submit" in run.stdout


def test_the_services_program_says_what_to_install() -> None:
    program = START_SERVICE.format(absent=SERVER_LIBRARIES)

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert "pip install 'escrow[server]'" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_base_install_brings_no_library_of_the_server() -> None:
    brought = {"escrow"}
    while found := {name for distribution in brought for name in _needed_by(distribution)} - brought:
        brought |= found

    assert "httpx" in brought
    assert not brought & {canonicalize_name(library) for library in SERVER_LIBRARIES}


def _needed_by(distribution: str) -> set[str]:
    """Name what installing a distribution on this platform, without extras, installs beside it."""
    try:
        lines = requires(distribution) or []
    except PackageNotFoundError:
        return set()
    needed = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name) for each in needed if not each.marker or each.marker.evaluate({"extra": ""})}
