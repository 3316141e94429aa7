"""Examples in the contract: of each object that a route takes or gives, and of each problem it may answer.

An object's example is put together from those of its fields, so that a new field or object has one by itself; what its
type cannot tell stands beside the field in ``escrow.wire``.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from escrow import errors, wire
from escrow.api.problems import problem_of, unexpected
from escrow.errors import EscrowError

__all__ = ["example_error", "with_examples"]

_SCHEMAS = "#/components/schemas/"
_REFERENCE = re.compile(r'"#/components/(schemas|examples)/([\w-]+)"')

#: What an error tells beside its sentence, by the name of the argument; others get a value of their type.
_MEMBERS: Mapping[str, object] = {
    "applied_number": 6,
    "expected": "escrow-1",
    "last_number": 7,
    "missing": (2, 5),
    "per_minute": 6_000,
    "scope": "submit",
    "seconds": 3,
}
_OF_ANNOTATION: Mapping[str, object] = {"int": 1, "str": "…", "bool": True, "float": 1.0}
_OF_TYPE: Mapping[str, object] = {"boolean": True, "string": "…", "null": None}


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """Give each object that a route names an example, and the examples that the problems of routes refer to."""
    schemas, named = document["components"]["schemas"], _named(document["paths"])
    for name in sorted(named["schemas"] - {"Problem"}):
        schemas[name].setdefault("examples", [_of(schemas[name], schemas)])
    document["components"]["examples"] = {
        kind.code: {"summary": _first_sentence(kind), "value": _problem(kind)}
        for kind in _below(EscrowError)
        if kind.code in named["examples"]
    }
    return document


def example_error(kind: type[EscrowError], message: str) -> EscrowError:
    """Make an error of this kind, with a sample for each thing that it tells beside its sentence."""
    told = list(inspect.signature(kind).parameters.values())[1:]
    return kind(
        message, **{each.name: _MEMBERS.get(each.name, _OF_ANNOTATION.get(str(each.annotation))) for each in told}
    )


def _named(paths: Mapping[str, Any]) -> dict[str, set[str]]:
    named: dict[str, set[str]] = {"schemas": set(), "examples": set()}
    for place, name in _REFERENCE.findall(json.dumps(paths)):
        named[place].add(name)
    return named


def _of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> object:
    """Give an example of what a schema describes."""
    match schema:
        case {"examples": [first, *_]} | {"const": first} | {"enum": [first, *_]} | {"default": first}:
            return first
        case {"$ref": reference}:
            return _of(schemas[reference.removeprefix(_SCHEMAS)], schemas)
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
            return _of(first, schemas)
        case {"type": "object"}:
            return {name: _of(each, schemas) for name, each in schema.get("properties", {}).items()}
        case {"type": "array", "items": item}:
            return [_of(item, schemas)]
        case _:
            return max(int(schema.get("minimum", 1)), 1) if schema["type"] == "integer" else _OF_TYPE[schema["type"]]


def _problem(kind: type[EscrowError]) -> object:
    if kind is errors.RequestInvalid:
        return _invalid()
    if issubclass(kind, errors.ServiceFault) and kind.code == "service-fault":
        return json.loads(bytes(unexpected().body))
    return json.loads(bytes(problem_of(example_error(kind, _first_sentence(kind))).body))


def _invalid() -> object:
    """A request whose fields are not as described is told which."""
    told = json.loads(bytes(problem_of(errors.RequestInvalid("The request is not what the contract says.")).body))
    field = wire.FieldProblem(where="body.number", problem="Input should be greater than or equal to 1")
    return {**told, "errors": [field.model_dump()]}


def _first_sentence(kind: type[EscrowError]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def _below(root: type[EscrowError]) -> Iterator[type[EscrowError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _below(kind)
