"""Errors become problem documents (RFC 9457) here; no other module knows a status code.

A document never repeats what was sent, and is the same for what is foreign and what is absent: the id of the request is
in a header, not in the body. A failure that nobody foresaw is an opaque 500.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException
from starlette.responses import Response

from escrow import errors, wire
from escrow.errors import EscrowError, ServiceFault

__all__ = [
    "PROBLEM_TYPE",
    "STATUS",
    "TAKES_A_BODY",
    "also",
    "handle_problems",
    "problem_of",
    "problems",
    "unavailable",
    "unexpected",
]

PROBLEM_TYPE = "application/problem+json"

#: Each error that a request may meet, and its status; a class without one has that of the class above it.
STATUS: Mapping[type[EscrowError], int] = {
    errors.EscrowError: 500,
    errors.ProtocolError: 422,
    errors.BodyUnreadable: 400,
    errors.NotAuthenticated: 401,
    errors.ScopeMissing: 403,
    errors.NotFound: 404,
    errors.RouteUnknown: 404,
    errors.MethodUnsupported: 405,
    errors.RequestTooSlow: 408,
    errors.ChunksMissing: 409,
    errors.ConfirmationTaken: 409,
    errors.EndpointNotConfirmed: 409,
    errors.EndpointUnsigned: 409,
    errors.EndpointsTooMany: 409,
    errors.GenerationTooSoon: 409,
    errors.DisputesTooMany: 409,
    errors.InvitationTaken: 409,
    errors.ListMissing: 409,
    errors.MailCodesTooMany: 409,
    errors.MailDigestsTooMany: 409,
    errors.MailOff: 409,
    errors.OrganizationNameTaken: 409,
    errors.PairingIncomplete: 409,
    errors.PartnershipEnded: 409,
    errors.PartnershipExists: 409,
    errors.PartnershipNotActive: 409,
    errors.PartnershipPaused: 409,
    errors.SubmissionBaseWrong: 409,
    errors.SubmissionChanged: 409,
    errors.SubmissionClosed: 409,
    errors.SubmissionInProgress: 409,
    errors.AlreadyDone: 409,
    errors.RequestInProgress: 409,
    errors.SubmissionNotWithdrawable: 409,
    errors.TermsChanged: 409,
    errors.TermsRequestLapsed: 409,
    errors.EventsForgotten: 410,
    errors.BodyTooLarge: 413,
    errors.ChunkTooLarge: 413,
    errors.ContentTypeUnsupported: 415,
    errors.ChunkDigestMismatch: 422,
    errors.DetailsNotWanted: 422,
    errors.DisclosureTooWeak: 422,
    errors.GenerationMismatch: 422,
    errors.IdempotencyKeyReused: 422,
    errors.MailAddressInvalid: 422,
    errors.OrganizationNameInvalid: 422,
    errors.PairingInvalid: 422,
    errors.ProfileMismatch: 422,
    errors.RequestInvalid: 422,
    errors.SubmissionDigestWrong: 422,
    errors.SubmissionTooLarge: 422,
    errors.WebhookUrlInvalid: 422,
    errors.RateExceeded: 429,
    errors.ServiceUnavailable: 503,
}

_HEADERS: Mapping[type[EscrowError], Mapping[str, str]] = {
    errors.NotAuthenticated: {"WWW-Authenticate": "Bearer"},
    errors.ScopeMissing: {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
    errors.SubmissionInProgress: {"Retry-After": "1"},
    errors.RequestInProgress: {"Retry-After": "1"},
    errors.ServiceUnavailable: {"Retry-After": "1"},
}

#: What an error may tell beside its sentence; each is an attribute of the errors that have it.
_MEMBERS = ("last_number", "applied_number", "missing", "expected", "scope", "failed")

#: What a route that takes a body may answer, beside what any may.
TAKES_A_BODY: tuple[type[EscrowError], ...] = (
    errors.BodyUnreadable,
    errors.BodyTooLarge,
    errors.ContentTypeUnsupported,
    errors.RequestTooSlow,
)

#: What any route may answer.
_EVERYWHERE: tuple[type[EscrowError], ...] = (
    errors.NotAuthenticated,
    errors.RateExceeded,
    errors.RequestInvalid,
    errors.ServiceFault,
    errors.ServiceUnavailable,
    errors.ServiceBusy,
)

#: Every 404 of a thing has this one body, whichever verb missed it: foreign and absent are never told apart.
_ABSENT = errors.NotFound("There is no such thing, or it is not yours.")

#: FastAPI's and Starlette's own refusals, in our words.
_OF_FRAMEWORK: Mapping[int, EscrowError] = {
    400: errors.BodyUnreadable("The body is not JSON."),
    404: errors.RouteUnknown("No route has this address: see the OpenAPI document."),
    408: errors.RequestTooSlow("The request did not arrive in time: send it again, faster."),
    405: errors.MethodUnsupported("The route does not know this method: see the OpenAPI document."),
    413: errors.BodyTooLarge("The body is larger than this route takes: see the limits of the service."),
}

_log = structlog.get_logger(__name__)


def problems(*refusals: type[EscrowError]) -> dict[int | str, dict[str, Any]]:
    """Document the problems of a route, grouped by status; those that every route has are added."""
    return also({}, *dict.fromkeys((*refusals, *_EVERYWHERE)))


def also(
    documented: Mapping[int | str, dict[str, Any]], *refusals: type[EscrowError]
) -> dict[int | str, dict[str, Any]]:
    """Add problems to those that a route documents."""
    by_status = {int(status): [said["description"]] for status, said in documented.items() if int(status) >= 400}
    for refusal in refusals:
        by_status.setdefault(_status(refusal), []).append(f"`{refusal.code}`")
    return {
        status: {
            "description": ", ".join(codes),
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": _shown(codes)}},
        }
        for status, codes in sorted(by_status.items())
    }


def _shown(codes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Refer to the example of each problem, by its code."""
    names = re.findall(r"`([a-z-]+)`", ", ".join(codes))
    return {name: {"$ref": f"#/components/examples/{name}"} for name in names}


