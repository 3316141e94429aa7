"""Events: one model for each type. An event is thin: it tells what to look at, never an account and never a count."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from escrow.wire.values import AlarmWord, GenerationNumber, Id, Model, Number, Time

__all__ = [
    "AlarmRaisedEvent",
    "ByWhom",
    "EndpointDisabledEvent",
    "Event",
    "EventPage",
    "GenerationCancelledEvent",
    "GenerationLiveEvent",
    "GenerationProposedEvent",
    "GenerationStartedEvent",
    "MailDigestDisabledEvent",
    "OverlapsChangedEvent",
    "PartnershipAcceptedEvent",
    "PartnershipActivatedEvent",
    "PartnershipEndedEvent",
    "PartnershipInvitedEvent",
    "PartnershipPausedEvent",
    "PartnershipResumedEvent",
    "ReleaseMadeEvent",
    "SubmissionAppliedEvent",
    "SubmissionRejectedEvent",
    "TermsAnsweredEvent",
    "TermsChangedEvent",
    "TermsRequestClosedEvent",
    "TermsRequestedEvent",
    "read_event",
]

#: Whether the reader's organization did it, or its partner.
ByWhom = Annotated[Literal["ours", "theirs"], Field(examples=["theirs"])]


class _Event(Model):
    number: Number
    id: Id
    occurred_at: Time


class _OfPartnership(_Event):
    partnership_id: Id


class Doing(Model):
    """Who did it."""

    by: ByWhom


class Meeting(Doing):
    """Who did it, and the partner, where there is one yet."""

    partner_id: Id | None


class TermsNumber(Doing):
    """Whose terms changed, and their number now."""

    number: Annotated[Number, Field(examples=[3])]


class RequestNumber(Doing):
    """Who did it, and the number of the request for other terms."""

    request: Annotated[Number, Field(examples=[2])]


class SubmissionNumber(Model):
    """The number of the submission."""

    number: Number


class Rejection(SubmissionNumber):
    """The number of the submission, and the code of the problem with it."""

    code: Annotated[str, Field(examples=["allowance-exceeded"])]


class ReleaseNumber(Model):
    """The number of the release."""

    number: Annotated[Number, Field(examples=[12])]


class ChangedRange(Model):
    """Where in the change feed to look: after one number, through another.

    Both are absent once the feed was begun anew: then the list is to be read again. ``reset`` says that it was begun
    anew with this event or since.
    """

    after: Annotated[Number | None, Field(examples=[1_763_700_000_000_041])]
    through: Annotated[Number | None, Field(examples=[1_763_700_000_000_048])]
    reset: bool


class RaisedAlarm(Model):
    """Why."""

    reason: AlarmWord


class ProposedGeneration(Doing):
    """Who did it, and the number of the generation."""

    generation: Annotated[GenerationNumber, Field(examples=[1])]


class LiveGeneration(Model):
    """The number of the generation."""

    generation: Annotated[GenerationNumber, Field(examples=[1])]


class DisabledEndpoint(Model):
    """The endpoint."""

    endpoint_id: Id


class DisabledMailDigest(Model):
    """The mail digest."""

    mail_digest_id: Id


class PartnershipInvitedEvent(_OfPartnership):
    """An invitation was made. The organization that it names is told too, and accepts it with the pairing code."""

    type: Literal["partnership.invited"]
    data: Meeting


class PartnershipAcceptedEvent(_OfPartnership):
    """The invitation was accepted: the next command of the inviter's client completes the pairing."""

    type: Literal["partnership.accepted"]
    data: Meeting


class PartnershipActivatedEvent(_OfPartnership):
    """The pairing is complete: terms can be agreed on and lists submitted."""

    type: Literal["partnership.activated"]
    data: Doing


class PartnershipPausedEvent(_OfPartnership):
    """One party paused: nothing is matched, released or read until it resumes."""

    type: Literal["partnership.paused"]
    data: Doing


class PartnershipResumedEvent(_OfPartnership):
    """One party took its pause back; the other party's pause, if there is one, stays."""

    type: Literal["partnership.resumed"]
    data: Doing


class PartnershipEndedEvent(_OfPartnership):
    """The partnership ended, or its invitation was voided. An invitation that only expired has no such event."""

    type: Literal["partnership.ended"]
    data: Doing


