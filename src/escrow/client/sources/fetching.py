"""Fetching a list that is no file, as escrow.toml says; what comes of it is a CSV file in the home folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from escrow.client.named_secrets import NamedSecret, find_secret
from escrow.client.sources.fetched import Cached, write_rows
from escrow.client.sources.plans import HubSpotSource, SalesforceSource, SourcePlan, SqlSource
from escrow.errors import SourceFailed

__all__ = ["fetch"]


def fetch(
    source: SourcePlan, columns: Sequence[str], folder: Path, environment: Mapping[str, str], *, now: datetime
) -> Path:
    """Fetch a list into ``folder``; ``columns`` are those that the plan of the list names.

    Raises:
        SourceFailed: it did not come; what was there before is as it was.
        SecretMissing, SystemKeyringUnusable: a secret is not where escrow.toml says.
    """
    match source:
        case SqlSource():
            return _queried(source, folder, environment)
        case SalesforceSource(login, object_name, whole):
            from escrow.client.crm.opening import open_salesforce  # noqa: PLC0415  # what is used alone
            from escrow.client.sources.crm_reading import salesforce_reader  # noqa: PLC0415  # as above

            with closing(open_salesforce(login, environment, error=SourceFailed)) as salesforce:
                cached = Cached(folder, f"salesforce {login.url} {object_name}")
                return cached.file(columns, salesforce_reader(salesforce, object_name), whole=whole, now=now)
        case HubSpotSource(login, object_type, whole):
            from escrow.client.crm.opening import open_hubspot  # noqa: PLC0415  # as above
            from escrow.client.sources.crm_reading import hubspot_reader  # noqa: PLC0415  # as above

            with closing(open_hubspot(login, environment, error=SourceFailed)) as hubspot:
                cached = Cached(folder, f"hubspot {login.url} {login.token} {object_type}")
                return cached.file(columns, hubspot_reader(hubspot, object_type), whole=whole, now=now)


def _queried(source: SqlSource, folder: Path, environment: Mapping[str, str]) -> Path:
    from escrow.client.sql import open_database  # noqa: PLC0415  # what is used alone

    url = find_secret(source.url, environment).text if isinstance(source.url, NamedSecret) else source.url
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = hashlib.sha256(f"{source.url}\n{source.query}".encode()).hexdigest()[:24]
    database = open_database(url, source.folder, what="the database of the list", error=SourceFailed)
    with closing(database), database.transaction() as tx:
        headers, rows = tx.rows(source.query)
        return write_rows(folder / f"{stem}.csv", headers, rows)
