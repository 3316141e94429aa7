"""Whether a database is at this version's tables, told without loading what runs migrations: that takes a second."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import inspect, text

from escrow.errors import DatabaseBehind
from escrow.store.database import Database

__all__ = ["check_current", "newest_revision"]


def check_current(database: Database) -> None:
    """Raise DatabaseBehind unless every migration has run; a server starts only then."""
    with database.snapshot("check that every migration has run") as tx:
        known = inspect(tx).has_table("alembic_version")
        seen = set(tx.execute(text("SELECT version_num FROM alembic_version")).scalars()) if known else set()
    if seen != {newest_revision()}:
        raise DatabaseBehind("The database is not at this version's tables: run 'escrow-server migrate'.")


def newest_revision() -> str:
    """Give the number of the newest migration; each file's name begins with its own."""
    migrations = files("escrow.store").joinpath("migrations", "versions").iterdir()
    return max(name.partition("_")[0] for name in (each.name for each in migrations) if name[0].isdigit())
