"""Sink: Salesforce, by sObject Collections: upserts of a custom object by an external id, or fields of accounts.

Each batch is one call of at most 200 records, in which some may be refused and the others are written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from escrow.client.crm.salesforce import API_VERSION, MOST_RECORDS, Salesforce, SalesforceCall
from escrow.client.sinks.changes import Batch, Change, ChangeKind
from escrow.client.sinks.crm_fields import CrmFields
from escrow.client.sinks.sink import ALL_TAKEN, Taken

__all__ = ["SalesforceSink"]

#: A record that is not there any more needs no emptying.
_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})


class SalesforceSink:
    """Writes to one object of one org."""

    most: int | None = MOST_RECORDS

    def __init__(self, salesforce: Salesforce, object_name: str, fields: CrmFields, *, url: str) -> None:
        self._salesforce = salesforce
        self._object = object_name
        self._fields = fields
        self._url = url

    @property
    def place(self) -> str:
        """The org, the object and the fields: what is mapped anew is told anew."""
        return f"salesforce {self._url} {self._object} {self._fields.key} {sorted(self._fields.names.items())}"

    def take(self, batch: Batch) -> Taken:
        """Write a batch by one call."""
        changes = list(batch.changes)
        if not changes:
            return ALL_TAKEN
        problems = zip(changes, self._salesforce.write(self._call(batch, changes)), strict=True)
        refused = {
            change.record.crm_id: code
            for change, code in problems
            if code is not None and not (change.kind is ChangeKind.LEFT and code in _GONE)
        }
        return Taken(frozenset(refused), Counter(refused.values()))

    def preview(self, batch: Batch) -> Iterator[str]:
        """Give the call."""
        if batch.size:
            call = self._call(batch, list(batch.changes))
            yield f"{call.method} {call.path}"
            yield json.dumps(call.body, ensure_ascii=False)

    def close(self) -> None:
        """Give the connections back."""
        self._salesforce.close()

    def _call(self, batch: Batch, changes: list[Change]) -> SalesforceCall:
        path = f"/services/data/{API_VERSION}/composite/sobjects"
        if self._fields.key is not None:
            path += f"/{self._object}/{self._fields.key}"
        records = [
            {"attributes": {"type": self._object}, **self._identified(change), **self._fields.values(batch, change)}
            for change in changes
        ]
        return SalesforceCall("PATCH", path, {"allOrNone": False, "records": records})

    def _identified(self, change: Change) -> dict[str, str]:
        key = self._fields.key
        return {"id": change.record.crm_id} if key is None else {key: change.record.key}
