"""Everything that escrow refuses, as one tree; each leaf has a stable code and a sentence the reader can act on.

::

    EscrowError
    ├── ProtocolError           a secret, a code or a record is not what the protocol asks for
    │   ├── PairingCodeInvalid, InviterMismatch, KeyExchangeFailed, ConfirmationFailed
    │   ├── GenerationInvalid, GenerationOutgrown, RowInvalid
    │   ├── EnvelopeInvalid, EnvelopeCommitmentInvalid, EnvelopeWrapInvalid, EnvelopeTooLarge, EnvelopeStale
    │   ├── RecordsInvalid, MatchKeyAmbiguous, FallbackNotUnique
    │   ├── ListRefused         a list asks about more than it may
    │   │   └── ListTooLarge, CeilingExceeded, AllowanceExceeded, ProspectsTooMany
    │   ├── SigningSecretInvalid, SignatureInvalid, SignatureStale
    │   └── ProfileUnknown, ReleaseInvalid, TrailBroken
    ├── Refused                 the service refuses a request (see each subclass)
    │   ├── NotAuthenticated, ScopeMissing, NotFound, OrganizationNameTaken, OrganizationNameInvalid
    │   ├── SubmissionBaseWrong, SubmissionInProgress, SubmissionDigestWrong, SubmissionTooLarge, SubmissionClosed
    │   ├── ProfileMismatch, GenerationMismatch, GenerationTooSoon, ChunkDigestMismatch, ChunkTooLarge, ChunksMissing
    │   ├── DetailsNotWanted, TermsChanged, SubmissionChanged, DisputesTooMany, EventsForgotten
    │   ├── RequestInvalid, BodyUnreadable, BodyTooLarge, ContentTypeUnsupported, RouteUnknown, MethodUnsupported
    │   ├── WebhookUrlInvalid, EndpointsTooMany, EndpointNotConfirmed, EndpointUnsigned
    │   ├── MailOff, MailAddressInvalid, MailDigestsTooMany, MailCodesTooMany
    │   ├── IdempotencyKeyReused, AlreadyDone, RequestInProgress, RateExceeded
    │   └── PartnershipExists, PartnershipNotActive, PartnershipPaused, PartnershipEnded, PairingIncomplete,
    │       PairingInvalid, InvitationTaken, ConfirmationTaken, ListMissing
    ├── ServiceFault            the service cannot go on, and its operator has to act
    │   └── SealingKeyInvalid, SealBroken, StoredFormUnknown, DatabaseBehind, MigrationsDiffer,
    │       SealingKeyExposed, ReleaseKeyInvalid, ReleaseKeyExposed, ListenerExposed, WebhooksExposed,
    │       MailExposed, MailUnusable, ServiceUnavailable
    └── ClientError             the partner's side cannot go on (see each subclass)
        ├── ServiceRefused, ServiceUnreachable, ServiceAnswerInvalid, PlainHttpRefused
        ├── LocalError          the home folder, the keyring or the account state
        │   ├── KeyringMissing, KeyringExists, KeyringInvalid, HomeBusy
        │   ├── PassphraseMissing, PassphraseTooShort, PassphraseWrong, ApiKeyMissing, SecretFileUnreadable
        │   ├── CaFileInvalid, ProxyInvalid, SystemKeyringUnusable, SecretMissing, AddressUnusable
        │   ├── PartnershipUnknown, PartnershipHeld, PartnershipNotReady, InvitationLapsed
        │   └── StateInvalid, SubmittedElsewhere, TermsElsewhere, DoNotMapMissing
        ├── VerificationFailed  what the service or the partner sent is not what the keyring expects
        │   └── HistoryForked, MailCodeWrong
        ├── ExportInvalid       a CRM export cannot be read as accounts
        │   ├── ExportMissing, ExportEmpty, ExportEncodingUnknown, ExportRowInvalid, ExportFormatUnknown, ExportDamaged,
        │   │   ExtraMissing, SheetUnknown
        │   ├── ColumnMissing, ColumnTwice, MappingInvalid, RecordIdsInvalid, StageUnknown
        │   └── FilterInvalid, ProjectMissing, ProjectInvalid, CorrectionsInvalid
        ├── SinkFailed, SourceFailed   another system did not take or give what a sync is about
        └── SubmissionRejected

No message repeats a token, a key, a name or anything else that was sent.
"""

from __future__ import annotations

from escrow.errors import base, client, faults, protocol, service
from escrow.errors.base import *  # noqa: F403  # each names in __all__ what it has
from escrow.errors.client import *  # noqa: F403
from escrow.errors.faults import *  # noqa: F403
from escrow.errors.protocol import *  # noqa: F403
from escrow.errors.service import *  # noqa: F403

__all__ = []
__all__ += base.__all__
__all__ += protocol.__all__
__all__ += service.__all__
__all__ += faults.__all__
__all__ += client.__all__
