"""docs/event-types.md: every type of event, from its model: when it is told, what it holds, and an example."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from escrow import wire
from escrow.api.app import openapi_document
from tools.reference.markdown import MADE, joined, sentence, table

__all__ = ["models", "page"]

_INTRODUCTION = """# Event types

What `GET /v1/events` lists and what [webhooks](webhooks.md) post, by type. Each event has the same fields: its `number`
in the feed of the organization, its `id`, which is the `webhook-id` too, its `type`, `occurred_at`, `partnership_id`
(null where it is of none), and `data`, which differs. [Events](events.md) says how the feed is followed. Types are
added over time: leave out what you do not know."""

_POSTED = """## Posted to endpoints alone

Two messages are of no feed: the challenge that confirms an endpoint, and a trial."""


_WORDS = {"boolean": "true or false", "integer": "whole number", "null": "null", "string": "text"}


def models() -> Iterator[type[BaseModel]]:
    """Yield the model of each type of event, in the contract's order."""
    yield from get_args(get_args(wire.Event)[0])


def page() -> str:
    """Give the page's text."""
    schemas = openapi_document()["components"]["schemas"]
    told = [part for model in models() for part in _section(model, schemas[model.__name__], schemas)]
    beside = (wire.ChallengeMessage, wire.TestMessage)
    posted = [part for model in beside for part in _posted(model)]
    return joined([MADE, _INTRODUCTION, *told, _POSTED, *posted])


def _section(model: type[BaseModel], schema: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    data = _resolved(schema["properties"]["data"], schemas)
    rows = [(f"`{name}`", _type(each, schemas)) for name, each in data.get("properties", {}).items()]
    described = f"`data`: {data.get('description', '').replace('``', '`')}"
    return [
        f"## `{_word(model)}`",
        sentence(inspect.getdoc(model)),
        described,
        table(("field", "type"), rows),
        _example(_sample(schema, schemas)),
    ]


def _posted(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = schema.pop("$defs", {})
    return [f"### `{_word(model)}`", sentence(inspect.getdoc(model)), _example(_sample(schema, schemas))]


def _word(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


def _example(sample: object) -> str:
    return f"```json\n{json.dumps(sample, indent=2)}\n```"


def _sample(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    match schema:
        case {"$ref": _}:
            return _sample(_resolved(schema, schemas), schemas)
        case {"examples": [first, *_]} | {"const": first} | {"enum": [first, *_]}:
            return first
        case {"anyOf": [first, *_]}:
            return _sample(first, schemas)
        case {"type": "object"}:
            return {name: _sample(each, schemas) for name, each in schema.get("properties", {}).items()}
        case {"type": "boolean"}:
            return False
        case {"type": "null"}:
            return None
    raise TypeError(f"a field of an event has no example: {schema}")


def _type(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    match _resolved(schema, schemas):
        case {"enum": words}:
            return ", ".join(f"`{word}`" for word in words)
        case {"anyOf": kinds}:
            return " or ".join(_type(each, schemas) for each in kinds)
        case found:
            return _WORDS[found["type"]]


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    found: dict[str, Any] = schema if reference is None else schemas[reference.rpartition("/")[2]]
    return found
