"""Where overlaps are written to: files, databases, Slack, commands, CRMs; each forgives being told the same twice."""

from escrow.client.sinks.changes import Batch, Change, ChangeKind, OverlapRecord
from escrow.client.sinks.sink import ALL_TAKEN, Sink, Taken

__all__ = ["ALL_TAKEN", "Batch", "Change", "ChangeKind", "OverlapRecord", "Sink", "Taken"]
