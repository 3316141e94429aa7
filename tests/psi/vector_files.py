"""Reading the frozen vectors: hex as bytes, ids as their sixteen bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from escrow.psi import vectors as vectors_package

FOLDER = Path(vectors_package.__file__).parent
FILES = ("pairing.json", "generations.json", "tokens.json", "envelopes.json", "releases.json", "normalisation.json")

#: Fields that are text although they may look like hex.
_TEXTS = frozenset(
    {"why", "error", "code", "check", "profile_id", "value", "account_id", "text", "rule_text", "details"}
)


def vectors(name: str, group: str) -> list[dict[str, Any]]:
    """Read one group of vectors of a file."""
    read: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))[group]
    return [_parsed(vector) for vector in read]


def _parsed(vector: dict[str, Any]) -> dict[str, Any]:
    return {name: value if name in _TEXTS else _value(name, value) for name, value in vector.items()}


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return _parsed(value)
    if isinstance(value, list):
        return [_value(name, each) for each in value]
    if not isinstance(value, str):
        return value
    is_id = name.endswith("_id") and name != "key_id"
    return UUID(value).bytes if is_id else bytes.fromhex(value)
