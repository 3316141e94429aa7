"""Everything that escrow refuses, as one tree; each leaf has a stable code and a sentence the reader can act on.

::

    EscrowError
    ├── ProtocolError           a secret, a code or a record is not what the protocol asks for
    │   ├── PairingCodeInvalid, InviterMismatch, KeyExchangeFailed, ConfirmationFailed
    │   ├── GenerationInvalid, RowInvalid
    │   ├── EnvelopeInvalid, EnvelopeCommitmentInvalid, EnvelopeWrapInvalid, EnvelopeTooLarge, EnvelopeStale
    │   └── RecordsInvalid
    ├── Refused                 the service refuses a request (see each subclass)
    └── ClientError             the partner's side cannot go on (see each subclass)

No message repeats a token, a key, a name or anything else that was sent.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ClientError",
    "ConfirmationFailed",
    "EnvelopeCommitmentInvalid",
    "EnvelopeInvalid",
    "EnvelopeStale",
    "EnvelopeTooLarge",
    "EnvelopeWrapInvalid",
    "EscrowError",
    "GenerationInvalid",
    "InviterMismatch",
    "KeyExchangeFailed",
    "PairingCodeInvalid",
    "ProtocolError",
    "RecordsInvalid",
    "Refused",
    "RowInvalid",
]


class EscrowError(Exception):
    """The root: ``code`` is stable and documented, the message says what to do."""

    code: ClassVar[str] = "escrow-error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ProtocolError(EscrowError):
    """A secret, a code or a record is not what the protocol asks for."""

    code = "protocol-error"


class PairingCodeInvalid(ProtocolError):
    """The pairing code was mistyped, cut short or made for something else."""

    code = "pairing-code-invalid"


class InviterMismatch(ProtocolError):
    """The invitation that the service shows is not the one the pairing code was made for."""

    code = "inviter-mismatch"


class KeyExchangeFailed(ProtocolError):
    """The partner's public key gives no shared secret."""

    code = "key-exchange-failed"


class ConfirmationFailed(ProtocolError):
    """The partner's confirmation tag is wrong: someone between the two swapped a key, or the code was not the same."""

    code = "confirmation-failed"


class GenerationInvalid(ProtocolError):
    """A generation moves up by exactly one, and never back."""

    code = "generation-invalid"


class RowInvalid(ProtocolError):
    """A row is eight bytes and not all zero."""

    code = "row-invalid"


class EnvelopeInvalid(ProtocolError):
    """The envelope's bytes, its sealed fields or what it says it belongs to were changed."""

    code = "envelope-invalid"


class EnvelopeCommitmentInvalid(EnvelopeInvalid):
    """The envelope does not commit to the key it was opened with."""

    code = "envelope-commitment-invalid"


class EnvelopeWrapInvalid(EnvelopeInvalid):
    """No key of this account opens the envelope's wrap."""

    code = "envelope-wrap-invalid"


class EnvelopeTooLarge(ProtocolError):
    """The details do not fit in the largest envelope."""

    code = "envelope-too-large"


class EnvelopeStale(ProtocolError):
    """The envelope is older than one already opened for this row."""

    code = "envelope-stale"


class RecordsInvalid(ProtocolError):
    """The bytes are not a chunk, or not one this version reads."""

    code = "records-invalid"


class Refused(EscrowError):
    """The service refuses a request; each subclass says why."""

    code = "refused"


class ClientError(EscrowError):
    """The partner's side cannot go on; each subclass says why."""

    code = "client-error"
