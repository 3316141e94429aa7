"""Reports and lists of overlaps as self-contained HTML.

Values come from two CRMs and a partner: everything is escaped, and control characters are replaced, without exception.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from escrow.reports.ages import OLD_AFTER, ages_of
from escrow.reports.plays import PLAYS
from escrow.reports.quality import Quality
from escrow.reports.report import OverlapList, Report
from escrow.reports.texts import without_controls
from escrow.terms import Population

__all__ = ["overlaps_html", "quality_html", "report_html"]


def report_html(report: Report, *, now: datetime) -> str:
    """Give one page that needs nothing beside itself; ages are told as of ``now``."""
    return _TEMPLATES.get_template("report.html").render(
        report=report,
        release=report.release,
        plays=PLAYS,
        populations=tuple(Population),
        ages=dict(zip(("our", "their"), ages_of(report, now), strict=True)),
        old_after=OLD_AFTER.days,
    )


def overlaps_html(listed: OverlapList) -> str:
    """Give one page that needs nothing beside itself, with a table for each cell."""
    cells = sorted({item.cell for item in listed.items})
    parts = [(cell, replace(listed, items=tuple(item for item in listed.items if item.cell == cell))) for cell in cells]
    return _TEMPLATES.get_template("overlaps.html").render(listed=listed, parts=parts, plays=PLAYS)


def quality_html(quality: Quality) -> str:
    """Give one page that needs nothing beside itself; it names accounts and is for their owner alone."""
    return _TEMPLATES.get_template("quality.html").render(quality=quality)


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _shown(value: object) -> object:
    """Give texts without control characters; what a macro made of them has none."""
    return without_controls(value) if type(value) is str else value


_TEMPLATES = Environment(
    loader=PackageLoader("escrow.reports"),
    autoescape=True,
    finalize=_shown,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["day"] = _day
