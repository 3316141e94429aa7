"""JSON lines of accounts → JSON lines of their match keys, in the same order, as they come.

A line that cannot be read is answered in its place with an error, and the rest go on. A line of any length takes
bounded memory. The answers hold the normalised values: they are for their owner's eyes and never for the service.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as quoted
from typing import Protocol

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation import Profile

__all__ = ["LONGEST_LINE", "KeyLines"]

LONGEST_LINE = 1 << 16
_READ_BYTES = 1 << 18
_WORDS = {key_class: key_class.name.lower() for key_class in MatchKeyClass}
_TEXTS = ("name", "website", "country")


class ByteStream(Protocol):
    """What lines are read from."""

    def read1(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Account:
    line: int
    account_id: str | int = field(repr=False)
    texts: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Fault:
    line: int
    told: str
    account_id: str | int | None = field(default=None, repr=False)


@dataclass(slots=True)
class KeyLines:
    """Answers lines under one profile; ``faults`` counts those that could not be read."""

    profile: Profile
    faults: int = 0
    _line: int = 0

    def answers(self, stream: ByteStream) -> Iterator[str]:
        """Yield the answers to what could be read at once, as text with a line for each, until the stream ends."""
        for lines in _lines_of(stream):
            read = [_read(number, line) for number, line in enumerate(lines, start=self._line + 1) if line != b""]
            self._line += len(lines)
            self.faults += sum(isinstance(each, _Fault) for each in read)
            if read:
                yield "".join(self._answered(read))

    def _answered(self, read: Sequence[_Account | _Fault]) -> Iterator[str]:
        keys = self._keys([each for each in read if isinstance(each, _Account)])
        for each in read:
            if isinstance(each, _Fault):
                yield _fault(each)
            else:
                yield f'{{"id": {json.dumps(each.account_id)}, "keys": [{next(keys)}]}}\n'

    def _keys(self, accounts: Sequence[_Account]) -> Iterator[str]:
        """Yield the keys of each account as JSON, the whole batch normalised in one go."""
        if not accounts:
            return
        columns = list(zip(*(account.texts for account in accounts), strict=True))
        written = [
            [f'{{"class": "{_WORDS[key_class]}", "value": {quoted(value)}}}' if value else "" for value in values]
            for key_class, values in self.profile.values_by_class(*columns)
        ]
        for keys in zip(*written, strict=True):
            yield ", ".join(filter(None, keys))


def _lines_of(stream: ByteStream) -> Iterator[list[bytes | None]]:
    """Yield the lines that end in what was read last, without their ends; None for one that is too long."""
    rest = b""
    is_too_long = False
    while read := stream.read1(_READ_BYTES):
        *whole, rest = (rest + read).split(b"\n")
        lines: list[bytes | None] = [line.strip() if len(line) <= LONGEST_LINE else None for line in whole]
        if is_too_long and lines:
            lines[0], is_too_long = None, False
        if len(rest) > LONGEST_LINE:
            rest, is_too_long = b"", True
        if lines:
            yield lines
    if rest or is_too_long:
        yield [None if is_too_long else rest.strip()]


def _read(number: int, line: bytes | None) -> _Account | _Fault:
    said = _decoded(line, is_first=number == 1)
    if isinstance(said, str):
        return _Fault(number, said)
    account_id = said.get("id")
    if not isinstance(account_id, str | int) or isinstance(account_id, bool):
        return _Fault(number, '"id" is missing, or is neither text nor a whole number')
    texts = [said.get(name) or "" for name in _TEXTS]
    for name, text in zip(_TEXTS, texts, strict=True):
        if not isinstance(text, str):
            return _Fault(number, f'"{name}" is no text', account_id)
    return _Account(number, account_id, tuple(map(str, texts)))


def _decoded(line: bytes | None, *, is_first: bool) -> dict[str, object] | str:
    """Read a line as an object, or say what is wrong with it."""
    if line is None:
        return f"the line is longer than {LONGEST_LINE:,} bytes"
    try:
        said = json.loads(line.decode("utf-8-sig" if is_first else "utf-8"))
    except UnicodeDecodeError:
        return "the line is not UTF-8"
    except (ValueError, RecursionError):
        return "the line is not JSON"
    return said if isinstance(said, dict) else 'the line is no object like {"id": "1", "name": "Acme"}'


def _fault(fault: _Fault) -> str:
    told = {
        "id": fault.account_id,
        "line": fault.line,
        "error": {"code": "line-invalid", "detail": f"line {fault.line}: {fault.told}"},
    }
    return json.dumps(told) + "\n"
