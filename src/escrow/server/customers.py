"""The operator's commands for organizations and their API keys."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer

from escrow.errors import NotFound
from escrow.server.columns import aligned
from escrow.server.starting import transaction
from escrow.store.states import Scope

if TYPE_CHECKING:
    from escrow.access import Grant
    from escrow.organizations import ListedApiKey, Organization
    from escrow.store.database import Transaction

__all__ = ["api_key_app", "organization_app"]

organization_app = typer.Typer(help="Organizations that use this service.", no_args_is_help=True)
api_key_app = typer.Typer(help="API keys of organizations.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
WhichOrganization = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its name or its id.")]


_MINUTES = {"d": 24 * 60, "h": 60, "m": 1}
_LONGEST_MINUTES = 36_500 * _MINUTES["d"]


def _read_time(text: str) -> timedelta:
    form = re.fullmatch(r"([1-9][0-9]{0,11})([dhm])", text)
    if form is None:
        raise typer.BadParameter("give a number with d, h or m behind it, like 90d")
    minutes = int(form[1]) * _MINUTES[form[2]]
    if minutes > _LONGEST_MINUTES:
        raise typer.BadParameter("that is too long; give at most 36500d, or leave it out for a key without an end")
    return timedelta(minutes=minutes)


_LONGEST_LABEL = 120


def _read_label(text: str) -> str:
    if len(text) > _LONGEST_LABEL or not text.isprintable():
        raise typer.BadParameter(f"give one line of at most {_LONGEST_LABEL} printable characters")
    return text


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
        key = _new_api_key(tx, added) if with_api_key else {}
    _print_made(added, key, as_json=as_json)


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
    label: Annotated[
        str, typer.Option(metavar="TEXT", parser=_read_label, help="What the key is for, in at most 120 characters.")
    ] = "",
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="read, submit, terms, pair or webhooks; repeatable. Without it the key is for everything."),
    ] = None,
    partnership: Annotated[
        list[UUID] | None, typer.Option(metavar="ID", help="The only partnership it is for; repeatable.")
    ] = None,
    expires_in: Annotated[
        timedelta | None,
        typer.Option(metavar="TIME", parser=_read_time, help="How long it works, like 90d or 12h; without it forever."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it: this once, since only its digest is kept."""
    from escrow.access import Grant

    grant = Grant(
        scopes=frozenset(scope or Scope),
        partnership_ids=frozenset(partnership) if partnership else None,
        expires_at=datetime.now(UTC) + expires_in if expires_in else None,
    )
    with transaction("add api key") as tx:
        owner = _organization(tx, organization)
        key = _new_api_key(tx, owner, label=label, grant=grant)
    _print_made(owner, key, as_json=as_json)


@api_key_app.command("list")
def list_api_keys(organization: WhichOrganization, as_json: AsJson = False) -> None:
    """List an organization's API keys, without their secrets."""
    from escrow import organizations

    with transaction("list api keys") as tx:
        owner = _organization(tx, organization)
        keys = organizations.list_api_keys(tx, owner.organization_id)
    if as_json:
        lines = [json.dumps(_listed(key)) for key in keys]
    elif keys:
        lines = [*aligned([_HEADINGS, *map(_row, keys)])]
    else:
        lines = [f"{owner.name} has no API key: 'escrow-server api-key add' makes one."]
    for line in lines:
        typer.echo(line)


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


def _new_api_key(
    tx: Transaction, owner: Organization, *, label: str = "", grant: Grant | None = None
) -> dict[str, str]:
    from escrow import access, organizations

    try:
        key = organizations.add_api_key(
            tx,
            owner.organization_id,
            label=label,
            grant=grant or access.Grant(),
            random=os.urandom,
            now=datetime.now(UTC),
        )
    except NotFound:
        raise NotFound(
            f"{owner.name} has no seat in a partnership that was named: 'escrow status' shows ids."
        ) from None
    return {"api_key_id": key.api_key_id, "api_key": key.presented}


def _listed(key: ListedApiKey) -> dict[str, object]:
    bound_to = key.grant.partnership_ids
    return {
        "api_key_id": key.api_key_id,
        "label": key.label,
        "scopes": [scope.value for scope in Scope if scope in key.grant.scopes],
        "partnership_ids": None if bound_to is None else sorted(map(str, bound_to)),
        "created_at": _moment(key.created_at),
        "expires_at": _moment(key.grant.expires_at),
        "last_used_at": _moment(key.last_used_at),
        "revoked_at": _moment(key.revoked_at),
    }


_HEADINGS = ("id", "label", "scopes", "partnerships", "added (UTC)", "expires", "last used", "revoked")


def _row(key: ListedApiKey) -> tuple[str, ...]:
    """Say of a key what it is, what it may be used for and whether it still is."""
    bound_to = key.grant.partnership_ids
    return (
        key.api_key_id,
        key.label or "-",
        ", ".join(scope.value for scope in Scope if scope in key.grant.scopes),
        "all" if bound_to is None else ", ".join(sorted(map(str, bound_to))),
        _minute(key.created_at),
        _minute(key.grant.expires_at, otherwise="never"),
        _minute(key.last_used_at, otherwise="never"),
        _minute(key.revoked_at, otherwise="no"),
    )


def _minute(moment: datetime | None, *, otherwise: str = "") -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else otherwise


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


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _print_made(organization: Organization, key: dict[str, str], *, as_json: bool) -> None:
    """Print what was made, a key under what it is: it is shown this once."""
    if as_json:
        _print([_told(organization) | key], as_json=True)
        return
    typer.echo(f"Organization: {organization.name}, id {organization.organization_id}")
    if key:
        typer.echo(f"API key:      {key['api_key']}")
        typer.echo(f"              shown this once; its id, to list and revoke it, is {key['api_key_id']}")


def _print(rows: list[dict[str, str]], *, as_json: bool) -> None:
    """Print one row a line, as text or as an object."""
    for row in rows:
        typer.echo(json.dumps(row) if as_json else "  ".join(filter(None, row.values())))
