"""The language of filters: what is written is what is read, whole columns give what rows give, faults are marked."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.client.filters import Columns, columns_of, holds, parse, unreadable, written
from escrow.client.filters.expressions import And, Column, Comparison, Emptiness, Expression, Membership, Not, Or
from escrow.errors import FilterInvalid

NAMES = ("stage", "amount", "in", "Account Type", "a]b", "größe")
TEXTS = ("", "Customer", "customer ", "CAFÉ", "cafe\u0301", 'a "b"', "it's", "12", "x")
CELLS = (*TEXTS, "5", "5.0", "1,250", "2026-05-31", "2026-05-31 12:00", "31.05.2026", "-3", "  ", "n/a")

names = st.sampled_from(NAMES)
literals = st.one_of(
    st.sampled_from(TEXTS),
    st.text(max_size=5),
    st.decimals(min_value=-2000, max_value=2000, places=2),
    st.dates(),
    st.sampled_from([Decimal(5), Decimal(1250), date(2026, 5, 31)]),
)
ordered = st.one_of(st.sampled_from([Decimal(5), Decimal("-3.5"), date(2026, 5, 31)]), st.dates())
leaf = st.one_of(
    st.builds(Comparison, st.builds(Column, names), st.sampled_from(["=", "!="]), literals),
    st.builds(Comparison, st.builds(Column, names), st.sampled_from(["<", "<=", ">", ">="]), ordered),
    st.builds(
        Membership, st.builds(Column, names), st.lists(literals, min_size=1, max_size=3).map(tuple), st.booleans()
    ),
    st.builds(Emptiness, st.builds(Column, names), st.booleans()),
)
expressions: st.SearchStrategy[Expression] = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(expressions)
def test_what_is_written_is_read_as_the_same_filter(expression: Expression) -> None:
    assert parse(written(expression)) == expression


@given(expressions, st.lists(st.tuples(*[st.sampled_from(CELLS)] * len(NAMES)), min_size=1, max_size=12))
def test_whole_columns_give_what_each_row_alone_gives(expression: Expression, rows: list[tuple[str, ...]]) -> None:
    columns = Columns({name: [row[place] for row in rows] for place, name in enumerate(NAMES)})
    assert holds(expression, columns).tolist() == [
        holds_for(expression, dict(zip(NAMES, row, strict=True))) for row in rows
    ]


def holds_for(expression: Expression, row: dict[str, str]) -> bool:  # noqa: C901, PLR0911  # a case for each kind
    """The meaning of the language, written a second time for one row."""
    match expression:
        case Not(inner):
            return not holds_for(inner, row)
        case And(parts):
            return all(holds_for(part, row) for part in parts)
        case Or(parts):
            return any(holds_for(part, row) for part in parts)
        case Emptiness(column, is_negated):
            return (row[column.name].strip() == "") != is_negated
        case Membership(column, members, is_negated):
            return any(equals(row[column.name], member) for member in members) != is_negated
        case Comparison(column, "=", literal):
            return equals(row[column.name], literal)
        case Comparison(column, "!=", literal):
            return not equals(row[column.name], literal)
        case Comparison(column, sign, literal):
            value = VALUES.get(row[column.name], {}).get(type(literal))
            return value is not None and bool(eval(f"value {sign} literal"))  # noqa: S307  # the operator of the test's own


def equals(cell: str, literal: str | Decimal | date) -> bool:
    if isinstance(literal, str):
        cell, literal = (unicodedata.normalize("NFC", text).strip().casefold() for text in (cell, literal))
        return cell == literal
    return VALUES.get(cell, {}).get(type(literal)) == literal


VALUES: dict[str, dict[type, object]] = {
    "12": {Decimal: Decimal(12)},
    "5": {Decimal: Decimal(5)},
    "5.0": {Decimal: Decimal(5)},
    "1,250": {Decimal: Decimal(1250)},
    "-3": {Decimal: Decimal(-3)},
    "2026-05-31": {date: date(2026, 5, 31)},
    "2026-05-31 12:00": {date: date(2026, 5, 31)},
    "31.05.2026": {date: date(2026, 5, 31)},
}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", 0, "the filter is empty"),
        ('stage = "Customer', 8, "a text begins here and does not end"),
        ("stage in ()", 10, "a text in quotes, a number or a date"),
        ("stage in (1, 2", 14, "`)` was expected"),
        ("stage = Customer", 8, "a text in quotes"),
        ('stage < "a"', 8, "compares numbers and dates"),
        ("stage is full", 9, "`empty` was expected"),
        ("stage = 1 stage = 2", 10, "`and`, `or` or the end"),
        ("stage == 1", 7, "a text in quotes"),
        ("stage", 5, "behind a column one of"),
        ("d > 2026-02-30", 4, "there is no such day"),
        ("d > 12.5.1", 4, "neither a number"),
        ("[Account Type = 1", 0, "close it with ]"),
        ("a = 1; drop", 5, "';' means nothing"),
        ("in = 1", 0, "name of a column"),
    ],
)
def test_what_is_not_understood_is_marked_at_its_place(text: str, place: int, says: str) -> None:
    with pytest.raises(FilterInvalid) as refusal:
        parse(text)
    told, shown, mark = refusal.value.message.split("\n")
    assert says in told
    assert (shown.strip(), len(mark) - 5) == (text.strip(), place)


def test_a_mark_stands_in_its_own_line_of_a_filter_with_several() -> None:
    with pytest.raises(FilterInvalid, match=r"\n    and x\n         \^$"):
        parse("a = 1\nand x")


@pytest.mark.parametrize("text", ["(" * 10_000, "not " * 10_000, "a = 1 or " * 10_000])
def test_a_filter_of_any_size_is_refused_and_not_run_into(text: str) -> None:
    with pytest.raises(FilterInvalid):
        parse(text)


def test_not_binds_closest_and_or_the_least() -> None:
    assert written(parse("not a = 1 and b = 2 or c = 3")) == "not a = 1 and b = 2 or c = 3"
    assert parse("not a = 1 and b = 2") == And((Not(parse("a = 1")), parse("b = 2")))
    assert parse("a = 1 or b = 2 and c = 3") == Or((parse("a = 1"), parse("b = 2 and c = 3")))


def test_columns_are_named_once_where_they_stand_first() -> None:
    assert [(column.name, column.at) for column in columns_of(parse("b = 1 and [a b] = 2 and b = 3"))] == [
        ("b", 0),
        ("a b", 10),
    ]


def test_cells_that_are_no_number_where_one_is_asked_for_are_counted() -> None:
    assert unreadable(parse("amount > 5 or d = 2026-01-01"), Columns({"amount": ["x", "6", ""], "d": [""] * 3})) == {
        "amount": 1
    }
