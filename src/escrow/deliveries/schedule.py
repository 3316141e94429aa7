"""When a delivery is tried again, and when an endpoint is given up. Pure: time and chance are arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from escrow.store.states import AttemptOutcome

__all__ = ["ATTEMPTS", "due_after_cut_off", "next_due", "outcome_of_status", "retry_after"]

#: How long after a failed attempt the next one follows.
_DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)

#: The first attempt follows at once.
ATTEMPTS = len(_DELAYS) + 1

#: So many attempts of one delivery that were cut off are made again at once.
_CUT_OFF_AT_ONCE = 4

#: Delays differ by up to this share, so that what failed together does not come back together.
_JITTER = 0.2

#: A receiver may ask for a later time, but not for never.
_LONGEST_WAIT = timedelta(days=1)


def next_due(attempts: int, *, now: datetime, chance: float, asked: timedelta | None = None) -> datetime | None:
    """Tell when to try again after so many attempts, not before what the receiver asked for; None: not any more.

    ``chance`` is between 0 and 1.
    """
    if attempts >= ATTEMPTS:
        return None
    delay = _DELAYS[attempts - 1] * (1 + _JITTER * chance)
    return now + max(delay, min(asked or timedelta(), _LONGEST_WAIT))


def due_after_cut_off(attempts: int, *, now: datetime) -> datetime:
    """Tell when to make an attempt again that was cut off: the first few times at once, and then as after failures.

    A process that is stopped cuts off one attempt; what cuts off each, nobody shall repeat for ever without a pause.
    """
    failures = min(attempts - _CUT_OFF_AT_ONCE, len(_DELAYS))
    return now if failures < 1 else now + _DELAYS[failures - 1]


def retry_after(unverified: str | None, *, now: datetime) -> timedelta | None:
    """Read a header ``Retry-After``, in seconds or as a date; one that cannot be read is none."""
    if unverified is None:
        return None
    if unverified.isascii() and unverified.isdecimal() and len(unverified) <= 9:
        return timedelta(seconds=int(unverified))
    try:
        moment = parsedate_to_datetime(unverified)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def outcome_of_status(status: int, *, asked: timedelta | None) -> AttemptOutcome:
    """Say what an answer means."""
    if 200 <= status < 300:
        return AttemptOutcome.ACCEPTED
    if status == 410:
        return AttemptOutcome.GONE
    if 300 <= status < 400:
        return AttemptOutcome.REDIRECT
    return AttemptOutcome.LATER if status in {429, 503} and asked is not None else AttemptOutcome.STATUS
