"""When digests are sent: at an hour of every day, or of one day of the week, in UTC. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["NEVER", "next_slot"]

#: A digest that waits for somebody is due no more.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def next_slot(now: datetime, *, weekday: int | None, hour: int) -> datetime:
    """Give the first time after ``now``; ``weekday`` counts from Monday, 0, and None is every day."""
    today = now.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    days = 0 if weekday is None else (weekday - today.weekday()) % 7
    slot = today + timedelta(days=days)
    return slot if slot > now else slot + timedelta(days=1 if weekday is None else 7)
