"""Why ``serve`` would refuse to start: all the reasons at once, told without starting or making anything.

Two reasons are left to ``serve``: the port or the SQLite file may be in use by the very service that is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.errors import EscrowError, ServiceFault
from escrow.server.certificates import check_certificate
from escrow.server.dangers import check_egress, check_listener, check_mail, must_be_private, must_lie_outside
from escrow.server.starting import check_database

if TYPE_CHECKING:
    from escrow.settings import ServerSettings

__all__ = ["missing_parts", "unsafe_settings", "why_not"]

_Check = Callable[["ServerSettings"], object]


def unsafe_settings(settings: ServerSettings) -> Iterator[str]:
    """Say which settings ``serve`` would refuse, wherever it runs."""
    yield from _refusals(settings, check_listener, check_egress, check_mail, check_certificate, must_lie_outside)


def missing_parts(settings: ServerSettings) -> Iterator[str]:
    """Say which key, folder, database or log file ``serve`` would refuse on this machine, and what to do."""
    yield from _refusals(settings, must_be_private, _check_sealing_key, _check_release_key)
    yield from _refusals(settings, _check_folder_and_database, _check_log_file)


def why_not(failure: OSError) -> str:
    """Say in a sentence what the operating system refused."""
    named = f"{failure.filename}: " if failure.filename else ""
    return f"{named}{failure.strerror or failure}. Check the path and who may use it."


def _refusals(settings: ServerSettings, *checks: _Check) -> Iterator[str]:
    for check in checks:
        try:
            check(settings)
        except EscrowError as refusal:
            yield refusal.message
        except OSError as failure:
            yield why_not(failure)


def _check_sealing_key(settings: ServerSettings) -> None:
    from escrow.store.sealing import SealingKey

    SealingKey.read(settings.sealing_key_file)


def _check_release_key(settings: ServerSettings) -> None:
    from escrow.store.release_keys import ReleaseKey

    ReleaseKey.read(settings.release_key_file)


def _check_folder_and_database(settings: ServerSettings) -> None:
    if settings.on_sqlite:
        _check_folder(Path(settings.database_url.removeprefix("sqlite:///")).absolute().parent)
    check_database(settings)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that no file can be made in, or that cannot be made itself."""
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not nearest.is_dir():
        raise ServiceFault(f"The folder {folder} of the database cannot be made: {nearest} is a file.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ServiceFault(
            f"The folder {folder} of the database cannot be written to: give {nearest} to the user that runs this."
        )


def _check_log_file(settings: ServerSettings) -> None:
    """Refuse a log file that cannot be written to, or made, without making it."""
    file = settings.log_file
    if file is None:
        return
    if file.is_dir():
        raise ServiceFault(f"The log file {file} is a folder: name a file in it.")
    folder = file.absolute().parent
    if not folder.is_dir():
        raise ServiceFault(f"The log file {file} cannot be made: there is no folder {folder}.")
    needed = (file, os.W_OK) if file.exists() else (folder, os.W_OK | os.X_OK)
    if not os.access(*needed):
        raise ServiceFault(f"The log file {file} cannot be written: give {needed[0]} to the user that runs this.")
