"""The import contracts speak of every module: one that nobody listed would be bound by none of them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import escrow

PACKAGE = Path(escrow.__file__).parent
PYPROJECT = PACKAGE.parents[1] / "pyproject.toml"

# What both sides may carry, and what is the partner's alone; everything else is the server's.
SHARED = {
    "escrow.allowance",
    "escrow.counts",
    "escrow.errors",
    "escrow.hosts",
    "escrow.presets",
    "escrow.psi",
    "escrow.reports",
    "escrow.signing",
    "escrow.terms",
    "escrow.wire",
}
PARTNERS = {"escrow.client"}


def _contract(identifier: str) -> dict[str, list[str]]:
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    found: dict[str, list[str]] = next(each for each in contracts if each["id"] == identifier)
    return found


def _server_modules() -> set[str]:
    names = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return {f"escrow.{name}" for name in names - {"__init__"}} - SHARED - PARTNERS


def test_the_escrow_cannot_blind_binds_every_module_of_the_server() -> None:
    assert set(_contract("escrow-cannot-blind")["source_modules"]) == _server_modules()


def test_the_client_may_import_no_module_of_the_server() -> None:
    assert set(_contract("client-carries-no-server")["forbidden_modules"]) >= _server_modules()
