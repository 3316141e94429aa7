"""The vectors of releases: rules as they are written, two statements in a row, and signatures that hold nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from escrow.reports import statement as statements
from escrow.reports.matrix import CellState
from escrow.reports.statement import CellOpening, ListOpening, Statement
from escrow.terms import CELLS, DisclosureRule, Level, Terms, Tier, uniform_levels
from tests.vectors.seeded import Document, new_id, random_of

Random = Callable[[int], bytes]

_STRICT = DisclosureRule(12, step=5, interval=timedelta(days=7), least_changes=50, noise=True)
_RULES = (
    Terms(uniform_levels(Level.COUNTS), disclosure=DisclosureRule(3)),
    Terms(
        {cell: Level(place % 4) for place, cell in enumerate(CELLS)},
        counts_from=Tier.POSSIBLE,
        reveals_from=Tier.LIKELY,
        disclosure=_STRICT,
    ),
)
#: Hidden, withheld and public cells, a public zero and a number of more than 32 bits among them.
_CELLS = (
    [(CellState.PUBLIC, 12), (CellState.PUBLIC, 0), (CellState.WITHHELD, None)] * 2
    + [(CellState.HIDDEN, None), (CellState.PUBLIC, 2**33), (CellState.WITHHELD, None)],
    [(CellState.PUBLIC, 3)] * 9,
)


def document() -> Document:
    """Make releases.json."""
    random = random_of("releases")
    key = Ed25519PrivateKey.from_private_bytes(random(32))
    ids = {name: new_id(random) for name in ("partnership_id", "left_org_id", "right_org_id")}
    made = []
    previous = statements.FIRST_PREVIOUS
    for number, terms in enumerate(_RULES, 1):
        cells, lists = _openings(random, number), [_list(random, 10 * number + side) for side in (0, 1)]
        statement = Statement(
            **ids,
            number=number,
            made_at=1_790_000_000 + number,
            previous=previous,
            generation=number - 1,
            rule=statements.rule_digest(terms),
            cells=tuple(cell.commitment for cell in cells),
            left_list=lists[0].commitment,
            right_list=lists[1].commitment,
        )
        made.append(_document(statement, terms, cells, lists, key))
        previous = statements.statement_digest(statement.write())
    return {"statements": made, "refused": list(_refused(made[0], random))}


def _openings(random: Random, number: int) -> list[CellOpening]:
    told = zip(CELLS, _CELLS[number - 1], strict=True)
    return [CellOpening(random(statements.SALT_BYTES), cell, state, count) for cell, (state, count) in told]


def _list(random: Random, submission: int) -> ListOpening:
    return ListOpening(random(statements.SALT_BYTES), submission, random(32))


def _document(
    statement: Statement, terms: Terms, cells: list[CellOpening], lists: list[ListOpening], key: Ed25519PrivateKey
) -> Document:
    written, public = statement.write(), key.public_key().public_bytes_raw()
    rule = statements.rule_text(terms)
    return {
        "partnership_id": str(statement.partnership_id),
        "left_org_id": str(statement.left_org_id),
        "right_org_id": str(statement.right_org_id),
        "number": statement.number,
        "made_at": statement.made_at,
        "previous": statement.previous.hex(),
        "g": statement.generation,
        "rule_text": rule,
        "cells": [{"salt": each.salt.hex(), "state": int(each.state), "count": each.number} for each in cells],
        "lists": [
            {"salt": each.salt.hex(), "submission": each.submission, "digest": each.digest.hex()} for each in lists
        ],
        "public_key": public.hex(),
        "signature": statements.sign(written, key).hex(),
        "key_id": statements.key_id(public),
        "rule_digest": statement.rule.hex(),
        "cell_commitments": [each.hex() for each in statement.cells],
        "list_commitments": [statement.left_list.hex(), statement.right_list.hex()],
        "statement": written.hex(),
        "statement_digest": statements.statement_digest(written).hex(),
    }


def _refused(signed: Document, random: Random) -> list[Document]:
    statement, signature = bytes.fromhex(signed["statement"]), bytes.fromhex(signed["signature"])
    changed = bytes([*statement[:-1], statement[-1] ^ 1])
    another = Ed25519PrivateKey.from_private_bytes(random(32)).public_key().public_bytes_raw()
    return [
        _refusal("another statement", signed["public_key"], changed, signature),
        _refusal("another key", another.hex(), statement, signature),
        _refusal("a signature that is cut short", signed["public_key"], statement, signature[:-1]),
        _refusal("a key of small order, under which zeros sign anything", "01" + "00" * 31, statement, _ZERO_SIGNATURE),
        _refusal("the same key with its sign set", "01" + "00" * 30 + "80", statement, _ZERO_SIGNATURE),
    ]


#: R is the neutral point and S is zero: true of every text under the key that is the neutral point.
_ZERO_SIGNATURE = b"\x01" + bytes(63)


def _refusal(why: str, public_key: str, statement: bytes, signature: bytes) -> Document:
    return {"why": why, "public_key": public_key, "statement": statement.hex(), "signature": signature.hex()}
