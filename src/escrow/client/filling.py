"""A list goes to the live generation and, while one is built, to that one too: the same rows, blinded under each key.

Which generations there are is asked anew after each submission, so that a switch in between is followed and no list is
left behind in a generation that is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from escrow.client.canary import must_normalise_alike
from escrow.client.chain import Chain, check_head, own_head
from escrow.client.corrections import NO_CORRECTIONS, Corrections
from escrow.client.generations import follow
from escrow.client.keyring import KeyringFile
from escrow.client.list_making import make_list
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.client.sources import CrmRows
from escrow.client.state import AccountState
from escrow.client.submission_plan import Plan
from escrow.client.submitting import Submitted, Submitter
from escrow.client.way_back import WayBack, cost_of_going_back, way_back
from escrow.errors import ServiceRefused, SubmissionRejected
from escrow.psi.keys import GenerationKeys

__all__ = ["Filler", "Filling", "Stage", "must_agree", "settled"]

Progress = Callable[[int], None]
#: Begins a stage of the work by name and size, and gives what is told of its progress.
Stage = Callable[[str, int], Progress | None]


@dataclass(frozen=True, slots=True)
class Filling:
    """What went to one generation, or would go; ``submitted`` is None for a dry run."""

    g: int
    plan: Plan
    submitted: Submitted | None
    #: None where the list takes nothing away, or goes to a generation that is filled, where nothing is charged again.
    way_back: WayBack | None = None


@dataclass(slots=True)
class Filler:
    """Sends one list to all generations that take it; the caller holds the account state."""

    service: Escrow
    file: KeyringFile
    state: AccountState
    partnership_id: UUID
    now: datetime
    stage: Stage
    #: The largest share of the list that one export may take away; all of it unless somebody says less.
    most_removed: float = 1.0
    corrections: Corrections = NO_CORRECTIONS
    #: Send the whole list, even over one that this machine does not know.
    as_snapshot: bool = False
    _over: set[int] = field(default_factory=set)

    def plan(self, crm: CrmRows) -> list[Filling]:
        """Work out what would be sent, and send nothing."""
        return [self._planned(crm, keys, wait=False)[1] for keys in self._open()]

    def send(self, crm: CrmRows, *, ready: bool, wait: bool) -> list[Filling]:
        """Send the list; without ``wait`` the last generation's is not waited for, only what was sent before.

        Raises:
            ExportShrunk: too much of the list would go, or more than could be had again; nothing was sent.
            SubmittedElsewhere: another machine has sent the list that is there; nothing was sent.
            SubmissionRejected, ServiceRefused: a generation that is not over did not take it.
        """
        done: dict[int, Filling] = {}
        while left := [keys for keys in self._open() if keys.g not in done and keys.g not in self._over]:
            keys = left[0]
            try:
                done[keys.g] = self._sent(
                    crm,
                    keys,
                    ready=ready and not done,
                    wait=wait or len(left) > 1,
                    # What has gone to one generation is meant for the next one too.
                    most_removed=1.0 if done else self.most_removed,
                )
            except (SubmissionRejected, ServiceRefused):
                if not self._is_over(keys):
                    raise
                self._over.add(keys.g)
        return list(done.values())

    def _open(self) -> list[GenerationKeys]:
        """The keys of every generation that takes our list now, the live one first."""
        seat = settled(self.service, self.file, self.state, self.partnership_id, now=self.now)
        must_agree(self.service, self.state, seat)
        if seat.building is None:
            return [seat.paired_keys]
        return [seat.live_keys, seat.building] if seat.has_live_key else [seat.building]

    def _sent(self, crm: CrmRows, keys: GenerationKeys, *, ready: bool, wait: bool, most_removed: float) -> Filling:
        must_normalise_alike(self.service, self.file, self.file.keyring.seat(self.partnership_id), keys)
        submitter, filling = self._planned(crm, keys, wait=True)
        filling.plan.must_follow_ours()
        filling.plan.must_not_shrink(most_removed)
        if filling.way_back is not None:
            filling.way_back.must_be_meant(most_removed)
        uploading = self.stage("Uploading", filling.plan.bytes_to_send)
        submitted = submitter.send(filling.plan, ready=ready, wait=wait, progress=uploading)
        return replace(filling, submitted=submitted)

    def _planned(self, crm: CrmRows, keys: GenerationKeys, *, wait: bool) -> tuple[Submitter, Filling]:
        seat = self.file.keyring.seat(self.partnership_id)
        state = self.state.following if seat.building == keys else self.state
        owner = self.file.keyring.organization_id
        head = own_head(Chain.load(self.state.folder), keys, owner=owner)
        submitter = Submitter(self.service, state, keys, head=head)
        shown = submitter.settle(wait=wait)
        with self.state.applied() as live, state.applied() as kept:
            # Accounts are named as in the live list, so that their rows are the same in every generation.
            content = make_list(
                crm,
                keys=keys,
                own_secret=self.file.keyring.own_secret,
                kept=live or kept,
                corrections=self.corrections,
                progress=self.stage("Blinding", len(crm)),
            )
            plan = submitter.plan(shown, content, kept, as_snapshot=self.as_snapshot)
            way = None if seat.building == keys else self._way_back(plan)
            return submitter, Filling(keys.g, plan, None, way)

    def _way_back(self, plan: Plan) -> WayBack | None:
        """What it would take to undo a list; the service is asked only where it takes something away."""
        fifths = cost_of_going_back(plan)
        return way_back(plan, fifths, self.service.allowance(self.partnership_id)) if fifths else None

    def _is_over(self, keys: GenerationKeys) -> bool:
        """Tell whether the switch came in between: then nobody needs a list in this generation any more."""
        seat = settled(self.service, self.file, self.state, self.partnership_id, now=self.now)
        return seat.live_keys.g > keys.g


def settled(service: Escrow, file: KeyringFile, state: AccountState, partnership_id: UUID, *, now: datetime) -> Seat:
    """Bring our seat and the lists on this machine to the generations that there are; the caller holds the state."""
    shown = service.partnership(partnership_id)
    seat = follow(file, file.keyring.seat(partnership_id), shown, now=now)
    seat.require_paired()
    state.take_up(seat.live_keys.g, building=None if seat.building is None else seat.building.g)
    return seat


def must_agree(service: Escrow, state: AccountState, seat: Seat) -> None:
    """Stop where the partner was shown another release than this machine, as far as this machine has seen it.

    Raises:
        HistoryForked: the service shows two histories.
    """
    check_head(Chain.load(state.folder), seat, service.partnership(seat.partnership_id), is_complete=False)
