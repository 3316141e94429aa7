"""How old the list of either side is: in words, and whether it is so old that a report says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from escrow.reports.report import Report

__all__ = ["OLD_AFTER", "ListAge", "ages_of"]

#: A list that was applied longer ago than this is told to be old.
OLD_AFTER = timedelta(days=30)

_HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class ListAge:
    """When a list was applied, None if that is not known, and how long ago that is."""

    applied_at: datetime | None
    now: datetime

    @property
    def words(self) -> str:
        """The age for people."""
        if self.applied_at is None:
            return "age not known"
        hours = int((self.now - self.applied_at).total_seconds()) // _HOUR_SECONDS
        if hours < 1:
            return "less than an hour old"
        if hours < 48:
            return "1 hour old" if hours == 1 else f"{hours} hours old"
        return f"{hours // 24} days old"

    @property
    def moment(self) -> str | None:
        """The time for people."""
        return self.applied_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if self.applied_at else None

    @property
    def is_old(self) -> bool:
        """It was applied so long ago that the report should not be trusted without a thought."""
        return self.applied_at is not None and self.now - self.applied_at > OLD_AFTER

    def __str__(self) -> str:
        return f"{self.words} ({self.moment})" if self.moment else self.words


def ages_of(report: Report, now: datetime) -> tuple[ListAge, ListAge]:
    """Give the age of our list and of theirs."""
    return ListAge(report.our_list_at, now), ListAge(report.their_list_at, now)
