"""What a check of somebody else's program or service found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


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
