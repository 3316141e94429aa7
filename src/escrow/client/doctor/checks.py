"""What a check found: fine, worth a look, broken, or not looked at because something before it is broken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Area", "Check", "State", "fail", "ok", "skip", "warn"]


class State(Enum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Area(Enum):
    """What a check looks at."""

    MACHINE = "machine"
    SERVICE = "service"
    PARTNERSHIP = "partnership"


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, why, and what to do about it; ``partnership`` is its label or id."""

    name: str
    area: Area
    state: State
    reason: str
    advice: str = ""
    partnership: str = ""


def ok(name: str, area: Area, reason: str, *, partnership: str = "") -> Check:
    """It is as it should be."""
    return Check(name, area, State.OK, reason, "", partnership)


def warn(name: str, area: Area, reason: str, advice: str, *, partnership: str = "") -> Check:
    """It works, and somebody should look."""
    return Check(name, area, State.WARN, reason, advice, partnership)


def fail(name: str, area: Area, reason: str, advice: str, *, partnership: str = "") -> Check:
    """It does not work."""
    return Check(name, area, State.FAIL, reason, advice, partnership)


def skip(name: str, area: Area, reason: str, advice: str = "", *, partnership: str = "") -> Check:
    """It could not be looked at."""
    return Check(name, area, State.SKIP, reason, advice, partnership)
