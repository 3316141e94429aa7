"""Refuse tracked files that name a place only one machine has, and lock files that name the host packages came from.

In a source archive, which git knows nothing of, every file is looked at that was not installed or built there.

A lock file that names a host installs only where that host answers; a path of somebody's machine works nowhere else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LOCK_FILE = re.compile(r"(requirements.*|tools)\.txt")
MADE_HERE = re.compile(r"\..*|__pycache__|build|dist|site")
# Whole paths only: `/homepage` and `src/root/` are nobody's folder. This pattern does not match itself.
MACHINE_PATH = re.compile(rb"(?<![\w./*-])/(?:work|root|home/\w+|Users/\w+|tmp/\w+)/[\w.]")


def complaints(repository: Path) -> Iterator[str]:
    """Say of each offending line of a tracked file where it stands and what is wrong with it."""
    for name in _tracked_files(repository) if (repository / ".git").exists() else _unpacked_files(repository):
        for number, line in enumerate((repository / name).read_bytes().splitlines(), start=1):
            if MACHINE_PATH.search(line):
                yield f"{name}:{number}: a path of one machine"
            if LOCK_FILE.fullmatch(name) and b"://" in line:
                yield f"{name}:{number}: a lock file must not name a host"


def _tracked_files(repository: Path) -> list[str]:
    command = ["git", "-C", str(repository), "ls-files", "-z"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if (repository / name).is_file()]


def _unpacked_files(archive: Path) -> Iterator[str]:
    for folder, below, files in os.walk(archive):
        below[:] = sorted(name for name in below if not MADE_HERE.fullmatch(name))
        yield from (str((Path(folder) / name).relative_to(archive)) for name in sorted(files))


if __name__ == "__main__":
    found = list(complaints(Path(__file__).parents[1]))
    print("\n".join(found) or "places: no file names a folder of one machine, no lock file names a host")
    sys.exit(bool(found))
