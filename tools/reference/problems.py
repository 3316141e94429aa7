"""docs/errors.md: every code, from the classes, with what to do from advice.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from escrow import errors
from escrow.api.problems import STATUS
from escrow.client.cli.exits import ExitCode, exit_code_of
from escrow.errors import EscrowError
from tools.reference.markdown import MADE, joined, sentence

__all__ = ["ADVICE", "codes", "page"]

ADVICE: dict[str, str] = tomllib.loads(Path(__file__).with_name("advice.toml").read_text(encoding="utf-8"))

_INTRODUCTION = """# Errors

Every refusal has a code that does not change, and a sentence that says what to do. Decide by the code, show the
sentence. The service answers with a problem document (RFC 9457), whose `type` is `/errors/CODE`; `escrow --json` writes
`{"error": {"code": …, "detail": …}}` to standard error. No message repeats a token, a key, a name or what was sent."""

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
    "interrupted": ("The command was stopped by Ctrl-C.", ExitCode.INTERRUPTED),
    "unexpected": ("An error that nobody foresaw.", ExitCode.UNEXPECTED),
}


def codes() -> list[str]:
    """Give every code that may be met."""
    return [kind.code for kind in _below(EscrowError)] + list(_OF_COMMAND_LINE)


def page() -> str:
    """Give the page's text."""
    return joined([MADE, _INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for root, title, about in _GROUPS:
        yield f"## {title}\n\n{about}"
        for kind in sorted((root, *_below(root)), key=lambda kind: kind.code):
            yield _section(kind.code, sentence(kind.__doc__), _place(kind))
    for code, (what, exit_code) in _OF_COMMAND_LINE.items():
        yield _section(code, what, f"Exit code {exit_code.value}.")


def _section(code: str, what: str, place: str) -> str:
    return f"### {code}\n\n{what} {place}".rstrip() + f"\n\n{ADVICE.get(code, '')}".rstrip()


def _below(root: type[EscrowError]) -> list[type[EscrowError]]:
    """Give all classes below one, those of the package only."""
    direct = [kind for kind in root.__subclasses__() if kind.__module__.startswith("escrow.")]
    return [each for kind in direct for each in (kind, *_below(kind))]


def _place(kind: type[EscrowError]) -> str:
    """Say where the error is met: its HTTP status, or the exit code of the command line."""
    if issubclass(kind, errors.ClientError):
        return f"Exit code {exit_code_of(kind.__new__(kind)).value}."
    status = next(STATUS[above] for above in kind.__mro__ if above in STATUS)
    return "" if issubclass(kind, errors.ServiceFault) and status == 500 else f"HTTP {status}."
