"""What is not as the protocol asks for: secrets, codes, records, envelopes and profiles."""

from __future__ import annotations

from datetime import datetime

from escrow.errors.base import EscrowError

__all__ = [
    "AllowanceExceeded",
    "CeilingExceeded",
    "ConfirmationFailed",
    "EnvelopeCommitmentInvalid",
    "EnvelopeInvalid",
    "EnvelopeStale",
    "EnvelopeTooLarge",
    "EnvelopeWrapInvalid",
    "FallbackNotUnique",
    "GenerationInvalid",
    "GenerationOutgrown",
    "InviterMismatch",
    "KeyExchangeFailed",
    "ListRefused",
    "ListTooLarge",
    "MatchKeyAmbiguous",
    "PairingCodeInvalid",
    "ProfileUnknown",
    "ProspectsTooMany",
    "ProtocolError",
    "RecordsInvalid",
    "ReleaseInvalid",
    "RowInvalid",
    "SignatureInvalid",
    "SignatureStale",
    "SigningSecretInvalid",
    "TrailBroken",
]


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


class GenerationOutgrown(ProtocolError):
    """The first list of a generation asks about no more than the live list does."""

    code = "generation-outgrown"


class ReleaseInvalid(ProtocolError):
    """A release is not what the service signed, or does not follow the release before it."""

    code = "release-invalid"


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


class MatchKeyAmbiguous(ProtocolError):
    """A match key stands on more accounts of one list than a key may: it names nobody and is not sent."""

    code = "match-key-ambiguous"


class FallbackNotUnique(ProtocolError):
    """A fallback key stands on more than one account of its list: it is only sent where it is unique."""

    code = "fallback-not-unique"


class ListRefused(ProtocolError):
    """A list asks about more than it may; ``limit`` and ``left`` are in fifths of a key, unless they are accounts."""

    code = "list-refused"

    def __init__(self, message: str, *, limit: int, left: int | None = None, renews_at: datetime | None = None) -> None:
        super().__init__(message)
        self.limit, self.left, self.renews_at = limit, left, renews_at


class ListTooLarge(ListRefused):
    """The list has more accounts than the service and both sides' terms accept."""

    code = "list-too-large"


class CeilingExceeded(ListRefused):
    """Lists may ask about so much until both sides have had one."""

    code = "ceiling-exceeded"


class AllowanceExceeded(ListRefused):
    """After the first list, lists may ask about so much more in each period."""

    code = "allowance-exceeded"


class ProspectsTooMany(ListRefused):
    """A list has at most a multiple of its customers and opportunities as prospects."""

    code = "prospects-too-many"


class ProfileUnknown(ProtocolError):
    """The normalisation profile is not one this version has."""

    code = "profile-unknown"


class SigningSecretInvalid(ProtocolError):
    """A signing secret was mistyped or cut short."""

    code = "signing-secret-invalid"


class SignatureInvalid(ProtocolError):
    """A webhook was not signed by who shares the secret, or was changed on its way."""

    code = "signature-invalid"


class SignatureStale(SignatureInvalid):
    """A webhook's signature holds, but it was sent too long ago to be told from a replayed one."""

    code = "signature-stale"


class TrailBroken(ProtocolError):
    """An entry of an audit trail was changed."""

    code = "trail-broken"
