"""The tables of mail digests, and of the codes that addresses were sent."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid

from escrow.store.columns import Moment, metadata, one_of
from escrow.store.states import MailDigestState, MailOutcome

__all__ = ["mail_codes", "mail_digests"]

mail_digests = Table(
    "mail_digests",
    metadata,
    Column("mail_digest_id", Uuid, primary_key=True),
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("description", Text, nullable=False),
    # Sealed under the service's key: it is a person's.
    Column("sealed_address", LargeBinary, nullable=False),
    # Null: every day. Monday is 0, as in datetime.
    Column("weekday", SmallInteger),
    Column("hour", SmallInteger, nullable=False),
    # Null: the usual ones, and all. Words of escrow.store.states.EventType, and ids, with a comma between them.
    Column("types", Text),
    Column("partnership_ids", Text),
    # The last event of the organization's feed that was told or is not to be.
    Column("looked_at_event", BigInteger, nullable=False),
    # Of the digest that is to be sent: the last event in it, its id, which is that of every attempt, and how many
    # attempts there were.
    Column("through_event", BigInteger),
    Column("message_id", Uuid),
    Column("attempts", Integer, nullable=False),
    # When there is something to do, and until when a worker does it.
    Column("due_at", Moment, nullable=False, index=True),
    Column("leased_until", Moment),
    # Of the first failure since the last success.
    Column("failing_since", Moment),
    Column("last_outcome", Text),
    Column("sent_at", Moment),
    # Of the code that was mailed last: its digest, until when it fits, and how many more tries it has.
    Column("code_digest", LargeBinary(32)),
    Column("code_until", Moment),
    Column("guesses_left", SmallInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("confirmed_at", Moment),
    one_of("state", MailDigestState),
    one_of("last_outcome", MailOutcome),
)

# One row for each code that was asked for within the last day; of its address a keyed digest alone.
mail_codes = Table(
    "mail_codes",
    metadata,
    Column("code_id", Uuid, primary_key=True),
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), nullable=False),
    Column("address_tag", LargeBinary(32), nullable=False),
    Column("asked_at", Moment, nullable=False, index=True),
    Index(None, "organization_id", "asked_at"),
)
