"""The sections of escrow.toml that say what `escrow sync` does: ``[sync]`` and ``[sinks.NAME]``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from escrow.client.named_secrets import NamedSecret, named_secret
from escrow.client.project_values import Reading, Said
from escrow.client.sinks.plans import CommandTarget, CsvTarget, SinkPlan, SlackTarget, SqlTarget, SyncPlan, Target
from escrow.client.sinks.sql_table import DEFAULT_TABLE
from escrow.client.sql import holds_password
from escrow.terms import CELLS, Cell

__all__ = ["read_sync", "secret"]

_LEAST = timedelta(minutes=1)
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_COMMON = ("kind", "partnerships", "cells")


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
    plans = tuple(_sink(reading, name, reading.table(table, f"sinks.{name}")) for name, table in named.items())
    return SyncPlan(every, reading.truth(said.get("submit", False), "sync.submit"), plans)


def secret(reading: Reading, said: Said, key: str, where: str) -> NamedSecret:
    """Take the place of a secret, which must be said.

    Raises:
        ProjectInvalid: it is not there, or the secret itself stands there.
    """
    named = named_secret(reading.text(reading.needed(said, key, where), f"{where}.{key}"))
    if named is None:
        raise reading.fault(f"{where}.{key}", f'names where the secret is, as "env:{key.upper()}" or "keyring:{key}"')
    return named


def _sink(reading: Reading, name: str, said: Said) -> SinkPlan:
    where = f"sinks.{name}"
    kind = reading.needed(said, "kind", where)
    keys, read = reading.one_of(kind, _KINDS, f"{where}.kind")
    reading.only_known(said, (*_COMMON, *keys), f"{where}.", hint=f", for a sink of kind {kind}")
    partnerships = reading.texts(said["partnerships"], f"{where}.partnerships") if "partnerships" in said else ()
    return SinkPlan(name, read(reading, said, where), partnerships, _cells(reading, said, where))


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


_Read = Callable[[Reading, Said, str], Target]
_KINDS: Mapping[str, tuple[tuple[str, ...], _Read]] = {
    "csv": (("folder",), _csv),
    "sql": (("url", "table"), _sql),
    "slack": (("url",), _slack),
    "command": (("run", "timeout"), _command),
}
