"""Sink: a message in Slack for each change set, by an incoming webhook; whatever reads the same JSON does too.

What was there before the sink was is told as numbers alone. Names stand in the message, values that the partner shares
do not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from escrow.client.calling import Caller, check_called
from escrow.client.named_secrets import Secret
from escrow.client.sinks.changes import Batch, Change, ChangeKind
from escrow.client.sinks.sink import ALL_TAKEN, Taken
from escrow.errors import SinkFailed
from escrow.reports.plays import PLAYS
from escrow.terms import CELLS, Cell

__all__ = ["SlackSink", "message_of"]

_NAMED = 10
_LONGEST_NAME = 80
_TOLD = {
    ChangeKind.ENTERED: "entered",
    ChangeKind.MOVED: "moved here",
    ChangeKind.CHANGED: "have new details",
    ChangeKind.LEFT: "left",
}


class SlackSink:
    """Posts a message with blocks to an address that is a secret."""

    most: int | None = None

    def __init__(self, url: Secret, caller: Caller | None = None) -> None:
        self._url = url
        self._caller = caller or Caller("Slack")

    @property
    def place(self) -> str:
        """Nothing of the address, which is a secret."""
        return "slack"

    def take(self, batch: Batch) -> Taken:
        """Post the message of a change set that says anything."""
        if not batch.size:
            return ALL_TAKEN
        url = check_called(self._url.text, "Slack")
        answer = self._caller.call("POST", url, json=message_of(batch))
        if not 200 <= answer.status < 300:
            raise SinkFailed(
                f"Slack answered {answer.status}; if that stays so, make the incoming webhook anew and put its address "
                "where escrow.toml names it"
            )
        return ALL_TAKEN

    def preview(self, batch: Batch) -> Iterator[str]:
        """Give the message."""
        if batch.size:
            yield "POST to the incoming webhook"
            yield json.dumps(message_of(batch), ensure_ascii=False)

    def close(self) -> None:
        """Give the connection back."""
        self._caller.close()


def message_of(batch: Batch) -> dict[str, Any]:
    """Give the message: what happened in which cell, to whom, and what such an overlap is good for."""
    counted = Counter((change.record.cell, change.kind) for change in batch.changes)
    title = f"{batch.partnership}: {_summary(batch, counted)}"
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": title[:150]}}]
    for cell in CELLS:
        if text := "\n".join(_lines(batch, cell, counted)):
            blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}})
    return {"text": _escaped(title), "blocks": blocks}


def _summary(batch: Batch, counted: Counter[tuple[Cell, ChangeKind]]) -> str:
    if batch.starts_over:
        entered = sum(count for (_, kind), count in counted.items() if kind is ChangeKind.ENTERED)
        return f"{entered:,} {'account of ours overlaps' if entered == 1 else 'accounts of ours overlap'}"
    totals: Counter[ChangeKind] = Counter()
    for (_, kind), count in counted.items():
        totals[kind] += count
    parts = [f"{totals[kind]:,} {_TOLD[kind].removesuffix(' here')}" for kind in ChangeKind if totals[kind]]
    return f"overlapping accounts: {', '.join(parts)}"


def _lines(batch: Batch, cell: Cell, counted: Counter[tuple[Cell, ChangeKind]]) -> Iterator[str]:
    kinds = [kind for kind in ChangeKind if counted[cell, kind]]
    if not kinds or (batch.starts_over and not counted[cell, ChangeKind.ENTERED]):
        return
    title = f"*Our {cell.ours.word}, their {cell.theirs.word}*"
    if batch.starts_over:
        yield f"{title}: {counted[cell, ChangeKind.ENTERED]:,}"
    else:
        yield title
        for kind in kinds:
            names = _names(change for change in batch.changes if (change.record.cell, change.kind) == (cell, kind))
            yield f"{counted[cell, kind]:,} {_TOLD[kind]}: {names}"
    yield f"_{PLAYS[cell]}._"


def _names(changes: Iterable[Change]) -> str:
    names = [_escaped(change.record.account_name or change.record.crm_id)[:_LONGEST_NAME] for change in changes]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _escaped(text: str) -> str:
    """Write text so that it is no link, mention or markup for Slack."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(sign if sign not in "*_~`" else "·" for sign in text)
