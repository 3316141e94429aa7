"""The service itself, and who is calling."""

from __future__ import annotations

from escrow import __version__, errors, organizations, wire
from escrow.api.dependencies import AnyKey, Service, Serving
from escrow.api.idempotency import Router
from escrow.api.problems import also, problems
from escrow.api.readiness import check_ready
from escrow.psi.matchkeys import Suite
from escrow.psi.profile_ids import PROFILE_IDS
from escrow.store.release_keys import published
from escrow.store.states import Scope

__all__ = ["router"]

router = Router(tags=["service"])


@router.get("/healthz", summary="Whether the service answers")
def check_health() -> wire.Health:
    """Answer as long as the process does; asks for no key and says nothing else."""
    return wire.Health()


@router.get("/readyz", summary="Whether this process can do its work", responses=also({}, errors.NotReady))
def check_readiness(service: Serving) -> wire.Health:
    """Answer if the database, its tables, the sealing key and the worker of this process are well; asks for no key."""
    check_ready(service)
    return wire.Health()


@router.get("/v1/service", summary="What this service speaks and takes", responses=problems())
def show_service(key: AnyKey, service: Serving) -> wire.Service:
    """Tell the profiles, suites and limits of this service."""
    with service.database.snapshot("show service") as tx:
        key.admit(tx)
        release_keys = published(tx)
    return wire.Service(
        name="escrow",
        version=__version__,
        profiles=PROFILE_IDS,
        suites=(Suite.HMAC,),
        limits=_limits(service),
        disclosure_presets=tuple(
            wire.DisclosurePreset(name=name, rule=wire.DisclosureRule.of(rule))
            for name, rule in service.disclosure_presets.items()
        ),
        release_keys=tuple(
            wire.ReleaseKey(key_id=each.key_id, public_key=each.public_key, first_used_at=each.first_used_at)
            for each in release_keys
        ),
        time=service.now(),
    )


@router.get("/v1/organization", summary="The calling organization", responses=problems())
def show_organization(key: AnyKey, service: Serving) -> wire.Organization:
    """Tell whose API key was shown."""
    with service.database.snapshot("show organization") as tx:
        caller = key.admit(tx)
        organization = organizations.organization(tx, caller.organization_id)
        return wire.Organization(organization_id=organization.organization_id, name=organization.name)


@router.get("/v1/api-key", summary="The calling API key", responses=problems())
def show_api_key(key: AnyKey, service: Serving) -> wire.ApiKey:
    """Tell what the key that was shown may be used for and until when; the key itself is not repeated."""
    with service.database.snapshot("show API key") as tx:
        caller = key.admit(tx)
    bound_to = caller.grant.partnership_ids
    return wire.ApiKey(
        api_key_id=caller.api_key_id,
        scopes=tuple(scope.value for scope in Scope if scope in caller.grant.scopes),
        partnership_ids=None if bound_to is None else tuple(sorted(bound_to)),
        expires_at=caller.grant.expires_at,
    )


def _limits(service: Service) -> wire.Limits:
    settings = service.settings
    return wire.Limits(
        chunk_bytes=settings.chunk_bytes,
        chunks=wire.MOST_CHUNKS,
        body_bytes=settings.body_bytes,
        json_list_accounts=settings.json_list_accounts,
        json_list_bytes=settings.json_list_bytes,
        page_items=settings.page_items,
        largest_list=settings.largest_list,
    )
