"""The details of an account as text of a fixed size: one JSON object, padded, and read back strictly.

What is sealed tells the escrow a size class and nothing else. What is opened was written by someone else and is trusted
in nothing: only declared fields, each once, each a text or a whole number, and no byte too many.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from escrow.errors import EnvelopeInvalid, EnvelopeTooLarge
from escrow.psi.envelope_format import PADDED_SIZES
from escrow.terms import is_detail_field

__all__ = ["Detail", "padded_details", "read_padded_details"]

Detail = str | int

_LARGEST_NUMBER = 2**53 - 1  # what every language reads from JSON exactly (RFC 7493)


def padded_details(details: Mapping[str, Detail], *, fields: Collection[str]) -> bytes:
    """Write details as JSON, texts in NFC, padded with spaces to the smallest size that fits.

    Raises EnvelopeInvalid for a field that is not among ``fields`` or a value that JSON would not carry,
    EnvelopeTooLarge when the largest size is too small.
    """
    composed = {name: _composed(value) for name, value in details.items()}
    _check(composed, fields)
    return _padded(json.dumps(composed, ensure_ascii=False, separators=(",", ":")).encode())


def read_padded_details(unverified: bytes, *, fields: Collection[str] | None = None) -> dict[str, Detail]:
    """Read what ``padded_details`` writes, in any order of fields; everything else raises EnvelopeInvalid.

    Without ``fields`` each may be there that terms can name.
    """
    text = unverified.rstrip(b" ")
    # JSON would allow other white space around the object; the padding is spaces after it, and no more than needed.
    if not (text.startswith(b"{") and text.endswith(b"}")) or _padded(text) != unverified:
        raise EnvelopeInvalid("the details are not one padded JSON object")
    try:
        details = json.loads(text.decode(), object_pairs_hook=_object)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, or nested without end
        raise EnvelopeInvalid("the details are not one padded JSON object") from None
    _check(details, fields)
    return details  # type: ignore[no-any-return]  # _check has looked at every name and value


def _padded(text: bytes) -> bytes:
    fitting = [size for size in PADDED_SIZES if len(text) <= size]
    if not fitting:
        raise EnvelopeTooLarge(f"the details of one account take at most {PADDED_SIZES[-1]} bytes; share fewer fields")
    return text.ljust(fitting[0], b" ")


def _composed(value: Detail) -> Detail:
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise EnvelopeInvalid("the details name a field twice")
    return read


def _check(details: Mapping[str, Any], fields: Collection[str] | None) -> None:
    if not all(is_detail_field(name) if fields is None else name in fields for name in details):
        raise EnvelopeInvalid("the details hold a field that was not declared")
    if not all(_is_detail(value) for value in details.values()):
        raise EnvelopeInvalid("a detail is a text in NFC or a whole number")


def _is_detail(value: object) -> bool:
    if isinstance(value, str):
        return unicodedata.is_normalized("NFC", value) and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return type(value) is int and abs(value) <= _LARGEST_NUMBER
