"""Lists as JSON: how the two forms of it become records, and what they look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from escrow import wire
from escrow.api.dependencies import UnverifiedChunk
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.psi.records import REMOVED, AccountRow, Columns, pack_chunk, records_of_columns

__all__ = ["COLUMNS_EXAMPLES", "ROWS_EXAMPLES", "account_rows", "packed"]


def account_rows(request: wire.RowSubmission) -> list[AccountRow]:
    """Give the accounts of a request, those that it removes after the others."""
    listed = [
        AccountRow(account.row, int(account.population), account.segments, _keys(account.tokens))
        for account in request.accounts
    ]
    return listed + [AccountRow(row, REMOVED) for row in request.removals]


def packed(unverified: UnverifiedChunk) -> bytes:
    """Give the bytes of a chunk, whichever form it came in.

    Raises:
        RequestValidationError, RecordsInvalid: these are not columns of one chunk.
    """
    if not unverified.is_columns:
        return unverified.body
    try:
        columns = wire.ColumnChunk.model_validate_json(unverified.body)
    except ValidationError as refusal:
        found = refusal.errors(include_input=False, include_context=False, include_url=False)
        raise RequestValidationError([each | {"loc": ("body", *each["loc"])} for each in found]) from None
    records = records_of_columns(
        Columns(
            rows=columns.rows,
            populations=columns.populations,
            segments=columns.segments,
            tokens=columns.tokens,
            token_rows=columns.token_rows,
            key_classes=columns.classes,
        )
    )
    return pack_chunk(records)


def _keys(tokens: wire.AccountTokens) -> tuple[tuple[MatchKeyClass, bytes], ...]:
    by_class = (
        (MatchKeyClass.DOMAIN, tokens.domain),
        (MatchKeyClass.NAME, tokens.name),
        (MatchKeyClass.VARIANT, tokens.variant),
        (MatchKeyClass.FALLBACK, tokens.fallback),
    )
    return tuple((key_class, token) for key_class, said in by_class for token in said)


_PLACE = {"generation": 0, "suite": 1, "profile": LATEST_PROFILE}
_ACCOUNT = {
    "row": "qsvllvcjj5c",
    "population": "customers",
    "tokens": {"domain": ["pLJAosYM4PS3zhwcVc2X0w"], "name": ["wSxxTP4zp1nPQCKaF3mBgQ"]},
}

ROWS_EXAMPLES: Mapping[str, Any] = {
    "snapshot": {
        "summary": "A whole list of one account",
        "value": {"number": 1, "type": "snapshot", "base": 0, **_PLACE, "accounts": [_ACCOUNT], "ready": True},
    },
    "delta": {
        "summary": "One account is new or changed, another has left",
        "value": {
            "number": 2,
            "type": "delta",
            "base": 1,
            **_PLACE,
            "accounts": [_ACCOUNT],
            "removals": ["k2gtRxT0i9U"],
        },
    },
}

COLUMNS_EXAMPLES: Mapping[str, Any] = {
    "one account": {
        "summary": "One account with a domain and a name",
        "value": {
            "rows": "qsvllvcjj5c",
            "populations": "AQ",
            "tokens": "pLJAosYM4PS3zhwcVc2X08EscUz-M6dZz0Aimhd5gYE",
            "token_rows": "qsvllvcjj5eqy-WW9yOPlw",
            "classes": "AQI",
        },
    }
}
