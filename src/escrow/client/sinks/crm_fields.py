"""Which of a CRM's fields hold what of a record, as escrow.toml maps them; the same for every CRM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from escrow.client.sinks.changes import Batch, Change, ChangeKind
from escrow.terms import DETAIL_FIELDS

__all__ = ["KNOWN", "CrmFields"]

_IDENTITY = ("key", "partnership_id", "partnership", "crm_id", "account_name")
_STATUS = ("status", "change", "changed_at")
_STATE = ("ours", "theirs", "tier", "level", "overlap", "entered_at")
_SHARED = tuple(f"shared.{name}" for name in DETAIL_FIELDS)

#: What a field can hold.
KNOWN = (*_IDENTITY, *_STATUS, *_STATE, *_SHARED)

Value = str | int | None


@dataclass(frozen=True, slots=True)
class CrmFields:
    """``names`` maps what is known to the CRM's field. With a ``key`` field, records are an object of their own.

    Without one, fields of the CRM's own account are written, by its id.
    """

    names: Mapping[str, str]
    key: str | None

    def values(self, batch: Batch, change: Change) -> dict[str, Value]:
        """Give the fields with their values; of a record that left, all that it told is emptied."""
        record = change.record
        has_left = change.kind is ChangeKind.LEFT
        status: dict[str, Value] = {
            "status": "left" if has_left else "overlaps",
            "change": change.kind.value,
            "changed_at": batch.made_at,
        }
        identity: dict[str, Value] = {"key": record.key, **{name: record.told[name] for name in _IDENTITY[1:]}}
        state: dict[str, Value] = {name: record.told[name] for name in _STATE}
        strongest = record.shared[0] if record.shared else {}
        state |= {f"shared.{name}": strongest.get(name) for name in DETAIL_FIELDS}
        if has_left:
            state = dict.fromkeys(state)
            # An account of the CRM is no record of ours: nothing of the partner stays on it.
            identity = identity if self.key is not None else dict.fromkeys(identity)
        known = {**identity, **status, **state}
        return {field: known[name] for name, field in self.names.items()}
