"""The words that rows hold: states with their diagrams, each move made by one function in a verb, and kinds."""

from __future__ import annotations

from enum import Enum

__all__ = [
    "AlarmReason",
    "AttemptOutcome",
    "ChangeKind",
    "DeliveryKind",
    "DeliveryState",
    "DisabledBecause",
    "DisputeReason",
    "EndpointKind",
    "EndpointState",
    "EventType",
    "GenerationState",
    "JobType",
    "MailDigestState",
    "MailOutcome",
    "PartnershipState",
    "Scope",
    "SubmissionState",
    "SubmissionType",
    "TermsRequestState",
]


class PartnershipState(Enum):
    """Where a partnership stands.

    ::

        invited ──accept──▶ accepted ──confirm──▶ active ──end──▶ ended
           │                    │                                   ▲
           └────────end─────────┴────────────end────────────────────┘

    An invitation that is not confirmed by its ``expires_at`` reads as ended from then on, without a write.
    """

    INVITED = "invited"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    ENDED = "ended"


class GenerationState(Enum):
    """Where a generation of tokens stands.

    ::

        building ──switch──▶ live ──switch──▶ retired
           └──────cancel──▶ cancelled

    The first pairing has nothing to switch from, so generation 0 starts live. Both moves of a switch are one
    transaction; a partnership has one live generation and at most one that is built. A number is never used again.
    """

    BUILDING = "building"
    LIVE = "live"
    RETIRED = "retired"
    CANCELLED = "cancelled"


class SubmissionState(Enum):
    """Where a submission stands.

    ::

        uploading ──complete──▶ received ──apply──▶ applied ──┐
            │                     │ └──────apply──▶ rejected  │
            └──────withdraw───────┴─────────withdraw──────────┴──▶ withdrawn

    Of the applied ones, the latest alone can be withdrawn.
    """

    UPLOADING = "uploading"
    RECEIVED = "received"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class SubmissionType(Enum):
    """A whole list, or what changed since the one before."""

    SNAPSHOT = "snapshot"
    DELTA = "delta"


class DisputeReason(Enum):
    """Why a match is wrong: another company, a parent or subsidiary, true once and no longer, or none of these."""

    DIFFERENT_COMPANY = "different-company"
    RELATED_COMPANY = "related-company"
    OUTDATED = "outdated"
    OTHER = "other"


class TermsRequestState(Enum):
    """Where a request for other terms stands.

    ::

        open ──answer──▶ answered
          └────close───▶ closed

    One that was overtaken by its asker's own terms, or whose time is over, is open without effect.
    """

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class JobType(Enum):
    """What the worker does for a partnership."""

    APPLY = "apply"
    MATCH = "match"
    RELEASE = "release"
    PURGE = "purge"


class Scope(Enum):
    """What an API key may be used for, beside what every key may: look at its partnerships and their terms.

    ``read`` is what the two lists have in common: releases, overlaps, details. ``submit`` is all that is sent: lists,
    the word that they are right, sealed details. ``terms`` decides what is shared: terms, pause and resume,
    disputes. ``pair`` makes and ends partnerships, and starts their generations. ``webhooks`` decides where events are
    posted and mailed to, and with them whatever ``read`` may see of a report.
    """

    READ = "read"
    SUBMIT = "submit"
    TERMS = "terms"
    PAIR = "pair"
    WEBHOOKS = "webhooks"


class AlarmReason(Enum):
    """Why a party is told of the other one's list: it grew much within a day, or spent much of its allowance."""

    LIST_GREW = "list-grew"
    ALLOWANCE_HALF_SPENT = "allowance-half-spent"


class AttemptOutcome(Enum):
    """How one post to an endpoint ended; of the answer nothing is kept but its status."""

    ACCEPTED = "accepted"
    #: A status that is neither 2xx nor one of the next three.
    STATUS = "status"
    REDIRECT = "redirect"
    GONE = "gone"
    #: 429 or 503 with a time to come back.
    LATER = "later"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    UNRESOLVED = "unresolved"
    TLS = "tls"
    #: What came back is not HTTP.
    GARBLED = "garbled"
    #: The name leads to an address that the service does not post to; nothing was sent.
    FORBIDDEN = "forbidden"
    #: The worker ended meanwhile: it may have arrived or not, and is sent again under the same id.
    CUT_OFF = "cut-off"


