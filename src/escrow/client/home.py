"""The home folder: where it is, files that are replaced whole, and locks; the same on Linux, macOS and Windows.

Folders are 0700 and files 0600 where the system knows such modes. A file is written beside its place, forced to disk
and moved over in one step, so that a crash leaves the old one or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from escrow.errors import HomeBusy, LocalError

__all__ = ["Home", "held", "move_over", "new_file", "replace_file"]

#: What writing to an open file fails with; the system does not say which file it was.
_OF_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})

_PATIENCE_SECONDS = 5.0

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass(frozen=True, slots=True)
class Home:
    """One user's folder of keyring and account states."""

    folder: Path

    @classmethod
    def at(cls, chosen: Path | None, environment: Mapping[str, str]) -> Home:
        """Take the folder that was chosen, else ESCROW_HOME, else the system's place for a user's data."""
        folder = chosen or (Path(environment["ESCROW_HOME"]) if environment.get("ESCROW_HOME") else _usual_folder())
        return cls(folder.expanduser().absolute())

    def make(self) -> None:
        """Make the folder, for its owner alone.

        Raises:
            LocalError: it cannot be made.
        """
        _make_private(self.folder)

    @property
    def keyring(self) -> Path:
        """The keyring file."""
        return self.folder / "keyring"

    @property
    def names(self) -> Path:
        """What partnerships are called here, for the shell to complete; the keyring alone decides what they are."""
        return self.folder / "names.json"

    @property
    def keyring_lock(self) -> Path:
        """Held while the keyring is read and replaced."""
        return self.folder / "keyring.lock"

    def partnership(self, partnership_id: UUID) -> Path:
        """The folder of one partnership's account state; it is made."""
        folder = self.folder / "partnerships" / str(partnership_id)
        _make_private(folder.parent)
        _make_private(folder)
        return folder


@contextlib.contextmanager
def held(lock: Path, *, seconds: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Hold a lock file; the system gives it back when the process ends, however it ends.

    Raises:
        HomeBusy: another process held it for this long.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait_for(descriptor, time.monotonic() + seconds)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def new_file(place: Path) -> Iterator[Path]:
    """Give a path beside ``place`` to write to; once written, force it to the disk and move it over ``place``.

    Raises:
        OSError: it cannot be written; it names ``place``, and what was there is as it was.
    """
    beside = place.with_name(f".{place.name}.{secrets.token_hex(6)}")
    try:
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield beside
        _sync(beside)
        move_over(beside, place)
    except OSError as failure:
        if failure.filename == str(beside) or (failure.filename is None and failure.errno in _OF_WRITING):
            raise OSError(failure.errno, failure.strerror, str(place)) from None
        raise
    finally:
        beside.unlink(missing_ok=True)
    if sys.platform != "win32":
        _sync(place.parent)


def move_over(file: Path, place: Path) -> None:
    """Put a file in the place of another in one step; on Windows that waits for whoever has the other one open."""
    if sys.platform == "win32":
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                file.replace(place)
                return
            except PermissionError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.1)
    else:
        file.replace(place)


def replace_file(place: Path, content: bytes) -> None:
    """Put these bytes in the place of the file, all or nothing."""
    with new_file(place) as beside:
        beside.write_bytes(content)


def _usual_folder() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415  # most runs name their folder

    return user_data_path("escrow", appauthor=False)


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as failure:
        raise LocalError(
            f"the folder {folder} cannot be made ({failure.strerror}); choose another with --home"
        ) from None


def _wait_for(descriptor: int, until: float) -> None:
    while True:
        try:
            return _try_lock(descriptor)
        except OSError:
            if time.monotonic() > until:
                raise HomeBusy(
                    "another escrow command is at work on this home folder; wait for it and try again"
                ) from None
            time.sleep(0.1)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
