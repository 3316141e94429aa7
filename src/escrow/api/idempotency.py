"""Every POST answers once: the same request under the same Idempotency-Key gets the same answer and has one effect.

A router of this module gives that to each POST route that it is given. The route runs inside of one transaction that
also keeps its answer, so effect, record and audit entry commit together. A refusal has no effect, and so is not kept:
the request is judged anew when it comes again. Neither is what only reads.

An answer about a partnership is repeated only while the partnership is on the footing that it was given on. Once terms
were stated anew, or somebody paused or ended it, the request is told that it was done, and nothing besides.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import wraps
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from escrow import errors
from escrow.api.dependencies import PresentedKey, Service
from escrow.api.problems import also
from escrow.psi.encoding import lp
from escrow.store import idempotency
from escrow.store.database import Transaction
from escrow.store.idempotency import KeptAnswer, Place

__all__ = ["HEADER", "REPLAYED", "Router"]

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"

_ANSWERED = {
    "headers": {
        REPLAYED: {
            "description": f"`true` where the answer is the one that this `{HEADER}` had before.",
            "schema": {"type": "string", "enum": ["true"]},
        }
    }
}

Endpoint = Callable[..., Any]

#: The parameter that names the partnership which an answer is about.
_ABOUT = "partnership_id"


class Router(APIRouter):
    """A router whose POST routes take an Idempotency-Key; each has the parameters ``key`` and ``service``."""

    def add_api_route(self, path: str, endpoint: Endpoint, **said: Any) -> None:  # noqa: ANN401 - FastAPI's own
        """Add a route; in the contract an operation has the name of its function."""
        said["operation_id"] = endpoint.__name__
        if "POST" in (said.get("methods") or ()):
            status = said.get("status_code") or 200
            endpoint = _answering_once(endpoint, status)
            refusals = [errors.RequestInProgress, errors.IdempotencyKeyReused]
            refusals += [errors.AlreadyDone] if f"{{{_ABOUT}}}" in path else []
            said["responses"] = also(said.get("responses") or {}, *refusals)
            said["responses"][status] = _ANSWERED
        super().add_api_route(path, endpoint, **said)


@dataclass(frozen=True, slots=True)
class _Repeatable:
    """A request that came with an idempotency key."""

    key: str = field(repr=False)
    fingerprint: bytes

    def answer(self, endpoint: Endpoint, status: int, given: dict[str, Any]) -> Response:
        """Let the route answer, or repeat what it answered before."""
        presented: PresentedKey = given["key"]
        service: Service = given["service"]
        with self._alone(service, presented), service.database.transaction("answer once") as tx:
            caller = presented.admit(tx)
            place = Place.of(caller.organization_id, self.key)
            # Another API key of the organization may reach less: it is not told what this one was.
            asked = hashlib.sha256(lp(caller.api_key_id.encode()) + self.fingerprint).digest()
            idempotency.hold(tx, place)
            before = idempotency.kept(tx, place, asked, service_key=service.sealing_key, now=service.now())
            if before is not None:
                # Looked at after the answer was: what has been forbidden by now is seen, whenever the answer was kept.
                _must_stand(tx, before, given.get(_ABOUT))
                return _response(before, {REPLAYED: "true"})
            return _response(self._answered(endpoint, status, given, tx=tx, place=place, asked=asked), {})

    def _answered(
        self, endpoint: Endpoint, status: int, given: dict[str, Any], *, tx: Transaction, place: Place, asked: bytes
    ) -> KeptAnswer:
        service: Service = given["service"]
        joined = service.database.joined(tx)
        body = _body(endpoint(**given | {"service": replace(service, database=joined)}))
        answer = KeptAnswer(status, body, _footing(tx, given.get(_ABOUT)))
        if joined.decided:
            lasting = timedelta(seconds=service.settings.idempotency_seconds)
            idempotency.keep(
                tx, place, asked, answer, service_key=service.sealing_key, expires_at=service.now() + lasting
            )
        return answer

    @contextmanager
    def _alone(self, service: Service, presented: PresentedKey) -> Iterator[None]:
        """Refuse the same key while it runs in this process; the database knows of other processes."""
        running = hashlib.sha256(lp(presented.unverified.encode()) + self.key.encode()).digest()
        with service.running.alone(running):
            yield


async def _repeatable(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            # A string of RFC 8941, or the same without its quotes.
            pattern=r'^("[!#-\[\]-~]{1,200}"|[!#-\[\]-~]{1,200})$',
            description="A value that the client makes for this request alone, and sends again when it repeats it: the "
            "answer is then the same, and nothing is done twice.",
            examples=["2f1c7a52-3f0e-4a6c-9d0e-7b1f6f0c5a3b"],
        ),
    ] = None,
) -> _Repeatable | None:
    if key is None:
        return None
    asked = (request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body())
    return _Repeatable(key.strip('"'), hashlib.sha256(b"".join(map(lp, asked))).digest())


def _answering_once(endpoint: Endpoint, status: int) -> Endpoint:
    signature = inspect.signature(endpoint)
    if not {"key", "service"} <= signature.parameters.keys():
        raise TypeError(f"the POST route {endpoint.__name__} needs the parameters key and service")

    @wraps(endpoint)
    def answering_once(*, repeatable: _Repeatable | None, **given: Any) -> Any:  # noqa: ANN401 - any route's
        if repeatable is None:
            return endpoint(**given)
        return repeatable.answer(endpoint, status, given)

    asked = inspect.Parameter(
        "repeatable",
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[_Repeatable | None, Depends(_repeatable)],
    )
    answering_once.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect reads first
        parameters=[*signature.parameters.values(), asked]
    )
    return answering_once


def _must_stand(tx: Transaction, before: KeptAnswer, partnership_id: UUID | None) -> None:
    """Raise AlreadyDone unless what was answered before may still be said."""
    if before.footing != _footing(tx, partnership_id):
        raise errors.AlreadyDone(
            "This was done when it was first asked. Since then terms were stated anew, or the partnership was paused, "
            "resumed or ended, so the answer is not repeated: read anew what you need."
        )


def _footing(tx: Transaction, partnership_id: UUID | None) -> str | None:
    return None if partnership_id is None else idempotency.footing_of(tx, partnership_id)


def _body(shown: BaseModel | None) -> bytes:
    return b"" if shown is None else shown.model_dump_json(by_alias=True).encode()


def _response(answer: KeptAnswer, headers: dict[str, str]) -> Response:
    return Response(
        answer.body or None, answer.status, headers=headers, media_type="application/json" if answer.body else None
    )
