"""The pages that are made from the code, each by a module of its own."""

from __future__ import annotations

from tools.reference import commands, event_types, problems, routes, settings

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """Give each page's text by the name of its file in docs/."""
    return {
        "cli.md": commands.page(),
        "http-api.md": routes.page(),
        "event-types.md": event_types.page(),
        "settings.md": settings.page(),
        "errors.md": problems.page(),
        **problems.page_of_each(),
    }
