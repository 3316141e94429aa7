"""The protocol, byte for byte, as examples: frozen files that every implementation is held to (README.md beside them).

They are a part of the package, so that an installed `escrow` can hold another client to them.
"""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["documents", "files", "normalisation_inputs"]


def files() -> tuple[Path, ...]:
    """Give every file of vectors, in the order of their names."""
    return tuple(sorted(Path(__file__).parent.glob("*.json")))


def documents() -> dict[str, dict[str, list[dict[str, object]]]]:
    """Read every file: the vectors of each of its groups, by the file's name without its ending."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files()}


def normalisation_inputs() -> tuple[tuple[str, str, str], ...]:
    """Give the names, websites and countries of the vectors of normalisation, in their order."""
    text = (Path(__file__).parent / "normalisation.json").read_text(encoding="utf-8")
    return tuple((each["name"], each["website"], each["country"]) for each in json.loads(text)["match_keys"])
