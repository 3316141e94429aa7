"""What the ``type`` of a problem leads to: a few words on the code, for whoever follows it; asks for no key."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Annotated

from fastapi import Path
from fastapi.responses import PlainTextResponse

from escrow import errors
from escrow.api.idempotency import Router
from escrow.api.problems import STATUS, also
from escrow.errors import EscrowError

__all__ = ["router"]

router = Router(tags=["service"])

_SHOWN = "not-found (HTTP 404)\n\nThere is no such thing, or it is somebody else's: the two are never told apart.\n"

AskedCode = Annotated[str, Path(examples=["not-found"])]


@router.get(
    "/errors/{code}",
    summary="What the code of a problem means",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {"examples": {"not-found": {"value": _SHOWN}}}}},
        **also({}, errors.NotFound, errors.RequestInvalid),
    },
)
def explain_error(code: AskedCode) -> str:
    """Say in a sentence what a code means; asks for no key. The pages on errors say what to do as well."""
    told = _PAGES.get(code)
    if told is None:
        raise errors.NotFound("There is no such code.")
    return told


def _told() -> Iterator[type[EscrowError]]:
    """Yield what the service may tell of: its refusals, and why a list was rejected."""
    waiting: list[type[EscrowError]] = [errors.Refused, errors.ProtocolError, errors.ServiceUnavailable]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()
    yield errors.ServiceFault


def _page(kind: type[EscrowError]) -> str:
    status = next((STATUS[above] for above in kind.__mro__ if above in STATUS), None)
    met = f"HTTP {status}" if status else "the problem of a submission"
    return f"{kind.code} ({met})\n\n{inspect.cleandoc(kind.__doc__ or '').replace('``', '')}\n"


_PAGES = {kind.code: _page(kind) for kind in _told()}
