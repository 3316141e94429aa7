"""The ids of the normalisation profiles that this version knows: all that the service ever sees of one."""

from __future__ import annotations

__all__ = ["FIRST_PROFILE", "LATEST_PROFILE", "PROFILE_IDS"]

#: Registrable domain and core name; the one that a client of one's own takes least work to make.
FIRST_PROFILE = "escrow-1+psl-2026-10-22"

#: What new partnerships pair under.
LATEST_PROFILE = "escrow-2+psl-2026-10-22"

#: From the oldest to the latest.
PROFILE_IDS = (FIRST_PROFILE, LATEST_PROFILE)
