"""Webhook endpoints: where events are posted to, who answers there, and what became of each delivery."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Path

from escrow import errors, wire
from escrow.api.cursors import Cursors
from escrow.api.dependencies import AskedCursor, AskedLimit, Service, Serving, WebhooksKey, json_only, page_size
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.deliveries import endpoints, log
from escrow.deliveries.endpoints import Endpoint
from escrow.deliveries.filters import CellFilter, Filter
from escrow.deliveries.log import LoggedDelivery
from escrow.deliveries.rules import egress_rule
from escrow.store.states import EndpointKind, EventType
from escrow.terms import Cell
from escrow.wire.values import Id

__all__ = ["router"]

router = Router(tags=["webhooks"])

EndpointId = Annotated[Id, Path(description="The endpoint's id.")]

_ONE = "/v1/webhook-endpoints/{endpoint_id}"


@router.post(
    "/v1/webhook-endpoints",
    summary="Add a webhook endpoint",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses=problems(
        errors.ScopeMissing, errors.NotFound, errors.WebhookUrlInvalid, errors.EndpointsTooMany, *TAKES_A_BODY
    ),
)
def add_webhook_endpoint(key: WebhooksKey, service: Serving, request: wire.NewEndpoint) -> wire.NewSecret:
    """Add an endpoint, and show its secret this once. Nothing but a challenge is posted until it is confirmed."""
    with service.database.transaction("add an endpoint") as tx:
        added, secret = endpoints.add_endpoint(
            tx,
            key.admit(tx),
            kind=EndpointKind(request.kind),
            unverified_url=request.url,
            description=request.description,
            wanted=_filter(request),
            by=_by(service),
        )
        return wire.NewSecret(**_told(added), secret=None if secret is None else secret.presented)


@router.get("/v1/webhook-endpoints", summary="Webhook endpoints", responses=problems(errors.ScopeMissing))
def list_webhook_endpoints(key: WebhooksKey, service: Serving) -> wire.Endpoints:
    """List the endpoints that the key may know of: one bound to partnerships sees those of no others."""
    with service.database.snapshot("list endpoints") as tx:
        found = endpoints.endpoints_of(tx, key.admit(tx), by=_by(service))
        return wire.Endpoints(items=tuple(wire.Endpoint(**_told(each)) for each in found))


@router.get(_ONE, summary="One webhook endpoint", responses=problems(errors.ScopeMissing, errors.NotFound))
def show_webhook_endpoint(endpoint_id: EndpointId, key: WebhooksKey, service: Serving) -> wire.Endpoint:
    """Show where an endpoint stands."""
    with service.database.snapshot("show an endpoint") as tx:
        return wire.Endpoint(**_told(endpoints.endpoint_of(tx, key.admit(tx), endpoint_id, by=_by(service))))


@router.patch(
    _ONE,
    summary="Change a webhook endpoint",
    dependencies=[Depends(json_only)],
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.EndpointNotConfirmed, *TAKES_A_BODY),
)
def change_webhook_endpoint(
    endpoint_id: EndpointId, key: WebhooksKey, service: Serving, request: wire.EndpointChange
) -> wire.Endpoint:
    """Change the description or the filter, disable or enable. A part of the filter that is null lets all pass."""
    with service.database.transaction("change an endpoint") as tx:
        changed = endpoints.change_endpoint(
            tx,
            key.admit(tx),
            endpoint_id,
            description=request.description,
            wanted=_filter(request),
            refiltered=request.model_fields_set & _FILTERS,
            enabled=request.enabled,
            by=_by(service),
        )
        return wire.Endpoint(**_told(changed))


@router.delete(
    _ONE,
    summary="Remove a webhook endpoint",
    status_code=204,
    responses=problems(errors.ScopeMissing, errors.NotFound),
)
def remove_webhook_endpoint(endpoint_id: EndpointId, key: WebhooksKey, service: Serving) -> None:
    """Remove an endpoint, its secrets and its log."""
    with service.database.transaction("remove an endpoint") as tx:
        endpoints.remove_endpoint(tx, key.admit(tx), endpoint_id, now=service.now())


@router.post(
    f"{_ONE}/confirm",
    summary="Ask a webhook endpoint who answers there",
    status_code=202,
    dependencies=[Depends(json_only)],
    responses=problems(errors.ScopeMissing, errors.NotFound, *TAKES_A_BODY),
)
def confirm_webhook_endpoint(
    endpoint_id: EndpointId, key: WebhooksKey, service: Serving, _request: wire.Nothing
) -> wire.Endpoint:
    """Have a challenge posted: the endpoint is enabled once its answer echoes it, and the log shows how that went."""
    with service.database.transaction("confirm an endpoint") as tx:
        return wire.Endpoint(**_told(endpoints.confirm_endpoint(tx, key.admit(tx), endpoint_id, by=_by(service))))


@router.post(
    f"{_ONE}/test",
    summary="Post a trial to a webhook endpoint",
    status_code=202,
    dependencies=[Depends(json_only)],
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.EndpointNotConfirmed, *TAKES_A_BODY),
)
def try_webhook_endpoint(
    endpoint_id: EndpointId, key: WebhooksKey, service: Serving, _request: wire.Nothing
) -> wire.Endpoint:
    """Have `endpoint.test` posted once; the log shows how that went."""
    with service.database.transaction("try an endpoint") as tx:
        return wire.Endpoint(**_told(endpoints.try_endpoint(tx, key.admit(tx), endpoint_id, by=_by(service))))


@router.post(
    f"{_ONE}/secret",
    summary="Replace the secret of a webhook endpoint",
    dependencies=[Depends(json_only)],
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.EndpointUnsigned, *TAKES_A_BODY),
)
def rotate_webhook_secret(
    endpoint_id: EndpointId, key: WebhooksKey, service: Serving, _request: wire.Nothing
) -> wire.NewSecret:
    """Make a new secret and show it this once; until `previous_secret_until` the one before signs too."""
    lasting = timedelta(seconds=service.settings.webhook_rotation_seconds)
    with service.database.transaction("rotate a secret") as tx:
        rotated, secret = endpoints.rotate_secret(tx, key.admit(tx), endpoint_id, lasting=lasting, by=_by(service))
        return wire.NewSecret(**_told(rotated), secret=secret.presented)


@router.get(
    f"{_ONE}/deliveries",
    summary="What was delivered to a webhook endpoint",
    responses=problems(errors.ScopeMissing, errors.NotFound),
)
def list_deliveries(
    endpoint_id: EndpointId, key: WebhooksKey, service: Serving, cursor: AskedCursor = None, limit: AskedLimit = None
) -> wire.DeliveryPage:
    """Page through deliveries with every attempt, newest first."""
    with service.database.snapshot("list deliveries") as tx:
        caller = key.admit(tx)
        endpoints.endpoint_of(tx, caller, endpoint_id, by=_by(service))
        cursors, size = Cursors.of(f"webhook-endpoints/{endpoint_id}/deliveries", caller), page_size(service, limit)
        page = log.log_page(tx, endpoint_id, before=cursors.read_number(cursor), limit=size)
        return wire.DeliveryPage(items=tuple(map(_logged, page.items)), next=cursors.write_number(page.next))


@router.post(
    f"{_ONE}/replay",
    summary="Deliver again",
    dependencies=[Depends(json_only)],
    responses=problems(errors.ScopeMissing, errors.NotFound, *TAKES_A_BODY),
)
def replay_deliveries(
    endpoint_id: EndpointId, key: WebhooksKey, service: Serving, request: wire.Replay
) -> wire.Replayed:
    """Make settled deliveries of events pending again, in their order and under their ids; at most 1,000 at once."""
    with service.database.transaction("replay deliveries") as tx:
        replayed = endpoints.replay(
            tx,
            key.admit(tx),
            endpoint_id,
            first=request.first,
            last=request.last,
            most=wire.MOST_ITEMS,
            now=service.now(),
        )
        return wire.Replayed(deliveries=replayed)


_FILTERS = {"types", "partnership_ids", "cells"}


def _by(service: Service) -> endpoints.Endpoints:
    settings = service.settings
    return endpoints.Endpoints(
        rule=egress_rule(settings),
        most=settings.webhook_endpoints,
        service_key=service.sealing_key,
        random=service.random,
        now=service.now(),
    )


def _filter(asked: wire.NewEndpoint | wire.EndpointChange) -> Filter:
    return Filter(
        types=None if asked.types is None else frozenset(map(EventType, asked.types)),
        partnership_ids=None if asked.partnership_ids is None else frozenset(asked.partnership_ids),
        cells=(
            None
            if asked.cells is None
            else tuple(CellFilter(Cell(each.ours, each.theirs), each.crossed) for each in asked.cells)
        ),
    )


def _told(shown: Endpoint) -> dict[str, Any]:
    wanted = shown.filter
    return {
        "endpoint_id": shown.endpoint_id,
        "kind": shown.kind.value,
        "state": shown.state.value,
        "disabled_because": None if shown.disabled_because is None else shown.disabled_because.value,
        "description": shown.description,
        "url": shown.shown_url,
        "types": None if wanted.types is None else tuple(sorted(each.value for each in wanted.types)),
        "partnership_ids": None if wanted.partnership_ids is None else tuple(sorted(wanted.partnership_ids)),
        "cells": None if wanted.cells is None else tuple(map(_cell, wanted.cells)),
        "failing_since": shown.failing_since,
        "previous_secret_until": shown.previous_until,
        "created_at": shown.created_at,
        "confirmed_at": shown.confirmed_at,
    }


def _cell(wanted: CellFilter) -> wire.WantedCell:
    return wire.WantedCell(ours=wanted.cell.ours, theirs=wanted.cell.theirs, crossed=wanted.crossed)


def _logged(each: LoggedDelivery) -> wire.Delivery:
    return wire.Delivery(
        number=each.number,
        id=each.message_id,
        type=each.type,
        partnership_id=each.partnership_id,
        event_number=each.event_number,
        occurred_at=each.occurred_at,
        state=each.state.value,
        due_at=each.due_at,
        attempts=tuple(
            wire.DeliveryAttempt(
                attempt=made.attempt,
                started_at=made.started_at,
                milliseconds=made.milliseconds,
                outcome=made.outcome.value,
                status=made.status,
            )
            for made in each.attempts
        ),
    )
