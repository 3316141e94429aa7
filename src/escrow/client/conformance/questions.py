"""The published vectors as questions: what goes in, and the answer or the refusal that must come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from escrow.psi import vectors

__all__ = ["Question", "questions"]

Vector = Mapping[str, Any]

#: What of a vector goes in; all else, but for ``why``, must come out.
_GIVEN: Mapping[str, frozenset[str]] = {
    "pairing.pairings": frozenset(
        {"partnership_id", "inviter_org_id", "acceptor_org_id", "inviter_private", "acceptor_private", "psk"}
        | {"suite", "g"}
    ),
    "pairing.read_codes": frozenset({"code"}),
    "generations.heads": frozenset({"head_key", "owner_org_id", "release_number", "statement"}),
    "generations.canaries": frozenset({"head_key", "owner_org_id", "g", "profile_id", "made"}),
    "releases.statements": frozenset(
        {"partnership_id", "left_org_id", "right_org_id", "number", "made_at", "previous", "g", "rule_text"}
        | {"cells", "lists", "public_key", "signature"}
    ),
    "tokens.match_keys": frozenset({"match_key", "kind", "class", "value"}),
    "tokens.wrap_keys": frozenset({"secret", "owner_org_id"}),
    "tokens.rows": frozenset({"own_secret", "partnership_id", "account_id"}),
    "tokens.stored_indexes": frozenset({"pepper", "tokens"}),
}
#: A file of normalisation says how companies are typed (these) and which match keys come out (all else).
_TYPED = frozenset({"profile", "profile_id", "name", "website", "country"})
_REFUSED = {
    "pairing.refused_codes": "pairing-code-invalid",
    "pairing.refused_public_keys": "key-exchange-failed",
    "releases.refused": "release-invalid",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to compute: ``do`` names it, and either ``expected`` or ``refusal`` is what must come back."""

    do: str
    why: str
    given: Mapping[str, object] = field(repr=False)
    expected: Mapping[str, object] = field(repr=False)
    refusal: str | None = None


def questions() -> Iterator[Question]:
    """Yield every published vector as a question; a group that is not known here is asked like normalisation."""
    for name, groups in vectors.documents().items():
        for group, listed in groups.items():
            for position, vector in enumerate(listed, 1):
                yield from _asked(f"{name}.{group}", vector, f"{vector.get('why', position)}")


def _asked(do: str, vector: Vector, why: str) -> Iterator[Question]:
    if special := _SPECIAL.get(do):
        yield from special(vector, why)
    elif do in _REFUSED:
        yield Question(do, why, {name: value for name, value in vector.items() if name != "why"}, {}, _REFUSED[do])
    else:
        given = _GIVEN.get(do, _TYPED)
        inside = {name: value for name, value in vector.items() if name in given}
        outside = {name: value for name, value in vector.items() if name not in given and name != "why"}
        yield Question(do, why, inside, outside)


def _generations(vector: Vector, why: str) -> Iterator[Question]:
    chain = vector["chain"]
    steps = [{name: each[name] for name in ("g", "profile_id")} for each in chain]
    made = [{name: each[name] for name in ("match_key", "head_key", "next_root")} for each in chain]
    given = {name: vector[name] for name in ("partnership_id", "suite", "root")}
    yield Question("generations.generations", why, {**given, "chain": steps}, {"chain": made})


def _envelope(vector: Vector, why: str) -> Iterator[Question]:
    sealed = {name: vector[name] for name in ("context", "details", "text", "content_key", "nonce", "accounts")}
    yield Question("envelopes.seal", why, sealed, {name: vector[name] for name in ("aad", "uploaded")})
    accounts, served = vector["accounts"], vector["served"]
    secret_of = {account["token"]: account["secret"] for account in accounts}
    for each in served:
        given = {"context": vector["context"], "secret": secret_of[each["token"]], "served": each["bytes"]}
        yield Question("envelopes.open", why, given, {"details": vector["details"]})


def _refused_envelope(vector: Vector, why: str) -> Iterator[Question]:
    given = {name: vector[name] for name in ("context", "secret", "served")}
    yield Question("envelopes.open", why, given, {}, str(vector["error"]))


_SPECIAL: Mapping[str, Callable[[Vector, str], Iterator[Question]]] = {
    "generations.generations": _generations,
    "envelopes.envelopes": _envelope,
    "envelopes.refused": _refused_envelope,
}
