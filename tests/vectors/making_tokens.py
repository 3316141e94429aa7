"""The vectors of tokens: secrets and tokens of match keys, wrap keys, rows and stored indexes."""

from __future__ import annotations

from collections.abc import Iterator

from escrow.psi import pepper, tokens
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from tests.vectors.seeded import Document, new_id, random_of


def document() -> Document:
    """Make tokens.json."""
    return {
        "match_keys": list(_match_keys()),
        "wrap_keys": [_wrap_key(seed) for seed in ("wrap 1", "wrap 2")],
        "rows": list(_rows()),
        "stored_indexes": [_stored_indexes(seed) for seed in ("pepper 1", "pepper 2")],
    }


def _match_keys() -> Iterator[Document]:
    match_key = random_of("match keys")(32)
    values = {
        MatchKeyClass.DOMAIN: ("example.com", "xn--mnchen-3ya.example", "a" * 253),
        MatchKeyClass.NAME: ("acme", "münchener rück", "東京電力", "x" * 400),
        MatchKeyClass.VARIANT: ("acme",),
        MatchKeyClass.FALLBACK: ("acme", ""),
    }
    for key_class, texts in values.items():
        for value in texts:
            made = tokens.account_secret(match_key, MatchKey(key_class, value))
            yield {
                "match_key": match_key.hex(),
                "class": int(key_class),
                "kind": int(key_class.kind),
                "value": value,
                "secret": made.secret.hex(),
                "token": made.token.hex(),
            }


def _wrap_key(seed: str) -> Document:
    random = random_of(seed)
    account, owner = tokens.AccountSecret(random(32), random(16)), new_id(random)
    return {
        "secret": account.secret.hex(),
        "owner_org_id": str(owner),
        "wrap_key": tokens.wrap_key(account, owner).hex(),
    }


def _rows() -> Iterator[Document]:
    random = random_of("rows")
    own_secret, partnership = random(32), new_id(random)
    for account_id in ("0015g00000ABCDE", "1", "", "kundé-7", "x" * 300):
        made = tokens.row(own_secret, partnership_id=partnership, account_id=account_id)
        yield {
            "own_secret": own_secret.hex(),
            "partnership_id": str(partnership),
            "account_id": account_id,
            "row": made.hex(),
        }


def _stored_indexes(seed: str) -> Document:
    random = random_of(seed)
    secret, packed = random(32), random(48)
    made = pepper.stored_index(secret, packed)
    return {"pepper": secret.hex(), "tokens": _cut(packed), "stored_indexes": _cut(made)}


def _cut(packed: bytes) -> list[str]:
    return [packed[start : start + 16].hex() for start in range(0, len(packed), 16)]
