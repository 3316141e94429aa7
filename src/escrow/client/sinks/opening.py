"""Making the sinks that escrow.toml names; only what is used is loaded."""

from __future__ import annotations

from collections.abc import Mapping

from escrow.client.crm.opening import open_hubspot, open_salesforce
from escrow.client.named_secrets import NamedSecret, find_secret
from escrow.client.sinks.plans import (
    CommandTarget,
    CsvTarget,
    HubSpotTarget,
    SalesforceTarget,
    SlackTarget,
    SqlTarget,
    Target,
)
from escrow.client.sinks.sink import Sink
from escrow.errors import SinkFailed

__all__ = ["open_sink"]


def open_sink(name: str, target: Target, environment: Mapping[str, str]) -> Sink:
    """Make a sink.

    Raises:
        SecretMissing, SystemKeyringUnusable: a secret is not where escrow.toml says.
        SinkFailed: what the sink needs is not installed, or its folder cannot be written to.
    """
    match target:
        case CsvTarget(folder):
            from escrow.client.sinks.csv_files import CsvFiles, check_folder  # noqa: PLC0415  # what is used alone

            check_folder(folder)
            return CsvFiles(folder)
        case CommandTarget(run, folder, seconds):
            from escrow.client.sinks.commands import CommandSink  # noqa: PLC0415  # as above

            return CommandSink(run, folder, seconds=seconds)
        case SlackTarget(url):
            from escrow.client.sinks.slack import SlackSink  # noqa: PLC0415  # as above

            return SlackSink(find_secret(url, environment))
        case SqlTarget():
            return _sql_table(name, target, environment)
        case SalesforceTarget(login, object_name, fields):
            from escrow.client.sinks.salesforce_sink import SalesforceSink  # noqa: PLC0415  # as above

            salesforce = open_salesforce(login, environment, error=SinkFailed)
            return SalesforceSink(salesforce, object_name, fields, url=login.url)
        case HubSpotTarget(login, object_type, fields):
            from escrow.client.sinks.hubspot_sink import HubSpotSink  # noqa: PLC0415  # as above

            return HubSpotSink(open_hubspot(login, environment, error=SinkFailed), object_type, fields, url=login.url)


def _sql_table(name: str, target: SqlTarget, environment: Mapping[str, str]) -> Sink:
    from escrow.client.sinks.sql_table import SqlTable  # noqa: PLC0415  # as above
    from escrow.client.sql import open_database  # noqa: PLC0415  # as above

    url = find_secret(target.url, environment).text if isinstance(target.url, NamedSecret) else target.url
    database = open_database(url, target.folder, what=f"the database of the sink {name}", error=SinkFailed)
    return SqlTable(database, target.table, reference=str(target.url))
