"""Releases: the overlap matrix computed once, signed, stored, and the same for both sides; reports are views of it.

The first release is made when both parties are ready; from then on at most one per interval, and only when the lists
have changed enough or a dispute has. A change of terms starts none. Reading never computes: a view opens a cell if the
terms then and now allow it.
"""

from escrow.releases.making import exact_counts, make_release
from escrow.releases.reading import ReleaseItem, ReleasePage, Report, releases_of, report_of
from escrow.releases.signing import Signed

__all__ = [
    "ReleaseItem",
    "ReleasePage",
    "Report",
    "Signed",
    "exact_counts",
    "make_release",
    "releases_of",
    "report_of",
]
