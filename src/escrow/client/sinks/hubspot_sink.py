"""Sink: HubSpot, by its batches: upserts of a custom object by a unique property, or properties of companies.

Each batch is one call of at most 100 records, in which some may be refused and the others are written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from escrow.client.crm.hubspot import MOST_INPUTS, HubSpot, HubSpotCall
from escrow.client.sinks.changes import Batch, Change, ChangeKind
from escrow.client.sinks.crm_fields import CrmFields
from escrow.client.sinks.sink import ALL_TAKEN, Taken

__all__ = ["HubSpotSink"]

#: A record that is not there any more needs no emptying.
_GONE = frozenset({"OBJECT_NOT_FOUND", "NOT_FOUND"})


class HubSpotSink:
    """Writes to one object of one account."""

    most: int | None = MOST_INPUTS

    def __init__(self, hubspot: HubSpot, object_type: str, fields: CrmFields, *, url: str) -> None:
        self._hubspot = hubspot
        self._object = object_type
        self._fields = fields
        self._url = url

    @property
    def place(self) -> str:
        """The account, the object and the properties: what is mapped anew is told anew."""
        return f"hubspot {self._url} {self._object} {self._fields.key} {sorted(self._fields.names.items())}"

    def take(self, batch: Batch) -> Taken:
        """Write a batch by one call."""
        changes = {self._id(change): change for change in batch.changes}
        if not changes:
            return ALL_TAKEN
        problems = self._hubspot.write(self._call(batch, changes))
        refused = {
            changes[id_].record.crm_id: category
            for id_, category in problems.items()
            if id_ in changes and not (changes[id_].kind is ChangeKind.LEFT and category in _GONE)
        }
        return Taken(frozenset(refused), Counter(refused.values()))

    def preview(self, batch: Batch) -> Iterator[str]:
        """Give the call."""
        if batch.size:
            call = self._call(batch, {self._id(change): change for change in batch.changes})
            yield f"{call.method} {call.path}"
            yield json.dumps(call.body, ensure_ascii=False)

    def close(self) -> None:
        """Give the connections back."""
        self._hubspot.close()

    def _id(self, change: Change) -> str:
        return change.record.crm_id if self._fields.key is None else change.record.key

    def _call(self, batch: Batch, changes: dict[str, Change]) -> HubSpotCall:
        key = self._fields.key
        named = {} if key is None else {"idProperty": key}
        # An empty text is how a property is emptied.
        inputs = [
            {"id": id_, **named, "properties": {name: _text(value) for name, value in self._values(batch, change)}}
            for id_, change in changes.items()
        ]
        verb = "update" if key is None else "upsert"
        return HubSpotCall(f"/crm/v3/objects/{self._object}/batch/{verb}", {"inputs": inputs})

    def _values(self, batch: Batch, change: Change) -> Iterator[tuple[str, str | int | None]]:
        if self._fields.key is not None:
            yield self._fields.key, change.record.key
        yield from self._fields.values(batch, change).items()


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)
