"""Makers of signed releases, as a service makes them: one report for each side, and a chain of statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from escrow import wire
from escrow.psi.encoding import b64url
from escrow.reports.matrix import CellState
from escrow.reports.statement import (
    FIRST_PREVIOUS,
    CellOpening,
    ListOpening,
    Statement,
    key_id,
    rule_digest,
    sign,
    statement_digest,
)
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Side, Terms, uniform_levels
from tests.client.fake_service import LEFT_ORG, RIGHT_ORG, FakeService, Json

C = Population.CUSTOMERS
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
TERMS = Terms(uniform_levels(Level.COUNTS), disclosure=DisclosureRule(5))


@dataclass
class Signer:
    """Signs releases of one partnership in a row, each with one public cell."""

    partnership_id: UUID
    secret: bytes = bytes(range(32))
    previous: bytes = FIRST_PREVIOUS
    made: dict[Side, dict[int, Json]] = field(default_factory=lambda: {side: {} for side in Side})

    @property
    def key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def published(self) -> wire.ReleaseKey:
        return wire.ReleaseKey(key_id=key_id(self.public_key), public_key=self.public_key, first_used_at=FIRST)

    def release(self, number: int, count: int) -> None:
        """Make the next release, in which customers × customers shows this count."""
        made_at = FIRST + timedelta(days=number)
        cells = {cell: CellOpening(bytes([number] * 16), cell, CellState.WITHHELD, None) for cell in CELLS}
        cells[Cell(C, C)] = CellOpening(bytes([number] * 16), Cell(C, C), CellState.PUBLIC, count)
        lists = {side: ListOpening(bytes([9] * 16), 1, bytes(32)) for side in Side}
        statement = Statement(
            self.partnership_id,
            LEFT_ORG,
            RIGHT_ORG,
            number=number,
            made_at=int(made_at.timestamp()),
            previous=self.previous,
            generation=0,
            rule=rule_digest(TERMS),
            cells=tuple(cells[cell].commitment for cell in CELLS),
            left_list=lists[Side.LEFT].commitment,
            right_list=lists[Side.RIGHT].commitment,
        ).write()
        self.previous = statement_digest(statement)
        signed: Json = {
            "statement": b64url(statement),
            "signature": b64url(sign(statement, self.key)),
            "key_id": key_id(self.public_key),
        }
        for side in Side:
            self.made[side][number] = _report(number, made_at, cells, lists[side], signed, self.partnership_id)

    def shown_by(self, service: FakeService) -> None:
        """Let a service show both sides what was signed."""
        service.release_keys = (*service.release_keys, self.published)
        for side, owner in ((Side.LEFT, LEFT_ORG), (Side.RIGHT, RIGHT_ORG)):
            service.own_reports[owner] = dict(self.made[side])


def _report(
    number: int,
    made_at: datetime,
    cells: dict[Cell, CellOpening],
    our_list: ListOpening,
    signed: Json,
    partnership_id: UUID,
) -> Json:
    shown = [
        {"ours": cell.ours.word, "theirs": cell.theirs.word, "level": "counts", "level_then": "counts"}
        | {"state": opening.state.word, "number": opening.number}
        | {"salt": b64url(opening.salt) if opening.number is not None else None}
        for cell, opening in cells.items()
    ]
    return {
        "partnership_id": str(partnership_id),
        "number": number,
        "made_at": made_at.isoformat(),
        "our_list": {
            "number": our_list.submission,
            "digest": b64url(our_list.digest),
            "salt": b64url(our_list.salt),
            "accounts": 90,
            "populations": {population.word: 30 for population in Population},
            "applied_at": "2026-11-01T09:00:00Z",
        },
        "cells": shown,
        "counts_from": "likely",
        "reveals_from": "certain",
        "disclosure": wire.DisclosureRule.of(TERMS.disclosure).model_dump(mode="json"),
        "margin": None,
        "signed": signed,
    }
