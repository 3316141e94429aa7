"""What is looked at without the network: the home folder, the key file, the states, the disk and the encoding."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from escrow.client.doctor.checks import Area, Check, State, fail, ok, skip, warn
from escrow.client.doctor.permissions import is_open_to_others
from escrow.client.home import Home
from escrow.client.opened import IF_DETAILS_DAMAGED
from escrow.client.sqlite_files import opened_sqlite
from escrow.client.state import IF_LIST_DAMAGED
from escrow.errors import HomeBusy, StateInvalid
from escrow.psi.normalisation import profile

__all__ = [
    "look_at_disk",
    "look_at_encoding",
    "look_at_home",
    "look_at_normalisation",
    "look_at_passphrase_file",
    "look_at_states",
]

_LITTLE_SPACE = 1 << 30
_NO_SPACE = 50 << 20
_STATE_FILES = ("list.sqlite", "list-pending.sqlite", "details.sqlite")
_WRITTEN = "Müller Zürich 東京 ×"


def look_at_home(home: Home) -> Iterator[Check]:
    """Look at the folder and at the key file in it, without opening it."""
    if not home.folder.is_dir():
        yield fail("home folder", Area.MACHINE, f"there is none at {home.folder}", "run `escrow init`, or name --home")
        return
    yield _permissions("home folder", home.folder, "chmod 700")
    if not home.keyring.is_file():
        yield fail("key file", Area.MACHINE, f"there is none in {home.folder}", "run `escrow init`, or name --home")
        return
    yield _permissions("key file", home.keyring, "chmod 600")


def look_at_passphrase_file(file: Path) -> Check:
    """Look who else may read the file of a passphrase, and only warn: a mounted secret has its own mode."""
    name = "passphrase file"
    if not os.path.isfile(file):  # noqa: PTH113  # where a folder above may not be looked into, the other one raises
        return skip(name, Area.MACHINE, f"there is no file at {file}")
    found = _permissions(name, file, "chmod 600")
    return warn(name, Area.MACHINE, found.reason, found.advice) if found.state is State.FAIL else found


def _permissions(name: str, path: Path, mend: str) -> Check:
    found = is_open_to_others(path)
    if found is None:
        return warn(name, Area.MACHINE, f"who may read {path} cannot be told", "look at its properties by hand")
    if found:
        return fail(name, Area.MACHINE, f"others on this machine may read {path}", f"run {mend} on it")
    return ok(name, Area.MACHINE, f"{path}, for its owner alone")


def look_at_states(home: Home) -> Iterator[Check]:
    """Look whether every state file can be read from its first to its last page."""
    folder = home.folder / "partnerships"
    files = [file for file in sorted(folder.glob("*/*.sqlite")) if file.name in _STATE_FILES]
    wrong = [check for check in map(_look_at_state, files) if check is not None]
    yield from wrong
    if not wrong:
        yield ok("state files", Area.MACHINE, f"{len(files)} intact" if files else "none yet: nothing was submitted")


def _look_at_state(file: Path) -> Check | None:
    """Say what is wrong with a state file; None for nothing."""
    mend = IF_DETAILS_DAMAGED if file.name == "details.sqlite" else IF_LIST_DAMAGED
    damaged = fail("state files", Area.MACHINE, f"{file} is damaged", mend)
    try:
        with opened_sqlite(file, if_damaged=mend, is_read_only=True) as database:
            return None if database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",) else damaged
    except StateInvalid:
        return damaged
    except HomeBusy:
        return skip("state files", Area.MACHINE, f"another program is at work on {file}")
    except OSError as failure:
        return fail("state files", Area.MACHINE, f"{file}: {failure.strerror}", "look at its permissions and the disk")


def look_at_disk(home: Home) -> Check:
    """Look whether a list still fits on the disk of the home folder."""
    there = next(folder for folder in (home.folder, *home.folder.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    told = f"{free / (1 << 30):,.1f} GiB free at {there}"
    if free < _NO_SPACE:
        return fail("disk space", Area.MACHINE, told, "make room: lists are written beside the old ones")
    if free < _LITTLE_SPACE:
        return warn("disk space", Area.MACHINE, told, "make room before a large list is submitted")
    return ok("disk space", Area.MACHINE, told)


def look_at_encoding(encoding: str | None) -> Check:
    """Look whether names of companies can be written to this output."""
    if encoding is None:
        return skip("encoding", Area.MACHINE, "the output names no encoding")
    try:
        _WRITTEN.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        told = f"output is {encoding}, which lacks letters of many names"
        return warn("encoding", Area.MACHINE, told, "set PYTHONUTF8=1, or a UTF-8 locale such as C.UTF-8")
    return ok("encoding", Area.MACHINE, f"output is {encoding}")


def look_at_normalisation(rows: Sequence[Mapping[str, object]]) -> Check:
    """Look whether this installation makes the match keys of these published rows, as every partner's must."""
    wrong = sum(not _is_made(row) for row in rows)
    if wrong:
        told = f"{wrong:,} of {len(rows):,} published vectors come out otherwise"
        return fail(
            "normalisation", Area.MACHINE, told, "install escrow anew: a file or a library is not the release's"
        )
    return ok("normalisation", Area.MACHINE, f"all {len(rows):,} published vectors come out right")


def _is_made(row: Mapping[str, object]) -> bool:
    made = profile(str(row["profile_id"])).match_keys(str(row["name"]), str(row["website"]), str(row["country"]))
    return row["keys"] == [{"class": key.key_class.name.lower(), "value": key.value} for key in made]