class EventType(Enum):
    """What an organization is told of; the words are those of ``escrow.wire.events``."""

    PARTNERSHIP_INVITED = "partnership.invited"
    PARTNERSHIP_ACCEPTED = "partnership.accepted"
    PARTNERSHIP_ACTIVATED = "partnership.activated"
    PARTNERSHIP_PAUSED = "partnership.paused"
    PARTNERSHIP_RESUMED = "partnership.resumed"
    PARTNERSHIP_ENDED = "partnership.ended"
    TERMS_CHANGED = "terms.changed"
    TERMS_REQUESTED = "terms.requested"
    TERMS_ANSWERED = "terms.answered"
    TERMS_REQUEST_CLOSED = "terms.request-closed"
    SUBMISSION_APPLIED = "submission.applied"
    SUBMISSION_REJECTED = "submission.rejected"
    RELEASE_MADE = "release.made"
    OVERLAPS_CHANGED = "overlaps.changed"
    ALARM_RAISED = "alarm.raised"
    GENERATION_PROPOSED = "generation.proposed"
    GENERATION_STARTED = "generation.started"
    GENERATION_CANCELLED = "generation.cancelled"
    GENERATION_LIVE = "generation.live"
    ENDPOINT_DISABLED = "endpoint.disabled"
    MAIL_DIGEST_DISABLED = "mail-digest.disabled"


class ChangeKind(Enum):
    """What an entry of a change feed says of a row.

    ``entered``, ``moved`` (to another cell) and ``changed`` (same cell, another tier or overlap) tell all that the list
    of overlaps tells of it now; ``left``: it is not listed any more; ``details``: the partner sealed them anew.
    ``reset`` is of no row: the list is to be read again, and nothing before it is kept.
    """

    ENTERED = "entered"
    MOVED = "moved"
    CHANGED = "changed"
    LEFT = "left"
    DETAILS = "details"
    RESET = "reset"


class EndpointKind(Enum):
    """What an endpoint understands: signed events, or the messages of a chat."""

    STANDARD = "standard"
    SLACK = "slack"


class EndpointState(Enum):
    """Where an endpoint stands.

    ::

        unconfirmed ──challenge──▶ enabled ◀──enable── disabled
                                      └────────disable────▲
    """

    UNCONFIRMED = "unconfirmed"
    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledBecause(Enum):
    """Why an endpoint is disabled: its owner asked for it, it answered 410, or it failed for days."""

    ASKED = "asked"
    GONE = "gone"
    FAILING = "failing"


class DeliveryKind(Enum):
    """What a delivery carries: an event of the feed, the question who answers there, or a trial."""

    EVENT = "event"
    CHALLENGE = "challenge"
    TEST = "test"


class DeliveryState(Enum):
    """Where a delivery stands; one that failed, or was delivered, is pending again when it is replayed.

    ::

        pending ──┬──2xx───────────────────▶ delivered
                  ├──last attempt──────────▶ failed
                  └──nothing to tell now───▶ dropped
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


class MailDigestState(Enum):
    """Where a mail digest stands.

    ::

        unconfirmed ──code──▶ enabled ──address refused──▶ disabled
                                 ▲───────────code─────────────┘
    """

    UNCONFIRMED = "unconfirmed"
    ENABLED = "enabled"
    DISABLED = "disabled"


class MailOutcome(Enum):
    """How one try to hand a mail to the mail server ended; of what the server said nothing else is kept."""

    SENT = "sent"
    #: The server says for good that there is no such address.
    REFUSED = "refused"
    #: It says for good that it does not take this mail, or not from us.
    DECLINED = "declined"
    #: It asks to try again.
    LATER = "later"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    #: It does not take the user's name and password.
    UNAUTHENTICATED = "unauthenticated"
    #: What came back is not SMTP.
    GARBLED = "garbled"
    #: The worker ended meanwhile: it may have been sent or not, and is sent again under the same id.
    CUT_OFF = "cut-off"
