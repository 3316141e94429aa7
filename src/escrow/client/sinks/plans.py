"""What escrow.toml says of each sink, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from escrow.client.named_secrets import NamedSecret
from escrow.client.sinks.crm_fields import CrmFields
from escrow.terms import CELLS, Cell

__all__ = [
    "HUBSPOT_URL",
    "CommandTarget",
    "CsvTarget",
    "HubSpotLogin",
    "HubSpotTarget",
    "ListenPlan",
    "SalesforceLogin",
    "SalesforceTarget",
    "SinkPlan",
    "SlackTarget",
    "SqlTarget",
    "SyncPlan",
    "Target",
]

HUBSPOT_URL = "https://api.hubapi.com"


@dataclass(frozen=True, slots=True)
class CsvTarget:
    """A folder of CSV files."""

    kind: ClassVar[str] = "csv"
    folder: Path


@dataclass(frozen=True, slots=True)
class SqlTarget:
    """A table of a database; an address with a password is a secret."""

    kind: ClassVar[str] = "sql"
    url: str | NamedSecret
    table: str
    folder: Path


@dataclass(frozen=True, slots=True)
class SlackTarget:
    """An incoming webhook."""

    kind: ClassVar[str] = "slack"
    url: NamedSecret


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """A command that reads JSON lines."""

    kind: ClassVar[str] = "command"
    run: tuple[str, ...]
    folder: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class SalesforceLogin:
    """Where a Salesforce org is, and where the credentials of an app in it are."""

    url: str
    client_id: NamedSecret
    client_secret: NamedSecret


@dataclass(frozen=True, slots=True)
class HubSpotLogin:
    """Where HubSpot is, and where the token of a private app is."""

    url: str
    token: NamedSecret


@dataclass(frozen=True, slots=True)
class SalesforceTarget:
    """An object in Salesforce."""

    kind: ClassVar[str] = "salesforce"
    login: SalesforceLogin
    object: str
    fields: CrmFields


@dataclass(frozen=True, slots=True)
class HubSpotTarget:
    """An object in HubSpot."""

    kind: ClassVar[str] = "hubspot"
    login: HubSpotLogin
    object: str
    fields: CrmFields


Target = CsvTarget | SqlTarget | SlackTarget | CommandTarget | SalesforceTarget | HubSpotTarget


@dataclass(frozen=True, slots=True)
class SinkPlan:
    """A sink, for the partnerships of these names (all if there are none) and what lies in these cells."""

    name: str
    to: Target
    partnerships: tuple[str, ...] = ()
    cells: frozenset[Cell] = frozenset(CELLS)

    def is_for(self, *names: str) -> bool:
        """Say whether it is for a partnership that goes by one of these names."""
        wanted = {name.casefold() for name in self.partnerships}
        return not wanted or bool(wanted & {name.casefold() for name in names if name})


@dataclass(frozen=True, slots=True)
class ListenPlan:
    """Where `escrow listen` listens, and where the secrets of the endpoint are: two while one replaces the other."""

    secrets: tuple[NamedSecret, ...]
    host: str = "127.0.0.1"
    port: int = 8471


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """How `escrow sync` runs: how often (None: once), and whether it submits our lists first."""

    every: timedelta | None = None
    submits: bool = False
    sinks: tuple[SinkPlan, ...] = field(default=())
