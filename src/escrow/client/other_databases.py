"""Databases that are not SQLite, by the library of the extra ``sql``: any whose driver is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from escrow.client.sql import Row, SqlDatabase, Transaction, what_failed
from escrow.errors import ClientError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["open_other"]

_FETCHED = 2_000


def open_other(url: str, *, what: str, error: type[ClientError]) -> SqlDatabase:
    """Open a database by its URL, as SQLAlchemy writes it.

    Raises:
        ClientError: of the kind ``error``: what is needed is not installed, or the URL is none.
    """
    try:
        from sqlalchemy import create_engine  # noqa: PLC0415  # an extra
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError  # noqa: PLC0415  # an extra
        from sqlalchemy.pool import NullPool  # noqa: PLC0415  # an extra
    except ImportError:
        raise error(f"{what} needs what is not installed: run pip install 'escrow[sql]'") from None
    try:
        return _Other(create_engine(url, poolclass=NullPool, hide_parameters=True), what, error)
    except (NoSuchModuleError, ImportError):
        raise error(f"the driver for {what} is not installed, or the address names one that there is not") from None
    except (ArgumentError, ValueError):
        raise error(f"the address of {what} is none: it is like postgresql://user:password@host/database") from None


class _Other:
    def __init__(self, engine: Engine, what: str, error: type[ClientError]) -> None:
        self._engine = engine
        self._what = what
        self._error = error

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # an extra

        try:
            with self._engine.begin() as connection:
                yield _OtherTransaction(connection)
        except SQLAlchemyError as failure:
            state = getattr(getattr(failure, "orig", None), "sqlstate", None)
            kind = type(failure).__name__ + (f", SQLSTATE {state}" if state else "")
            raise self._error(what_failed(self._what, failure, kind)) from None

    def has_table(self, table: str) -> bool:
        from sqlalchemy import inspect  # noqa: PLC0415  # an extra
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # an extra

        schema, _, name = table.rpartition(".")
        try:
            return inspect(self._engine).has_table(name, schema=schema or None)
        except SQLAlchemyError as failure:
            raise self._error(what_failed(self._what, failure)) from None

    def close(self) -> None:
        self._engine.dispose()


class _OtherTransaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, statement: str, values: Sequence[Mapping[str, object]] = ()) -> None:
        from sqlalchemy import text  # noqa: PLC0415  # an extra

        self._connection.execute(text(statement), [dict(each) for each in values] or None)

    def rows(self, query: str) -> tuple[tuple[str, ...], Iterator[Row]]:
        # The query is somebody's own: a colon or a percent sign in it is no parameter.
        options: dict[str, Any] = {"stream_results": True, "yield_per": _FETCHED, "no_parameters": True}
        found = self._connection.exec_driver_sql(query, execution_options=options)
        return tuple(found.keys()), (tuple(row) for row in found)
