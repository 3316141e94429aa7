"""What a setting may be, in words: for refusals and for the documentation alike."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["allowed"]

_WORDS: dict[object, str] = {
    Path: "a path",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
}
_LIMITS = {"gt": "more than {:,}", "ge": "at least {:,}", "le": "at most {:,}"}


def allowed(field: FieldInfo) -> str:
    """Say what a setting may be, like ``a whole number, at least 1``."""
    from escrow.settings import Form

    forms = [each.words for each in field.metadata if isinstance(each, Form)]
    limits = {name: getattr(each, name) for each in field.metadata for name in _LIMITS if hasattr(each, name)}
    return ", ".join([*(forms or [_word(field.annotation)]), *(_LIMITS[name].format(limits[name]) for name in limits)])


def _word(annotation: object) -> str:
    if isinstance(annotation, types.UnionType):
        return " or ".join(_word(each) for each in typing.get_args(annotation) if each is not types.NoneType)
    if typing.get_origin(annotation) in (list, tuple, frozenset, set):
        return f"list of {_word(typing.get_args(annotation)[0])}"
    return _WORDS.get(annotation, "text")
