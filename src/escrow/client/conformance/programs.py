"""Asking a partner's own program, by JSON lines on its standard input and output.

A question is ``{"id": 7, "do": "tokens.rows", "given": {…}}``; the answer is ``{"id": 7, "answer": {…}}``, a refusal
``{"id": 7, "error": "code"}``, and ``{"id": 7, "unsupported": true}`` for what the program has no need of.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import IO, cast

from escrow.client.conformance.findings import Finding
from escrow.client.conformance.questions import Question
from escrow.errors import LocalError

__all__ = ["Skipped", "ask_program", "findings"]

#: Given in the place of a problem for what a program said that it does not do.
Skipped = "not supported by the program"


def ask_program(
    command: Sequence[str], questions: Iterable[Question], *, seconds: float
) -> Iterator[tuple[Question, str | None]]:
    """Yield each question with what is wrong with the answer.

    After a program that is mute, gone, or says what is no answer again and again, no more is asked.

    Raises:
        LocalError: the program cannot be started.
    """
    try:
        process = subprocess.Popen(list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as failure:
        raise LocalError(f"the program cannot be started ({failure.strerror}); check its path") from None
    stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    exchange = _Exchange(stdin, seconds)
    threading.Thread(target=_read, args=(stdout, exchange), daemon=True).start()
    strange = 0
    try:
        for number, question in enumerate(questions, 1):
            problem = _problem(exchange.line(number, question), number, question)
            strange = strange + 1 if problem in _STRANGE else 0
            yield question, problem
            if problem == _MUTE or strange == _MOST_STRANGE:
                return
    finally:
        exchange.wanted.put(False)
        process.kill()
        process.wait()
        stdout.close()
        with contextlib.suppress(OSError):
            stdin.close()


_MUTE = "the program ended or gave no answer in time"


_NO_JSON = "the answer is not a line of JSON"
_ANOTHER = "the answer is not to this question"
_STRANGE = frozenset({_NO_JSON, _ANOTHER})
#: A program whose answers in a row are none will not begin to answer.
_MOST_STRANGE = 20
#: Far longer than any answer; a line without an end is read no further.
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One line asked, one line read: a program that never stops talking is heard no further than that."""

    stdin: IO[bytes]
    seconds: float
    wanted: Queue[bool] = field(default_factory=Queue)
    lines: Queue[bytes] = field(default_factory=Queue)

    def line(self, number: int, question: Question) -> bytes:
        """Give the answer to a question; nothing, if none came in time."""
        asked = {"id": number, "do": question.do, "given": question.given}
        try:
            self.stdin.write(json.dumps(asked, ensure_ascii=False).encode() + b"\n")
            self.stdin.flush()
            self.wanted.put(True)
            return self.lines.get(timeout=self.seconds)
        except (OSError, Empty):
            return b""


def _read(stream: IO[bytes], exchange: _Exchange) -> None:
    while exchange.wanted.get():
        try:
            exchange.lines.put(stream.readline(_LONGEST_LINE))
        except (ValueError, OSError):  # it is closed while it is read
            return


def _problem(line: bytes, number: int, question: Question) -> str | None:
    if not line:
        return _MUTE
    try:
        said = json.loads(line)
    except ValueError:
        return _NO_JSON
    if not isinstance(said, dict) or said.get("id") != number:
        return _ANOTHER
    if said.get("unsupported") is True:
        return Skipped
    if question.refusal is not None:
        refused = said.get("error")
        return None if refused == question.refusal else f"expected the refusal {question.refusal}, not {refused}"
    return _difference(said.get("answer"), question)


def _difference(answer: object, question: Question) -> str | None:
    if not isinstance(answer, dict):
        return "there is no answer"
    wrong = [name for name, value in question.expected.items() if answer.get(name) != value]
    return f"another {', '.join(wrong)}" if wrong else None


def findings(asked: Iterable[tuple[Question, str | None]]) -> Iterator[tuple[Finding, bool]]:
    """Yield a finding for each question, and whether the program passed it over."""
    for question, problem in asked:
        name = f"{question.do}: {question.why}"
        is_skipped = problem == Skipped
        yield Finding(name, _SECTION.get(question.do, "Normalisation"), None if is_skipped else problem), is_skipped


_SECTION = {
    "pairing.pairings": "Pairing",
    "pairing.read_codes": "Pairing",
    "pairing.refused_codes": "Pairing",
    "pairing.refused_public_keys": "Pairing",
    "generations.generations": "Generations",
    "generations.heads": "Release, byte for byte",
    "generations.canaries": "Canary",
    "tokens.match_keys": "Account secret, token, wrap key, stored index",
    "tokens.wrap_keys": "Account secret, token, wrap key, stored index",
    "tokens.rows": "Account secret, token, wrap key, stored index",
    "tokens.stored_indexes": "Account secret, token, wrap key, stored index",
    "envelopes.seal": "Details envelope",
    "envelopes.open": "Details envelope",
}
