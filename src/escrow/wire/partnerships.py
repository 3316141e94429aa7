"""Partnerships and their pairing, as one party sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field

from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.terms import Population
from escrow.wire.service import Organization
from escrow.wire.values import (
    AlarmWord,
    Bytes16,
    Bytes32,
    Code,
    Cursor,
    GenerationNumber,
    GenerationState,
    Id,
    Model,
    NextGenerationState,
    Number,
    PartnershipState,
    ProfileId,
    SideWord,
    Time,
)

__all__ = [
    "Acceptance",
    "Canaries",
    "Canary",
    "CancelledGeneration",
    "Confirmation",
    "Consents",
    "FreshPairing",
    "Generation",
    "Invitation",
    "InvitationLookup",
    "ListAlarm",
    "NewGeneration",
    "NewPartnership",
    "NextGeneration",
    "OwnList",
    "Pairing",
    "Partnership",
    "PartnershipPage",
    "Paused",
    "PopulationSizes",
    "SizeBand",
    "TheirHead",
    "TheirList",
]


class NewPartnership(Model):
    """An invitation: made by the inviter's client, which also makes the id."""

    partnership_id: Id
    inviter_public: Bytes32
    lookup: Bytes16
    suite: Code
    profile: ProfileId
    acceptor_organization_id: Id | None = None


class Generation(Model):
    """The key, profile and suite that all tokens of a list belong to."""

    number: GenerationNumber
    profile: Annotated[str, Field(examples=[LATEST_PROFILE])]
    suite: int
    state: GenerationState


class FreshPairing(Model):
    """The starter's half of a fresh pairing: how the partner finds it, and a public key."""

    lookup: Bytes16
    inviter_public: Bytes32


class NewGeneration(Model):
    """The generation that the caller's user wants to follow the live one, and the profile it is to have.

    With ``fresh_pairing`` its key follows from no key before it, and the partner consents by accepting the pairing.
    """

    number: GenerationNumber
    profile: ProfileId
    fresh_pairing: FreshPairing | None = None


class CancelledGeneration(Model):
    """The generation that is not to be: one that was proposed, or that is being built."""

    number: GenerationNumber


class Consents(Model):
    """Who wants the next generation: it is built once both do."""

    ours: bool
    theirs: bool


class NextGeneration(Model):
    """The generation after the live one: proposed, or building until both lists are applied in it.

    With ``fresh_pairing`` its key follows from no key before it, and it is consented to by a pairing code alone.
    The list in it is the caller's own; of the partner's there is only its age.
    """

    number: GenerationNumber
    profile: Annotated[str, Field(examples=[LATEST_PROFILE])]
    suite: int
    state: NextGenerationState
    fresh_pairing: Annotated[bool, Field(examples=[False])]
    consents: Consents
    applied_number: Number
    applied_digest: Bytes32 | None
    applied_at: Time | None
    their_applied_at: Time | None


class PopulationSizes(Model):
    """How many accounts stand in each population."""

    customers: Annotated[Number, Field(examples=[414])]
    opportunities: Annotated[Number, Field(examples=[341])]
    prospects: Annotated[Number, Field(examples=[637])]

    @classmethod
    def of(cls, sizes: Mapping[Population, int]) -> Self:
        """Say a count for each population; one that is missing is zero."""
        return cls(**{population.word: sizes.get(population, 0) for population in Population})

    def value(self) -> dict[Population, int]:
        """Give the counts by population."""
        return {population: int(getattr(self, population.word)) for population in Population}


class OwnList(Model):
    """The caller's own list, as the service holds it."""

    last_number: Number
    applied_number: Number
    applied_digest: Bytes32 | None
    accounts: Annotated[Number, Field(examples=[1_392])]
    populations: PopulationSizes
    applied_at: Time | None
    ready: bool


class TheirHead(Model):
    """What the partner vouches for: the last release that it had seen when it sent its list, and in what generation."""

    generation: GenerationNumber
    release: Number
    head: Bytes32


class SizeBand(Model):
    """A size told so coarsely that no single account shows: from about ``at_least`` to about ``below``."""

    at_least: Number
    below: Number


class ListAlarm(Model):
    """The partner's list grew by more than a fifth within a day, or spent more than half of its allowance in one."""

    reason: AlarmWord
    raised_at: Time


class TheirList(Model):
    """The partner's list: its age, its size so coarsely that no account shows, and which releases its client has seen.

    ``alarms`` are those of the last thirty days, newest first.
    """

    applied_at: Time | None
    ready: bool
    head: TheirHead | None
    size: SizeBand | None
    alarms: Annotated[tuple[ListAlarm, ...], Field(strict=False)]


class Paused(Model):
    """Who pauses: while either does, nothing is matched, released or read, and only who paused resumes."""

    ours: Annotated[bool, Field(examples=[False])]
    theirs: Annotated[bool, Field(examples=[False])]


class Canary(Model):
    """What a client vouches for its normalisation with, under the key of this generation (protocol, canary)."""

    generation: GenerationNumber
    canary: Bytes32


class Canaries(Model):
    """The last canary of each party; null where its client has told none."""

    ours: Annotated[Canary | None, Field(examples=[None])]
    theirs: Annotated[Canary | None, Field(examples=[None])]


class Partnership(Model):
    """A partnership as one party sees it.

    ``next_release_from`` is when the next release may be made at the earliest: an interval after the last one and,
    with noise, once it can be paid for. It is null where nothing holds it back by then.
    ``latest_generation`` is the highest number that a generation has had, cancelled ones too: the next has the one
    after it.
    """

    partnership_id: Id
    state: PartnershipState
    side: SideWord
    partner: Organization | None
    created_at: Time
    expires_at: Annotated[Time | None, Field(examples=[None])]
    generation: Generation | None
    next_generation: Annotated[NextGeneration | None, Field(examples=[None])]
    latest_generation: GenerationNumber | None
    terms_number: Number
    paused: Paused
    list: OwnList
    their_list: TheirList
    canaries: Canaries
    latest_release: Number | None
    next_release_from: Time | None


class PartnershipPage(Model):
    """Some of the caller's partnerships."""

    items: Annotated[tuple[Partnership, ...], Field(strict=False)]
    next: Cursor | None


class InvitationLookup(Model):
    """What the pairing code lets an acceptor ask for."""

    lookup: Bytes16


class Invitation(Model):
    """An open invitation, as its acceptor sees it; in a fresh pairing of a partnership ``generation`` is above 0."""

    partnership_id: Id
    inviter: Organization
    inviter_public: Bytes32
    suite: int
    profile: Annotated[str, Field(examples=[LATEST_PROFILE])]
    generation: Annotated[GenerationNumber, Field(examples=[0])]
    expires_at: Time


class Acceptance(Model):
    """The acceptor's half of the pairing."""

    lookup: Bytes16
    acceptor_public: Bytes32
    tag: Bytes32


class Pairing(Model):
    """Both halves, public parts only, for each client to verify the other's tag."""

    inviter_organization_id: Id
    acceptor_organization_id: Id
    inviter_public: Bytes32
    acceptor_public: Bytes32
    acceptor_tag: Bytes32
    inviter_tag: Bytes32 | None


class Confirmation(Model):
    """The inviter's tag, sent once the acceptor's was verified."""

    tag: Bytes32
