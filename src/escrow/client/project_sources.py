"""The section ``[source]`` of escrow.toml where the list is no file: a query, or the records of a CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from escrow.client.named_secrets import named_secret
from escrow.client.project_sync import HUBSPOT_KEYS, SALESFORCE_KEYS, hubspot_login, name, salesforce_login
from escrow.client.project_values import Reading, Said
from escrow.client.sources.plans import HubSpotSource, SalesforceSource, SourcePlan, SqlSource
from escrow.client.sql import holds_password

__all__ = ["read_source"]

_WHOLE = "1d"


def read_source(reading: Reading, said: Said, where: str) -> SourcePlan:
    """Read where a list is fetched from.

    Raises:
        ProjectInvalid: it says what means nothing.
    """
    kinds = {"file": ((), _sql), **_KINDS}
    keys, read = reading.one_of(said["kind"], kinds, f"{where}.kind")
    reading.only_known(said, ("kind", *keys), f"{where}.", hint=f", for a source of kind {said['kind']}")
    return read(reading, said, where)


def _sql(reading: Reading, said: Said, where: str) -> SourcePlan:
    url = reading.text(reading.needed(said, "url", where), f"{where}.url")
    named = named_secret(url)
    if named is None and holds_password(url):
        raise reading.fault(f"{where}.url", 'has a password in it; put all of it elsewhere and say "env:NAME" here')
    query = reading.text(reading.needed(said, "query", where), f"{where}.query")
    return SqlSource(named or url, query, reading.path.parent)


def _salesforce(reading: Reading, said: Said, where: str) -> SourcePlan:
    object_ = name(reading, said.get("object", "Account"), f"{where}.object")
    whole = reading.span(said.get("whole", _WHOLE), f"{where}.whole")
    return SalesforceSource(salesforce_login(reading, said, where), object_, whole)


def _hubspot(reading: Reading, said: Said, where: str) -> SourcePlan:
    object_ = name(reading, said.get("object", "companies"), f"{where}.object")
    whole = reading.span(said.get("whole", _WHOLE), f"{where}.whole")
    return HubSpotSource(hubspot_login(reading, said, where), object_, whole)


_Read = Callable[[Reading, Said, str], SourcePlan]
_KINDS: Mapping[str, tuple[tuple[str, ...], _Read]] = {
    "sql": (("url", "query"), _sql),
    "salesforce": ((*SALESFORCE_KEYS, "object", "whole"), _salesforce),
    "hubspot": ((*HUBSPOT_KEYS, "object", "whole"), _hubspot),
}
