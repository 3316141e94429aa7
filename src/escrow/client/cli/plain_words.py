"""What a person is told of a value that an option does not take, in words instead of those of the parser's types."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

__all__ = ["UsageError", "WordedGroup", "in_plain_words"]

#: What typer raises for a line it does not understand; it has no public name of its own.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_WORDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"Input should be a valid integer.*"), lambda _: "give a whole number"),
    (re.compile(r"Input should be a valid number.*"), lambda _: "give a number"),
    (
        re.compile(r"Input should be a valid UUID.*"),
        lambda _: "give a whole id, as `escrow status` shows it: 32 digits and letters from a to f, with hyphens",
    ),
    (re.compile(r"Input should be greater than or equal to (\S+)"), lambda found: f"give at least {found[1]}"),
    (re.compile(r"Input should be less than or equal to (\S+)"), lambda found: f"give at most {found[1]}"),
)


def in_plain_words(told: str) -> str:
    """Say the same to a person; what is plain already stays as it is."""
    for said, words in _WORDS:
        if found := said.fullmatch(told.strip()):
            return words(found)
    return told


class WordedGroup(TyperGroup):
    """All commands, with every mistake of a line told in plain words."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # the type of the parser's context has no public name
        """Run what the line says."""
        try:
            return super().invoke(ctx)
        except UsageError as failure:
            vars(failure)["message"] = in_plain_words(str(vars(failure).get("message", "")))
            raise
