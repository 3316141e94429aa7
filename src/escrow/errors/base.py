"""The root of everything that escrow refuses."""

from __future__ import annotations

__all__ = [
    "EscrowError",
]


class EscrowError(Exception):
    """The root: ``code`` is stable and documented, the message says what to do."""

    code: str = "escrow-error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
