"""What each organization has spent with each other one, what its lists changed, and alarms.

Everything is new, and the release before this one neither reads nor writes it. A list that was applied before is taken
as the first one of its pair with the next list that is applied: that one may ask about as much as a first list.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name, kind in (
        ("problem_limit", sa.BigInteger()),
        ("problem_left", sa.BigInteger()),
        ("problem_renews_at", _MOMENT),
        ("charged", sa.BigInteger()),
        ("spent", sa.BigInteger()),
        ("list_accounts", sa.Integer()),
    ):
        op.add_column("submissions", sa.Column(name, kind, nullable=True))
    _add_spending()
    _add_alarms()


def _add_spending() -> None:
    organizations = ("organization_id", "partner_id")
    amounts = ("base", "carried", "granted", "spent", "total", "tokens")
    op.create_table(
        "spending",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in organizations),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("period_from", "renewed_at")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in amounts),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("accounts", "told_size")),
        *(
            sa.ForeignKeyConstraint([name], ["organizations.organization_id"], name=op.f(f"fk_spending_{name}"))
            for name in organizations
        ),
        sa.PrimaryKeyConstraint(*organizations, name=op.f("pk_spending")),
    )


def _add_alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raised_at", _MOMENT, nullable=False),
        sa.CheckConstraint("reason IN ('list-grew', 'allowance-half-spent')", name=op.f("ck_alarms_reason_known")),
        sa.ForeignKeyConstraint(
            ["partnership_id"], ["partnerships.partnership_id"], name=op.f("fk_alarms_partnership_id")
        ),
        sa.PrimaryKeyConstraint("partnership_id", "side", "number", "reason", name=op.f("pk_alarms")),
    )
