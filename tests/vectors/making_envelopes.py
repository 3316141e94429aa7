"""The vectors of envelopes: sealed ones, and ones that must not open, most of which our own code cannot even make."""

from __future__ import annotations

import json
from collections.abc import Callable

from escrow.psi import envelopes, tokens
from escrow.psi.envelope_format import served, split_uploaded
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.terms import DETAIL_FIELDS, Population
from tests.vectors.refused_envelopes import refused
from tests.vectors.seeded import PROFILE, Document, given, new_id, random_of


def document() -> Document:
    """Make envelopes.json."""
    return {"envelopes": [_envelope(*each) for each in _DETAILS], "refused": list(refused())}


_DETAILS: tuple[tuple[str, int, dict[str, str | int]], ...] = (
    ("no field, one token", 1, {}),
    ("two fields, two tokens", 2, {"account_name": "Münchener Rück", "open_opportunities": 3}),
    ("just 256 bytes", 1, {"account_name": "x" * (256 - len('{"account_name":""}'))}),
    ("one byte more", 1, {"account_name": "x" * (257 - len('{"account_name":""}'))}),
    ("just 4096 bytes", 3, {"account_name": "東" * 1359}),
    ("all fields", 4, {name: 2 if name == "open_opportunities" else f"the {name}" for name in DETAIL_FIELDS}),
)


def _context(random: Callable[[int], bytes]) -> envelopes.EnvelopeContext:
    return envelopes.EnvelopeContext(
        partnership_id=new_id(random),
        g=3,
        profile_id=PROFILE,
        owner_org_id=new_id(random),
        recipient_org_id=new_id(random),
        row=random(8),
        population=Population.OPPORTUNITIES,
        submission=2**40 + 5,
        terms_number=6,
    )


def _accounts(random: Callable[[int], bytes], count: int) -> list[tokens.AccountSecret]:
    match_key = random(32)
    return [tokens.account_secret(match_key, MatchKey(MatchKeyClass.NAME, f"name {i}")) for i in range(count)]


def _context_document(context: envelopes.EnvelopeContext) -> Document:
    return {
        "partnership_id": str(context.partnership_id),
        "g": context.g,
        "profile_id": context.profile_id,
        "owner_org_id": str(context.owner_org_id),
        "recipient_org_id": str(context.recipient_org_id),
        "row": context.row.hex(),
        "population": int(context.population),
        "submission": context.submission,
        "terms_number": context.terms_number,
    }


def _envelope(why: str, tokens_of_account: int, details: dict[str, str | int]) -> Document:
    random = random_of(f"envelope {why}")
    context, accounts = _context(random), _accounts(random, tokens_of_account)
    content_key, nonce = random(32), random(12)
    uploaded = envelopes.seal_envelope(
        details,
        context=context,
        accounts=accounts,
        fields=DETAIL_FIELDS,
        random=given(content_key, nonce),
    )
    split = split_uploaded(uploaded)
    return {
        "why": why,
        "context": _context_document(context),
        "aad": context.aad().hex(),
        "details": details,
        "text": json.dumps(details, ensure_ascii=False, separators=(",", ":")),
        "content_key": content_key.hex(),
        "nonce": nonce.hex(),
        "accounts": [{"secret": account.secret.hex(), "token": account.token.hex()} for account in accounts],
        "uploaded": uploaded.hex(),
        "served": [{"token": token.hex(), "bytes": served(split.body, wrap).hex()} for token, wrap in split.wraps],
    }
