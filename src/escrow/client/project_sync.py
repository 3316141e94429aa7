"""The sections of escrow.toml that say what `escrow sync` does: ``[sync]`` and ``[sinks.NAME]``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from escrow.client.named_secrets import NamedSecret, named_secret
from escrow.client.project_values import Reading, Said
from escrow.client.sinks.crm_fields import KNOWN, CrmFields
from escrow.client.sinks.plans import (
    HUBSPOT_URL,
    CommandTarget,
    CsvTarget,
    HubSpotLogin,
    HubSpotTarget,
    ListenPlan,
    SalesforceLogin,
    SalesforceTarget,
    SinkPlan,
    SlackTarget,
    SqlTarget,
    SyncPlan,
    Target,
)
from escrow.client.sinks.sql_table import DEFAULT_TABLE
from escrow.client.sql import holds_password
from escrow.terms import CELLS, Cell

__all__ = [
    "HUBSPOT_KEYS",
    "SALESFORCE_KEYS",
    "hubspot_login",
    "name",
    "read_listen",
    "read_sync",
    "salesforce_login",
    "secret",
]

_LEAST = timedelta(minutes=1)
_HIGHEST_PORT = 65_535
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_COMMON = ("kind", "partnerships", "cells")
SALESFORCE_KEYS = ("url", "client_id", "client_secret")
HUBSPOT_KEYS = ("url", "token")
_CRM_KEYS = ("object", "key", "fields")
#: Names go into the paths of calls as they stand.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


def read_sync(reading: Reading, sync: object, sinks: object) -> SyncPlan:
    """Read both sections.

    Raises:
        ProjectInvalid: they say what means nothing.
    """
    said = reading.table(sync, "sync")
    reading.only_known(said, ("every", "submit"), "sync.")
    every = reading.span(said["every"], "sync.every") if "every" in said else None
    if every is not None and every < _LEAST:
        raise reading.fault("sync.every", 'is one minute, "1m", or more')
    named = reading.table(sinks, "sinks")
    plans = tuple(_sink(reading, label, reading.table(table, f"sinks.{label}")) for label, table in named.items())
    return SyncPlan(every, reading.truth(said.get("submit", False), "sync.submit"), plans)


def read_listen(reading: Reading, listen: object) -> ListenPlan:
    """Read how webhooks are received.

    Raises:
        ProjectInvalid: it says what means nothing.
    """
    said = reading.table(listen, "listen")
    reading.only_known(said, ("secrets", "host", "port"), "listen.")
    named = [named_secret(each) for each in reading.texts(reading.needed(said, "secrets", "listen"), "listen.secrets")]
    secrets = tuple(each for each in named if each is not None)
    if len(secrets) != len(named):
        raise reading.fault("listen.secrets", 'names where the secrets are, as ["env:WEBHOOK_SECRET"]')
    host = reading.text(said.get("host", "127.0.0.1"), "listen.host")
    port = reading.row(said.get("port", 8471), "listen.port")
    if port > _HIGHEST_PORT:
        raise reading.fault("listen.port", f"is {_HIGHEST_PORT} or less")
    return ListenPlan(secrets, host, port)


def secret(reading: Reading, said: Said, key: str, where: str) -> NamedSecret:
    """Take the place of a secret, which must be said.

    Raises:
        ProjectInvalid: it is not there, or the secret itself stands there.
    """
    named = named_secret(reading.text(reading.needed(said, key, where), f"{where}.{key}"))
    if named is None:
        raise reading.fault(f"{where}.{key}", f'names where the secret is, as "env:{key.upper()}" or "keyring:{key}"')
    return named


def _sink(reading: Reading, label: str, said: Said) -> SinkPlan:
    where = f"sinks.{label}"
    kind = reading.needed(said, "kind", where)
    keys, read = reading.one_of(kind, _KINDS, f"{where}.kind")
    reading.only_known(said, (*_COMMON, *keys), f"{where}.", hint=f", for a sink of kind {kind}")
    partnerships = reading.texts(said["partnerships"], f"{where}.partnerships") if "partnerships" in said else ()
    return SinkPlan(label, read(reading, said, where), partnerships, _cells(reading, said, where))


def _cells(reading: Reading, said: Said, where: str) -> frozenset[Cell]:
    if "cells" not in said:
        return frozenset(CELLS)
    known = {str(cell): cell for cell in CELLS}
    words = reading.texts(said["cells"], f"{where}.cells")
    return frozenset(reading.one_of(word, known, f"{where}.cells") for word in words)


def _csv(reading: Reading, said: Said, where: str) -> Target:
    return CsvTarget(reading.file(reading.needed(said, "folder", where), f"{where}.folder"))


def _sql(reading: Reading, said: Said, where: str) -> Target:
    text = reading.text(reading.needed(said, "url", where), f"{where}.url")
    named = named_secret(text)
    if named is None and holds_password(text):
        raise reading.fault(f"{where}.url", 'has a password in it; put all of it elsewhere and say "env:NAME" here')
    table = reading.text(said.get("table", DEFAULT_TABLE), f"{where}.table")
    if not _TABLE.fullmatch(table):
        raise reading.fault(f"{where}.table", "is a name of letters, digits and _, with or without a schema before it")
    return SqlTarget(named or text, table, reading.path.parent)


def _slack(reading: Reading, said: Said, where: str) -> Target:
    return SlackTarget(secret(reading, said, "url", where))


def _command(reading: Reading, said: Said, where: str) -> Target:
    run = reading.texts(reading.needed(said, "run", where), f"{where}.run")
    seconds = reading.span(said.get("timeout", "10m"), f"{where}.timeout").total_seconds()
    return CommandTarget(run, reading.path.parent, seconds)


def salesforce_login(reading: Reading, said: Said, where: str) -> SalesforceLogin:
    """Read how to reach Salesforce.

    Raises:
        ProjectInvalid: it is not said, or a secret stands in the file.
    """
    url = reading.text(reading.needed(said, "url", where), f"{where}.url")
    id_, secret_ = secret(reading, said, "client_id", where), secret(reading, said, "client_secret", where)
    return SalesforceLogin(url, id_, secret_)


def hubspot_login(reading: Reading, said: Said, where: str) -> HubSpotLogin:
    """Read how to reach HubSpot.

    Raises:
        ProjectInvalid: it is not said, or a secret stands in the file.
    """
    url = reading.text(said.get("url", HUBSPOT_URL), f"{where}.url")
    return HubSpotLogin(url, secret(reading, said, "token", where))


def _salesforce(reading: Reading, said: Said, where: str) -> Target:
    login = salesforce_login(reading, said, where)
    return SalesforceTarget(login, *_crm_object(reading, said, where, default="Account"))


def _hubspot(reading: Reading, said: Said, where: str) -> Target:
    login = hubspot_login(reading, said, where)
    return HubSpotTarget(login, *_crm_object(reading, said, where, default="companies"))


def _crm_object(reading: Reading, said: Said, where: str, *, default: str) -> tuple[str, CrmFields]:
    """Read what is written to; fields of the CRM's own accounts are one partnership's alone."""
    object_ = name(reading, said.get("object", default), f"{where}.object")
    key = name(reading, said["key"], f"{where}.key") if "key" in said else None
    told = reading.table(reading.needed(said, "fields", where), f"{where}.fields")
    reading.only_known(told, KNOWN, f"{where}.fields.")
    fields = {each: name(reading, field, f"{where}.fields.{each}") for each, field in told.items()}
    if len(set(fields.values())) != len(fields) or key in fields.values():
        raise reading.fault(f"{where}.fields", "writes one field twice")
    if key is None and not isinstance(said.get("partnerships"), list):
        raise reading.fault(
            where, "writes to accounts themselves: say the one partnership it is for, or key and an object of its own"
        )
    return object_, CrmFields(fields, key)


def name(reading: Reading, value: object, where: str) -> str:
    """Take a name that a CRM gives an object or a field.

    Raises:
        ProjectInvalid: it can be none.
    """
    text = reading.text(value, where)
    if not _NAME.fullmatch(text):
        raise reading.fault(where, "is a name of letters, digits, _ and -")
    return text


_Read = Callable[[Reading, Said, str], Target]
_KINDS: Mapping[str, tuple[tuple[str, ...], _Read]] = {
    "csv": (("folder",), _csv),
    "sql": (("url", "table"), _sql),
    "slack": (("url",), _slack),
    "command": (("run", "timeout"), _command),
    "salesforce": ((*SALESFORCE_KEYS, *_CRM_KEYS), _salesforce),
    "hubspot": ((*HUBSPOT_KEYS, *_CRM_KEYS), _hubspot),
}
