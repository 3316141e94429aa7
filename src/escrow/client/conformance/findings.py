"""What a check of somebody else's program or service found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from escrow.errors import ServiceAnswerInvalid, ServiceRefused

__all__ = ["Finding", "finding", "refusal", "refused"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A named check, where the protocol asks for it, and what was wrong; None if nothing was."""

    name: str
    section: str
    problem: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it is as the protocol says."""
        return self.problem is None


def finding(name: str, section: str, is_so: object, otherwise: str) -> Finding:
    """Say of a named check that it is so, or what is there instead."""
    return Finding(name, section, None if is_so else otherwise)


def refusal(ask: Callable[[], object]) -> tuple[int, str]:
    """Give the status and code of what must be refused; (200, "") if it was not."""
    try:
        ask()
    except ServiceRefused as refused_with:
        return refused_with.status, refused_with.code
    except ServiceAnswerInvalid:
        return 0, "no problem document"
    return 200, ""


def refused(name: str, section: str, ask: Callable[[], object], status: int, code: str) -> Finding:
    """Hold a request to the one refusal that it must meet."""
    got = refusal(ask)
    return finding(name, section, got == (status, code), f"expected {status} {code}, got {got[0]} {got[1]}")