def handle_problems(app: FastAPI) -> None:
    """Answer every error of this app with a problem document."""
    for kind in (EscrowError, RequestValidationError, HTTPException, OperationalError, NoConnectionFree):
        app.add_exception_handler(kind, _answer)


def problem_of(error: EscrowError) -> Response:
    """Answer an error of ours; a fault of the service says nothing of itself to the caller."""
    status = _status(type(error))
    if status == 500:
        _log.error("fault", code=error.code, detail=error.message)
        return unexpected()
    if status == 404 and not isinstance(error, errors.RouteUnknown):
        error = _ABSENT
    members = {name: getattr(error, name) for name in _MEMBERS if hasattr(error, name)}
    return _document(status, error, members)


def unexpected() -> Response:
    """Answer what nobody foresaw."""
    return _document(500, ServiceFault("The service failed; its log says more under the X-Request-Id."), {})


def _answer(request: Request, error: Exception) -> Response:
    match error:
        case EscrowError():
            return problem_of(error)
        case RequestValidationError():
            return _of_validation(error)
        case HTTPException():
            response = problem_of(_OF_FRAMEWORK.get(error.status_code, ServiceFault("An unforeseen refusal.")))
            response.headers.update(error.headers or {})
            if error.status_code == 405:
                response.headers["Allow"] = ", ".join(_allowed(request)) or response.headers.get("Allow", "")
            return response
        case _:
            return problem_of(unavailable(error))


def unavailable(failure: Exception) -> EscrowError:
    """Log that the database did not answer, and give what the caller is told of it."""
    _log.error("database unavailable", failure=type(failure).__name__)
    return errors.ServiceUnavailable("The database is busy or away. Try again in a moment.")


def _allowed(request: Request) -> list[str]:
    """Name the methods that an address takes; the framework knows those of one route alone.

    Where a path stands in the document as it is, a template that it would fit too says nothing of it.
    """
    routes: Sequence[APIRoute] = getattr(request.app.state, "routes", ())
    fitting = [route for route in routes if route.path_regex.match(request.scope["path"])]
    fewest = min((len(route.param_convertors) for route in fitting), default=0)
    closest = [route for route in fitting if len(route.param_convertors) == fewest]
    return sorted({method for route in closest for method in route.methods or ()})


def _of_validation(error: RequestValidationError) -> Response:
    found = error.errors()
    if any(each["loc"][0] == "path" for each in found):
        return problem_of(_ABSENT)
    if any(each["type"] == "json_invalid" for each in found):
        return problem_of(_OF_FRAMEWORK[400])
    refusal = errors.RequestInvalid("The request is not what the contract says: see errors.")
    return _document(422, refusal, {"errors": [_field_problem(each) for each in found[:20]]})


_WHOLE_NUMBER = "Input should be a whole number"
_TRUE_OR_FALSE = "Input should be true or false"
_OBJECT = "Input should be an object"
_LIST = "Input should be a list"

#: What the library says in the words of Python, in those of JSON.
_IN_PLAIN_WORDS: Mapping[str, str] = {
    "bool_parsing": _TRUE_OR_FALSE,
    "bool_type": _TRUE_OR_FALSE,
    "dict_type": _OBJECT,
    "float_parsing": "Input should be a number",
    "float_type": "Input should be a number",
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": "Input should be a smaller number",
    "int_type": _WHOLE_NUMBER,
    "list_type": _LIST,
    "missing": "Is missing",
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "string_type": "Input should be text",
    "tuple_type": _LIST,
}


def _field_problem(found: Mapping[str, Any]) -> wire.FieldProblem:
    """Name the field; the name of an unknown one was chosen by the caller and is not repeated."""
    place: Sequence[str | int] = found["loc"]
    if found["type"] == "extra_forbidden":
        return wire.FieldProblem(where=_dotted(place[:-1]), problem="Holds a field that is not known")
    return wire.FieldProblem(where=_dotted(place), problem=_IN_PLAIN_WORDS.get(found["type"], found["msg"]))


def _dotted(place: Sequence[str | int]) -> str:
    return ".".join(map(str, place))


def _status(error: type[EscrowError]) -> int:
    return next(STATUS[above] for above in error.__mro__ if above in STATUS)


def _document(status: int, error: EscrowError, members: Mapping[str, Any]) -> Response:
    problem = wire.Problem(
        type=f"/errors/{error.code}",
        title=error.code.replace("-", " ").capitalize(),
        status=status,
        detail=error.message,
        code=error.code,
        **members,
    )
    content = problem.model_dump_json(exclude_none=True)
    return Response(content, status, headers=_headers(error), media_type=PROBLEM_TYPE)


def _headers(error: EscrowError) -> Mapping[str, str] | None:
    if not isinstance(error, errors.RateExceeded):
        return next((_HEADERS[above] for above in type(error).__mro__ if above in _HEADERS), None)
    return {
        "RateLimit": f'"organization";r=0;t={error.seconds}',
        "RateLimit-Policy": f'"organization";q={error.per_minute};w=60',
        "Retry-After": str(error.seconds),
    }
