"""What every command starts with: settings, the sealing key, a database that is up to date; or a refusal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from escrow.errors import DatabaseBehind, ServiceFault
from escrow.server.dangers import must_be_private, must_lie_outside

if TYPE_CHECKING:
    from escrow.server.configuration import Configuration
    from escrow.settings import ServerSettings
    from escrow.store.database import Database, Transaction
    from escrow.store.release_keys import ReleaseKey
    from escrow.store.sealing import SealingKey

__all__ = [
    "check_database",
    "configured",
    "database_answers",
    "must_exist",
    "opened",
    "read_settings",
    "settings_file",
    "transaction",
]


#: The file that ``--config`` names.
settings_file: ContextVar[Path | None] = ContextVar("settings_file", default=None)


def read_settings(**options: object) -> ServerSettings:
    """Read the settings, with what the command line gives put first; a wrong one is exit code 2."""
    configuration = configured(options)
    if configuration.settings is not None:
        return configuration.settings
    for complaint in configuration.complaints:
        typer.echo(f"escrow-server: {complaint}", err=True)
    raise typer.Exit(2)


def configured(options: Mapping[str, object]) -> Configuration:
    """Put the settings together from the options, the environment and the file that either names."""
    from escrow.server.configuration import configure

    return configure(options, os.environ, file=settings_file.get())


@contextmanager
def opened(settings: ServerSettings) -> Iterator[tuple[Database, SealingKey, ReleaseKey]]:
    """Give what a process works with, or refuse to start without it."""
    from escrow.api.logs import write_logs

    sealing_key, release_key = _keys(settings)
    with _current_database(settings) as database:
        write_logs(settings.log_file)
        yield database, sealing_key, release_key


def _keys(settings: ServerSettings) -> tuple[SealingKey, ReleaseKey]:
    from escrow.store.release_keys import ReleaseKey
    from escrow.store.sealing import SealingKey

    must_lie_outside(settings)
    keys = SealingKey.read(settings.sealing_key_file), ReleaseKey.read(settings.release_key_file)
    must_be_private(settings)
    return keys


def must_exist(settings: ServerSettings) -> None:
    """Refuse to make an SQLite database by looking at it."""
    if not Path(settings.database_url.removeprefix("sqlite:///")).exists():
        raise DatabaseBehind("There is no database yet: run 'escrow-server init'.")


@contextmanager
def database_answers() -> Iterator[None]:
    """Say in a sentence that the database cannot be reached or used; what it says itself names no password."""
    from sqlalchemy.exc import DatabaseError, IntegrityError

    try:
        yield
    except IntegrityError:  # it can be used, and repeats what was to be written
        raise
    except DatabaseError as failure:
        raise ServiceFault(_what_the_database_lacks(failure.orig)) from None


def _what_the_database_lacks(failure: BaseException | None) -> str:
    from psycopg.errors import ConnectionTimeout

    if isinstance(failure, ConnectionTimeout):
        return (
            "The database does not answer: look at the host and the port in ESCROW_DATABASE_URL, and for a firewall "
            "on the way."
        )
    told = str(failure).strip().splitlines()[0]
    return f"The database cannot be used: {told}. Look at ESCROW_DATABASE_URL and at it."


@contextmanager
def transaction(name: str) -> Iterator[Transaction]:
    """Give one transaction on the database of the settings."""
    with _current_database(read_settings()) as database, database.transaction(name) as tx:
        yield tx


def check_database(settings: ServerSettings) -> None:
    """Refuse a database that is not there, cannot be used, or has other tables than this version's."""
    with _current_database(settings):
        pass


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
