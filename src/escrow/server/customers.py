"""The operator's commands for organizations and their API keys."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer

from escrow.errors import NotFound
from escrow.server.starting import transaction

if TYPE_CHECKING:
    from escrow.organizations import Organization
    from escrow.store.database import Transaction

__all__ = ["api_key_app", "organization_app"]

organization_app = typer.Typer(help="Organizations that use this service.", no_args_is_help=True)
api_key_app = typer.Typer(help="API keys of organizations.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
WhichOrganization = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its name or its id.")]


@organization_app.command("add")
def add_organization(
    name: Annotated[str, typer.Argument(help="What people call it; each name once.")],
    with_api_key: Annotated[bool, typer.Option("--api-key", help="Also make its first API key and print it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add an organization."""
    from escrow import organizations

    with transaction("add organization") as tx:
        added = organizations.add_organization(tx, name, organization_id=uuid4(), now=datetime.now(UTC))
        key = _new_api_key(tx, added, label="") if with_api_key else {}
    _print([_told(added) | key], as_json=as_json)


@organization_app.command("list")
def list_organizations(as_json: AsJson = False) -> None:
    """List all organizations."""
    from escrow import organizations

    with transaction("list organizations") as tx:
        found = organizations.list_organizations(tx)
    _print([_told(each) for each in found], as_json=as_json)


@api_key_app.command("add")
def add_api_key(
    organization: WhichOrganization,
    label: Annotated[str, typer.Option(help="What the key is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it: this once, since only its digest is kept."""
    with transaction("add api key") as tx:
        owner = _organization(tx, organization)
        key = _new_api_key(tx, owner, label=label)
    _print([_told(owner) | key], as_json=as_json)


@api_key_app.command("list")
def list_api_keys(organization: WhichOrganization, as_json: AsJson = False) -> None:
    """List an organization's API keys, without their secrets."""
    from escrow import organizations

    with transaction("list api keys") as tx:
        keys = organizations.list_api_keys(tx, _organization(tx, organization).organization_id)
    _print(
        [
            {
                "api_key_id": key.api_key_id,
                "label": key.label,
                "created_at": key.created_at.isoformat(),
                "revoked_at": key.revoked_at.isoformat() if key.revoked_at else "",
            }
            for key in keys
        ],
        as_json=as_json,
    )


@api_key_app.command("revoke")
def revoke_api_key(
    api_key_id: Annotated[str, typer.Argument(help="The key's id, which `list` shows.")],
) -> None:
    """Refuse a key from now on."""
    from escrow import organizations

    try:
        with transaction("revoke api key") as tx:
            organizations.revoke_api_key(tx, api_key_id, now=datetime.now(UTC))
    except NotFound:
        raise NotFound(f"There is no API key {api_key_id}: 'escrow-server api-key list' shows the ids.") from None
    typer.echo(f"Revoked: {api_key_id} is refused from now on.")


def _new_api_key(tx: Transaction, owner: Organization, *, label: str) -> dict[str, str]:
    from escrow import organizations

    key = organizations.add_api_key(tx, owner.organization_id, label=label, random=os.urandom, now=datetime.now(UTC))
    return {"api_key_id": key.api_key_id, "api_key": key.presented}


def _organization(tx: Transaction, which: str) -> Organization:
    from escrow import organizations

    try:
        try:
            return organizations.organization(tx, UUID(which))
        except ValueError:
            return organizations.organization_named(tx, which)
    except NotFound:
        raise NotFound(f"There is no organization {which!r}: 'escrow-server organization list' shows them.") from None


def _told(organization: Organization) -> dict[str, str]:
    return {"organization_id": str(organization.organization_id), "name": organization.name}


def _print(rows: list[dict[str, str]], *, as_json: bool) -> None:
    """Print one row a line, as text or as an object."""
    for row in rows:
        typer.echo(json.dumps(row) if as_json else "  ".join(filter(None, row.values())))
