"""Mail digests, and the codes that addresses were sent.

Both are new, and the release before this one neither reads nor writes them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_OUTCOMES = (
    "'sent', 'refused', 'declined', 'later', 'timeout', 'unreachable', 'tls', 'unauthenticated', 'garbled', 'cut-off'"
)


def upgrade() -> None:
    _add_digests()
    _add_codes()


def _add_digests() -> None:
    op.create_table(
        "mail_digests",
        sa.Column("mail_digest_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("state", "description")),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=True),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in ("hour", "guesses_left")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("types", "partnership_ids", "last_outcome")),
        sa.Column("looked_at_event", sa.BigInteger(), nullable=False),
        sa.Column("through_event", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("due_at", "created_at")),
        *(
            sa.Column(name, _MOMENT, nullable=True)
            for name in ("leased_until", "failing_since", "sent_at", "code_until", "confirmed_at")
        ),
        sa.Column("code_digest", sa.LargeBinary(32), nullable=True),
        _known("state", "'unconfirmed', 'enabled', 'disabled'"),
        _known("last_outcome", _OUTCOMES),
        _of_organization("mail_digests"),
        sa.PrimaryKeyConstraint("mail_digest_id", name=op.f("pk_mail_digests")),
    )
    op.create_index(op.f("ix_mail_digests_organization_id"), "mail_digests", ["organization_id"])
    op.create_index(op.f("ix_mail_digests_due_at"), "mail_digests", ["due_at"])


def _add_codes() -> None:
    op.create_table(
        "mail_codes",
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("address_tag", sa.LargeBinary(32), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        _of_organization("mail_codes"),
        sa.PrimaryKeyConstraint("code_id", name=op.f("pk_mail_codes")),
    )
    op.create_index(op.f("ix_mail_codes_asked_at"), "mail_codes", ["asked_at"])
    op.create_index(op.f("ix_mail_codes_organization_id_asked_at"), "mail_codes", ["organization_id", "asked_at"])


def _known(column: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({words})", name=op.f(f"ck_mail_digests_{column}_known"))


def _of_organization(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_organization_id")
    return sa.ForeignKeyConstraint(["organization_id"], ["organizations.organization_id"], name=name)
