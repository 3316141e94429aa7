"""Everything that escrow refuses, as one tree; each leaf has a stable code and a sentence the reader can act on.

::

    EscrowError
    ├── ProtocolError           a secret, a code or a record is not what the protocol asks for
    │   ├── PairingCodeInvalid, InviterMismatch, KeyExchangeFailed, ConfirmationFailed
    │   ├── GenerationInvalid, RowInvalid
    │   ├── EnvelopeInvalid, EnvelopeCommitmentInvalid, EnvelopeWrapInvalid, EnvelopeTooLarge, EnvelopeStale
    │   ├── RecordsInvalid, MatchKeyAmbiguous, FallbackNotUnique
    │   └── ProfileUnknown
    ├── Refused                 the service refuses a request (see each subclass)
    │   ├── NotAuthenticated, NotFound, OrganizationNameTaken, OrganizationNameInvalid
    │   ├── SubmissionBaseWrong, SubmissionInProgress, SubmissionDigestWrong, SubmissionTooLarge, SubmissionClosed
    │   ├── ProfileMismatch, GenerationMismatch, ChunkDigestMismatch, ChunkTooLarge, ChunksMissing
    │   ├── DetailsNotWanted, TermsChanged, SubmissionChanged
    │   ├── RequestInvalid, BodyUnreadable, BodyTooLarge, ContentTypeUnsupported, RouteUnknown, MethodUnsupported
    │   └── PartnershipExists, PartnershipNotActive, PartnershipEnded, PairingIncomplete, PairingInvalid,
    │       InvitationTaken, ConfirmationTaken, ListMissing
    ├── ServiceFault            the service cannot go on, and its operator has to act
    │   └── SealingKeyInvalid, SealBroken, TrailBroken, StoredFormUnknown, DatabaseBehind, MigrationsDiffer,
    │       SealingKeyExposed, ListenerExposed, ServiceUnavailable
    └── ClientError             the partner's side cannot go on (see each subclass)
        ├── ServiceRefused, ServiceUnreachable, ServiceAnswerInvalid, PlainHttpRefused
        ├── LocalError          the home folder, the keyring or the account state
        │   ├── KeyringMissing, KeyringExists, KeyringInvalid, PassphraseMissing, PassphraseWrong, HomeBusy
        │   ├── PartnershipUnknown, PartnershipHeld, PartnershipNotReady
        │   └── StateInvalid, SubmittedElsewhere, TermsElsewhere
        ├── VerificationFailed  what the service or the partner sent is not what the keyring expects
        ├── ExportInvalid       a CRM export cannot be read as accounts
        │   ├── ExportMissing, ExportEmpty, ExportEncodingUnknown, ExportRowInvalid
        │   └── ColumnMissing, ColumnTwice, MappingInvalid, RecordIdsInvalid, StageUnknown
        └── SubmissionRejected

No message repeats a token, a key, a name or anything else that was sent.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BodyTooLarge",
    "BodyUnreadable",
    "ChunkDigestMismatch",
    "ChunkTooLarge",
    "ChunksMissing",
    "ClientError",
    "ColumnMissing",
    "ColumnTwice",
    "ConfirmationFailed",
    "ConfirmationTaken",
    "ContentTypeUnsupported",
    "DatabaseBehind",
    "DetailsNotWanted",
    "EnvelopeCommitmentInvalid",
    "EnvelopeInvalid",
    "EnvelopeStale",
    "EnvelopeTooLarge",
    "EnvelopeWrapInvalid",
    "EscrowError",
    "ExportEmpty",
    "ExportEncodingUnknown",
    "ExportInvalid",
    "ExportMissing",
    "ExportRowInvalid",
    "FallbackNotUnique",
    "GenerationInvalid",
    "GenerationMismatch",
    "HomeBusy",
    "InvitationTaken",
    "InviterMismatch",
    "KeyExchangeFailed",
    "KeyringExists",
    "KeyringInvalid",
    "KeyringMissing",
    "ListMissing",
    "ListenerExposed",
    "LocalError",
    "MappingInvalid",
    "MatchKeyAmbiguous",
    "MethodUnsupported",
    "MigrationsDiffer",
    "NotAuthenticated",
    "NotFound",
    "OrganizationNameInvalid",
    "OrganizationNameTaken",
    "PairingCodeInvalid",
    "PairingIncomplete",
    "PairingInvalid",
    "PartnershipEnded",
    "PartnershipExists",
    "PartnershipHeld",
    "PartnershipNotActive",
    "PartnershipNotReady",
    "PartnershipUnknown",
    "PassphraseMissing",
    "PassphraseWrong",
    "PlainHttpRefused",
    "ProfileMismatch",
    "ProfileUnknown",
    "ProtocolError",
    "RecordIdsInvalid",
    "RecordsInvalid",
    "Refused",
    "RequestInvalid",
    "RouteUnknown",
    "RowInvalid",
    "SealBroken",
    "SealingKeyExposed",
    "SealingKeyInvalid",
    "ServiceAnswerInvalid",
    "ServiceFault",
    "ServiceRefused",
    "ServiceUnavailable",
    "ServiceUnreachable",
    "StageUnknown",
    "StateInvalid",
    "StoredFormUnknown",
    "SubmissionBaseWrong",
    "SubmissionChanged",
    "SubmissionClosed",
    "SubmissionDigestWrong",
    "SubmissionInProgress",
    "SubmissionRejected",
    "SubmissionTooLarge",
    "SubmittedElsewhere",
    "TermsChanged",
    "TermsElsewhere",
    "TrailBroken",
    "VerificationFailed",
]


class EscrowError(Exception):
    """The root: ``code`` is stable and documented, the message says what to do."""

    code: str = "escrow-error"

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


class MatchKeyAmbiguous(ProtocolError):
    """A match key stands on more accounts of one list than a key may: it names nobody and is not sent."""

    code = "match-key-ambiguous"


class FallbackNotUnique(ProtocolError):
    """A fallback key stands on more than one account of its list: it is only sent where it is unique."""

    code = "fallback-not-unique"


class ProfileUnknown(ProtocolError):
    """The normalisation profile is not one this version has."""

    code = "profile-unknown"


class Refused(EscrowError):
    """The service refuses a request; each subclass says why."""

    code = "refused"


class NotAuthenticated(Refused):
    """The caller shows no API key that the service knows."""

    code = "not-authenticated"


class NotFound(Refused):
    """There is no such thing, or it is somebody else's: the two are never told apart."""

    code = "not-found"


