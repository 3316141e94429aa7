"""The ids of the normalisation profiles that this version knows: all that the service ever sees of one."""

from __future__ import annotations

__all__ = ["LATEST_PROFILE", "PROFILE_IDS"]

LATEST_PROFILE = "escrow-1+psl-2026-10-22"

#: From the oldest to the latest.
PROFILE_IDS = (LATEST_PROFILE,)
