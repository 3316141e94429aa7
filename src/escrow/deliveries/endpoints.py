"""Endpoints: where an organization's events are posted to. Each verb says who may, by the caller's key.

A key that is bound to partnerships makes endpoints for those alone, and knows of no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, delete, func, insert, select, update

from escrow import audit
from escrow.access import Caller, not_found
from escrow.counts import counted
from escrow.deliveries import outbox
from escrow.deliveries.filters import EVERYTHING, Filter, filter_of_row
from escrow.deliveries.reaching import is_reached, within
from escrow.deliveries.sealed import open_url, seal_secret, seal_url
from escrow.errors import EndpointNotConfirmed, EndpointsTooMany, EndpointUnsigned
from escrow.organizations import lock_organization
from escrow.signing import SigningSecret
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.states import DeliveryKind, DisabledBecause, EndpointKind, EndpointState
from escrow.store.tables import deliveries, delivery_attempts, endpoints, event_feeds
from escrow.webhooks.targets import EgressRule, Target

__all__ = [
    "Endpoint",
    "Endpoints",
    "add_endpoint",
    "change_endpoint",
    "confirm_endpoint",
    "endpoint_of",
    "endpoints_of",
    "remove_endpoint",
    "replay",
    "rotate_secret",
    "try_endpoint",
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint as its owner sees it: of the URL the host alone."""

    endpoint_id: UUID
    kind: EndpointKind
    state: EndpointState
    disabled_because: DisabledBecause | None
    description: str
    shown_url: str
    filter: Filter
    failing_since: datetime | None
    previous_until: datetime | None
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the verbs here go by: the operator's rule and limit, the service's key, chance and time."""

    rule: EgressRule
    most: int
    service_key: SealingKey
    random: Callable[[int], bytes]
    now: datetime


def add_endpoint(
    tx: Transaction,
    caller: Caller,
    *,
    kind: EndpointKind,
    unverified_url: str,
    description: str,
    wanted: Filter,
    by: Endpoints,
) -> tuple[Endpoint, SigningSecret | None]:
    """Add an endpoint, which is posted nothing but a challenge until it is confirmed; its secret is shown this once.

    Raises:
        WebhookUrlInvalid: nothing is posted to such a URL.
        EndpointsTooMany: the organization has as many as it may.
        NotFound: the filter names a partnership that the key is not for.
    """
    target = Target.parse(unverified_url, by.rule)
    lock_organization(tx, caller.organization_id)
    _must_have_room(tx, caller, by)
    secret = SigningSecret.make(random=by.random) if kind is EndpointKind.STANDARD else None
    endpoint_id = uuid4()
    tx.execute(
        insert(endpoints).values(
            endpoint_id=endpoint_id,
            organization_id=caller.organization_id,
            kind=kind.value,
            state=EndpointState.UNCONFIRMED.value,
            description=description,
            sealed_url=seal_url(endpoint_id, target.url, service_key=by.service_key),
            sealed_secret=None if secret is None else seal_secret(endpoint_id, secret, service_key=by.service_key),
            looked_at_event=_last_event(tx, caller.organization_id),
            last_delivery=0,
            due_at=outbox.NEVER,
            turn_at=by.now,
            created_at=by.now,
            **within(tx, caller, wanted).columns,
        )
    )
    _record(tx, audit.Action.ENDPOINT_ADDED, caller, endpoint_id, by.now)
    return endpoint_of(tx, caller, endpoint_id, by=by), secret


def _must_have_room(tx: Transaction, caller: Caller, by: Endpoints) -> None:
    own = endpoints.c.organization_id == caller.organization_id
    if tx.execute(select(func.count()).select_from(endpoints).where(own)).scalar_one() >= by.most:
        told = counted(by.most, "endpoint")
        raise EndpointsTooMany(f"This organization has {told}, as many as it may: remove one first.")


def endpoints_of(tx: Transaction, caller: Caller, *, by: Endpoints) -> Sequence[Endpoint]:
    """List the endpoints that the caller's key may know of, oldest first."""
    own = endpoints.c.organization_id == caller.organization_id
    rows = tx.execute(select(endpoints).where(own).order_by(endpoints.c.created_at, endpoints.c.endpoint_id))
    return [_shown(row, by) for row in rows if is_reached(caller, filter_of_row(row))]


def endpoint_of(tx: Transaction, caller: Caller, endpoint_id: UUID, *, by: Endpoints) -> Endpoint:
    """Give one endpoint, or raise NotFound, the same for a foreign and an absent one."""
    return _shown(_row(tx, caller, endpoint_id), by)


def change_endpoint(
    tx: Transaction,
    caller: Caller,
    endpoint_id: UUID,
    *,
    description: str | None = None,
    wanted: Filter = EVERYTHING,
    refiltered: Set[str] = frozenset(),
    enabled: bool | None = None,
    by: Endpoints,
) -> Endpoint:
    """Change what is not None, and of the filter what is named.

    Disabled, an endpoint is posted nothing; enabled again, it is told what it missed.

    Raises:
        EndpointNotConfirmed: an endpoint that never answered a challenge cannot be enabled.
    """
    row = _row(tx, caller, endpoint_id, locked=True)
    changed: dict[str, Any] = {} if description is None else {"description": description}
    if refiltered:
        replaced = {name: getattr(wanted, name) for name in refiltered}
        changed |= within(tx, caller, replace(filter_of_row(row), **replaced)).columns
    if enabled is not None:
        changed |= _switched(row, enabled=enabled, now=by.now)
    if changed:
        tx.execute(update(endpoints).where(endpoints.c.endpoint_id == endpoint_id).values(**changed))
        lock_organization(tx, caller.organization_id)
        _record(tx, audit.Action.ENDPOINT_CHANGED, caller, endpoint_id, by.now)
    return endpoint_of(tx, caller, endpoint_id, by=by)