class OrganizationNameTaken(Refused):
    """Another organization has this name."""

    code = "organization-name-taken"


class OrganizationNameInvalid(Refused):
    """The name of an organization is a line of text."""

    code = "organization-name-invalid"


class PartnershipExists(Refused):
    """The partnership's id or its pairing code was used before."""

    code = "partnership-exists"


class PartnershipNotActive(Refused):
    """Lists are compared in active partnerships only."""

    code = "partnership-not-active"


class PartnershipEnded(Refused):
    """The partnership has ended, or its invitation has expired."""

    code = "partnership-ended"


class PairingIncomplete(Refused):
    """The partner has not accepted the invitation yet."""

    code = "pairing-incomplete"


class InvitationTaken(Refused):
    """An invitation takes one acceptance, and this one has it."""

    code = "invitation-taken"


class ConfirmationTaken(Refused):
    """The inviter has confirmed this pairing before, with another tag."""

    code = "confirmation-taken"


class PairingInvalid(Refused):
    """A public key, a tag or a lookup does not have the right length, or the suite is unknown."""

    code = "pairing-invalid"


class SubmissionBaseWrong(Refused):
    """A submission does not follow the last one, or builds on another list than the applied one."""

    code = "submission-base-wrong"

    def __init__(self, message: str, *, last_number: int, applied_number: int) -> None:
        super().__init__(message)
        self.last_number = last_number
        self.applied_number = applied_number


