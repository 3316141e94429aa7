"""Every table, as SQLAlchemy Core; the migrations build the same, and a check holds the two together.

Primary keys and unique indexes of everything that grows with a list begin with ``partnership_id``, so that the tables
can be distributed by it. Binary columns named ``sealed…`` hold bytes that only a sealing key opens.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from escrow.store.columns import Moment, metadata, of_partnership, one_of, side_of_row, terms_columns
from escrow.store.delivery_tables import deliveries, delivery_attempts, endpoints
from escrow.store.feed_tables import change_feeds, changes, event_feeds, events
from escrow.store.mail_tables import mail_codes, mail_digests
from escrow.store.release_tables import noise_spent, release_cells, release_keys, releases
from escrow.store.states import (
    AlarmReason,
    DisputeReason,
    GenerationState,
    JobType,
    PartnershipState,
    SubmissionState,
    SubmissionType,
    TermsRequestState,
)
from escrow.terms import Population, Side

__all__ = [
    "accounts",
    "alarms",
    "api_keys",
    "audit_entries",
    "change_feeds",
    "changes",
    "chunks",
    "deliveries",
    "delivery_attempts",
    "disputed_pairs",
    "disputes",
    "endpoints",
    "envelopes",
    "event_feeds",
    "events",
    "fresh_pairings",
    "generation_proposals",
    "generations",
    "idempotency",
    "jobs",
    "list_changes",
    "lists",
    "mail_codes",
    "mail_digests",
    "matches",
    "metadata",
    "noise_spent",
    "organizations",
    "parties",
    "partnerships",
    "release_cells",
    "release_keys",
    "releases",
    "spending",
    "submissions",
    "terms",
    "terms_requests",
    "tokens",
]

organizations = Table(
    "organizations",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("api_key_id", Text, primary_key=True),
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    # Words of escrow.store.states.Scope with a comma between them.
    Column("scopes", Text, nullable=False, server_default="read,submit,terms,pair"),
    # Ids with a comma between them; null: all partnerships of the organization.
    Column("partnership_ids", Text),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    # Coarse: at most one write an hour.
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
)

partnerships = Table(
    "partnerships",
    metadata,
    Column("partnership_id", Uuid, primary_key=True),
    Column("state", Text, nullable=False),
    Column("suite", SmallInteger, nullable=False),
    Column("profile", Text, nullable=False),
    # Pairing: what the inviter registers, what the acceptor answers, and the inviter's last word.
    Column("lookup", LargeBinary(16), nullable=False, unique=True),
    Column("invited_organization_id", Uuid, ForeignKey("organizations.organization_id")),
    Column("inviter_public", LargeBinary(32), nullable=False),
    Column("acceptor_public", LargeBinary(32)),
    Column("acceptor_tag", LargeBinary(32)),
    Column("inviter_tag", LargeBinary(32)),
    # Erased when the partnership ends; sealed under the service's key.
    Column("sealed_key", LargeBinary),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("accepted_at", Moment),
    Column("confirmed_at", Moment),
    Column("ended_at", Moment),
    one_of("state", PartnershipState),
)

parties = Table(
    "parties",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("terms_number", Integer, nullable=False),
    # The last submission of which the party said that its counts are right.
    Column("ready_submission", BigInteger),
    # Null unless this party pauses.
    Column("paused_at", Moment),
    # What its client vouches for its normalisation with, and the generation whose key that was made with.
    Column("canary_generation", Integer),
    Column("canary", LargeBinary(32)),
    # How many accounts its lists have added, removed or changed so far, at all and of each population.
    Column("changes", BigInteger, nullable=False, server_default="0"),
    *(
        Column(f"{population.word}_changes", BigInteger, nullable=False, server_default="0")
        for population in Population
    ),
    one_of("side", Side),
)

terms = Table(
    "terms",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *terms_columns(),
    Column("made_at", Moment, nullable=False),
    ForeignKeyConstraint(["partnership_id", "side"], ["parties.partnership_id", "parties.side"]),
)

terms_requests = Table(
    "terms_requests",
    metadata,
    of_partnership(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Who asks, and the number of its terms then.
    Column("side", Text, nullable=False),
    Column("base", Integer, nullable=False),
    Column("state", Text, nullable=False),
    *terms_columns(),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("settled_at", Moment),
    ForeignKeyConstraint(["partnership_id", "side"], ["parties.partnership_id", "parties.side"]),
    one_of("side", Side),
    one_of("state", TermsRequestState),
)

generations = Table(
    "generations",
    metadata,
    of_partnership(),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("suite", SmallInteger, nullable=False),
    Column("profile", Text, nullable=False),
    Column("state", Text, nullable=False),
    # Erased when the generation retires or the partnership ends; sealed under the service's key.
    Column("sealed_pepper", LargeBinary),
    Column("created_at", Moment, nullable=False),
    one_of("state", GenerationState),
)

#: A next generation that one party has asked for and the other has not consented to yet.
generation_proposals = Table(
    "generation_proposals",
    metadata,
    of_partnership(),
    Column("side", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("profile", Text, nullable=False),
    Column("proposed_at", Moment, nullable=False),
    one_of("side", Side),
)

#: What both clients say to each other where the next generation takes a fresh pairing; kept until the switch.
fresh_pairings = Table(
    "fresh_pairings",
    metadata,
    of_partnership(),
    Column("generation", Integer, nullable=False),
    # Who started it, and is its inviter.
    Column("side", Text, nullable=False),
    Column("lookup", LargeBinary(16), nullable=False, unique=True),
    Column("inviter_public", LargeBinary(32), nullable=False),
    Column("acceptor_public", LargeBinary(32)),
    Column("acceptor_tag", LargeBinary(32)),
    Column("inviter_tag", LargeBinary(32)),
    Column("expires_at", Moment, nullable=False),
    one_of("side", Side),
)

submissions = Table(
    "submissions",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("profile", Text, nullable=False),
    Column("accounts", Integer, nullable=False),
    # Sealed under the partnership's key, as are its copies in lists and releases.
    Column("digest", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    # The party says with this submission that its counts are right.
    Column("ready", Boolean, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("received_at", Moment),
    Column("applied_at", Moment),
    Column("problem_code", Text),
    Column("problem_detail", Text),
    # The last release that the client had seen when it sent this, and what it vouches for it with.
    Column("head_release", BigInteger),
    Column("head", LargeBinary(32)),
    # What a limit was, what was left of it and when it renews, where a list was rejected by one.
    Column("problem_limit", BigInteger),
    Column("problem_left", BigInteger),
    Column("problem_renews_at", Moment),
    # Once applied: the charge in fifths of a token, what of it came off the allowance, and the accounts of the list.
    Column("charged", BigInteger),
    Column("spent", BigInteger),
    Column("list_accounts", Integer),
    one_of("type", SubmissionType),
    one_of("state", SubmissionState),
)

chunks = Table(
    "chunks",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    # Null until it arrives, and again once the submission is settled; sealed under the partnership's key.
    Column("sealed", LargeBinary),
    Column("arrived_at", Moment),
    ForeignKeyConstraint(
        ["partnership_id", "side", "number"],
        ["submissions.partnership_id", "submissions.side", "submissions.number"],
    ),
)

lists = Table(
    "lists",
    metadata,
    of_partnership(),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    side_of_row(),
    ForeignKeyConstraint(["partnership_id", "generation"], ["generations.partnership_id", "generations.generation"]),
    Column("applied_number", BigInteger, nullable=False),
    Column("applied_digest", LargeBinary, nullable=False),
    Column("applied_at", Moment, nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("customers", Integer, nullable=False),
    Column("opportunities", Integer, nullable=False),
    Column("prospects", Integer, nullable=False),
    # Blocks: the number of leading bits that name a bucket, and the records that wait outside of them.
    Column("bucket_bits", SmallInteger, nullable=False),
    Column("waiting_records", Integer, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    of_partnership(),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    side_of_row(),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("entries", LargeBinary, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    of_partnership(),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    side_of_row(),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("entries", LargeBinary, nullable=False),
)

list_changes = Table(
    "list_changes",
    metadata,
    of_partnership(),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    side_of_row(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("records", LargeBinary, nullable=False),
)

#: What an organization has spent with another one: of the pair, so it outlives their partnerships.
spending = Table(
    "spending",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), primary_key=True),
    Column("partner_id", Uuid, ForeignKey("organizations.organization_id"), primary_key=True),
    Column("period_from", Moment, nullable=False),
    Column("renewed_at", Moment, nullable=False),
    # In fifths of a token: of the current period, and of all time.
    Column("base", BigInteger, nullable=False),
    Column("carried", BigInteger, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    # The last list, and the band of sizes that the partner is told.
    Column("tokens", BigInteger, nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("told_size", Integer, nullable=False),
)

#: What the other side is told of this side's list beyond its age and rough size.
alarms = Table(
    "alarms",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, primary_key=True),
    Column("raised_at", Moment, nullable=False),
    one_of("reason", AlarmReason),
)

matches = Table(
    "matches",
    metadata,
    of_partnership(),
    Column("left_row", LargeBinary(8), primary_key=True),
    Column("right_row", LargeBinary(8), primary_key=True),
    Column("tier", SmallInteger, nullable=False),
    Column("overlap", LargeBinary(8), nullable=False),
    Column("left_population", SmallInteger, nullable=False),
    Column("right_population", SmallInteger, nullable=False),
    # The stored index of the token that connects the two: a web token, else a word token, the lowest.
    Column("token", LargeBinary(16), nullable=False),
    Index(None, "partnership_id", "right_row"),
    sqlite_with_rowid=False,
)

envelopes = Table(
    "envelopes",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("row", LargeBinary(8), primary_key=True),
    Column("population", SmallInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("submission", BigInteger, nullable=False),
    Column("terms_number", Integer, nullable=False),
    # Body and wraps as uploaded, with stored indexes in place of tokens; sealed under the partnership's key.
    Column("sealed", LargeBinary, nullable=False),
    Column("stored_at", Moment, nullable=False),
)

disputes = Table(
    "disputes",
    metadata,
    of_partnership(),
    # Who disputes, and her own number of it: the partner is told neither how many there are nor when.
    side_of_row(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # As she named the match: her own row, and an id that she alone was told.
    Column("row", LargeBinary(8), nullable=False),
    Column("match_id", LargeBinary(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
    ForeignKeyConstraint(["partnership_id", "side"], ["parties.partnership_id", "parties.side"]),
    one_of("reason", DisputeReason),
)

disputed_pairs = Table(
    "disputed_pairs",
    metadata,
    of_partnership(),
    side_of_row(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("left_row", LargeBinary(8), primary_key=True),
    Column("right_row", LargeBinary(8), primary_key=True),
    # What the match would be as of the last matching; null where the two rows do not match any more.
    Column("tier", SmallInteger),
    Column("left_population", SmallInteger),
    Column("right_population", SmallInteger),
    ForeignKeyConstraint(
        ["partnership_id", "side", "number"],
        ["disputes.partnership_id", "disputes.side", "disputes.number"],
    ),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    # A partnership, or an organization for what happens outside of any.
    Column("trail_id", Uuid, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    # Null: the operator or the service itself.
    Column("organization_id", Uuid),
    Column("api_key_id", Text),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), primary_key=True),
    # Of the key that the sender chose: what it says stays with the sender.
    Column("key_digest", LargeBinary(32), primary_key=True),
    # The request's fingerprint, the status and the body; sealed under the service's key.
    Column("sealed", LargeBinary, nullable=False),
    # Of the partnership that the answer is about, when it was given.
    Column("footing", Text, nullable=True),
    Column("expires_at", Moment, nullable=False, index=True),
)

jobs = Table(
    "jobs",
    metadata,
    of_partnership(),
    Column("type", Text, primary_key=True),
    Column("argument", Text, primary_key=True),
    # Counts how often it was asked for, so that work asked for while it ran is done again.
    Column("asked", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("leased_until", Moment),
    Column("attempts", Integer, nullable=False),
    Index(None, "due_at"),
    one_of("type", JobType),
)
