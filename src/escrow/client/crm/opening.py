"""Reaching a CRM with the secrets that escrow.toml names."""

from __future__ import annotations

from collections.abc import Mapping

from escrow.client.calling import Caller
from escrow.client.crm.hubspot import HubSpot
from escrow.client.crm.salesforce import Salesforce, SalesforceKeys
from escrow.client.named_secrets import find_secret
from escrow.client.sinks.plans import HubSpotLogin, SalesforceLogin
from escrow.errors import ClientError

__all__ = ["open_hubspot", "open_salesforce"]


def open_salesforce(login: SalesforceLogin, environment: Mapping[str, str], *, error: type[ClientError]) -> Salesforce:
    """Make what calls an org; nothing is called yet.

    Raises:
        SecretMissing, SystemKeyringUnusable: a secret is not where escrow.toml says.
    """
    id_, secret = find_secret(login.client_id, environment), find_secret(login.client_secret, environment)
    return Salesforce(SalesforceKeys(login.url, id_, secret), Caller("Salesforce"), error=error)


def open_hubspot(login: HubSpotLogin, environment: Mapping[str, str], *, error: type[ClientError]) -> HubSpot:
    """Make what calls an account; nothing is called yet.

    Raises:
        SecretMissing, SystemKeyringUnusable: the token is not where escrow.toml says.
    """
    return HubSpot(login.url, find_secret(login.token, environment), Caller("HubSpot"), error=error)
