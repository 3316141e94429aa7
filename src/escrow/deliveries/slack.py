"""Messages for a chat that takes Slack's incoming webhooks: short text, and blocks that say the same. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from escrow.reports.plays import PLAYS
from escrow.terms import Cell

__all__ = ["CellLine", "message", "of_cells", "plain"]

#: The cells with most to do are enough for a chat; the report has all.
_MOST_CELLS = 5

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
    "endpoint.challenge": "escrow will post here.",
    "endpoint.test": "escrow posts here: this is a trial.",
}


@dataclass(frozen=True, slots=True)
class CellLine:
    """What is told of one cell: a number or what entered it, and the number before, where one was shown.

    Numbers that noise was added to are approximate.
    """

    cell: Cell
    number: int
    before: int | None = None
    is_approximate: bool = False
    was_approximate: bool = False


def plain(kind: str, partner: str) -> str:
    """Say what happened in a sentence."""
    return _SENTENCES[kind].format(partner=_escaped(partner))


def of_cells(lines: Sequence[CellLine]) -> Sequence[str]:
    """Say how many in which cells, those that grew most first, and what to do with them."""
    ordered = sorted(lines, key=lambda line: (line.before or 0) - line.number)[:_MOST_CELLS]
    return [_line(each) for each in ordered]


def message(text: str, lines: Sequence[str] = (), *, link: str | None = None) -> bytes:
    """Write a message: the text for notifications, and blocks for who looks."""
    shown = [text, *(f"• {line}" for line in lines)]
    blocks: list[Mapping[str, object]] = [{"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(shown)}}]
    if link is not None:
        opened = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": link}
        blocks.append({"type": "actions", "elements": [opened]})
    return json.dumps({"text": text, "blocks": blocks}, ensure_ascii=False).encode()


def _line(line: CellLine) -> str:
    before = "" if line.before is None else f" (was {_number(line.before, is_approximate=line.was_approximate)})"
    cell = f"our {line.cell.ours.word} × their {line.cell.theirs.word}"
    return f"*{_number(line.number, is_approximate=line.is_approximate)}* {cell}{before}: {PLAYS[line.cell]}."


def _number(number: int, *, is_approximate: bool) -> str:
    return f"{'≈ ' if is_approximate else ''}{number:,}"


def _escaped(name: str) -> str:
    """Keep a name from being read as a mention or a link: it is another organization's to choose."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*", "").replace("`", "")
