"""Events as a client reads them: those of a newer service too, which this version knows nothing of.

A feed has to be read to its end: one event that is of a new kind, or says more than it used to, must not stop the
reading of all that come after it. What is not known is passed on as it came.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from escrow import wire
from escrow.wire.values import Id, Number, Time

__all__ = ["ToldEvent", "ToldEventPage", "UnknownEvent"]


class UnknownData(BaseModel):
    """What an event says that this version does not know."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)


class UnknownEvent(BaseModel):
    """An event of a type that this version does not know, or that says other things than it knows of this type."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow", hide_input_in_errors=True)

    number: Number
    id: Id
    type: str
    occurred_at: Time
    partnership_id: Id | None = None
    data: UnknownData = UnknownData()


ToldEvent = Annotated[wire.Event | UnknownEvent, Field(union_mode="left_to_right")]


class ToldEventPage(BaseModel):
    """Some events, oldest first; the next page starts after ``next_after``, at once where there is ``more``."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    items: Annotated[tuple[ToldEvent, ...], Field(strict=False)]
    next_after: Number
    more: bool
