"""Webhook endpoints, what is delivered to them, and every attempt.

Everything is new, and the release before this one neither reads nor writes it. No key has the scope ``webhooks`` yet:
the operator gives it to new ones.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_OUTCOMES = (
    "'accepted', 'status', 'redirect', 'gone', 'later', 'timeout', 'unreachable', 'unresolved', 'tls', 'garbled', "
    "'forbidden', 'cut-off'"
)


def upgrade() -> None:
    _add_endpoints()
    _add_deliveries()
    _add_attempts()


def _add_endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "state", "description")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("disabled_because", "types", "partnership_ids")),
        sa.Column("cells", sa.Text(), nullable=True),
        sa.Column("sealed_url", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=True) for name in ("sealed_secret", "sealed_previous")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("looked_at_event", "last_delivery")),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("due_at", "turn_at", "created_at")),
        *(
            sa.Column(name, _MOMENT, nullable=True)
            for name in ("previous_until", "leased_until", "failing_since", "confirmed_at")
        ),
        _known("endpoints", "kind", "'standard', 'slack'"),
        _known("endpoints", "state", "'unconfirmed', 'enabled', 'disabled'"),
        _known("endpoints", "disabled_because", "'asked', 'gone', 'failing'"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name=op.f("fk_endpoints_organization_id")
        ),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_endpoints")),
    )
    op.create_index(op.f("ix_endpoints_organization_id"), "endpoints", ["organization_id"])
    op.create_index(op.f("ix_endpoints_due_at"), "endpoints", ["due_at"])


def _add_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "type", "state")),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("event_number", sa.BigInteger(), nullable=True),
        sa.Column("partnership_id", sa.Uuid(), nullable=True),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("occurred_at", "due_at")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("attempts", "attempts_before")),
        *(sa.Column(name, _MOMENT, nullable=True) for name in ("started_at", "settled_at")),
        _known("deliveries", "kind", "'event', 'challenge', 'test'"),
        _known("deliveries", "state", "'pending', 'delivered', 'failed', 'dropped'"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoints.endpoint_id"], name=op.f("fk_deliveries_endpoint_id")),
        sa.PrimaryKeyConstraint("endpoint_id", "number", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_endpoint_id_state"), "deliveries", ["endpoint_id", "state"])
    op.create_index(op.f("ix_deliveries_settled_at"), "deliveries", ["settled_at"])


def _add_attempts() -> None:
    op.create_table(
        "delivery_attempts",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        _known("delivery_attempts", "outcome", _OUTCOMES),
        sa.ForeignKeyConstraint(
            ["endpoint_id", "number"],
            ["deliveries.endpoint_id", "deliveries.number"],
            name=op.f("fk_delivery_attempts_endpoint_id"),
        ),
        sa.PrimaryKeyConstraint("endpoint_id", "number", "attempt", name=op.f("pk_delivery_attempts")),
    )


def _known(table: str, column: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({words})", name=op.f(f"ck_{table}_{column}_known"))
