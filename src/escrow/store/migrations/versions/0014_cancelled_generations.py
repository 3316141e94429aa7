"""A state more for generations: cancelled. The release before writes none, and reads those alone that it wrote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BEFORE = "state IN ('building', 'live', 'retired')"
_NOW = "state IN ('building', 'live', 'retired', 'cancelled')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _change_schema_text()
        return
    known = sa.inspect(op.get_bind()).get_check_constraints("generations")
    (name,) = [str(each["name"]) for each in known if "building" in each["sqltext"]]
    op.drop_constraint(op.f(name), "generations", type_="check")
    op.create_check_constraint(op.f(name), "generations", _NOW)


def _change_schema_text() -> None:
    """Widen the constraint where it is written: what the rows hold stays as it is.

    SQLite would have the table made anew, which the rows of ``lists`` that refer to it do not allow. Its documentation
    (``ALTER TABLE``, section 7) gives this way for changes of constraints alone.
    """
    connection = op.get_bind()
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    changed = connection.execute(
        sa.text("UPDATE sqlite_master SET sql = replace(sql, :before, :now) WHERE type = 'table' AND name = :name"),
        {"before": _BEFORE, "now": _NOW, "name": "generations"},
    )
    assert changed.rowcount == 1  # noqa: S101 - there is one table of this name
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))
