"""Terms as a person compares them: ours, theirs and what holds side by side, and who holds back what."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta

from rich.box import SIMPLE_HEAD
from rich.table import Table

from escrow.client.cli.texts import counted
from escrow.presets import disclosure_name
from escrow.terms import CELLS, DisclosureRule, Level, Terms

__all__ = ["terms_tables"]

_STYLES = {Level.HIDDEN: "dim", Level.COUNTS: "cyan", Level.ACCOUNTS: "yellow", Level.DETAILS: "green"}
_CAPTION_WIDTH = 78


def terms_tables(*, ours: Terms, theirs: Terms | None, effective: Terms | None) -> Iterator[Table]:
    """Show how far each cell is shared, then what else the terms say; all seen from our side.

    ``theirs`` and ``effective`` are absent while nobody has accepted.
    """
    yield _compared("ours × theirs", _level_rows(), ours, theirs, effective)
    conditions = _compared("", _condition_rows(), ours, theirs, effective)
    conditions.caption = _fields_said(ours, theirs)
    yield conditions


_Row = tuple[str, Callable[[Terms], str]]


def _level_rows() -> Iterator[_Row]:
    for cell in CELLS:
        yield (
            f"{cell.ours.word} × {cell.theirs.word}",
            lambda terms, cell=cell: f"[{_STYLES[terms.levels[cell]]}]{terms.levels[cell].word}[/]",  # type: ignore[misc]  # the default binds the cell of this turn
        )


def _condition_rows() -> Iterator[_Row]:
    yield "counts from matches that are", lambda terms: terms.counts_from.word
    yield "reveals from matches that are", lambda terms: terms.reveals_from.word
    yield "accounts on a list, at most", lambda terms: f"{terms.largest_list:,}"
    yield "disclosure", lambda terms: disclosure_name(terms.disclosure) or "own rule"
    yield "smallest count shown", lambda terms: _smallest(terms.disclosure)
    yield "rounding of counts", lambda terms: _rounding(terms.disclosure)
    yield "between two releases", lambda terms: _duration(terms.disclosure)
    yield "changes a release waits for", lambda terms: _changes(terms.disclosure)
    yield "noise", lambda terms: "yes" if terms.disclosure.noise else "no"


def _compared(title: str, rows: Iterator[_Row], ours: Terms, theirs: Terms | None, effective: Terms | None) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, caption_justify="left")
    table.add_column(title)
    table.add_column("we allow")
    if theirs is None or effective is None:
        for name, said in rows:
            table.add_row(name, said(ours))
        return table
    for header in ("they allow", "holds", "held back by"):
        table.add_column(header)
    for name, said in rows:
        values = (said(ours), said(theirs), said(effective))
        table.add_row(name, *values, _holder(*values))
    return table


def _holder(ours: str, theirs: str, effective: str) -> str:
    """Say whose value is the stricter one; both, where what holds is stricter than either."""
    if ours == theirs:
        return ""
    return "us" if effective == ours else "them" if effective == theirs else "both"


def _smallest(rule: DisclosureRule) -> str:
    return "none is shown" if rule.shows_no_count else f"{rule.k:,}"


def _rounding(rule: DisclosureRule) -> str:
    if rule.shows_no_count:
        return "too coarse for any count"
    if rule.step > 1:
        return f"steps of {rule.step:,}"
    return "none" if rule.noise else "exact"


def _duration(rule: DisclosureRule) -> str:
    for unit, name in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")):
        if rule.interval % unit == timedelta():
            return counted(rule.interval // unit, name)
    return counted(int(rule.interval.total_seconds()), "second")


def _changes(rule: DisclosureRule) -> str:
    return "none: a fixed schedule" if rule.noise else f"{rule.least_changes:,}"


def _fields_said(ours: Terms, theirs: Terms | None) -> str:
    said = [f"our details hold {', '.join(ours.fields)}"] if ours.fields else []
    if theirs is not None and theirs.fields:
        said.append(f"theirs hold {', '.join(theirs.fields)}")
    return "\n".join(line for each in said for line in textwrap.wrap(each, _CAPTION_WIDTH))
