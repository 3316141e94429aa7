"""What submitting a list would send, and why it may not be meant: it takes much away, or builds on another list."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from escrow import wire
from escrow.client.state import Sent, SentList
from escrow.counts import counted
from escrow.errors import ExportShrunk, SubmittedElsewhere
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import REMOVED, Charge, ListRecords, charge_of
from escrow.terms import Population

__all__ = ["GUARDED_ACCOUNTS", "Plan"]

_SAMPLE_RECORDS = 3
#: A list of fewer accounts may lose any number of them: a handful of companies comes and goes.
GUARDED_ACCOUNTS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly what would leave this machine, and nothing of it has."""

    announced: wire.NewSubmission
    chunks: tuple[bytes, ...] = field(repr=False)
    changes: ListRecords
    content: SentList
    base: Sent
    was_lost: bool
    accounts_before: int
    gone: int
    before: ListRecords | None = field(default=None, repr=False)
    #: The number of the list that this machine remembers of the same generation, 0 for none.
    remembered: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing changed since the last submission."""
        return self.announced.type == "delta" and not self.changes.accounts.size

    @property
    def population_sizes(self) -> dict[Population, int]:
        """How many accounts the whole list has, by population."""
        return self.content.records.population_sizes

    def shrinks(self, most_removed: float) -> bool:
        """Tell whether more than this share of the accounts would go, of a list of a hundred or more."""
        return self.accounts_before >= GUARDED_ACCOUNTS and self.gone > self.accounts_before * most_removed

    def must_not_shrink(self, most_removed: float) -> None:
        """Raise ExportShrunk if more than this share of the accounts would go."""
        if not self.shrinks(most_removed):
            return
        now, before = len(self.content.accounts), self.accounts_before
        raise ExportShrunk(
            f"this export has {counted(now, 'account')} where the service has {before:,}, and would remove "
            f"{self.gone:,} of them, where at most {most_removed:.0%} may go; nothing was sent. Check the file, or add "
            "--allow-shrink if it is meant"
        )

    def must_follow_ours(self) -> None:
        """Raise SubmittedElsewhere if the list that the service has is not the one that this machine remembers."""
        if self.was_lost and self.remembered > self.base.number:
            raise SubmittedElsewhere(
                f"the service has list number {self.base.number} of yours, and number {self.remembered} that it had "
                "applied is gone: it may have been restored from a backup, so ask its operator. Nothing was sent. Add "
                "--snapshot to send the whole list again"
            )
        if self.was_lost:
            raise SubmittedElsewhere(
                f"the service has list number {self.base.number} of yours, which this machine does not know: another "
                "one sent it, or this one was restored from an older copy. Nothing was sent. Run `escrow keyring "
                "export` where it was sent and `escrow keyring import` here, then submit again; if that machine is "
                "gone, add --snapshot to send the whole list"
            )

    @property
    def removed(self) -> int:
        """How many accounts the delta takes off the list."""
        return int(np.count_nonzero(self.changes.accounts["population"] == REMOVED))

    @property
    def tokens_by_class(self) -> dict[MatchKeyClass, int]:
        """How many tokens would be sent, by what they were made from."""
        counts = np.bincount(self.changes.tokens["key_class"], minlength=max(MatchKeyClass) + 1)
        return {key_class: int(counts[key_class]) for key_class in MatchKeyClass}

    @property
    def charge(self) -> Charge | None:
        """What the service will charge for it; None if this machine does not know the list that is there."""
        return None if self.before is None else charge_of(self.before, self.content.records)

    @property
    def bytes_to_send(self) -> int:
        """Bytes in all chunks together."""
        return sum(map(len, self.chunks))

    @property
    def sample(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The first account records and the first token records, in hexadecimal, as they would go out."""
        accounts = [record.tobytes().hex() for record in self.changes.accounts[:_SAMPLE_RECORDS]]
        tokens = [record.tobytes().hex() for record in self.changes.tokens[:_SAMPLE_RECORDS]]
        return tuple(accounts), tuple(tokens)
