"""Reports and lists of overlaps as CSV and JSON; as pages they are in ``escrow.reports.pages``.

Values come from two CRMs and a partner: a CSV cell never starts a formula.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from escrow.reports.ages import ListAge, ages_of
from escrow.reports.matrix import CellCount
from escrow.reports.plays import PLAYS
from escrow.reports.report import DetailValue, ListedOverlap, OverlapList, ReleaseView, Report
from escrow.terms import Cell, Population

__all__ = ["harmless", "overlaps_csv", "overlaps_json", "report_csv", "report_json"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def report_csv(report: Report, *, now: datetime) -> str:
    """Give nine lines, one a cell, each with when either list was applied; no line if there is no release yet.

    ``margin`` is empty where the number is exact.
    """
    ours, theirs = ages_of(report, now)
    ages = (_time(ours.applied_at), ours.words, _time(theirs.applied_at), theirs.words, _old_lists(ours, theirs))
    release = report.release
    lines = (
        (*_cell_values(cell, count), release.margin if release.is_approximate(cell) else None, *ages)
        for release in ([release] if release else [])
        for cell, count in release.matrix.items()
    )
    return _csv((*_CELL_COLUMNS, *_AGE_COLUMNS), lines)


def report_json(report: Report, *, now: datetime) -> str:
    """Give the whole report; ``release`` is null if there is none yet."""
    ours, theirs = ages_of(report, now)
    return _json(
        {
            "ours": report.ours,
            "theirs": report.theirs,
            "our_list_at": _time(report.our_list_at),
            "their_list_at": _time(report.their_list_at),
            "our_list_age": ours.words,
            "their_list_age": theirs.words,
            "old_lists": _old_lists(ours, theirs),
            "release": _release_json(report.release) if report.release else None,
        }
    )


def overlaps_csv(listed: OverlapList) -> str:
    """Give one line an item; the partner's fields are prefixed with ``their_``."""
    fields = listed.shared_fields
    header = (*_OWN_COLUMNS, *(f"their_{name}" for name in fields))
    return _csv(header, ((*_own_values(item), *(item.shared.get(name) for name in fields)) for item in listed.items))


def overlaps_json(listed: OverlapList) -> str:
    """Give the items in order, the partner's fields of each under ``shared``."""
    items = [
        dict(zip(_OWN_COLUMNS, _own_values(item), strict=True))
        | {"crm_ids": list(item.crm_ids), "shared": dict(item.shared)}
        for item in listed.items
    ]
    return _json({"ours": listed.ours, "theirs": listed.theirs, "items": items})


_CELL_COLUMNS = ("ours", "theirs", "level", "state", "number", "margin")
_AGE_COLUMNS = ("our_list_at", "our_list_age", "their_list_at", "their_list_age", "old_lists")
_OWN_COLUMNS = ("overlap", "account_name", "crm_ids", "ours", "theirs", "tier", "level", "match_id")


def _cell_values(cell: Cell, count: CellCount) -> tuple[DetailValue, ...]:
    return (cell.ours.word, cell.theirs.word, count.level.word, count.state.word, count.number)


def _own_values(item: ListedOverlap) -> tuple[str, ...]:
    cell = item.cell
    words = (cell.ours.word, cell.theirs.word, item.tier.word, item.level.word, item.match_letters)
    return (item.overlap, item.account_name, ";".join(item.crm_ids), *words)


def _old_lists(ours: ListAge, theirs: ListAge) -> str:
    """Name the sides whose list is old: ours, theirs, ours;theirs, or nothing."""
    return ";".join(side for side, age in (("ours", ours), ("theirs", theirs)) if age.is_old)


def _release_json(release: ReleaseView) -> dict[str, object]:
    matrix, conditions = release.matrix, release.conditions
    return {
        "number": release.number,
        "made_at": _time(release.made_at),
        "counts_from": conditions.counts_from.word,
        "reveals_from": conditions.reveals_from.word,
        "margin": release.margin,
        "disclosure": {
            "threshold": conditions.rule.threshold,
            "step": conditions.rule.step,
            "interval_seconds": int(conditions.rule.interval.total_seconds()),
            "least_changes": conditions.rule.least_changes,
            "noise": conditions.rule.noise,
        },
        "cells": [
            {
                "ours": cell.ours.word,
                "theirs": cell.theirs.word,
                "level": count.level.word,
                "state": count.state.word,
                "number": count.number,
                "approximate": release.is_approximate(cell),
                "play": PLAYS[cell],
            }
            for cell, count in matrix.items()
        ],
        "totals": {
            "all": matrix.total(),
            "ours": {population.word: matrix.total(ours=population) for population in Population},
            "theirs": {population.word: matrix.total(theirs=population) for population in Population},
            "approximate": {
                "all": release.is_approximate_total(),
                "ours": {each.word: release.is_approximate_total(ours=each) for each in Population},
                "theirs": {each.word: release.is_approximate_total(theirs=each) for each in Population},
            },
        },
    }


def _csv(header: Sequence[str], lines: Iterable[Sequence[DetailValue]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([harmless(value) for value in line] for line in lines)
    return text.getvalue()


def harmless(value: DetailValue) -> DetailValue:
    """Keep a spreadsheet from running what a partner wrote: a leading apostrophe makes it text."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
