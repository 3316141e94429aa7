"""What the service refuses."""

from __future__ import annotations

from escrow.errors.base import EscrowError

__all__ = [
    "AlreadyDone",
    "BodyTooLarge",
    "BodyUnreadable",
    "ChunkDigestMismatch",
    "ChunkTooLarge",
    "ChunksMissing",
    "ConfirmationTaken",
    "ContentTypeUnsupported",
    "DetailsNotWanted",
    "DisclosureTooWeak",
    "DisputesTooMany",
    "EndpointNotConfirmed",
    "EndpointUnsigned",
    "EndpointsTooMany",
    "EventsForgotten",
    "GenerationMismatch",
    "GenerationTooSoon",
    "IdempotencyKeyReused",
    "InvitationTaken",
    "ListMissing",
    "MailAddressInvalid",
    "MailCodesTooMany",
    "MailDigestsTooMany",
    "MailOff",
    "MethodUnsupported",
    "NotAuthenticated",
    "NotFound",
    "OrganizationNameInvalid",
    "OrganizationNameTaken",
    "PairingIncomplete",
    "PairingInvalid",
    "PartnershipEnded",
    "PartnershipExists",
    "PartnershipNotActive",
    "PartnershipPaused",
    "ProfileMismatch",
    "RateExceeded",
    "Refused",
    "RequestInProgress",
    "RequestInvalid",
    "RequestTooSlow",
    "RouteUnknown",
    "ScopeMissing",
    "SubmissionBaseWrong",
    "SubmissionChanged",
    "SubmissionClosed",
    "SubmissionDigestWrong",
    "SubmissionInProgress",
    "SubmissionNotWithdrawable",
    "SubmissionTooLarge",
    "TermsChanged",
    "TermsRequestLapsed",
    "WebhookUrlInvalid",
]


class Refused(EscrowError):
    """The service refuses a request; each subclass says why."""

    code = "refused"


class NotAuthenticated(Refused):
    """The caller shows no API key that the service knows."""

    code = "not-authenticated"


class ScopeMissing(Refused):
    """The API key is not for this; ``scope`` names what it lacks."""

    code = "scope-missing"

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


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


class PartnershipPaused(Refused):
    """While either party pauses, nothing is matched, released or read."""

    code = "partnership-paused"


class EventsForgotten(Refused):
    """The events asked for are kept no more; ``last_number`` is the last of the feed, to go on after."""

    code = "events-forgotten"

    def __init__(self, message: str, *, last_number: int) -> None:
        super().__init__(message)
        self.last_number = last_number


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
    """Another profile is named than that of the generation, or than the partner has named for it."""

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
    """A generation, or its suite, is neither the one that is live nor the one that follows it."""

    code = "generation-mismatch"


class GenerationTooSoon(Refused):
    """Between two generations lies an interval: each lets both sides ask about a whole list again."""

    code = "generation-too-soon"


class SubmissionInProgress(Refused):
    """The submission before this one is still being applied."""

    code = "submission-in-progress"


class SubmissionNotWithdrawable(Refused):
    """Nothing of the submission is there to withdraw: it was rejected, or a later list has taken its place."""

    code = "submission-not-withdrawable"


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


class DisputesTooMany(Refused):
    """A party has a bounded number of disputes open at a time."""

    code = "disputes-too-many"


class DetailsNotWanted(Refused):
    """A row does not overlap in a cell open at details, or is not what was applied."""

    code = "details-not-wanted"


class DisclosureTooWeak(Refused):
    """The terms would show counts under a rule that is looser than every preset of the service."""

    code = "disclosure-too-weak"


class TermsRequestLapsed(Refused):
    """The request for other terms was answered, closed or overtaken, or its time is over."""

    code = "terms-request-lapsed"


class TermsChanged(Refused):
    """Terms were made from, or envelopes sealed under, other terms of the caller's than the current ones."""

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


class IdempotencyKeyReused(Refused):
    """An idempotency key came with another request than before."""

    code = "idempotency-key-reused"


class AlreadyDone(Refused):
    """A request was done before; terms, a pause or an end came since, so that its answer is not repeated."""

    code = "already-done"


class RequestInProgress(Refused):
    """A request with the same idempotency key is still running."""

    code = "request-in-progress"


class RateExceeded(Refused):
    """The organization sends more requests in a minute than the service takes."""

    code = "rate-exceeded"

    def __init__(self, message: str, *, per_minute: int, seconds: int) -> None:
        super().__init__(message)
        self.per_minute = per_minute
        self.seconds = seconds


class RequestTooSlow(Refused):
    """The request did not arrive in the time that the service waits for one."""

    code = "request-too-slow"


class RouteUnknown(Refused):
    """No route has this address."""

    code = "route-unknown"


class MethodUnsupported(Refused):
    """The route does not know this method."""

    code = "method-unsupported"


class ListMissing(Refused):
    """The party has no applied list yet."""

    code = "list-missing"


class WebhookUrlInvalid(Refused):
    """A URL is not one that webhooks are posted to."""

    code = "webhook-url-invalid"


class EndpointsTooMany(Refused):
    """An organization has as many webhook endpoints as it may."""

    code = "endpoints-too-many"


class EndpointNotConfirmed(Refused):
    """Nothing is posted to a webhook endpoint until it has answered a challenge, or while it is disabled."""

    code = "endpoint-not-confirmed"


class EndpointUnsigned(Refused):
    """What is posted to a chat is not signed, so there is no secret."""

    code = "endpoint-unsigned"


class MailOff(Refused):
    """This service sends no mail."""

    code = "mail-off"


class MailAddressInvalid(Refused):
    """An address is not one that mail is sent to."""

    code = "mail-address-invalid"


class MailDigestsTooMany(Refused):
    """An organization has as many mail digests as it may."""

    code = "mail-digests-too-many"


class MailCodesTooMany(Refused):
    """An address, or all of an organization, was sent as many codes within a day as it may be."""

    code = "mail-codes-too-many"
