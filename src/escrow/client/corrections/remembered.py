"""That a do-not-map list was used in a partnership, so that a forgotten option does not send what it kept back."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from escrow.client.home import replace_file
from escrow.errors import DoNotMapMissing

__all__ = ["DO_NOT_MAP_USED", "check_named", "forget_use", "remember_use"]

#: A file in the folder of a partnership; it says that there was a list, and nothing of what is on it.
DO_NOT_MAP_USED = "do-not-map-used.json"


def check_named(folder: Path) -> None:
    """Refuse to go on without a do-not-map list where one was used before.

    Raises:
        DoNotMapMissing: one was.
    """
    if (folder / DO_NOT_MAP_USED).exists():
        raise DoNotMapMissing(
            "a do-not-map list was used for this partnership before, and none is named now: accounts it kept back "
            "would be sent; name it with --do-not-map FILE or in escrow.toml, or say --no-do-not-map"
        )


def remember_use(folder: Path, now: datetime) -> None:
    """Note that a list is used from now on; this comes before anything is sent."""
    if not (folder / DO_NOT_MAP_USED).exists():
        replace_file(folder / DO_NOT_MAP_USED, json.dumps({"since": now.isoformat()}).encode())


def forget_use(folder: Path) -> None:
    """Note that its owner has done without a list; this comes once that was sent."""
    (folder / DO_NOT_MAP_USED).unlink(missing_ok=True)
