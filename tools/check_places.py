"""Refuse tracked files that name a place only one machine has, and lock files that name the host packages came from.

A lock file that names a host installs only where that host answers; a path of somebody's machine works nowhere else.
"""

import re
import subprocess
import sys
from pathlib import Path

LOCK_FILES = ("requirements-dev.txt", "tools.txt")
# Whole paths only: `/homepage` and `src/root/` are nobody's folder.
MACHINE_PATH = re.compile(rb"(?<![\w./-])/(?:work|root|home/\w+|Users/\w+|tmp/\w+)/")


def tracked_files() -> list[Path]:
    """Name every file that git tracks and that still exists."""
    listing = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True).stdout
    return [path for name in listing.decode().split("\0") if name and (path := Path(name)).is_file()]


def complaints() -> list[str]:
    """Say of each offending line where it stands and what is wrong with it."""
    found = [f"{name}: a lock file must not name a host" for name in LOCK_FILES if "://" in Path(name).read_text()]
    for path in tracked_files():
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            if MACHINE_PATH.search(line) and path != Path("tools/check_places.py"):
                found.append(f"{path}:{number}: a path of one machine")
    return found


if __name__ == "__main__":
    found = complaints()
    print("\n".join(found) or "places: no lock file names a host, no file names one machine's folder")
    sys.exit(bool(found))