class ProfileMismatch(Refused):
    """The list was made under another profile than the live generation's."""

    code = "profile-mismatch"

    def __init__(self, message: str, *, expected: str) -> None:
        super().__init__(message)
        self.expected = expected


class ChunksMissing(Refused):
    """A submission is complete when all its chunks are there."""

    code = "chunks-missing"

    def __init__(self, message: str, *, missing: tuple[int, ...]) -> None:
        super().__init__(message)
        self.missing = missing


class GenerationMismatch(Refused):
    """The list was made for a generation or a suite that is not the live one."""

    code = "generation-mismatch"


class SubmissionInProgress(Refused):
    """The submission before this one is still being applied."""

    code = "submission-in-progress"


class SubmissionDigestWrong(Refused):
    """The digest of a submission is not that of what it states."""

    code = "submission-digest-wrong"


class SubmissionTooLarge(Refused):
    """A submission holds more accounts or chunks than this service takes."""

    code = "submission-too-large"


class SubmissionClosed(Refused):
    """The submission takes no chunks any more."""

    code = "submission-closed"


class ChunkDigestMismatch(Refused):
    """A chunk is not the one that was announced for its place."""

    code = "chunk-digest-mismatch"


class ChunkTooLarge(Refused):
    """A chunk is larger than this service takes."""

    code = "chunk-too-large"


class DetailsNotWanted(Refused):
    """A row does not overlap in a cell open at details, or is not what was applied."""

    code = "details-not-wanted"


class TermsChanged(Refused):
    """The envelopes were sealed under other terms than the owner's current ones."""

    code = "terms-changed"


class SubmissionChanged(Refused):
    """The envelopes were sealed under another submission than the applied one."""

    code = "submission-changed"


class RequestInvalid(Refused):
    """A field of the request is missing, unknown or not what the contract says."""

    code = "request-invalid"


class BodyUnreadable(Refused):
    """The body is not what its content type says."""

    code = "body-unreadable"


class BodyTooLarge(Refused):
    """The body is larger than this route takes."""

    code = "body-too-large"


class ContentTypeUnsupported(Refused):
    """The body is of another content type than this route takes."""

    code = "content-type-unsupported"


class RouteUnknown(Refused):
    """No route has this address."""

    code = "route-unknown"


class MethodUnsupported(Refused):
    """The route does not know this method."""

    code = "method-unsupported"


class ListMissing(Refused):
    """The party has no applied list yet."""

    code = "list-missing"


class ServiceFault(EscrowError):
    """The service cannot go on, and its operator has to act; callers see an opaque failure."""

    code = "service-fault"


class SealingKeyInvalid(ServiceFault):
    """The service's sealing key is missing or is not a key."""

    code = "sealing-key-invalid"


class SealBroken(ServiceFault):
    """A sealed value does not open under the sealing key."""

    code = "seal-broken"


class TrailBroken(ServiceFault):
    """An entry of an audit trail was changed."""

    code = "trail-broken"


class StoredFormUnknown(ServiceFault):
    """A stored block has a form that this version does not read."""

    code = "stored-form-unknown"


class DatabaseBehind(ServiceFault):
    """The database has not seen every migration."""

    code = "database-behind"


class MigrationsDiffer(ServiceFault):
    """The migrations and the tables of this version do not say the same."""

    code = "migrations-differ"


class SealingKeyExposed(ServiceFault):
    """Others than the operator could read the sealing key, or it lies beside what it seals."""

    code = "sealing-key-exposed"


class ListenerExposed(ServiceFault):
    """The service would speak plain HTTP to other machines."""

    code = "listener-exposed"


class ServiceUnavailable(ServiceFault):
    """The database cannot be reached or is busy; the same request may work a moment later."""

    code = "service-unavailable"


