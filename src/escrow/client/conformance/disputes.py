"""Disputes held to the protocol: a wrong match is out for both sides until whoever disputes it takes that back."""

from __future__ import annotations

from collections.abc import Iterator

from escrow import wire
from escrow.client.conformance.findings import Finding, finding
from escrow.client.conformance.players import Stage
from escrow.errors import EscrowError

__all__ = ["disputes"]

_SECTION = "Rules that keep the promise: 11"


def disputes(stage: Stage) -> Iterator[Finding]:
    """Dispute one overlap from the left, and take it back."""
    at, left, right = stage.partnership_id, stage.left.service, stage.right.service
    before, of_right = list(left.overlaps(at)), {item.row for item in right.overlaps(at)}
    if not before:
        yield Finding("there is an overlap to dispute", _SECTION, "there is none")
        return
    wrong = wire.NewDispute(row=before[0].row, match_id=before[0].match_id, reason="other")
    made = left.dispute(at, wrong)
    again = left.dispute(at, wrong)
    yield _finding("the same dispute again is the same dispute", again.number == made.number, "it is another one")
    gone = {item.row for item in left.overlaps(at)}
    yield _finding("a disputed match is out at once for its own side", wrong.row not in gone, "it is still listed")
    told = set(right.disputed_rows(at))
    lost = of_right - {item.row for item in right.overlaps(at)}
    yield _finding(
        "the partner misses one row, and is told which", len(lost) == 1 and told == lost, f"{len(lost)} rows"
    )
    yield _finding("the partner has made no dispute", not list(right.disputes(at)), "it is told one")
    left.withdraw_dispute(at, made.number)
    is_back = stage.eventually(lambda: {item.row for item in left.overlaps(at)} == {item.row for item in before})
    yield _finding("a dispute that is taken back leaves no trace in the overlaps", is_back, "rows are missing")
    try:
        left.dispute(at, wrong.model_copy(update={"match_id": bytes(16)}))
    except EscrowError as refusal:
        yield _finding("a match that one was not told is not disputed", refusal.code == "not-found", refusal.code)
    else:
        yield _finding("a match that one was not told is not disputed", False, "it is taken")


def _finding(name: str, is_so: object, otherwise: str) -> Finding:
    return finding(name, _SECTION, is_so, otherwise)
