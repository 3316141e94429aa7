"""What every command starts with: settings, the sealing key, a database that is up to date; or a refusal."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from escrow.errors import DatabaseBehind, SealingKeyExposed, ServiceFault

if TYPE_CHECKING:
    from escrow.settings import ServerSettings
    from escrow.store.database import Database, Transaction
    from escrow.store.sealing import SealingKey

__all__ = ["database_answers", "must_exist", "must_lie_outside", "opened", "read_settings", "transaction"]


def read_settings(**given: object) -> ServerSettings:
    """Read the settings, with what the command line gives put first; a wrong one is exit code 2."""
    from pydantic import ValidationError

    from escrow.settings import ServerSettings

    try:
        return ServerSettings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as refusal:
        for found in refusal.errors(include_input=False, include_url=False):
            named = "".join(f"ESCROW_{str(name).upper()}: " for name in found["loc"])
            typer.echo(f"escrow-server: {named}{found['msg'].removeprefix('Value error, ')}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def opened(settings: ServerSettings) -> Iterator[tuple[Database, SealingKey]]:
    """Give what a process works with, or refuse to start without it."""
    from escrow.api.logs import write_logs

    key = _sealing_key(settings)
    with _current_database(settings) as database:
        write_logs(settings.log_file)
        yield database, key


def _sealing_key(settings: ServerSettings) -> SealingKey:
    from escrow.store.sealing import SealingKey

    must_lie_outside(settings)
    key = SealingKey.read(settings.sealing_key_file)
    if os.name == "posix" and stat.S_IMODE(settings.sealing_key_file.stat().st_mode) & 0o077:
        raise SealingKeyExposed(f"Others can read the sealing key: run 'chmod 600 {settings.sealing_key_file}'.")
    return key


def must_lie_outside(settings: ServerSettings) -> None:
    """Refuse a sealing key in the data folder."""
    if settings.sealing_key_file.resolve().is_relative_to(settings.data_folder.resolve()):
        raise SealingKeyExposed("The sealing key lies in the data folder, beside what it seals: keep it elsewhere.")


def must_exist(settings: ServerSettings) -> None:
    """Refuse to make an SQLite database by looking at it."""
    if not Path(settings.database_url.removeprefix("sqlite:///")).exists():
        raise DatabaseBehind("There is no database yet: run 'escrow-server init'.")


@contextmanager
def database_answers() -> Iterator[None]:
    """Say in a sentence that the database cannot be reached or used; what it says itself names no password."""
    from sqlalchemy.exc import OperationalError

    try:
        yield
    except OperationalError as failure:
        told = str(failure.orig).strip().splitlines()[0]
        raise ServiceFault(f"The database cannot be used: {told}. Look at ESCROW_DATABASE_URL and at it.") from None


@contextmanager
def transaction(name: str) -> Iterator[Transaction]:
    """Give one transaction on the database of the settings."""
    with _current_database(read_settings()) as database, database.transaction(name) as tx:
        yield tx


@contextmanager
def _current_database(settings: ServerSettings) -> Iterator[Database]:
    from escrow.store.database import Database
    from escrow.store.revision import check_current

    if settings.on_sqlite:
        must_exist(settings)
    database = Database(settings.database_url)
    try:
        with database_answers():
            check_current(database)
        yield database
    finally:
        database.close()
