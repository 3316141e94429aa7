"""The published vectors: the code still makes them, and a second implementation agrees with every value in them."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from escrow.errors import EscrowError
from escrow.psi import envelopes, pairing, tokens
from escrow.psi.matchkeys import Suite
from escrow.reports import statement as statements
from escrow.terms import DETAIL_FIELDS, Population
from tests.psi import second_implementation as second
from tests.psi.vector_files import FILES, FOLDER, vectors
from tests.vectors.generate import documents, text_of

Vector = dict[str, Any]


def each(name: str, group: str) -> pytest.MarkDecorator:
    """Run a test for every vector of a group, and for none of them silently."""
    found = vectors(name, group)
    assert found
    return pytest.mark.parametrize("vector", found, ids=[str(vector.get("why", i)) for i, vector in enumerate(found)])


def test_the_code_still_makes_the_vectors_as_they_were_frozen() -> None:
    made = {name: text_of(document) for name, document in documents().items()}
    assert made == {name: (FOLDER / name).read_text(encoding="utf-8") for name in FILES}


def test_the_second_implementation_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(second.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    roots = {name.partition(".")[0] for name in named}
    assert roots == {
        "__future__",
        "cryptography",
        "dataclasses",
        "hashlib",
        "hmac",
        "json",
        "struct",
        "typing",
        "unicodedata",
    }


def test_the_readme_says_what_each_field_is() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    missing = {name for document in documents().values() for name in _names(document) if f"`{name}`" not in readme}
    assert not missing


def _names(value: object) -> set[str]:
    if isinstance(value, list):
        return {name for each in value for name in _names(each)}
    if isinstance(value, dict):
        return set(value) - set(DETAIL_FIELDS) | {name for each in value.values() for name in _names(each)}
    return set()


@each("pairing", "pairings")
def test_the_second_implementation_pairs_alike(vector: Vector) -> None:
    ids = vector["partnership_id"], vector["inviter_org_id"]
    shared = second.shared_secret(vector["inviter_private"], vector["acceptor_public"])
    parties = b"".join((*ids, vector["acceptor_org_id"], vector["inviter_public"], vector["acceptor_public"]))
    agreed = second.agree(vector["psk"], shared, vector["suite"], vector["g"], parties)
    assert second.public_of(vector["inviter_private"]) == vector["inviter_public"]
    assert second.public_of(vector["acceptor_private"]) == vector["acceptor_public"]
    assert second.shared_secret(vector["acceptor_private"], vector["inviter_public"]) == shared
    assert agreed == second.Agreed(vector["tag_inviter"], vector["tag_acceptor"], vector["root"], vector["check"])
    assert second.write_code(*ids, vector["inviter_public"], vector["psk"]) == vector["code"]
    assert second.read_code(vector["code"]) == (vector["commitment"], vector["psk"])
    assert second.lookup(vector["psk"]) == vector["lookup"]


@each("pairing", "read_codes")
def test_the_second_implementation_reads_codes_as_people_type_them(vector: Vector) -> None:
    assert second.read_code(vector["code"]) == (vector["commitment"], vector["psk"])


@each("pairing", "refused_codes")
def test_both_implementations_refuse_a_bad_code(vector: Vector) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no other error
        second.read_code(vector["code"])
    with pytest.raises(EscrowError) as refused:
        pairing.read_pairing_code(vector["code"])
    assert refused.value.code == "pairing-code-invalid"


@each("pairing", "refused_public_keys")
def test_both_implementations_refuse_a_key_of_small_order(vector: Vector) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no other error
        second.shared_secret(vector["private"], vector["public"])
    with pytest.raises(EscrowError) as refused:
        pairing.derive(
            own_private=vector["private"],
            psk=bytes(16),
            suite=Suite.HMAC,
            g=0,
            partnership_id=UUID(int=1),
            inviter_org_id=UUID(int=2),
            acceptor_org_id=UUID(int=3),
            inviter_public=vector["public"],
            acceptor_public=second.public_of(vector["private"]),
        )
    assert refused.value.code == "key-exchange-failed"


@each("generations", "generations")
def test_the_second_implementation_draws_the_same_keys_of_every_generation(vector: Vector) -> None:
    root = vector["root"]
    for made in vector["chain"]:
        of = vector["partnership_id"], made["g"], vector["suite"], made["profile_id"]
        assert second.match_key(root, *of) == made["match_key"]
        assert second.head_key(root) == made["head_key"]
        root = second.next_root(root)
        assert root == made["next_root"]


@each("generations", "heads")
def test_the_second_implementation_makes_the_same_heads(vector: Vector) -> None:
    owner, number = vector["owner_org_id"], vector["release_number"]
    assert second.head(vector["head_key"], owner, number, vector["statement"]) == vector["head"]


@each("generations", "canaries")
def test_the_second_implementation_makes_the_same_canaries(vector: Vector) -> None:
    of = vector["head_key"], vector["owner_org_id"], vector["g"], vector["profile_id"]
    assert second.canary(*of, vector["made"]) == (vector["digest"], vector["canary"])


@each("releases", "statements")
def test_the_second_implementation_writes_the_same_statements(vector: Vector) -> None:
    cells, lists, statement = second.release_statement(vector)
    assert (cells, lists) == (vector["cell_commitments"], vector["list_commitments"])
    assert statement == vector["statement"]
    assert hashlib.sha256(statement).digest() == vector["statement_digest"]
    assert hashlib.sha256(vector["rule_text"].encode()).digest() == vector["rule_digest"]
    assert hashlib.sha256(vector["public_key"]).digest()[:8] == vector["key_id"]


@each("releases", "statements")
def test_both_implementations_take_the_signature(vector: Vector) -> None:
    second.check_signature(vector["public_key"], vector["statement"], vector["signature"])
    statements.verify_signature(vector["statement"], vector["signature"], vector["public_key"])


def test_each_statement_holds_the_digest_of_the_one_before() -> None:
    made = vectors("releases", "statements")
    assert [each["previous"] for each in made] == [bytes(32), *(each["statement_digest"] for each in made[:-1])]


@each("releases", "refused")
def test_both_implementations_refuse_a_signature_that_holds_nothing(vector: Vector) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no other error
        second.check_signature(vector["public_key"], vector["statement"], vector["signature"])
    with pytest.raises(EscrowError) as refused:
        statements.verify_signature(vector["statement"], vector["signature"], vector["public_key"])
    assert refused.value.code == "release-invalid"


@each("tokens", "match_keys")
def test_the_second_implementation_blinds_alike(vector: Vector) -> None:
    made = second.secret_and_token(vector["match_key"], vector["kind"], vector["value"])
    assert made == (vector["secret"], vector["token"])


@each("tokens", "wrap_keys")
def test_the_second_implementation_draws_the_same_wrap_keys(vector: Vector) -> None:
    assert second.wrap_key(vector["secret"], vector["owner_org_id"]) == vector["wrap_key"]


@each("tokens", "rows")
def test_the_second_implementation_names_the_same_rows(vector: Vector) -> None:
    assert second.row(vector["own_secret"], vector["partnership_id"], vector["account_id"]) == vector["row"]


@each("tokens", "stored_indexes")
def test_the_second_implementation_stores_under_the_same_index(vector: Vector) -> None:
    assert [second.stored_index(vector["pepper"], each) for each in vector["tokens"]] == vector["stored_indexes"]


@each("envelopes", "envelopes")
def test_the_second_implementation_seals_to_the_same_bytes(vector: Vector) -> None:
    context, cek = second.Context(**vector["context"]), vector["content_key"]
    aad = context.aad()
    commit = second.commitment(cek, aad)
    body = second.sealed_body(cek, vector["nonce"], second.padded(vector["text"].encode()), aad, commit)
    wraps = {a["token"]: second.wrapped(a["secret"], context, commit, cek) for a in vector["accounts"]}
    assert aad == vector["aad"]
    assert body + b"".join(token + wraps[token] for token in sorted(wraps)) == vector["uploaded"]
    assert [{"token": token, "bytes": body + wraps[token]} for token in sorted(wraps)] == vector["served"]


@each("envelopes", "envelopes")
def test_both_implementations_open_what_is_served(vector: Vector) -> None:
    secret_of = {account["token"]: account["secret"] for account in vector["accounts"]}
    for served in vector["served"]:
        secret = secret_of[served["token"]]
        opened = second.open_served(served["bytes"], second.Context(**vector["context"]), secret, set(DETAIL_FIELDS))
        assert opened == vector["details"]
        assert _opened(served["bytes"], vector["context"], secret) == vector["details"]


@each("envelopes", "refused")
def test_both_implementations_refuse_an_envelope_that_must_not_open(vector: Vector) -> None:
    context = second.Context(**vector["context"])
    with pytest.raises(ValueError):  # noqa: PT011 - it has no other error
        second.open_served(vector["served"], context, vector["secret"], set(DETAIL_FIELDS))
    with pytest.raises(EscrowError) as refused:
        _opened(vector["served"], vector["context"], vector["secret"])
    assert refused.value.code == vector["error"]


def _opened(served: bytes, context: Vector, secret: bytes) -> Vector:
    ids = {name: UUID(bytes=value) for name, value in context.items() if name in _IDS}
    ours = envelopes.EnvelopeContext(**{**context, **ids, "population": Population(context["population"])})
    account = tokens.AccountSecret(secret, bytes(16))
    return envelopes.open_envelope(served, context=ours, accounts=[account], highest_submission=0)


_IDS = frozenset({"partnership_id", "owner_org_id", "recipient_org_id"})
