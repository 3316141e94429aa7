"""A small language that says which rows of an export belong together: parsed once, evaluated a column at a time.

It can read columns and compare them with what is written in it, and nothing else::

    stage in ("Closed Won", "Customer") and not [Account Type] = "Partner"
    amount > 0 and created_date >= 2026-01-01 or owner_name is empty

Texts are compared without regard to capitals and to space at their ends. A column is a word, or a header in brackets.
"""

from escrow.client.filters.evaluating import Columns, holds, unreadable
from escrow.client.filters.expressions import Column, Expression, columns_of, texts_compared, written
from escrow.client.filters.parsing import fault_at, parse

__all__ = [
    "Column",
    "Columns",
    "Expression",
    "columns_of",
    "fault_at",
    "holds",
    "parse",
    "texts_compared",
    "unreadable",
    "written",
]