class TermsChangedEvent(_OfPartnership):
    """One party changed its terms, tighter or looser; what both allow now is in the terms document."""

    type: Literal["terms.changed"]
    data: TermsNumber


class TermsRequestedEvent(_OfPartnership):
    """One party asks the other to answer looser terms of its own."""

    type: Literal["terms.requested"]
    data: RequestNumber


class TermsAnsweredEvent(_OfPartnership):
    """A request was answered: both sides' terms changed at the same instant, of which there are events too."""

    type: Literal["terms.answered"]
    data: RequestNumber


class TermsRequestClosedEvent(_OfPartnership):
    """A request was taken back by who made it, or declined by the other."""

    type: Literal["terms.request-closed"]
    data: RequestNumber


class SubmissionAppliedEvent(_OfPartnership):
    """A submission of the reader's own became its list. Nothing in it depends on the partner's list."""

    type: Literal["submission.applied"]
    data: SubmissionNumber


class SubmissionRejectedEvent(_OfPartnership):
    """A submission of the reader's own was rejected, and nothing of it was kept."""

    type: Literal["submission.rejected"]
    data: Rejection


class ReleaseMadeEvent(_OfPartnership):
    """A release was made: counts are to be read anew."""

    type: Literal["release.made"]
    data: ReleaseNumber


class OverlapsChangedEvent(_OfPartnership):
    """What the reader reads in cells at accounts or details changed: its change feed says how.

    A partnership that shares counts only has no such event.
    """

    type: Literal["overlaps.changed"]
    data: ChangedRange


class AlarmRaisedEvent(_OfPartnership):
    """The partner's list jumped within a day."""

    type: Literal["alarm.raised"]
    data: RaisedAlarm


class GenerationProposedEvent(_OfPartnership):
    """One party proposed a new key for the partnership, which waits for the other's consent."""

    type: Literal["generation.proposed"]
    data: ProposedGeneration


class GenerationStartedEvent(_OfPartnership):
    """Both parties consented to the new generation: each submits its list under the new key."""

    type: Literal["generation.started"]
    data: ProposedGeneration


class GenerationCancelledEvent(_OfPartnership):
    """One party took its proposal back, declined the other's, or gave up what was being built."""

    type: Literal["generation.cancelled"]
    data: ProposedGeneration


class GenerationLiveEvent(_OfPartnership):
    """Both lists of the new generation are complete, and it took the place of the one before."""

    type: Literal["generation.live"]
    data: LiveGeneration


class EndpointDisabledEvent(_Event):
    """A webhook endpoint is sent nothing any more, because it failed for too long or said that it is gone."""

    type: Literal["endpoint.disabled"]
    partnership_id: None = None
    data: DisabledEndpoint


class MailDigestDisabledEvent(_Event):
    """A mail digest is sent no more, because the mail server says for good that its address takes no mail."""

    type: Literal["mail-digest.disabled"]
    partnership_id: None = None
    data: DisabledMailDigest


Event = Annotated[
    PartnershipInvitedEvent
    | PartnershipAcceptedEvent
    | PartnershipActivatedEvent
    | PartnershipPausedEvent
    | PartnershipResumedEvent
    | PartnershipEndedEvent
    | TermsChangedEvent
    | TermsRequestedEvent
    | TermsAnsweredEvent
    | TermsRequestClosedEvent
    | SubmissionAppliedEvent
    | SubmissionRejectedEvent
    | ReleaseMadeEvent
    | OverlapsChangedEvent
    | AlarmRaisedEvent
    | GenerationProposedEvent
    | GenerationStartedEvent
    | GenerationCancelledEvent
    | GenerationLiveEvent
    | EndpointDisabledEvent
    | MailDigestDisabledEvent,
    Field(discriminator="type"),
]


class EventPage(Model):
    """Some events, oldest first; the next page starts after ``next_after``, at once where there is ``more``."""

    items: Annotated[tuple[Event, ...], Field(strict=False)]
    next_after: Number
    more: bool


_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def read_event(unverified: object) -> Event:
    """Read one event of any type, or raise ``pydantic.ValidationError``."""
    return _EVENT.validate_python(unverified)