class ClientError(EscrowError):
    """The partner's side cannot go on; each subclass says why."""

    code = "client-error"


class ServiceRefused(ClientError):
    """The service answered with a problem document; ``code`` is its own, ``members`` what it says beside it."""

    code = "service-refused"

    def __init__(self, code: str, detail: str, *, status: int, members: Mapping[str, object] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.members = dict(members or {})


class ServiceUnreachable(ClientError):
    """The service gave no answer: no connection, no valid certificate, or no end of waiting."""

    code = "service-unreachable"


class ServiceAnswerInvalid(ClientError):
    """The answer does not follow the contract of this version."""

    code = "service-answer-invalid"


class PlainHttpRefused(ClientError):
    """An address without TLS is only for the loopback interface."""

    code = "plain-http-refused"


class LocalError(ClientError):
    """The home folder, the keyring or the account state does not allow it."""

    code = "local-error"


class KeyringMissing(LocalError):
    """There is no keyring in the home folder."""

    code = "keyring-missing"


class KeyringExists(LocalError):
    """There is a keyring already, and it is never overwritten by another."""

    code = "keyring-exists"


class KeyringInvalid(LocalError):
    """The bytes are not a keyring, or not one this version reads."""

    code = "keyring-invalid"


class PassphraseMissing(LocalError):
    """Nobody gave a passphrase, or one too short."""

    code = "passphrase-missing"


class PassphraseWrong(LocalError):
    """The passphrase does not open the file, or the file was changed."""

    code = "passphrase-wrong"


class HomeBusy(LocalError):
    """Another escrow command is at work on the same files."""

    code = "home-busy"


class PartnershipUnknown(LocalError):
    """The keyring has no such partnership, or the words fit more than one."""

    code = "partnership-unknown"


class PartnershipHeld(LocalError):
    """The keyring has this partnership already, and keys are never replaced on the service's word."""

    code = "partnership-held"


class PartnershipNotReady(LocalError):
    """The pairing is not complete yet."""

    code = "partnership-not-ready"


class StateInvalid(LocalError):
    """The account state cannot be read."""

    code = "state-invalid"


class SubmittedElsewhere(LocalError):
    """Another machine of the same organization submitted in the meantime."""

    code = "submitted-elsewhere"


class TermsElsewhere(LocalError):
    """The terms the service holds for us are not those confirmed on this machine."""

    code = "terms-elsewhere"


class VerificationFailed(ClientError):
    """What the service or the partner sent is not what this keyring expects: a swapped key or a history cut short."""

    code = "verification-failed"


class SubmissionRejected(ClientError):
    """The service could not apply the list; nothing of it was kept."""

    code = "submission-rejected"


class ExportInvalid(ClientError):
    """A CRM export cannot be read as accounts; each subclass says why."""

    code = "export-invalid"


class ExportMissing(ExportInvalid):
    """There is no such file, or it may not be read."""

    code = "export-missing"


class ExportEmpty(ExportInvalid):
    """The file has no header, no rows, or none that are not skipped."""

    code = "export-empty"


class ExportEncodingUnknown(ExportInvalid):
    """The file is neither UTF-8 nor UTF-16 with a byte order mark."""

    code = "export-encoding-unknown"


class ExportRowInvalid(ExportInvalid):
    """A row does not fit the header."""

    code = "export-row-invalid"


class ColumnMissing(ExportInvalid):
    """A column that is needed was not found, or not under the name that was given."""

    code = "column-missing"


class ColumnTwice(ExportInvalid):
    """Two columns of the export have the same header, and it is one that is used."""

    code = "column-twice"


class MappingInvalid(ExportInvalid):
    """A remembered or given column mapping is not one."""

    code = "mapping-invalid"


class RecordIdsInvalid(ExportInvalid):
    """Rows have no id, or share one."""

    code = "record-ids-invalid"


class StageUnknown(ExportInvalid):
    """The stage column holds values that belong to no population yet."""

    code = "stage-unknown"
