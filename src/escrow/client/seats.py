"""One organization's seat in a partnership, as its keyring keeps it: how far the pairing is, the keys, the terms.

::

    inviter   INVITED ──accepted, tag good, acceptor named──────────────► CONFIRMING ──tag sent──► PAIRED
                 │ └────accepted, tag good──► UNCONFIRMED ──a person confirms──┘
    acceptor  ACCEPTING ──tag sent──► ACCEPTED ──inviter's tag good──────────────────────────────► PAIRED
    either    any of these ──a tag fails, the invitation lapses, or the partnership ends──► CLOSED

The pairing code's secret and the private key are here only while INVITED. Until PAIRED nothing is submitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from escrow.client.exchanges import Exchange, FreshPairing, Invited, Standing, there
from escrow.errors import GenerationInvalid, PartnershipNotReady
from escrow.psi.keys import GenerationKeys, generation_keys, move_up, pass_over
from escrow.psi.matchkeys import Suite
from escrow.psi.pairing import Pairing
from escrow.terms import Level, Side, Terms, uniform_levels

__all__ = ["ConfirmedTerms", "Consent", "Exchange", "FreshPairing", "Invited", "Seat", "Standing"]


@dataclass(frozen=True, slots=True)
class Consent:
    """What our user agreed to: one more generation, with this profile, and nothing else."""

    g: int
    profile_id: str


@dataclass(frozen=True, slots=True)
class ConfirmedTerms:
    """Our terms as this machine's user set them; details follow these, whatever the service says."""

    terms: Terms
    number: int

    @classmethod
    def none_yet(cls) -> ConfirmedTerms:
        """Everything is hidden until the user says otherwise."""
        return cls(Terms(levels=uniform_levels(Level.HIDDEN)), 0)


