"""What escrow.toml says of a list that is no file, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from escrow.client.named_secrets import NamedSecret
from escrow.client.sinks.plans import HubSpotLogin, SalesforceLogin

__all__ = ["HubSpotSource", "SalesforceSource", "SourcePlan", "SqlSource"]


@dataclass(frozen=True, slots=True)
class SqlSource:
    """What a query of a database gives; an address with a password is a secret."""

    kind: ClassVar[str] = "sql"
    url: str | NamedSecret
    query: str
    folder: Path


@dataclass(frozen=True, slots=True)
class SalesforceSource:
    """The records of an object in Salesforce; all of them are fetched ``whole`` so often."""

    kind: ClassVar[str] = "salesforce"
    login: SalesforceLogin
    object: str
    whole: timedelta


@dataclass(frozen=True, slots=True)
class HubSpotSource:
    """The objects of a kind in HubSpot; all of them are fetched ``whole`` so often."""

    kind: ClassVar[str] = "hubspot"
    login: HubSpotLogin
    object: str
    whole: timedelta


SourcePlan = SqlSource | SalesforceSource | HubSpotSource
