"""Webhook endpoints, what is posted to them beside events, and the log of deliveries."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from escrow.wire.values import MOST_NUMBER, Id, Model, Number, PopulationWord, Time

__all__ = [
    "Challenge",
    "ChallengeMessage",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryPage",
    "DeliveryState",
    "Endpoint",
    "EndpointChange",
    "EndpointKind",
    "EndpointState",
    "Endpoints",
    "EventTypeWord",
    "NewEndpoint",
    "NewSecret",
    "NoData",
    "Replay",
    "Replayed",
    "TestMessage",
    "WantedCell",
]

EndpointKind = Annotated[Literal["standard", "slack"], Field(examples=["standard"])]
EndpointState = Annotated[Literal["unconfirmed", "enabled", "disabled"], Field(examples=["enabled"])]
DisabledBecause = Literal["asked", "gone", "failing"]
DeliveryState = Annotated[Literal["pending", "delivered", "failed", "dropped"], Field(examples=["delivered"])]
AttemptOutcome = Annotated[
    Literal[
        "accepted",
        "status",
        "redirect",
        "gone",
        "later",
        "timeout",
        "unreachable",
        "unresolved",
        "tls",
        "garbled",
        "forbidden",
        "cut-off",
    ],
    Field(examples=["accepted"]),
]
EventTypeWord = Annotated[
    Literal[
        "partnership.invited",
        "partnership.accepted",
        "partnership.activated",
        "partnership.paused",
        "partnership.resumed",
        "partnership.ended",
        "terms.changed",
        "terms.requested",
        "terms.answered",
        "terms.request-closed",
        "submission.applied",
        "submission.rejected",
        "release.made",
        "overlaps.changed",
        "alarm.raised",
        "generation.proposed",
        "generation.started",
        "generation.cancelled",
        "generation.live",
        "endpoint.disabled",
        "mail-digest.disabled",
    ],
    Field(examples=["release.made"]),
]
Description = Annotated[str, StringConstraints(max_length=200), Field(examples=["CRM job in production"])]
#: Read strictly by the service; the answer shows the host alone.
Url = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2_000),
    Field(examples=["https://hooks.example.com/escrow/5f0c"]),
]
ShownUrl = Annotated[str, Field(examples=["https://hooks.example.com:443/…"])]
Secret = Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="])]
EventTypes = Annotated[tuple[EventTypeWord, ...], Field(strict=False, min_length=1, max_length=30)]
PartnershipIds = Annotated[tuple[Id, ...], Field(strict=False, min_length=1, max_length=1_000)]


class WantedCell(Model):
    """A cell, as the caller sees it; with `crossed`, only when its shown number rises to that or above it."""

    ours: PopulationWord
    theirs: PopulationWord
    crossed: Annotated[int, Field(ge=1, le=MOST_NUMBER, examples=[50])] | None = None


WantedCells = Annotated[tuple[WantedCell, ...], Field(strict=False, min_length=1, max_length=27)]


class NewEndpoint(Model):
    """Where to post events to, and which. Null: all.

    `cells` narrows `release.made` and `overlaps.changed` to cells that changed, or crossed a number; events of other
    types pass it.
    """

    url: Annotated[Url, Field(repr=False)]
    kind: EndpointKind = "standard"
    description: Description = ""
    types: EventTypes | None = None
    partnership_ids: PartnershipIds | None = None
    cells: WantedCells | None = None


class EndpointChange(Model):
    """What to change; what is left out stays. `enabled` false stops all posts, true goes on with what was missed."""

    description: Description | None = None
    types: EventTypes | None = None
    partnership_ids: PartnershipIds | None = None
    cells: WantedCells | None = None
    enabled: bool | None = None


class Endpoint(Model):
    """An endpoint; of its URL the host is shown, since the rest of it often is the right to post."""

    endpoint_id: Id
    kind: EndpointKind
    state: EndpointState
    disabled_because: DisabledBecause | None
    description: Description
    url: ShownUrl
    types: EventTypes | None
    partnership_ids: PartnershipIds | None
    cells: WantedCells | None
    failing_since: Time | None
    previous_secret_until: Time | None
    created_at: Time
    confirmed_at: Time | None


class NewSecret(Endpoint):
    """An endpoint with its new secret, shown this once; null where nothing is signed."""

    secret: Annotated[Secret | None, Field(repr=False)]


class Endpoints(Model):
    """The endpoints that the caller's key may know of, oldest first."""

    items: Annotated[tuple[Endpoint, ...], Field(strict=False)]


class DeliveryAttempt(Model):
    """One post. `status` is that of the answer, where there was one; nothing else of it is kept."""

    attempt: Number
    started_at: Time
    milliseconds: Annotated[Number, Field(examples=[212])]
    outcome: AttemptOutcome
    status: Annotated[int, Field(ge=100, le=999, examples=[204])] | None


class Delivery(Model):
    """An event for one endpoint, with every attempt. `number` is the endpoint's own, `id` the `webhook-id`."""

    number: Number
    id: Id
    type: Annotated[str, Field(examples=["release.made"])]
    partnership_id: Id | None
    event_number: Number | None
    occurred_at: Time
    state: DeliveryState
    due_at: Time | None
    attempts: Annotated[tuple[DeliveryAttempt, ...], Field(strict=False)]


class DeliveryPage(Model):
    """Some deliveries, newest first; the next page is that below `next`."""

    items: Annotated[tuple[Delivery, ...], Field(strict=False)]
    next: Annotated[str, Field(examples=["AAAAAAAAACo"])] | None


class Replay(Model):
    """Which deliveries to make again, by the endpoint's own numbers, both included; one where they are the same."""

    first: Annotated[int, Field(ge=1, le=MOST_NUMBER, examples=[17])]
    last: Annotated[int, Field(ge=1, le=MOST_NUMBER, examples=[42])]


class Replayed(Model):
    """How many deliveries are pending again."""

    deliveries: Annotated[Number, Field(examples=[26])]


class Challenge(Model):
    """What the receiver answers with, as JSON or as the bare text."""

    challenge: Annotated[str, Field(examples=["kYzXnS0mQmWvPZ1c0V3p5g"])]


class ChallengeMessage(Model):
    """Posted once, before anything else: whoever answers with `challenge` receives webhooks here."""

    id: Id
    type: Literal["endpoint.challenge"]
    occurred_at: Time
    data: Challenge


class NoData(Model):
    """Nothing more."""


class TestMessage(Model):
    """A trial, posted when it is asked for."""

    id: Id
    type: Literal["endpoint.test"]
    occurred_at: Time
    data: NoData