@dataclass(frozen=True, slots=True)
class Seat:
    """Our seat in one partnership.

    ``keys`` are those of the live generation. ``building`` are those of the one that is filled beside it, which our
    user has given ``consent`` to, or that comes from a ``fresh`` pairing once that is complete; ``complete_since`` says
    when our own list was seen to be complete in it. Once the partner answers our request for other terms, ours are
    those ``asked`` for. A machine that has lost its keys has empty ones of the live generation.
    """

    partnership_id: UUID
    label: str
    side: Side
    standing: Standing
    partner_id: UUID | None = None
    partner_name: str = ""
    invited: Invited | None = None
    exchange: Exchange | None = None
    keys: GenerationKeys | None = None
    check: str | None = None
    confirmed: ConfirmedTerms = field(default_factory=ConfirmedTerms.none_yet)
    highest_release: int = 0
    consent: Consent | None = None
    building: GenerationKeys | None = None
    complete_since: datetime | None = None
    asked: Terms | None = None
    fresh: FreshPairing | None = None

    @property
    def name(self) -> str:
        """What a person calls the partnership."""
        return self.label or self.partner_name or str(self.partnership_id)

    @property
    def paired_keys(self) -> GenerationKeys:
        """The live keys, which exist for use only once the partner's tag was verified.

        Raises:
            PartnershipNotReady: the pairing is not complete, or the live key is erased and the switch is waited for.
        """
        if not self.has_live_key:
            raise PartnershipNotReady(_LIVE_KEY_ERASED if self.building else _NO_LIVE_KEY)
        return self.live_keys

    @property
    def live_keys(self) -> GenerationKeys:
        """The keys of the live generation, among which the match key may be erased already.

        Raises:
            PartnershipNotReady: the pairing is not complete.
        """
        self.require_paired()
        return there(self.keys)

    @property
    def newest_keys(self) -> GenerationKeys:
        """The keys of the generation that is filled beside the live one, else the live ones."""
        return self.live_keys if self.building is None else self.building

    @property
    def has_live_key(self) -> bool:
        """Whether lists and details of the live generation can still be made."""
        return bool(self.live_keys.match_key)

    def require_paired(self) -> None:
        """Raise PartnershipNotReady, with what is to be done next, unless the pairing is complete."""
        if self.standing is not Standing.PAIRED:
            raise PartnershipNotReady(_NEXT_STEP[self.standing])

    @property
    def partner(self) -> UUID:
        """The partner's organization id.

        Raises:
            PartnershipNotReady: nobody has accepted yet.
        """
        if self.partner_id is None:
            raise PartnershipNotReady(_NEXT_STEP[self.standing])
        return self.partner_id

    @property
    def open_invitation(self) -> Invited:
        """The secrets of an invitation that nobody has accepted."""
        return there(self.invited)

    @property
    def open_exchange(self) -> Exchange:
        """The tags of a pairing that is not complete."""
        return there(self.exchange)

    @property
    def open_fresh(self) -> FreshPairing:
        """The fresh pairing that is not complete."""
        return there(self.fresh)

    def with_keys(self, agreed: Pairing, exchange: Exchange, *, profile_id: str) -> Seat:
        """Draw the first generation's keys out of the pairing, and erase all that led to them."""
        keys = generation_keys(
            agreed.root, partnership_id=self.partnership_id, g=0, suite=Suite.HMAC, profile_id=profile_id
        )
        return replace(self, invited=None, exchange=exchange, keys=keys, check=agreed.check)

    def paired(self) -> Seat:
        """Go into use: the tags have done their work."""
        return replace(self, standing=Standing.PAIRED, exchange=None)

    def moved_up(self) -> Seat:
        """Make the keys that our user consented to, and erase their root; done before, it changes nothing."""
        if self.building is not None:
            return self
        if self.consent is None:
            raise GenerationInvalid("nobody here has consented to another generation; run `escrow generation start`")
        following = move_up(self.live_keys, g=self.consent.g, profile_id=self.consent.profile_id)
        return replace(self, keys=replace(self.live_keys, next_root=b""), building=following)

    def passed(self, latest: int) -> Seat:
        """Give every number up to ``latest`` up, and erase what was made for them; the live keys stay.

        Raises:
            GenerationInvalid: so many numbers were not given up by anybody.
        """
        keys = self.live_keys
        if self.building is not None and self.consent is not None:
            # It was made of the live generation's next root, which is gone; a fresh pairing's follows from none.
            given_up = self.building.g - keys.g
            keys = replace(keys, next_root=self.building.next_root, given_up=given_up)
        if latest - keys.g > _MOST_GIVEN_UP:
            raise GenerationInvalid(f"the service says that {latest - keys.g:,} generations were given up; end it")
        while keys.next_root and keys.next_number <= latest:
            keys = pass_over(keys)
        return replace(self, keys=keys, building=None, consent=None, complete_since=None)

    def with_fresh(self, fresh: FreshPairing) -> Seat:
        """Go on with a fresh pairing, in the place of any consent."""
        return replace(self, fresh=fresh, consent=None)

    def without_fresh(self) -> Seat:
        """Erase a fresh pairing that is over."""
        return replace(self, fresh=None)

    def freshly_paired(self) -> Seat:
        """Put the keys of the fresh pairing into use, for the generation that is built."""
        fresh = self.open_fresh
        return replace(self, fresh=None, building=there(fresh.keys), check=fresh.check)

    def without_live_key(self) -> Seat:
        """Erase the live match key ahead of the switch: it is kept no longer than it must be."""
        return replace(self, keys=replace(self.live_keys, match_key=b""))

    def switched(self) -> Seat:
        """Let the new keys replace the old ones, which are erased."""
        return replace(self, keys=self.newest_keys, building=None, consent=None, complete_since=None)

    def closed(self) -> Seat:
        """Erase every secret; the id stays, so that it is never taken for a new partnership."""
        return replace(
            self, standing=Standing.CLOSED, invited=None, exchange=None, keys=None, building=None, fresh=None
        )


#: Far more than two users cancel; a service that says so would have us count for long.
_MOST_GIVEN_UP = 1_000

_NO_LIVE_KEY = (
    "this machine has no key of the live generation; lists and details wait for the next one, and `escrow status` says "
    "what it takes"
)

_LIVE_KEY_ERASED = (
    "the old key was erased 30 days after your list was complete in the next generation, and the partnership waits for "
    "your partner's list: ask them to run `escrow submit`, then try again"
)

_NEXT_STEP = {
    Standing.INVITED: "the partner has not accepted the invitation yet; send them the pairing code and try again later",
    Standing.UNCONFIRMED: "someone accepted the invitation and nobody has confirmed it; run `escrow confirm`",
    Standing.CONFIRMING: "the confirmation has not reached the service yet; try again",
    Standing.ACCEPTING: "the acceptance has not reached the service yet; try again",
    Standing.ACCEPTED: "the partner has not confirmed the pairing yet; ask them to run `escrow status`, then try again",
    Standing.PAIRED: "the partnership is paired",
    Standing.CLOSED: "the partnership has ended on this machine; invite again for a new one",
}
