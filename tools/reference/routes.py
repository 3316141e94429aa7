"""docs/http-api.md: every route and every object, from the OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from escrow.api.app import openapi_document
from tools.reference.markdown import MADE, joined, sentence, table

__all__ = ["page", "routes"]

Object = Mapping[str, Any]

_INTRODUCTION = """# HTTP API

The contract is [openapi.json](openapi.json), version {version}; this page says the same for people. What the bytes mean
is in the [protocol](protocol.md), and [your own client](your-own-client.md) walks through them.

- **Key.** Send an API key as `Authorization: Bearer esk_…`. `/healthz` and the like need none. A key has scopes: `read`
  is for what the lists have in common, `submit` for all that is sent, `terms` for terms, pause and resume, `pair` for
  making and ending partnerships, `webhooks` for where events are posted and mailed to. A key may be bound to
  partnerships; others are then absent for it.
- **Binary values** are base64url without padding. Ids are UUIDs in lower case. Times are ISO 8601 in UTC.
- **Unknown fields** are refused. Enums are words. Whole numbers are written without a fraction, as 1 and not 1.0.
- **Pages** hold `items` and `next`: send `next` as `cursor` for the following page, until it is null.
- **Refusals** are problem documents (`application/problem+json`) with a stable `code`: see [errors](errors.md).
  After `503`, or with `Retry-After`, wait and send the same again.
- **Sent twice, done once.** Send a value of your own, made for this request alone, as `Idempotency-Key` with any POST.
  The same request with the same key by the same API key then gets the same answer, marked `Idempotent-Replayed: true`,
  and has one effect. Another request with that key gets [`idempotency-key-reused`](errors/idempotency-key-reused.md);
  one that comes while the first runs gets [`request-in-progress`](errors/request-in-progress.md). Answers are kept
  for a day (`ESCROW_IDEMPOTENCY_SECONDS`), sealed. A refusal is not kept: it had no effect, and is judged anew.
  An answer about a partnership is repeated while the terms and pauses of both sides are those that it was given under,
  and the partnership has not ended since. Otherwise the request gets [`already-done`](errors/already-done.md), which
  says that it had its effect and nothing of what was answered then.
- **Rate.** An organization sends at most `ESCROW_REQUESTS_PER_MINUTE` requests a minute, in bursts as it likes. Past
  that it gets [`rate-exceeded`](errors/rate-exceeded.md) with `Retry-After`, `RateLimit` and `RateLimit-Policy`.
- **`X-Request-Id`** is in every answer. The operator finds the request by it."""

_METHODS = ("get", "post", "put", "patch", "delete")


def routes() -> Iterator[tuple[str, str, Object]]:
    """Give every method, address and operation of the contract."""
    for address, methods in _document()["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield method.upper(), address, methods[method]


@cache
def _document() -> Object:
    """The contract, made once for all pages."""
    return openapi_document()


def page() -> str:
    """Give the page's text."""
    document = _document()
    introduction = _INTRODUCTION.format(version=document["info"]["version"])
    return joined([MADE, introduction, *_sections(), "## Objects", *_objects(document["components"]["schemas"])])


def _sections() -> Iterator[str]:
    for noun in dict.fromkeys(operation["tags"][0] for _, _, operation in routes()):
        yield f"## Routes: {noun}"
        for method, address, operation in routes():
            if operation["tags"][0] == noun:
                yield from _route(method, address, operation)


def _route(method: str, address: str, operation: Object) -> Iterator[str]:
    yield f"### {method} {address}"
    yield f"**{operation['summary']}.** {sentence(operation.get('description'))}"
    yield _who(operation)
    yield table(("parameter", "in", "type", "meaning"), (_parameter(each) for each in operation.get("parameters", ())))
    if "requestBody" in operation:
        yield f"Body: {_content(operation['requestBody'])}."
    answers = {status: answer for status, answer in operation["responses"].items() if status < "400"}
    refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    for status, answer in answers.items():
        yield f"Answer: {status}, {_content(answer)}." if "content" in answer else f"Answer: {status}, without a body."
    yield table(("status", "codes"), ((status, _codes(answer["description"])) for status, answer in refusals.items()))


def _who(operation: Object) -> str:
    """Say who may call: anybody, any key, or a key with a scope."""
    if not operation.get("security"):
        return "Needs no key."
    scopes = sorted({scope for each in operation["security"] for named in each.values() for scope in named})
    return f"Scope: {', '.join(f'`{scope}`' for scope in scopes)}." if scopes else "Scope: none, any key does."


def _parameter(parameter: Object) -> tuple[str, str, str, str]:
    name = f"`{parameter['name']}`" + ("" if parameter.get("required") else " (optional)")
    schema = parameter["schema"]
    return name, parameter["in"], _type(schema), parameter.get("description") or schema.get("description", "")


def _content(holder: Object) -> str:
    told = (f"`{kind}`" + _of(content.get("schema", {})) for kind, content in holder["content"].items())
    return " or ".join(told)


def _of(schema: Object) -> str:
    return f", {_type(schema)}" if "$ref" in schema else ""


def _codes(description: str) -> str:
    return re.sub(r"`([a-z0-9-]+)`", r"[`\1`](errors/\1.md)", description)


def _objects(schemas: Mapping[str, Object]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f"### {name}"
        yield sentence(schema.get("description"))
        needed = schema.get("required", ())
        rows = (
            (_field(field, needed), _type(each), _about(each)) for field, each in schema.get("properties", {}).items()
        )
        yield table(("field", "type", "meaning"), rows) or (f"One of {_type(schema)}." if "enum" in schema else "")
        for example in schema.get("examples", ()):
            yield f"```json\n{json.dumps(example, indent=2, ensure_ascii=False)}\n```"


def _field(name: str, needed: tuple[str, ...]) -> str:
    return f"`{name}`" if name in needed else f"`{name}` (optional)"


def _about(schema: Object) -> str:
    telling = [each for each in schema.get("examples", ()) if isinstance(each, str)]
    examples = ", ".join(f"`{json.dumps(each, ensure_ascii=False)}`" for each in telling[:1])
    return " ".join(filter(None, [sentence(schema.get("description")), f"Example: {examples}." if examples else ""]))


def _type(schema: Object) -> str:
    """Say a schema's type in words, with a link where it is an object of this page."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_type(each) for each in schema[several])
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
    return _plain_type(schema)


def _plain_type(schema: Object) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema.get('items', {}))}{_bounds(schema, 'minItems', 'maxItems')}"
        case "integer" | "number":
            return f"number{_bounds(schema, 'minimum', 'maximum')}"
        case "string":
            return str(schema.get("format", "text")) + _bounds(schema, "minLength", "maxLength")
        case other:
            return str(other or "anything")


def _bounds(schema: Object, least: str, most: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f", at most {high:,}" if low is None else f", at least {low:,}"
    return f", {low:,}" if low == high else f", {low:,} to {high:,}"
