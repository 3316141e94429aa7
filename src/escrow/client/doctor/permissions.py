"""Who besides their owner may read the home folder and the files in it: POSIX modes, or Windows' access list."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

__all__ = ["is_open_to_others", "opens_to_others"]

#: SDDL's short names, and the ids, of those who are everybody: everyone, users, authenticated users, guests, anonymous.
_EVERYBODY = frozenset({"WD", "BU", "AU", "BG", "AN", "S-1-1-0", "S-1-5-32-545", "S-1-5-11", "S-1-5-32-546", "S-1-5-7"})
_ALLOWED = re.compile(r"\((?:A|XA);[^;]*;[^;]*;[^;]*;[^;]*;([^;)]+)")


def is_open_to_others(path: Path) -> bool | None:
    """Say whether others than the owner may read or write it; None if that cannot be told here."""
    if sys.platform == "win32":
        described = _described(path)
        return None if described is None else opens_to_others(described)
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def opens_to_others(sddl: str) -> bool:
    """Say whether an access list of Windows, as SDDL, lets everybody in; the same in every language of the system."""
    return bool(_EVERYBODY & set(_ALLOWED.findall(sddl)))


def _described(path: Path) -> str | None:
    asked = ["powershell", "-NoProfile", "-NonInteractive", "-Command", "(Get-Acl -LiteralPath $env:LOOKED_AT).Sddl"]
    try:
        told = subprocess.run(
            asked,
            check=True,
            capture_output=True,
            timeout=20,
            env={**os.environ, "LOOKED_AT": str(path)},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.decode("ascii", "replace")
