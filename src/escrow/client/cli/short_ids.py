"""Things of the service that a person names by the first letters of their ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

import typer

__all__ = ["meant"]

_LEAST_LETTERS = 4

Named = TypeVar("Named")


def meant(
    letters: str,
    there: Sequence[Named],
    *,
    what: str,
    made_by: str,
    id_of: Callable[[Named], UUID],
    told: Callable[[Named], str],
) -> Named:
    """Give the one thing whose id begins so, or say which there are, or the command that makes the first."""
    wanted = letters.casefold()
    found = [each for each in there if str(id_of(each)).startswith(wanted)]
    if len(found) == 1 and len(wanted) >= _LEAST_LETTERS:
        return found[0]
    if not there:
        raise typer.BadParameter(f"there is no {what} yet; see `{made_by}`", param_hint="ID")
    known = ", ".join(f"{id_of(each)} ({told(each)})" for each in there)
    fitting = f"{len(found)} {what}s have ids that start so" if len(found) > 1 else f"no {what} has this id"
    raise typer.BadParameter(f"{fitting} (give {_LEAST_LETTERS} letters or more); there are: {known}", param_hint="ID")
