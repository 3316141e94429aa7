"""The text of a filter → its tree; what is not understood is shown with a mark under the place.

::

    filter     = both { "or" both }
    both       = single { "and" single }
    single     = "not" single | "(" filter ")" | column test
    test       = ("=" | "!=" | "<" | "<=" | ">" | ">=") literal
               | [ "not" ] "in" "(" literal { "," literal } ")"
               | "is" [ "not" ] "empty"
    column     = word | "[" header "]"
    literal    = "text" | 'text' | number | date
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from escrow.client.filters.expressions import (
    KEYWORDS,
    ORDERINGS,
    And,
    Column,
    Comparison,
    Emptiness,
    Expression,
    Literal,
    Membership,
    Not,
    Or,
)
from escrow.errors import FilterInvalid

__all__ = ["fault_at", "parse"]

_DEEPEST = 50
_LONGEST = 20_000
_SHOWN = 100
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<date>\d{4}-\d{2}-\d{2}(?![\w.-]))
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?(?![\w.]))
    |(?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*')
    |(?P<header>\[(?:[^\]]|\]\])+\])
    |(?P<word>[^\W\d]\w*)
    |(?P<sign><=|>=|!=|[=<>(),])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Expression:
    """Read a filter.

    Raises:
        FilterInvalid: it is none; the message shows where.
    """
    if len(text) > _LONGEST:
        raise FilterInvalid(f"a filter has at most {_LONGEST:,} characters")
    return _Parser(text).whole()


def fault_at(text: str, at: int, told: str) -> FilterInvalid:
    """Make the error that shows the line of a filter and marks a place in it."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].partition("\n")[0].replace("\t", " ")
    cut = max(0, at - start - _SHOWN // 2)
    shown = line[cut : cut + _SHOWN]
    return FilterInvalid(f"{told}\n    {shown}\n    {' ' * (at - start - cut)}^")


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise fault_at(text, at, _strange(text[at]))
        kind = str(found.lastgroup)
        if kind == "word" and found[0].casefold() in KEYWORDS:
            yield _Token("keyword", found[0].casefold(), at)
        elif kind != "space":
            yield _Token(kind, found[0], at)
        at = found.end()
    yield _Token("end", "", len(text))


def _strange(sign: str) -> str:
    if sign in "\"'":
        return "a text begins here and does not end; close it with the same quote"
    if sign == "[":
        return "a header begins here and does not end; close it with ]"
    if sign.isdigit() or sign == "-":
        return "this is neither a number such as 12.5 nor a date such as 2026-05-31; text stands in quotes"
    return f"{sign!r} means nothing in a filter"


class _Parser:
    """Reads tokens from left to right, each once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def whole(self) -> Expression:
        if self._token.kind == "end":
            raise self._fault('the filter is empty; write a condition, as in stage = "Customer"')
        expression = self._either()
        if self._token.kind != "end":
            raise self._fault("here `and`, `or` or the end was expected")
        return expression

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _fault(self, told: str) -> FilterInvalid:
        return fault_at(self._text, self._token.at, told)

    def _take(self, kind: str, *texts: str) -> _Token | None:
        """Go past the next token if it is one of these."""
        token = self._token
        if token.kind != kind or (texts and token.text not in texts):
            return None
        self._next += 1
        return token

    def _demand(self, kind: str, text: str) -> None:
        if self._take(kind, text) is None:
            raise self._fault(f"here `{text}` was expected")

    def _either(self) -> Expression:
        parts = self._joined("or", self._both)
        return parts[0] if len(parts) == 1 else Or(parts)

    def _both(self) -> Expression:
        parts = self._joined("and", self._single)
        return parts[0] if len(parts) == 1 else And(parts)

    def _joined(self, keyword: str, part: Callable[[], Expression]) -> tuple[Expression, ...]:
        parts = [part()]
        while self._take("keyword", keyword):
            parts.append(part())
        return tuple(parts)

    def _single(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._fault(f"`not` and parentheses stand in one another at most {_DEEPEST} deep")
        try:
            if self._take("keyword", "not"):
                return Not(self._single())
            if self._take("sign", "("):
                inner = self._either()
                self._demand("sign", ")")
                return inner
            return self._tested(self._column())
        finally:
            self._depth -= 1

    def _column(self) -> Column:
        if token := self._take("word"):
            return Column(token.text, token.at)
        if token := self._take("header"):
            return Column(token.text[1:-1].replace("]]", "]"), token.at)
        raise self._fault("here the name of a column was expected; a header of several words stands in [brackets]")

    def _tested(self, column: Column) -> Expression:
        if operator := self._take("sign", "=", "!=", *ORDERINGS):
            return Comparison(column, operator.text, self._compared(operator))
        if self._take("keyword", "is"):
            is_negated = self._take("keyword", "not") is not None
            self._demand("keyword", "empty")
            return Emptiness(column, is_negated)
        is_negated = self._take("keyword", "not") is not None
        if self._take("keyword", "in"):
            return Membership(column, self._listed(), is_negated)
        raise self._fault("behind a column one of =, !=, <, <=, >, >=, in, not in, is empty was expected")

    def _compared(self, operator: _Token) -> Literal:
        at = self._token.at
        literal = self._literal()
        if operator.text in ORDERINGS and isinstance(literal, str):
            told = f"{operator.text} compares numbers and dates; write them without quotes, as in 12.5 or 2026-05-31"
            raise fault_at(self._text, at, told)
        return literal

    def _listed(self) -> tuple[Literal, ...]:
        self._demand("sign", "(")
        literals = [self._literal()]
        while self._take("sign", ","):
            literals.append(self._literal())
        self._demand("sign", ")")
        return tuple(literals)

    def _literal(self) -> Literal:
        if token := self._take("text"):
            quote = token.text[0]
            return token.text[1:-1].replace(quote * 2, quote)
        if token := self._take("number"):
            return Decimal(token.text)
        if token := self._take("date"):
            try:
                return date.fromisoformat(token.text)
            except ValueError:
                raise fault_at(self._text, token.at, "there is no such day") from None
        raise self._fault("here a text in quotes, a number or a date such as 2026-05-31 was expected")
