"""Small makers of CRM rows and of blinded keys that need no blinding: a key's token is told by its value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from escrow.client.blinding import BlindedKeys
from escrow.client.columns import Meaning
from escrow.client.sources import CrmRows
from escrow.psi.matchkeys import MatchKeyClass
from escrow.terms import Population

DOMAIN, NAME, VARIANT, FALLBACK = MatchKeyClass


@dataclass(frozen=True)
class Row:
    """One CRM row; its keys in the order a profile gives them."""

    crm_id: str
    keys: Sequence[tuple[MatchKeyClass, str]] = ()
    population: Population = Population.CUSTOMERS
    updated: str = ""
    created: str = ""
    extra: dict[Meaning, str] = field(default_factory=dict)


def row(
    crm_id: str,
    *,
    domain: str = "",
    name: str = "",
    variants: Iterable[str] = (),
    population: Population = Population.CUSTOMERS,
    updated: str = "",
) -> Row:
    written = ((DOMAIN, domain), (NAME, name), *((VARIANT, variant) for variant in variants if variant != name))
    keys = [(key_class, value) for key_class, value in written if value]
    return Row(crm_id, keys, population, updated)


def token_of(key_class: MatchKeyClass, value: str) -> bytes:
    return hashlib.sha256(bytes([key_class.kind]) + value.encode()).digest()[:16]


def crm_rows(rows: Sequence[Row]) -> CrmRows:
    columns = {
        Meaning.CRM_ID: [row.crm_id for row in rows],
        Meaning.UPDATED_DATE: [row.updated for row in rows],
        Meaning.CREATED_DATE: [row.created for row in rows],
    }
    return CrmRows(columns, np.array([row.population for row in rows], np.uint8), 0)


def blinded(rows: Sequence[Row]) -> BlindedKeys:
    entries = [(place, *key) for place, row in enumerate(rows) for key in row.keys]
    return BlindedKeys(
        np.array([place for place, _, _ in entries], np.uint32),
        np.array([key_class for _, key_class, _ in entries], np.uint8),
        np.frombuffer(b"".join(token_of(key_class, value) for _, key_class, value in entries), (np.void, 16)),
    )
