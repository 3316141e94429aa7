"""The secrets of an endpoint at rest: its URL and the one or two that sign, sealed under the service's key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from escrow.signing import SigningSecret
from escrow.store.sealing import SealingKey, context

__all__ = ["live_secrets", "open_url", "seal_secret", "seal_url"]


def seal_url(endpoint_id: UUID, url: str, *, service_key: SealingKey) -> bytes:
    """Seal a URL, for the column ``endpoints.sealed_url``."""
    return service_key.seal(url.encode(), context=_context(endpoint_id, "url"))


def open_url(row: Row[Any], *, service_key: SealingKey) -> str:
    """Open the URL of an endpoint."""
    return service_key.open(row.sealed_url, context=_context(row.endpoint_id, "url")).decode()


def seal_secret(endpoint_id: UUID, secret: SigningSecret, *, service_key: SealingKey) -> bytes:
    """Seal a secret, for the columns ``endpoints.sealed_secret`` and ``sealed_previous``."""
    return service_key.seal(secret.presented.encode(), context=_context(endpoint_id, "secret"))


def live_secrets(row: Row[Any], *, service_key: SealingKey, now: datetime) -> Sequence[SigningSecret]:
    """Open the secrets that sign now, the newest first; a chat has none."""
    sealed = [row.sealed_secret]
    if row.previous_until is not None and now < row.previous_until:
        sealed.append(row.sealed_previous)
    of_secret = _context(row.endpoint_id, "secret")
    return [SigningSecret.parse(service_key.open(each, context=of_secret).decode()) for each in sealed if each]


def _context(endpoint_id: UUID, name: str) -> bytes:
    return context("endpoints", endpoint_id, name)
