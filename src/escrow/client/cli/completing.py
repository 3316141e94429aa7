"""What the shell offers while a line is typed: from this machine alone, without a passphrase or the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from escrow.client.home import Home

__all__ = ["known_names", "partnership_names"]


def partnership_names(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the partnerships that this machine has and that begin like this; nothing, if that cannot be read."""
    from escrow.client.home import Home

    chosen = context.params.get("home")
    names = known_names(Home.at(Path(chosen) if chosen else None, os.environ))
    return [name for name in names if name.casefold().startswith(incomplete.casefold())]


def known_names(home: Home) -> list[str]:
    """What the open partnerships of a home folder are called; none, if that cannot be read."""
    import json

    try:
        return [str(name) for name in json.loads(home.names.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []
