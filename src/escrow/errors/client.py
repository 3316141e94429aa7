"""What keeps the partner's side from going on."""

from __future__ import annotations

from collections.abc import Mapping

from escrow.errors.base import EscrowError

__all__ = [
    "AddressUnusable",
    "ApiKeyMissing",
    "CaFileInvalid",
    "ClientError",
    "ColumnMissing",
    "ColumnTwice",
    "CorrectionsInvalid",
    "DoNotMapMissing",
    "ExportDamaged",
    "ExportEmpty",
    "ExportEncodingUnknown",
    "ExportFormatUnknown",
    "ExportInvalid",
    "ExportMissing",
    "ExportRowInvalid",
    "ExportShrunk",
    "ExtraMissing",
    "FilterInvalid",
    "HistoryForked",
    "HomeBusy",
    "InvitationLapsed",
    "KeyringExists",
    "KeyringInvalid",
    "KeyringMissing",
    "LocalError",
    "MailCodeWrong",
    "MappingInvalid",
    "NormalisationDiffers",
    "NothingToWithdraw",
    "PartnershipHeld",
    "PartnershipNotReady",
    "PartnershipUnknown",
    "PassphraseMissing",
    "PassphraseTooShort",
    "PassphraseWrong",
    "PlainHttpRefused",
    "ProjectInvalid",
    "ProjectMissing",
    "ProxyInvalid",
    "RecordIdsInvalid",
    "SecretFileUnreadable",
    "SecretMissing",
    "ServiceAnswerInvalid",
    "ServiceRefused",
    "ServiceUnreachable",
    "SheetUnknown",
    "SinkFailed",
    "SourceFailed",
    "StageUnknown",
    "StateInvalid",
    "SubmissionRejected",
    "SubmittedElsewhere",
    "SystemKeyringUnusable",
    "TermsElsewhere",
    "TermsRequestMissing",
    "VerificationFailed",
]


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


class CaFileInvalid(LocalError):
    """The certificate authority that was named cannot be read."""

    code = "ca-file-invalid"


class ProxyInvalid(LocalError):
    """The proxy that was named has no address that can be used."""

    code = "proxy-invalid"


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
    """Nobody gave a passphrase, or not the same one twice."""

    code = "passphrase-missing"


class PassphraseTooShort(LocalError):
    """The passphrase has too few characters."""

    code = "passphrase-too-short"


class ApiKeyMissing(LocalError):
    """Nobody gave an API key, or one with letters that no key has."""

    code = "api-key-missing"


class SecretFileUnreadable(LocalError):
    """The file that a passphrase or an API key is to be read from cannot be read."""

    code = "secret-file-unreadable"


class PassphraseWrong(LocalError):
    """The passphrase does not open the file, or the file was changed."""

    code = "passphrase-wrong"


class SystemKeyringUnusable(LocalError):
    """The operating system's keyring does not give or take the passphrase."""

    code = "system-keyring-unusable"


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


class InvitationLapsed(LocalError):
    """Nobody accepted the invitation within its seven days."""

    code = "invitation-lapsed"


class NothingToWithdraw(LocalError):
    """No list of ours is on its way to the service or applied there."""

    code = "nothing-to-withdraw"


class SecretMissing(LocalError):
    """A secret that escrow.toml names is not where it says."""

    code = "secret-missing"


class AddressUnusable(LocalError):
    """The address that webhooks are to be received at cannot be listened on."""

    code = "address-unusable"


class TermsRequestMissing(LocalError):
    """No request for other terms waits for an answer."""

    code = "terms-request-missing"


class StateInvalid(LocalError):
    """The account state cannot be read."""

    code = "state-invalid"


class DoNotMapMissing(LocalError):
    """A do-not-map list was used before in this partnership, and none is named now."""

    code = "do-not-map-missing"


class SubmittedElsewhere(LocalError):
    """The list that the service has of ours was not sent from this machine."""

    code = "submitted-elsewhere"


class TermsElsewhere(LocalError):
    """The terms the service holds for us are not those confirmed on this machine."""

    code = "terms-elsewhere"


class VerificationFailed(ClientError):
    """What the service or the partner sent is not what this keyring expects: a swapped key or a history cut short."""

    code = "verification-failed"


class MailCodeWrong(VerificationFailed):
    """The code is not the one that the address was mailed last, or its time or its tries are over."""

    code = "mail-code-wrong"


class HistoryForked(VerificationFailed):
    """A release is not the one that was seen before, here or by the partner: the service shows two histories."""

    code = "history-forked"


class NormalisationDiffers(VerificationFailed):
    """The partner's client makes other match keys of the same names, so that matches would be missed."""

    code = "normalisation-differs"


class SubmissionRejected(ClientError):
    """The service could not apply the list; nothing of it was kept."""

    code = "submission-rejected"


class SinkFailed(ClientError):
    """A sink did not take the changes; the next sync tells it the same again."""

    code = "sink-failed"


class SourceFailed(ClientError):
    """A database or a CRM that accounts are read from did not give them."""

    code = "source-failed"


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
    """The file is not in the encoding that it seems or is said to have."""

    code = "export-encoding-unknown"


class ExportFormatUnknown(ExportInvalid):
    """The file is neither CSV nor an Excel workbook (.xlsx) nor Parquet."""

    code = "export-format-unknown"


class ExportDamaged(ExportInvalid):
    """A workbook or a Parquet file is cut short, damaged or encrypted."""

    code = "export-damaged"


class ExtraMissing(ExportInvalid):
    """What reads this format is not installed."""

    code = "extra-missing"


class SheetUnknown(ExportInvalid):
    """The workbook has no such sheet, or several and none was named."""

    code = "sheet-unknown"


class ExportRowInvalid(ExportInvalid):
    """A row does not fit the header."""

    code = "export-row-invalid"


class ExportShrunk(ExportInvalid):
    """The export would take more of the list away than an ordinary day does, or than the allowance could bring back."""

    code = "export-shrunk"


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


class FilterInvalid(ExportInvalid):
    """A filter is not understood, or names a column that the export does not have."""

    code = "filter-invalid"


class ProjectMissing(ExportInvalid):
    """No file of accounts was named, and there is no escrow.toml that names one."""

    code = "project-missing"


class CorrectionsInvalid(ExportInvalid):
    """An alias file or a do-not-map list cannot be read, contradicts itself, or has an entry that says nothing."""

    code = "corrections-invalid"


class ProjectInvalid(ExportInvalid):
    """The file escrow.toml cannot be read, or says what means nothing."""

    code = "project-invalid"