def remove_endpoint(tx: Transaction, caller: Caller, endpoint_id: UUID, *, now: datetime) -> None:
    """Remove an endpoint with its log; what is under way may still arrive."""
    _row(tx, caller, endpoint_id, locked=True)
    for table in (delivery_attempts, deliveries, endpoints):
        tx.execute(delete(table).where(table.c.endpoint_id == endpoint_id))
    lock_organization(tx, caller.organization_id)
    _record(tx, audit.Action.ENDPOINT_REMOVED, caller, endpoint_id, now)


def rotate_secret(
    tx: Transaction, caller: Caller, endpoint_id: UUID, *, lasting: timedelta, by: Endpoints
) -> tuple[Endpoint, SigningSecret]:
    """Make a new secret; the one before signs beside it for a while, and the one before that no more.

    Raises:
        EndpointUnsigned: a chat has no secret.
    """
    row = _row(tx, caller, endpoint_id, locked=True)
    if row.sealed_secret is None:
        raise EndpointUnsigned("A Slack endpoint has no secret: its URL is one. Make a new URL, and a new endpoint.")
    secret = SigningSecret.make(random=by.random)
    tx.execute(
        update(endpoints)
        .where(endpoints.c.endpoint_id == endpoint_id)
        .values(
            sealed_secret=seal_secret(endpoint_id, secret, service_key=by.service_key),
            sealed_previous=row.sealed_secret,
            previous_until=by.now + lasting,
        )
    )
    lock_organization(tx, caller.organization_id)
    _record(tx, audit.Action.ENDPOINT_REKEYED, caller, endpoint_id, by.now)
    return endpoint_of(tx, caller, endpoint_id, by=by), secret


def confirm_endpoint(tx: Transaction, caller: Caller, endpoint_id: UUID, *, by: Endpoints) -> Endpoint:
    """Ask who answers there: the endpoint is enabled once it has echoed a challenge; a chat, once it took a message."""
    row = _row(tx, caller, endpoint_id, locked=True)
    if row.state == EndpointState.UNCONFIRMED.value:
        outbox.put(tx, row, DeliveryKind.CHALLENGE, now=by.now)
    return _shown(row, by)


def try_endpoint(tx: Transaction, caller: Caller, endpoint_id: UUID, *, by: Endpoints) -> Endpoint:
    """Post a trial, which the log shows.

    Raises:
        EndpointNotConfirmed: it is not enabled.
    """
    row = _row(tx, caller, endpoint_id, locked=True)
    if row.state != EndpointState.ENABLED.value:
        raise EndpointNotConfirmed("Nothing is posted to this endpoint: confirm it, or enable it, first.")
    outbox.put(tx, row, DeliveryKind.TEST, now=by.now)
    return _shown(row, by)


def replay(
    tx: Transaction, caller: Caller, endpoint_id: UUID, *, first: int, last: int, most: int, now: datetime
) -> int:
    """Deliver these deliveries of events again, under their ids, as far as they are kept; tell how many."""
    row = _row(tx, caller, endpoint_id, locked=True)
    replayed = outbox.put_again(tx, row, first=first, last=min(last, first + most - 1), now=now)
    lock_organization(tx, caller.organization_id)
    _record(tx, audit.Action.DELIVERIES_REPLAYED, caller, endpoint_id, now)
    return replayed


def _switched(row: Row[Any], *, enabled: bool, now: datetime) -> dict[str, Any]:
    if not enabled:
        because = row.disabled_because or DisabledBecause.ASKED.value
        return {"state": EndpointState.DISABLED.value, "disabled_because": because}
    if row.confirmed_at is None:
        raise EndpointNotConfirmed("This endpoint has not answered a challenge: ask for one, and answer it.")
    return {
        "state": EndpointState.ENABLED.value,
        "disabled_because": None,
        "failing_since": None,
        "due_at": now,
    }


def _row(tx: Transaction, caller: Caller, endpoint_id: UUID, *, locked: bool = False) -> Row[Any]:
    own = (endpoints.c.endpoint_id == endpoint_id) & (endpoints.c.organization_id == caller.organization_id)
    query = select(endpoints).where(own)
    row = tx.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None or not is_reached(caller, filter_of_row(row)):
        raise not_found()
    return row


def _last_event(tx: Transaction, organization_id: UUID) -> int:
    own = event_feeds.c.organization_id == organization_id
    return tx.execute(select(event_feeds.c.last_number).where(own)).scalar_one_or_none() or 0


def _shown(row: Row[Any], by: Endpoints) -> Endpoint:
    scheme, _, rest = open_url(row, service_key=by.service_key).partition("://")
    return Endpoint(
        endpoint_id=row.endpoint_id,
        kind=EndpointKind(row.kind),
        state=EndpointState(row.state),
        disabled_because=None if row.disabled_because is None else DisabledBecause(row.disabled_because),
        description=row.description,
        shown_url=f"{scheme}://{rest.partition('/')[0]}/…",
        filter=filter_of_row(row),
        failing_since=row.failing_since,
        previous_until=row.previous_until,
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
    )


def _record(tx: Transaction, action: audit.Action, caller: Caller, endpoint_id: UUID, now: datetime) -> None:
    detail = {"endpoint_id": str(endpoint_id)}
    organization_id = caller.organization_id
    audit.record_for_organization(tx, action, organization_id=organization_id, caller=caller, now=now, detail=detail)
