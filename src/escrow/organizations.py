"""Organizations and their API keys; the operator adds both."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from escrow import audit
from escrow.access import ApiKey, Grant, grant_of_row, make_api_key, not_found
from escrow.errors import OrganizationNameInvalid, OrganizationNameTaken
from escrow.store.database import Transaction
from escrow.store.states import Scope
from escrow.store.tables import api_keys, organizations, parties

__all__ = [
    "ListedApiKey",
    "Organization",
    "add_api_key",
    "add_organization",
    "list_api_keys",
    "list_organizations",
    "lock_organization",
    "organization",
    "organization_named",
    "revoke_api_key",
]

_LONGEST_NAME = 120
_EVERYTHING = Grant()


@dataclass(frozen=True, slots=True)
class Organization:
    """A company that uses the escrow."""

    organization_id: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ListedApiKey:
    """What is known of a key after it was shown once."""

    api_key_id: str
    label: str
    grant: Grant
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def add_organization(tx: Transaction, name: str, *, organization_id: UUID, now: datetime) -> Organization:
    """Add an organization; no two names differ only in case, width or spaces.

    Raises:
        OrganizationNameInvalid: the name is empty, too long or more than a line of text.
        OrganizationNameTaken: another organization has it.
    """
    shown = _shown(name)
    row = {"organization_id": organization_id, "name": shown, "folded_name": _folded(shown), "created_at": now}
    try:
        with tx.begin_nested():
            tx.execute(insert(organizations).values(row))
    except IntegrityError as taken:
        raise OrganizationNameTaken("Another organization has this name: choose one that tells them apart.") from taken
    audit.record_for_organization(
        tx, audit.Action.ORGANIZATION_ADDED, organization_id=organization_id, caller=None, now=now
    )
    return Organization(organization_id, shown, now)


def organization(tx: Transaction, organization_id: UUID) -> Organization:
    """Give an organization, or raise NotFound."""
    row = tx.execute(select(organizations).where(organizations.c.organization_id == organization_id)).one_or_none()
    if row is None:
        raise not_found()
    return Organization(row.organization_id, row.name, row.created_at)


def organization_named(tx: Transaction, name: str) -> Organization:
    """Give the organization of this name, however it is written, or raise NotFound."""
    row = tx.execute(select(organizations).where(organizations.c.folded_name == _folded(name))).one_or_none()
    if row is None:
        raise not_found()
    return Organization(row.organization_id, row.name, row.created_at)


def list_organizations(tx: Transaction) -> list[Organization]:
    """Give all organizations by name."""
    rows = tx.execute(select(organizations).order_by(organizations.c.folded_name))
    return [Organization(row.organization_id, row.name, row.created_at) for row in rows]


def add_api_key(
    tx: Transaction,
    organization_id: UUID,
    *,
    label: str,
    grant: Grant = _EVERYTHING,
    random: Callable[[int], bytes],
    now: datetime,
) -> ApiKey:
    """Make a key for an organization; it can be shown now and never again.

    Raises:
        NotFound: there is no such organization, or it has no seat in a partnership that the key is to be bound to.
    """
    lock_organization(tx, organization_id)
    _must_have_seats(tx, organization_id, grant)
    key = make_api_key(random=random)
    tx.execute(
        insert(api_keys).values(
            api_key_id=key.api_key_id,
            organization_id=organization_id,
            label=label,
            scopes=_words(grant),
            partnership_ids=_bound_to(grant),
            expires_at=grant.expires_at,
            digest=key.digest,
            created_at=now,
        )
    )
    audit.record_for_organization(
        tx,
        audit.Action.API_KEY_ADDED,
        organization_id=organization_id,
        caller=None,
        now=now,
        detail={"api_key_id": key.api_key_id, "scopes": _words(grant), "partnership_ids": _bound_to(grant) or "all"},
    )
    return key


def list_api_keys(tx: Transaction, organization_id: UUID) -> list[ListedApiKey]:
    """Give an organization's keys, oldest first, the revoked ones too."""
    query = select(api_keys).where(api_keys.c.organization_id == organization_id)
    rows = tx.execute(query.order_by(api_keys.c.created_at, api_keys.c.api_key_id))
    return [
        ListedApiKey(row.api_key_id, row.label, grant_of_row(row), row.created_at, row.last_used_at, row.revoked_at)
        for row in rows
    ]


def revoke_api_key(tx: Transaction, api_key_id: str, *, now: datetime) -> None:
    """Refuse this key from now on, or raise NotFound; revoked again, it stays revoked since the first time."""
    query = select(api_keys.c.organization_id).where(api_keys.c.api_key_id == api_key_id)
    organization_id = tx.execute(query).scalar_one_or_none()
    if organization_id is None:
        raise not_found()
    lock_organization(tx, organization_id)
    valid = (api_keys.c.api_key_id == api_key_id) & api_keys.c.revoked_at.is_(None)
    if not tx.execute(update(api_keys).where(valid).values(revoked_at=now)).rowcount:
        return
    audit.record_for_organization(
        tx,
        audit.Action.API_KEY_REVOKED,
        organization_id=organization_id,
        caller=None,
        now=now,
        detail={"api_key_id": api_key_id},
    )


def _must_have_seats(tx: Transaction, organization_id: UUID, grant: Grant) -> None:
    seats = select(parties.c.partnership_id).where(parties.c.organization_id == organization_id)
    if grant.partnership_ids is not None and not grant.partnership_ids <= set(tx.execute(seats).scalars()):
        raise not_found()


def _words(grant: Grant) -> str:
    return ",".join(scope.value for scope in Scope if scope in grant.scopes)


def _bound_to(grant: Grant) -> str | None:
    return None if grant.partnership_ids is None else ",".join(sorted(map(str, grant.partnership_ids)))


def lock_organization(tx: Transaction, organization_id: UUID) -> None:
    """Let changes of one organization wait for each other, so that its trail has no gaps."""
    query = select(organizations.c.organization_id).where(organizations.c.organization_id == organization_id)
    if tx.execute(query.with_for_update(key_share=True)).one_or_none() is None:
        raise not_found()


def _shown(name: str) -> str:
    shown = unicodedata.normalize("NFC", name).strip()
    if not shown or len(shown) > _LONGEST_NAME or not shown.isprintable():
        raise OrganizationNameInvalid(f"A name is one line of 1 to {_LONGEST_NAME} printable characters.")
    return shown


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
