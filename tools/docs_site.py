"""Build the documentation site into site/: `make docs`.

Pages are written to be read in the repository too, so some of their links lead to files that the site does not hold:
there the name of the file stays and the link goes. The `type` of a problem document is ``/errors/CODE``, and that
is the address of the error's page. Nothing in the site is fetched from elsewhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS, PAGES, SITE = ROOT / "docs", ROOT / "build" / "docs", ROOT / "site"

_FETCHED = re.compile(
    r"""<(?:script|img|iframe)[^>]+src=["']?https?:|<link[^>]+rel=["']?(?:stylesheet|preconnect)["']?[^>]+https?:"""
)


def build() -> None:
    """Write the pages that the generator reads, and let it build."""
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(DOCS, PAGES)
    for page in PAGES.rglob("*.md"):
        folders = len(page.relative_to(PAGES).parts) - 1
        page.write_text(without_links_outside(page.read_text(encoding="utf-8"), folders=folders), encoding="utf-8")
    generator = str(Path(sys.executable).with_name("zensical"))
    command = [generator, "build", "--strict", "--clean", "--config-file", str(ROOT / "mkdocs.yml")]
    if subprocess.run(command, check=False).returncode:
        sys.exit("the site was not built: see the warnings above")


def without_links_outside(markdown: str, *, folders: int = 0) -> str:
    """Keep the name of a file outside the site, without the link; the page lies this many folders deep."""
    return re.sub(rf"(?<!!)\[([^\]]+)\]\((\.\./){{{folders + 1}}}[^)]*\)", r"\1", markdown)


def fetched_from_elsewhere() -> Iterator[str]:
    """Name the pages that would make a reader's browser ask another host."""
    for page in sorted(SITE.rglob("*.html")):
        if _FETCHED.search(page.read_text(encoding="utf-8")):
            yield str(page.relative_to(SITE))


if __name__ == "__main__":
    build()
    if found := list(fetched_from_elsewhere()):
        sys.exit(f"these pages fetch from elsewhere: {', '.join(found)}")
