"""Messages for a chat that takes Slack's incoming webhooks: short text, and blocks that say the same. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from escrow.deliveries.sentences import CellLine, of_cell, those_that_grew_first, what_happened

__all__ = ["message", "of_cells", "plain"]

#: The cells with most to do are enough for a chat; the report has all.
_MOST_CELLS = 5


def plain(kind: str, partner: str) -> str:
    """Say what happened in a sentence."""
    return what_happened(kind, _escaped(partner))


def of_cells(lines: Sequence[CellLine]) -> Sequence[str]:
    """Say how many in which cells, those that grew most first, and what to do with them."""
    return [of_cell(each, marked=_bold) for each in those_that_grew_first(lines)[:_MOST_CELLS]]


def message(text: str, lines: Sequence[str] = (), *, link: str | None = None) -> bytes:
    """Write a message: the text for notifications, and blocks for who looks."""
    shown = [text, *(f"• {line}" for line in lines)]
    blocks: list[Mapping[str, object]] = [{"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(shown)}}]
    if link is not None:
        opened = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": link}
        blocks.append({"type": "actions", "elements": [opened]})
    return json.dumps({"text": text, "blocks": blocks}, ensure_ascii=False).encode()


def _bold(number: str) -> str:
    return f"*{number}*"


def _escaped(name: str) -> str:
    """Keep a name from being read as a mention or a link: it is another organization's to choose."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*", "").replace("`", "")
