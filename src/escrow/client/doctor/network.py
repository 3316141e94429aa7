"""What is looked at over the network: the way to the service, its clock and certificate, its version, the API key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from escrow import __version__, wire
from escrow.client.doctor.checks import Area, Check, fail, ok, skip, warn
from escrow.client.sdk import Escrow
from escrow.client.transport import Connection, Look
from escrow.counts import counted
from escrow.errors import EscrowError, ServiceRefused
from escrow.psi.matchkeys import Suite
from escrow.psi.profile_ids import PROFILE_IDS

__all__ = ["Reach", "look_at_certificate", "look_at_clock", "look_at_key", "look_at_service"]

_SKEW_WARNS = timedelta(seconds=30)
_SKEW_FAILS = timedelta(minutes=5)
_ENDS_SOON = timedelta(days=21)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Reach:
    """How the service is reached, and whose key is shown; ``organization_id`` is None before `escrow init`."""

    url: str
    api_key: str = field(repr=False)
    ca: Path | None
    proxy: str | None = field(repr=False)
    organization_id: UUID | None


def look_at_service(reach: Reach, service: Escrow, *, now: datetime) -> Iterator[Check]:
    """Look at the way to the service, and if it is reached at the service itself."""
    try:
        connection = Connection(reach.url, reach.api_key, ca=reach.ca, proxy=reach.proxy)
        try:
            look = connection.look("/healthz")
        finally:
            connection.close()
    except EscrowError as error:
        yield fail("service", Area.SERVICE, error.message, "nothing below can be looked at until this is mended")
        for name in ("clock", "certificate", "version", "API key"):
            yield skip(name, Area.SERVICE, "the service is not reached")
        return
    yield _answers(reach, look)
    yield look_at_clock(look.clock, now=now)
    yield look_at_certificate(look.certificate_ends, reach, now=now)
    yield _version(service)
    yield from look_at_key(service, reach.organization_id, now=now)


def _answers(reach: Reach, look: Look) -> Check:
    if look.answer.status != 200:
        told = f"{reach.url} answers {look.answer.status} where an escrow says that it is well"
        return fail("service", Area.SERVICE, told, "check the address; ask the operator")
    return ok("service", Area.SERVICE, f"{reach.url} answers")


def look_at_clock(clock: datetime | None, *, now: datetime) -> Check:
    """Compare this machine's clock with the service's."""
    if clock is None:
        return skip("clock", Area.SERVICE, "the service tells no time")
    skew = now - clock
    told = f"{abs(skew).total_seconds():,.0f} s {'ahead of' if skew > timedelta() else 'behind'} the service's"
    if abs(skew) >= _SKEW_FAILS:
        return fail("clock", Area.SERVICE, told, "set this machine's clock: invitations and certificates go by it")
    if abs(skew) >= _SKEW_WARNS:
        return warn("clock", Area.SERVICE, told, "let this machine set its clock over the network")
    return ok("clock", Area.SERVICE, told)


def look_at_certificate(ends: datetime | None, reach: Reach, *, now: datetime) -> Check:
    """Look how long the certificate is good; it was verified, or the service would not have been reached."""
    if ends is None:
        return ok("certificate", Area.SERVICE, "none: plain http to this machine")
    trusted = f"by {reach.ca}" if reach.ca else "by the system's authorities"
    left = (ends - now).days
    told = f"valid until {ends:%Y-%m-%d}, {counted(left, 'day')}, trusted {trusted}"
    if ends - now < _ENDS_SOON:
        return warn("certificate", Area.SERVICE, told, "ask the operator whether it renews by itself")
    return ok("certificate", Area.SERVICE, told)


def _version(service: Escrow) -> Check:
    try:
        offered = service.service()
    except ServiceRefused as refusal:
        return skip("version", Area.SERVICE, f"the service does not tell ({refusal.code})")
    except EscrowError as error:
        return fail("version", Area.SERVICE, error.message, "bring client and service to versions that suit each other")
    told = f"service {offered.version}, this client {__version__}"
    if not set(offered.profiles) & set(PROFILE_IDS):
        return fail("version", Area.SERVICE, f"{told}: no profile in common", "bring both to the same version")
    if Suite.HMAC not in offered.suites:
        return fail("version", Area.SERVICE, f"{told}: no suite in common", "bring both to the same version")
    return ok("version", Area.SERVICE, told)


def look_at_key(service: Escrow, organization_id: UUID | None, *, now: datetime) -> Iterator[Check]:
    """Look whose the API key is, what it may do and how long."""
    name = "API key"
    asked = _told(service.organization)
    if isinstance(asked, EscrowError):
        yield fail(name, Area.SERVICE, asked.message, "`escrow keyring api-key` puts a new one in")
        return
    if organization_id is not None and asked.organization_id != organization_id:
        yield fail(name, Area.SERVICE, "it is another organization's", "put in one of yours: `escrow keyring api-key`")
        return
    yield ok(name, Area.SERVICE, "the service takes it")
    yield from _grant(service, now=now)


def _grant(service: Escrow, *, now: datetime) -> Iterator[Check]:
    key = _told(service.api_key)
    if isinstance(key, EscrowError):
        yield skip("scopes", Area.SERVICE, f"the service does not tell ({key.code})")
        return
    yield _scopes(key)
    yield _expiry(key.expires_at, now=now)


def _scopes(key: wire.ApiKey) -> Check:
    bound = "" if key.partnership_ids is None else f", in {counted(len(key.partnership_ids), 'partnership')} alone"
    told = (", ".join(key.scopes) or "none") + bound
    if "webhooks" not in key.scopes:
        told += "; without webhooks, so not for `escrow webhook` and `escrow digest`"
    if lacking := [scope for scope in ("read", "submit", "terms", "pair") if scope not in key.scopes]:
        advice = "commands that need these are refused; ask the operator for a wider key if you use them"
        return warn("scopes", Area.SERVICE, f"{told}; not {', '.join(lacking)}", advice)
    return ok("scopes", Area.SERVICE, told)


def _expiry(ends: datetime | None, *, now: datetime) -> Check:
    if ends is None:
        return ok("key expiry", Area.SERVICE, "never")
    told = f"{ends:%Y-%m-%d}, {counted((ends - now).days, 'day')}"
    if ends - now < _ENDS_SOON:
        return warn("key expiry", Area.SERVICE, told, "ask for a new one, then `escrow keyring api-key`")
    return ok("key expiry", Area.SERVICE, told)


def _told(ask: Callable[[], Found]) -> Found | EscrowError:
    try:
        return ask()
    except EscrowError as error:
        return error
