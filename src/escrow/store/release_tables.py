"""The tables of releases: what was shown, who signed it, and what noise has told. ``tables`` has them too."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from escrow.store.columns import Moment, metadata, of_partnership, rule_columns
from escrow.terms import Side

__all__ = ["noise_spent", "release_cells", "release_keys", "releases"]

releases = Table(
    "releases",
    metadata,
    of_partnership(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("made_at", Moment, nullable=False),
    # The effective terms and the rule that it was made under.
    Column("counts_from", SmallInteger, nullable=False),
    Column("reveals_from", SmallInteger, nullable=False),
    *rule_columns(),
    # The two lists it was made of.
    *(
        Column(f"{side.value}_{name}", kind, nullable=False)
        for side in Side
        for name, kind in (
            ("terms_number", Integer),
            ("submission", BigInteger),
            ("digest", LargeBinary),
            ("applied_at", Moment),
            ("accounts", Integer),
            ("customers", Integer),
            ("opportunities", Integer),
            ("prospects", Integer),
        )
    ),
    # Null where it was made before releases were signed, as are all salts then.
    Column("statement", LargeBinary),
    Column("signature", LargeBinary(64)),
    Column("key_id", Text),
    *(Column(f"{side.value}_salt", LargeBinary(16)) for side in Side),
    # How many changes each side had had by then.
    *(Column(f"{side.value}_changes", BigInteger, nullable=False, server_default="0") for side in Side),
)

release_cells = Table(
    "release_cells",
    metadata,
    of_partnership(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("left_population", SmallInteger, primary_key=True, autoincrement=False),
    Column("right_population", SmallInteger, primary_key=True, autoincrement=False),
    Column("level", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    # Null unless the cell is public: a withheld number is not stored.
    Column("count", Integer),
    Column("salt", LargeBinary(16)),
    # How many changes either population had had when the state was computed; null where none is to be repeated.
    *(Column(f"{side.value}_changes", BigInteger) for side in Side),
    ForeignKeyConstraint(["partnership_id", "number"], ["releases.partnership_id", "releases.number"]),
    CheckConstraint("state IN ('hidden', 'withheld', 'public')", name="state_known"),
    CheckConstraint("(count IS NOT NULL) = (state = 'public')", name="count_is_public"),
)

#: The public keys that have signed releases, of all partnerships.
release_keys = Table(
    "release_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("first_used_at", Moment, nullable=False),
)

#: What releases with noise have told of the lists of two organizations, the one with the lower id first: of the pair,
#: so it outlives their partnerships.
noise_spent = Table(
    "noise_spent",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.organization_id"), primary_key=True),
    Column("partner_id", Uuid, ForeignKey("organizations.organization_id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("spent_at", Moment, nullable=False),
    Column("epsilon_thousandths", Integer, nullable=False),
)
