"""What a receiver of webhooks answers: verified on the raw bytes, taken once, answered before anything is done.

Nothing of a message is believed but that something happened in a partnership: what, the sync asks the service.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from escrow.client.inbox import Inbox
from escrow.errors import SignatureInvalid, SignatureStale
from escrow.signing import SigningSecret, verify

__all__ = ["LARGEST_BODY", "Receiver", "Reply"]

#: Payloads are thin; whoever sends more is not the service.
LARGEST_BODY = 256 << 10
_CHALLENGE = "endpoint.challenge"
_LONGEST_CHALLENGE = 256


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a JSON body; ``is_new`` says that there is something to do."""

    status: int
    body: bytes = field(default=b"{}", repr=False)
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes messages in; ``secrets`` are two while one replaces the other."""

    secrets: Sequence[SigningSecret]
    inbox: Inbox
    now: Callable[[], datetime]

    def receive(self, unverified_headers: Mapping[str, str], unverified_body: bytes) -> Reply:
        """Answer one message: 401 unless its signature holds, 204 else, and a challenge with what it asks for."""
        try:
            known = verify(unverified_body, unverified_headers, secrets=self.secrets, now=self.now())
        except (SignatureInvalid, SignatureStale) as refused:
            return Reply(401, json.dumps({"code": refused.code}).encode())
        message = _read(unverified_body)
        if message is None:
            return Reply(400)
        if message.get("type") == _CHALLENGE:
            return _answered(message)
        is_new = self.inbox.take(known.message_id, _partnership_of(message), now=self.now())
        return Reply(204, b"", is_new)


def _read(body: bytes) -> Mapping[str, object] | None:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _answered(message: Mapping[str, object]) -> Reply:
    told = message.get("data")
    challenge = told.get("challenge") if isinstance(told, dict) else None
    if not isinstance(challenge, str) or len(challenge) > _LONGEST_CHALLENGE:
        return Reply(400)
    return Reply(200, json.dumps({"challenge": challenge}).encode())


def _partnership_of(message: Mapping[str, object]) -> UUID | None:
    try:
        return UUID(str(message.get("partnership_id")))
    except ValueError:
        return None
