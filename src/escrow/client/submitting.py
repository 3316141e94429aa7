"""Submitting a list: accounts → records → what changed since the last time → chunks; the state follows once applied.

The same accounts give the same bytes, so that an upload which was cut off goes on where it stopped; a list is
remembered before it is sent, so that a crash at any moment is made good. What the service says it has applied is
compared with what this machine remembers: where they differ, another machine sent it, and nothing goes out unasked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from escrow import wire
from escrow.client.sdk import Escrow
from escrow.client.sent_lists import latest_sent, until_decided
from escrow.client.state import AccountState, KeptList, Sent, SentList
from escrow.client.submission_plan import Plan
from escrow.errors import (
    GenerationInvalid,
    PartnershipNotReady,
    ServiceRefused,
    SubmissionRejected,
    SubmittedElsewhere,
)
from escrow.psi.keys import GenerationKeys
from escrow.psi.records import (
    REMOVED,
    ListRecords,
    SubmissionKind,
    chunk_digest,
    difference,
    pack_chunk,
    split,
    submission_digest,
)

__all__ = ["Submitted", "Submitter"]

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a list: ``submission`` is None if there was nothing to send."""

    submission: wire.Submission | None
    is_applied: bool


class Submitter:
    """Sends lists of one partnership; the caller holds the account state.

    ``head`` vouches to the partner for the last release that this machine has seen.
    """

    def __init__(
        self,
        service: Escrow,
        state: AccountState,
        keys: GenerationKeys,
        *,
        head: wire.Head | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service = service
        self._state = state
        self._keys = keys
        self._head = head
        self._sleep = sleep

    @property
    def _id(self) -> UUID:
        return self._keys.partnership_id

    def settle(self, *, wait: bool) -> wire.Partnership:
        """Bring the state up to what the service has applied; with ``wait``, once nothing is being applied any more.

        Raises:
            PartnershipNotReady, GenerationInvalid: there is no place for our list.
        """
        shown = self._service.partnership(self._id)
        there = _list_there(shown, self._keys)
        if shown.list.last_number > there.number:
            last = self._service.submission(self._id, shown.list.last_number)
            if last.state in {"rejected", "withdrawn"}:
                self._state.drop_pending(last.number)
            elif wait:
                self._wait(last.number)
                shown = self._service.partnership(self._id)
                there = _list_there(shown, self._keys)
        self._state.settle(applied_number=there.number, applied_digest=there.digest or None)
        return shown

    def plan(
        self, shown: wire.Partnership, content: SentList, kept: KeptList | None, *, as_snapshot: bool = False
    ) -> Plan:
        """Work out what has to be sent so that the service has this list."""
        base = _list_there(shown, self._keys)
        is_base = kept is not None and kept.sent == base
        before = shown.list.accounts
        changes, kind, gone = content.records, SubmissionKind.SNAPSHOT, before - content.records.accounts.size
        if kept is not None and is_base:
            delta = difference(kept.records, content.records)
            gone = int(np.count_nonzero(delta.accounts["population"] == REMOVED))
            if not as_snapshot and delta.accounts.size <= content.records.accounts.size:
                changes, kind = delta, SubmissionKind.DELTA
        most_bytes = self._service.service().limits.chunk_bytes
        chunks = tuple(pack_chunk(part) for part in split(changes, most_bytes))
        announced = self._announcement(kind, shown.list.last_number + 1, base.number, changes, chunks)
        was_lost = base.number > 0 and before > 0 and not is_base
        earlier = kept.records if kept is not None and is_base else None
        if earlier is None and not was_lost:
            earlier = ListRecords.empty()
        return Plan(
            announced,
            chunks,
            changes,
            content,
            base,
            was_lost=was_lost and not as_snapshot,
            accounts_before=before,
            gone=gone,
            before=earlier,
            remembered=kept.sent.number if kept is not None and kept.sent.g == base.g else 0,
        )

    def send(self, plan: Plan, *, ready: bool, wait: bool, progress: Progress | None = None) -> Submitted:
        """Upload the chunks that the service lacks, and remember the list once it is applied.

        Raises:
            SubmittedElsewhere: another machine submitted in the meantime.
            SubmissionRejected: the service could not apply the list.
        """
        if plan.is_empty:
            # Nothing of it is the service's to know, but details may have changed: the next sync seals these.
            self._state.write_pending(plan.base, plan.content)
            self._state.settle(applied_number=plan.base.number, applied_digest=plan.base.digest)
            if ready:
                self._service.say_ready(self._id)
            return Submitted(None, is_applied=True)
        number = plan.announced.number
        sent = Sent(number, plan.announced.digest, self._keys.g, self._keys.profile_id)
        self._state.write_pending(sent, plan.content)
        try:
            submission = self._upload(plan, ready=ready, progress=progress)
        except ServiceRefused as refusal:
            if refusal.code != "not-found":
                raise
            # The upload rested for so long that the service deleted it: it is begun anew.
            submission = self._upload(plan, ready=ready, progress=None)
        if wait:
            submission = self._wait(number)
        if submission.state != "applied":
            return Submitted(submission, is_applied=False)
        self._state.settle(applied_number=number, applied_digest=plan.announced.digest)
        return Submitted(submission, is_applied=True)

    def _upload(self, plan: Plan, *, ready: bool, progress: Progress | None) -> wire.Submission:
        number = plan.announced.number
        for index in self._open(plan.announced).missing:
            self._service.put_chunk(self._id, number, index, plan.chunks[index])
            if progress is not None:
                progress(len(plan.chunks[index]))
        return self._service.complete_submission(self._id, number, ready=ready)

    def withdraw(self, number: int | None, *, wait: bool) -> wire.Submission:
        """Withdraw a submission, by default the latest, and let the state follow.

        Raises:
            NothingToWithdraw: nothing of ours is being uploaded or applied.
        """
        shown = self._service.partnership(self._id)
        _list_there(shown, self._keys)
        withdrawn = self._service.withdraw_submission(self._id, number or latest_sent(self._service, shown))
        self.settle(wait=wait)
        return withdrawn

    def _announcement(
        self, kind: SubmissionKind, number: int, base: int, changes: ListRecords, chunks: tuple[bytes, ...]
    ) -> wire.NewSubmission:
        digests = tuple(chunk_digest(chunk) for chunk in chunks)
        digest = submission_digest(
            partnership_id=self._id,
            g=self._keys.g,
            profile_id=self._keys.profile_id,
            kind=kind,
            number=number,
            base=base,
            chunk_digests=digests,
        )
        return wire.NewSubmission(
            number=number,
            type="snapshot" if kind is SubmissionKind.SNAPSHOT else "delta",
            base=base,
            generation=self._keys.g,
            suite=self._keys.suite.value,
            profile=self._keys.profile_id,
            accounts=changes.accounts.size,
            chunks=digests,
            digest=digest,
            head=self._head,
        )

    def _open(self, announced: wire.NewSubmission) -> wire.Submission:
        try:
            return self._service.open_submission(self._id, announced)
        except ServiceRefused as refusal:
            if refusal.code != "submission-base-wrong":
                raise
            raise SubmittedElsewhere(
                "another machine of yours submitted in the meantime; nothing of this list was kept. Run `escrow "
                "keyring export` there and `escrow keyring import` here, then submit again"
            ) from None

    def _wait(self, number: int) -> wire.Submission:
        submission = until_decided(self._service, self._id, number, self._sleep)
        if submission.state == "rejected":
            self._state.drop_pending(number)
            problem = submission.problem
            told = f"{problem.detail} ({problem.code})" if problem else "no reason was given"
            raise SubmissionRejected(f"the service did not apply the list: {told}; nothing of it was kept")
        if submission.state == "withdrawn":
            self._state.drop_pending(number)
            raise SubmittedElsewhere("another command of yours withdrew this list before it was applied")
        return submission


def _list_there(shown: wire.Partnership, keys: GenerationKeys) -> Sent:
    """Our list as the service has it in the generation of these keys, be it live or filled beside; number 0 if none."""
    live, following = shown.generation, shown.next_generation
    if shown.state != "active" or live is None:
        raise PartnershipNotReady(
            f"the partnership is {shown.state} at the service; lists go to active ones only. "
            "`escrow status` says what is next"
        )
    ours = (keys.g, keys.profile_id, keys.suite.value)
    if (live.number, live.profile, live.suite) == ours:
        return Sent(shown.list.applied_number, shown.list.applied_digest or b"", keys.g, keys.profile_id)
    if following is not None and (following.number, following.profile, following.suite) == ours:
        return Sent(following.applied_number, following.applied_digest or b"", keys.g, keys.profile_id)
    raise GenerationInvalid(
        f"the service is at generation {live.number} and this keyring at {keys.g}, profile {keys.profile_id}; "
        "import the keyring from the machine that moved up, or update escrow"
    )
