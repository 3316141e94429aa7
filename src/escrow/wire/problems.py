"""Problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from escrow.wire.values import Model, Number

__all__ = [
    "FieldProblem",
    "Problem",
]


class FieldProblem(Model):
    """What is wrong with one field of a request, by its name and never by its content."""

    where: str
    problem: str


class Problem(BaseModel):
    """A problem document (RFC 9457); the request id is in the X-Request-Id header, not here."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: Sequence[FieldProblem] | None = None
    last_number: Number | None = None
    applied_number: Number | None = None
    missing: Sequence[Number] | None = None
    expected: str | None = None
    scope: str | None = None
    failed: Sequence[str] | None = None
