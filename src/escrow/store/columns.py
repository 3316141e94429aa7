"""What tables share: how constraints are named, how a time is kept, and the columns that say whose a row is."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    SmallInteger,
    Text,
    TypeDecorator,
    Uuid,
    false,
)

__all__ = ["Moment", "metadata", "of_partnership", "one_of", "rule_columns", "side_of_row", "terms_columns"]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A UTC time; a naive one is refused going in, and an aware one comes out on either database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment carries its time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def one_of(column: str, states: type[Enum]) -> CheckConstraint:
    """Hold a column to the values of an enum."""
    values = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} IN ({values})", name=f"{column}_known")


def of_partnership() -> Column[UUID]:
    """The partnership a row belongs to, in front of everything else of its key."""
    return Column("partnership_id", Uuid, ForeignKey("partnerships.partnership_id"), primary_key=True)


def side_of_row() -> Column[str]:
    """The seat a row belongs to."""
    return Column("side", Text, primary_key=True)


def rule_columns() -> tuple[Column[int], Column[int], Column[int], Column[int], Column[bool]]:
    """A disclosure rule; what was written before a rule belonged to the terms was made under these defaults."""
    return (
        Column("threshold", Integer, nullable=False, server_default="5"),
        Column("step", Integer, nullable=False, server_default="1"),
        Column("interval_seconds", Integer, nullable=False, server_default="86400"),
        Column("least_changes", Integer, nullable=False, server_default="1"),
        Column("noise", Boolean, nullable=False, server_default=false()),
    )


def terms_columns() -> tuple[Column[Any], ...]:
    """Terms as the party states them."""
    return (
        # Nine digits, cells in the order of escrow.terms.CELLS as the party sees them.
        Column("levels", Text, nullable=False),
        # Names of detail fields with a comma between them.
        Column("fields", Text, nullable=False),
        Column("counts_from", SmallInteger, nullable=False),
        Column("reveals_from", SmallInteger, nullable=False),
        Column("largest_list", Integer, nullable=False),
        *rule_columns(),
    )
