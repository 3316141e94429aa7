"""docs/errors.md and a page for each code: from the classes, with what to do from advice.toml."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from escrow import errors
from escrow.api.examples import example_error
from escrow.api.problems import STATUS, problem_of
from escrow.client.cli.exits import ExitCode, exit_code_of
from escrow.errors import EscrowError
from tools.reference.markdown import MADE, joined, sentence, table
from tools.reference.routes import routes

__all__ = ["ADVICE", "codes", "page", "page_of_each"]

ADVICE: dict[str, str] = tomllib.loads(Path(__file__).with_name("advice.toml").read_text(encoding="utf-8"))

_INTRODUCTION = """# Errors

Every refusal has a code that does not change, and a sentence that says what to do. Decide by the code, show the
sentence. The service answers with a problem document (RFC 9457), whose `type` is `/errors/CODE`: at that address the
service says in a sentence what the code means, and the pages here say what to do. `escrow --json` writes
`{"error": {"code": …, "detail": …}}` to standard error, and to standard output its answer or nothing: a command
that failed for one partnership of several, or for one sink, answers what it did. No message repeats a token, a key,
a name or what was sent."""

_GROUPS: tuple[tuple[type[EscrowError], str, str], ...] = (
    (errors.Refused, "Refused by the service", "What a request may meet; the HTTP status is beside each."),
    (errors.ProtocolError, "Not as the protocol asks", "Met on either side: a code, a key, a record or an envelope."),
    (errors.ServiceFault, "For the operator", "A caller sees only `service-fault` or `service-unavailable`."),
    (errors.ClientError, "On the partner's side", "Met by `escrow`, with its exit code beside each."),
)

#: Codes that the command line gives to what is none of our errors.
_OF_COMMAND_LINE = {
    "usage": ("The command was not understood.", ExitCode.USAGE),
    "file-unusable": ("A file could not be read or written.", ExitCode.LOCAL),
    "line-invalid": ("A line of standard input is not one that the command reads.", ExitCode.INPUT),
    "interrupted": ("The command was stopped by Ctrl-C.", ExitCode.INTERRUPTED),
    "unexpected": ("An error that nobody foresaw.", ExitCode.UNEXPECTED),
}

#: Headers that are not written with one capital a word.
_SPELLED = {"ratelimit": "RateLimit", "ratelimit-policy": "RateLimit-Policy", "www-authenticate": "WWW-Authenticate"}

#: Past so many routes their list says nothing any more.
_MANY = 12

_LINK = re.compile(r"\]\((?!https?:)([\w-]+\.md)")


def codes() -> list[str]:
    """Give every code that may be met."""
    return [kind.code for kind in _below(EscrowError)] + list(_OF_COMMAND_LINE)


def page() -> str:
    """Give the text of the page that lists every code."""
    return joined([MADE, _INTRODUCTION, *_sections()])


def page_of_each() -> dict[str, str]:
    """Give the text of each code's own page, by its file in docs/."""
    own = {kind.code: _page_of(kind) for kind in _below(EscrowError)}
    said = {
        code: _page(code, what, _exit(code_), [], _told_by_client(code, what))
        for code, (what, code_) in _OF_COMMAND_LINE.items()
    }
    return {f"errors/{code}.md": text for code, text in (own | said).items()}


def _sections() -> Iterator[str]:
    for root, title, about in _GROUPS:
        yield f"## {title}\n\n{about}"
        kinds = sorted((root, *_below(root)), key=lambda kind: kind.code)
        yield table(
            ("code", "met as", "meaning"), [_row(kind.code, sentence(kind.__doc__), _place(kind)) for kind in kinds]
        )
    yield "## Of the command line\n\nWhat `escrow` says of errors that are none of the above."
    yield table(
        ("code", "met as", "meaning"),
        [_row(code, what, _exit(exit_code)) for code, (what, exit_code) in _OF_COMMAND_LINE.items()],
    )


def _row(code: str, what: str, place: str) -> tuple[str, str, str]:
    # Links to `errors.md#CODE` lead here.
    return f'<span id="{code}"></span>[`{code}`](errors/{code}.md)', place, what


def _page_of(kind: type[EscrowError]) -> str:
    met = [f"`{method} {address}`" for method, address, said in routes() if _documents(said, kind.code)]
    return _page(kind.code, sentence(kind.__doc__), _place(kind), met, _example(kind))


def _page(code: str, what: str, place: str, met: list[str], example: str) -> str:
    parts = [MADE, f"# {code}", what, f"Met as: {place}." if place else "A caller sees only `service-fault`."]
    parts += ["## What to do", _LINK.sub(r"](../\1", ADVICE.get(code, "")), example]
    if len(met) > _MANY:
        parts += ["## Where it is met", f"{len(met)} routes of the [HTTP API](../http-api.md)."]
    elif met:
        parts += ["## Where it is met", "\n".join(f"- {route}" for route in met)]
    return joined([*parts, "[All errors](../errors.md)"])


def _documents(operation: Mapping[str, Any], code: str) -> bool:
    return any(f"`{code}`" in said["description"] for status, said in operation["responses"].items() if status >= "400")


def _example(kind: type[EscrowError]) -> str:
    what = sentence(kind.__doc__)
    if issubclass(kind, errors.ClientError):
        return _told_by_client(kind.code, what)
    if _status(kind) == 500:
        return (
            f"## Example\n\nIn the service's log:\n\n{_json({'event': 'fault', 'level': 'error', 'code': kind.code})}"
        )
    answer = problem_of(example_error(kind, what))
    headers = [
        f"{_SPELLED.get(name, name.title())}: {value}"
        for name, value in answer.headers.items()
        if name != "content-length"
    ]
    first = f"HTTP/1.1 {answer.status_code}"
    return f"## Example\n\n```http\n{chr(10).join([first, *headers])}\n```\n\n{_json(json.loads(bytes(answer.body)))}"


def _told_by_client(code: str, what: str) -> str:
    return f"## Example\n\nOn standard error, with `--json`:\n\n{_json({'error': {'code': code, 'detail': what}})}"


def _json(value: object) -> str:
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```"


def _below(root: type[EscrowError]) -> list[type[EscrowError]]:
    """Give all classes below one, those of the package only."""
    direct = [kind for kind in root.__subclasses__() if kind.__module__.startswith("escrow.")]
    return [each for kind in direct for each in (kind, *_below(kind))]


def _place(kind: type[EscrowError]) -> str:
    """Say where the error is met: its HTTP status, or the exit code of the command line."""
    if issubclass(kind, errors.ClientError):
        return _exit(exit_code_of(kind.__new__(kind)))
    return "" if issubclass(kind, errors.ServiceFault) and _status(kind) == 500 else f"HTTP {_status(kind)}"


def _status(kind: type[EscrowError]) -> int:
    return next(STATUS[above] for above in kind.__mro__ if above in STATUS)


def _exit(code: ExitCode) -> str:
    return f"exit code {code.value}"
