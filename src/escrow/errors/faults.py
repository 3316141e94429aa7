"""What keeps the service from going on until its operator acts."""

from __future__ import annotations

from escrow.errors.base import EscrowError

__all__ = [
    "DatabaseBehind",
    "ListenerExposed",
    "MailExposed",
    "MailUnusable",
    "MigrationsDiffer",
    "NotReady",
    "ReleaseKeyExposed",
    "ReleaseKeyInvalid",
    "SealBroken",
    "SealingKeyExposed",
    "SealingKeyInvalid",
    "ServiceBusy",
    "ServiceFault",
    "ServiceUnavailable",
    "StoredFormUnknown",
    "TlsKeyExposed",
    "WebhooksExposed",
]


class ServiceFault(EscrowError):
    """The service cannot go on, and its operator has to act; callers see an opaque failure."""

    code = "service-fault"


class SealingKeyInvalid(ServiceFault):
    """The service's sealing key is missing or is not a key."""

    code = "sealing-key-invalid"


class SealBroken(ServiceFault):
    """A sealed value does not open under the sealing key."""

    code = "seal-broken"


class StoredFormUnknown(ServiceFault):
    """A stored block has a form that this version does not read."""

    code = "stored-form-unknown"


class DatabaseBehind(ServiceFault):
    """The database has not seen every migration."""

    code = "database-behind"


class MigrationsDiffer(ServiceFault):
    """The migrations and the tables of this version do not say the same."""

    code = "migrations-differ"


class ReleaseKeyInvalid(ServiceFault):
    """The key that the service signs releases with is missing or is not a key."""

    code = "release-key-invalid"


class ReleaseKeyExposed(ServiceFault):
    """Others than the operator could read the key that the service signs releases with, or it lies beside the data."""

    code = "release-key-exposed"


class SealingKeyExposed(ServiceFault):
    """Others than the operator could read the sealing key, or it lies beside what it seals."""

    code = "sealing-key-exposed"


class TlsKeyExposed(ServiceFault):
    """Others than the operator could read the key that HTTPS is served with."""

    code = "tls-key-exposed"


class ListenerExposed(ServiceFault):
    """The service would speak plain HTTP to other machines."""

    code = "listener-exposed"


class WebhooksExposed(ServiceFault):
    """Webhooks could be posted to this machine's loopback, in a service that others reach."""

    code = "webhooks-exposed"


class MailExposed(ServiceFault):
    """Mail would leave this machine in the open."""

    code = "mail-exposed"


class MailUnusable(ServiceFault):
    """The settings of the mail server do not come to one that mail can be given to."""

    code = "mail-unusable"


class ServiceUnavailable(ServiceFault):
    """The database cannot be reached or is busy; the same request may work a moment later."""

    code = "service-unavailable"


class ServiceBusy(ServiceUnavailable):
    """The service has as many requests or connections as it takes at once."""

    code = "service-busy"


class NotReady(ServiceUnavailable):
    """A process of the service cannot do its work; ``failed`` names the checks that say so."""

    code = "not-ready"

    def __init__(self, message: str, *, failed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.failed = failed
