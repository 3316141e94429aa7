"""What a sink is: a place that changes are written to, and that forgives being told the same twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from escrow.client.sinks.changes import Batch

__all__ = ["ALL_TAKEN", "Sink", "Taken"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a sink made of a batch: the CRM ids of records that it refused, and how many by which reason.

    What was refused is told again the next time.
    """

    refused: frozenset[str] = field(default_factory=frozenset, repr=False)
    reasons: Counter[str] = field(default_factory=Counter)


ALL_TAKEN = Taken()


class Sink(Protocol):
    """A place that overlaps are written to.

    A batch may come again after a crash, then with the same number: told twice is as told once.
    """

    @property
    def most(self) -> int | None:
        """How many changes it takes at once; None if all of them."""

    @property
    def place(self) -> str:
        """Where it writes to, without secrets; a sink whose place is another is told everything anew."""

    def take(self, batch: Batch) -> Taken:
        """Write the changes of a batch.

        Raises:
            SinkFailed: nothing of the batch is taken for written; it comes again.
        """

    def preview(self, batch: Batch) -> Iterator[str]:
        """Say line by line what taking a batch would write, and write nothing."""

    def close(self) -> None:
        """Give back what it holds."""
