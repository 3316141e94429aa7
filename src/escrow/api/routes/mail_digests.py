"""Mail digests: who is mailed what happened, and whose address it is."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import Depends, Path

from escrow import errors, wire
from escrow.api.dependencies import Service, Serving, WebhooksKey, json_only
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.deliveries.filters import Filter
from escrow.mail_digests import digests
from escrow.mail_digests.digests import MailDigest, Times
from escrow.store.states import EventType
from escrow.wire.values import Id

__all__ = ["router"]

router = Router(tags=["mail digests"])

MailDigestId = Annotated[Id, Path(description="The mail digest's id.")]

_ONE = "/v1/mail-digests/{mail_digest_id}"
_WEEKDAYS: tuple[wire.WeekdayWord, ...] = get_args(get_args(wire.WeekdayWord)[0])


@router.post(
    "/v1/mail-digests",
    summary="Add a mail digest",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.MailOff,
        errors.MailAddressInvalid,
        errors.MailDigestsTooMany,
        errors.MailCodesTooMany,
        *TAKES_A_BODY,
    ),
)
def add_mail_digest(key: WebhooksKey, service: Serving, request: wire.NewMailDigest) -> wire.MailDigest:
    """Add a digest, and have its address mailed a code. Nothing else is mailed until the code is given back."""
    with service.database.transaction("add a mail digest") as tx:
        added = digests.add_mail_digest(
            tx,
            key.admit(tx),
            unverified_address=request.address,
            times=Times(request.hour, None if request.weekday is None else _WEEKDAYS.index(request.weekday)),
            description=request.description,
            wanted=_filter(request),
            by=_by(service),
        )
        return _told(added)


@router.get("/v1/mail-digests", summary="Mail digests", responses=problems(errors.ScopeMissing))
def list_mail_digests(key: WebhooksKey, service: Serving) -> wire.MailDigests:
    """List the digests that the key may know of: one bound to partnerships sees those of no others."""
    with service.database.snapshot("list mail digests") as tx:
        found = digests.mail_digests_of(tx, key.admit(tx), by=_by(service))
        return wire.MailDigests(items=tuple(map(_told, found)))


@router.get(_ONE, summary="One mail digest", responses=problems(errors.ScopeMissing, errors.NotFound))
def show_mail_digest(mail_digest_id: MailDigestId, key: WebhooksKey, service: Serving) -> wire.MailDigest:
    """Show where a digest stands, and how its last mail ended."""
    with service.database.snapshot("show a mail digest") as tx:
        return _told(digests.mail_digest_of(tx, key.admit(tx), mail_digest_id, by=_by(service)))


@router.post(
    f"{_ONE}/code",
    summary="Have another code mailed",
    status_code=202,
    dependencies=[Depends(json_only)],
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.MailOff, errors.MailCodesTooMany, *TAKES_A_BODY),
)
def mail_code(
    mail_digest_id: MailDigestId, key: WebhooksKey, service: Serving, _request: wire.Nothing
) -> wire.MailDigest:
    """Mail another code in place of the one before, at most three a day; a confirmed address is mailed none."""
    with service.database.transaction("mail a code") as tx:
        return _told(digests.ask_code(tx, key.admit(tx), mail_digest_id, by=_by(service)))


@router.post(
    f"{_ONE}/confirm",
    summary="Give the code back",
    dependencies=[Depends(json_only)],
    responses=problems(errors.ScopeMissing, errors.NotFound, *TAKES_A_BODY),
)
def confirm_mail_digest(
    mail_digest_id: MailDigestId, key: WebhooksKey, service: Serving, request: wire.MailCode
) -> wire.MailDigest:
    """Enable the digest, if this is the code. If it is not, `state` is as before and `guesses_left` is one less."""
    with service.database.transaction("confirm a mail digest") as tx:
        confirmed = digests.confirm_mail_digest(
            tx, key.admit(tx), mail_digest_id, unverified_code=request.code, by=_by(service)
        )
        return _told(confirmed)


@router.delete(
    _ONE, summary="Remove a mail digest", status_code=204, responses=problems(errors.ScopeMissing, errors.NotFound)
)
def remove_mail_digest(mail_digest_id: MailDigestId, key: WebhooksKey, service: Serving) -> None:
    """Remove a digest and its address."""
    with service.database.transaction("remove a mail digest") as tx:
        digests.remove_mail_digest(tx, key.admit(tx), mail_digest_id, now=service.now())


def _by(service: Service) -> digests.MailRule:
    settings = service.settings
    return digests.MailRule(
        is_on=bool(settings.mail_host),
        most=settings.mail_digests,
        service_key=service.sealing_key,
        now=service.now(),
    )


def _filter(asked: wire.NewMailDigest) -> Filter:
    return Filter(
        types=None if asked.types is None else frozenset(map(EventType, asked.types)),
        partnership_ids=None if asked.partnership_ids is None else frozenset(asked.partnership_ids),
    )


def _told(shown: MailDigest) -> wire.MailDigest:
    wanted = shown.filter
    told: dict[str, Any] = {
        "mail_digest_id": shown.mail_digest_id,
        "state": shown.state.value,
        "description": shown.description,
        "address": shown.shown_address,
        "hour": shown.times.hour,
        "weekday": None if shown.times.weekday is None else _WEEKDAYS[shown.times.weekday],
        "types": tuple(sorted(each.value for each in wanted.types or ())),
        "partnership_ids": None if wanted.partnership_ids is None else tuple(sorted(wanted.partnership_ids)),
        "guesses_left": shown.guesses_left,
        "code_until": shown.code_until,
        "next_at": shown.next_at,
        "failing_since": shown.failing_since,
        "last_outcome": None if shown.last_outcome is None else shown.last_outcome.value,
        "sent_at": shown.sent_at,
        "created_at": shown.created_at,
        "confirmed_at": shown.confirmed_at,
    }
    return wire.MailDigest(**told)
