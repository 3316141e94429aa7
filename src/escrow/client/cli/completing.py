"""What the shell offers while a line is typed: from this machine alone, without a passphrase or the network."""

from __future__ import annotations

import os
from pathlib import Path

import typer

__all__ = ["partnership_names"]


def partnership_names(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the partnerships that this machine has and that begin like this; nothing, if that cannot be read."""
    import json

    from escrow.client.home import Home

    chosen = context.params.get("home")
    try:
        text = Home.at(Path(chosen) if chosen else None, os.environ).names.read_text(encoding="utf-8")
        names = [str(name) for name in json.loads(text)]
    except (OSError, ValueError, TypeError):
        return []
    return [name for name in names if name.casefold().startswith(incomplete.casefold())]
