"""Accounts of Salesforce and companies of HubSpot, as records that were modified since a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from escrow.client.crm.hubspot import HubSpot
from escrow.client.crm.salesforce import Salesforce
from escrow.client.sources.fetched import CrmReader, Modified
from escrow.errors import SourceFailed

__all__ = ["hubspot_reader", "salesforce_reader"]

_MODSTAMP, _DELETED, _ID = "SystemModstamp", "IsDeleted", "Id"
_MODIFIED, _OBJECT_ID = "hs_lastmodifieddate", "hs_object_id"


def salesforce_reader(salesforce: Salesforce, object_name: str) -> CrmReader:
    """Read an object by queries, deleted records too; a field of a parent is written ``Owner.Name``."""

    def read(fields: Sequence[str], since: datetime | None) -> Iterator[Modified]:
        wanted = dict.fromkeys([*fields, _ID, _MODSTAMP, _DELETED])
        soql = f"SELECT {', '.join(wanted)} FROM {object_name}"  # noqa: S608  # SOQL, of names that were checked
        if since is not None:
            soql += f" WHERE {_MODSTAMP} >= {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for record in salesforce.query(soql):
            values = None if record.get(_DELETED) is True else {each: _value(record, each) for each in fields}
            yield Modified(str(record.get(_ID)), _time(record.get(_MODSTAMP)), values)

    return read


def hubspot_reader(hubspot: HubSpot, object_type: str) -> CrmReader:
    """Read objects by pages of what was modified, or of all there are."""

    def read(fields: Sequence[str], since: datetime | None) -> Iterator[Modified]:
        wanted = tuple(dict.fromkeys([*fields, _OBJECT_ID, _MODIFIED]))
        if since is None:
            found = hubspot.listed(object_type, wanted)
        else:
            milliseconds = int(since.timestamp() * 1000)
            found = hubspot.modified(object_type, wanted, since=milliseconds, by=_MODIFIED)
        for record in found:
            properties = record.get("properties") or {}
            values = {each: _text(properties.get(each)) for each in fields}
            is_gone = record.get("archived") is True
            yield Modified(str(record.get("id")), _time(properties.get(_MODIFIED)), None if is_gone else values)

    return read


def _value(record: Mapping[str, Any], name: str) -> str:
    found: Any = record
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return _text(found)


def _text(value: object) -> str:
    if value is None:
        return ""
    return ("TRUE" if value else "FALSE") if isinstance(value, bool) else str(value)


def _time(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise SourceFailed("the CRM gives a record without the time when it was modified") from None
