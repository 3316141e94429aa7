"""Sentences for people on what an organization is told: in a chat, or in a mail. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from escrow.reports.plays import PLAYS
from escrow.terms import Cell

__all__ = ["CellLine", "of_cell", "those_that_grew_first", "what_happened"]

#: What happened, by the type of its event; ``{partner}`` is the other organization.
_SENTENCES: Mapping[str, str] = {
    "partnership.invited": "{partner} and we may become partners: an invitation was made.",
    "partnership.accepted": "The invitation between {partner} and us was accepted.",
    "partnership.activated": "Our partnership with {partner} is active.",
    "partnership.paused": "Our partnership with {partner} is paused.",
    "partnership.resumed": "A pause of our partnership with {partner} was taken back.",
    "partnership.ended": "Our partnership with {partner} ended.",
    "terms.changed": "Terms with {partner} changed.",
    "terms.requested": "Other terms with {partner} were asked for.",
    "terms.answered": "A request for other terms with {partner} was answered.",
    "terms.request-closed": "A request for other terms with {partner} was closed.",
    "submission.applied": "Our list for {partner} was applied.",
    "submission.rejected": "Our list for {partner} was rejected.",
    "release.made": "New overlap counts with {partner}.",
    "overlaps.changed": "Overlaps with {partner} changed.",
    "alarm.raised": "The list of {partner} raised an alarm.",
    "generation.proposed": "A new key for the partnership with {partner} was proposed.",
    "generation.started": "A new key for the partnership with {partner} is being brought in.",
    "generation.cancelled": "The new key for the partnership with {partner} was given up.",
    "generation.live": "The partnership with {partner} uses its new key.",
    "endpoint.disabled": "A webhook endpoint of ours was disabled.",
    "mail-digest.disabled": "A mail digest of ours was disabled: its address takes no mail.",
    "endpoint.challenge": "escrow will post here.",
    "endpoint.test": "escrow posts here: this is a trial.",
}


@dataclass(frozen=True, slots=True)
class CellLine:
    """What is told of one cell: a number or what entered it, and the number before, where one was shown.

    Numbers that noise was added to are approximate. Where not all was counted, there are at least as many.
    """

    cell: Cell
    number: int
    before: int | None = None
    is_approximate: bool = False
    was_approximate: bool = False
    is_least: bool = False


def what_happened(kind: str, partner: str) -> str:
    """Say what happened in a sentence; ``partner`` is written so that it means nothing where it is shown."""
    return _SENTENCES[kind].format(partner=partner)


def those_that_grew_first(lines: Sequence[CellLine]) -> Sequence[CellLine]:
    """Put the cells with most to do before the others."""
    return sorted(lines, key=lambda line: (line.before or 0) - line.number)


def of_cell(line: CellLine, *, marked: Callable[[str], str] = str) -> str:
    """Say how many in which cell, and what to do with them; ``marked`` makes the number stand out."""
    before = "" if line.before is None else f" (was {_number(line.before, is_approximate=line.was_approximate)})"
    number = marked(_number(line.number, is_approximate=line.is_approximate))
    least = "at least " if line.is_least else ""
    return f"{least}{number} our {line.cell.ours.word} × their {line.cell.theirs.word}{before}: {PLAYS[line.cell]}."


def _number(number: int, *, is_approximate: bool) -> str:
    return f"{'≈ ' if is_approximate else ''}{number:,}"
