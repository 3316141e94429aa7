"""What the documentation site needs beyond its pages; MkDocs calls these functions by their names.

Pages are written to be read in the repository too, so some of their links lead to files that the site does not hold:
there the name of the file stays and the link goes. An error's `type` is ``/errors/CODE``, so that address leads to its
section.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_OUTSIDE = re.compile(r"(?<!!)\[([^\]]+)\]\(\.\./[^)]*\)")
_ERROR = re.compile(r"^### ([a-z0-9-]+)$", re.MULTILINE)
_REDIRECT = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{code}</title>'
    '<meta http-equiv="refresh" content="0; url=../#{code}"><a href="../#{code}">{code}</a></html>\n'
)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Keep the name of a file outside the site, without the link."""
    return _OUTSIDE.sub(r"\1", markdown)


def on_post_build(config: Mapping[str, str], **_: object) -> None:
    """Write a page for each error's address, which leads to the error's section."""
    page = (Path(config["docs_dir"]) / "errors.md").read_text(encoding="utf-8")
    for code in _ERROR.findall(page):
        folder = Path(config["site_dir"]) / "errors" / code
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(_REDIRECT.format(code=code), encoding="utf-8")
