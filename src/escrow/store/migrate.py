"""Bring a database to today's tables, and prove that the migrations and the tables say the same."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from escrow.errors import MigrationsDiffer
from escrow.store.database import Database
from escrow.store.tables import metadata

__all__ = ["check", "migrate"]


def migrate(url: str) -> None:
    """Run every migration that this database has not seen; all of them commit together."""
    database = Database(url)
    try:
        with database.transaction("migrate") as tx:
            command.upgrade(_config(tx), "head")
    finally:
        database.close()


def check(url: str) -> None:
    """Raise MigrationsDiffer unless the migrated database has exactly the tables of ``escrow.store.tables``."""
    database = Database(url)
    try:
        with database.snapshot("check migrations") as tx:
            context = MigrationContext.configure(tx, opts={"compare_type": True})
            differences = compare_metadata(context, metadata)
    finally:
        database.close()
    if differences:
        raise MigrationsDiffer(f"Migrations and tables differ: {differences!r}")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("escrow.store") / "migrations"))
    config.attributes["connection"] = connection
    return config
