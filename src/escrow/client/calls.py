"""How the service is asked: a request out, a wire model back, a refusal as an error with its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from escrow import wire
from escrow.client.transport import Answer, Connection
from escrow.errors import ServiceAnswerInvalid, ServiceRefused

__all__ = ["Calls", "accepted"]

Model = TypeVar("Model", bound=BaseModel)
PageModel = TypeVar(
    "PageModel",
    wire.PartnershipPage,
    wire.ReleasePage,
    wire.OverlapPage,
    wire.WantedPage,
    wire.DetailsPage,
    wire.DisputePage,
    wire.AuditPage,
    wire.DisputedRowPage,
    wire.DeliveryPage,
)


class Calls:
    """What every group of methods on the service is made from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _get(self, path: str, model: type[Model], **query: str | int | None) -> Model:
        return _parsed(accepted(self._connection.send("GET", path, query=_given(query))), model)

    def _pages(self, path: str, model: type[PageModel], **query: str) -> Iterator[PageModel]:
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            page = self._get(path, model, cursor=cursor, **query)
            yield page
            if (cursor := page.next) is None:
                return
            if cursor in seen or not page.items:
                break
            seen.add(cursor)
        raise ServiceAnswerInvalid("the service's pages have no end; tell its operator, or check the address")

    def _put(self, path: str, body: BaseModel, model: type[Model], **query: int | None) -> Model:
        return _parsed(accepted(self._connection.send("PUT", path, content=_json(body), query=_given(query))), model)

    def _post(self, path: str, body: BaseModel, model: type[Model], **query: int | None) -> Model:
        return _parsed(accepted(self._connection.send("POST", path, content=_json(body), query=_given(query))), model)

    def _patch(self, path: str, body: BaseModel, model: type[Model]) -> Model:
        content = body.model_dump_json(exclude_unset=True).encode()
        return _parsed(accepted(self._connection.send("PATCH", path, content=content)), model)

    def _delete(self, path: str) -> None:
        accepted(self._connection.send("DELETE", path))


#: The largest list in pages of one; a service that has more is not telling the truth.
_MOST_PAGES = 10_000_000


def _given(query: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in query.items() if value is not None}


def _json(body: BaseModel) -> bytes:
    return body.model_dump_json().encode()


#: What the service says to those who write requests themselves, said to those who have this client do it.
_IN_OTHER_WORDS = {
    "not-authenticated": "the service does not take this API key: it is mistyped, has expired, was revoked, or is "
    "of another service; ask the operator for one, then `escrow keyring api-key`",
    "route-unknown": "the service knows nothing under this address; look at the service's address, which most "
    "often has no path behind its name and port, and at its version",
}


def accepted(answer: Answer) -> Answer:
    """Give an answer that is no refusal.

    Raises:
        ServiceRefused: the service said no.
        ServiceAnswerInvalid: it is not an answer of the service.
    """
    if answer.status < 300:
        return answer
    try:
        problem = wire.Problem.model_validate_json(answer.body)
    except ValidationError:
        raise ServiceAnswerInvalid(
            f"the service answered {answer.status} without a problem document; is this the address of an escrow?"
        ) from None
    members = problem.model_dump(mode="json", exclude_none=True, exclude={"type", "title", "status", "detail", "code"})
    detail = _IN_OTHER_WORDS.get(problem.code, problem.detail)
    raise ServiceRefused(problem.code, detail, status=answer.status, members=members)


def _parsed(answer: Answer, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(answer.body)
    except ValidationError:
        raise ServiceAnswerInvalid(
            "the service's answer is not one this version reads; update the client, or check the address"
        ) from None
