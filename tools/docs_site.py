"""Build the documentation site into site/: `make docs`.

Pages are written to be read in the repository too, so some of their links lead to files that the site does not hold:
there the name of the file stays and the link goes. The `type` of a problem document is ``/errors/CODE``, so that
address of the site leads to the error's section. Nothing in the site is fetched from elsewhere.
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

_OUTSIDE = re.compile(r"(?<!!)\[([^\]]+)\]\(\.\./[^)]*\)")
_ERROR = re.compile(r"^### ([a-z0-9-]+)$", re.MULTILINE)
_FETCHED = re.compile(
    r"""<(?:script|img|iframe)[^>]+src=["']?https?:|<link[^>]+rel=["']?(?:stylesheet|preconnect)["']?[^>]+https?:"""
)
_REDIRECT = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{code}</title>'
    '<meta http-equiv="refresh" content="0; url=../#{code}"><a href="../#{code}">{code}</a></html>\n'
)


def build() -> None:
    """Write the pages that the generator reads, let it build, and add what leads to the errors."""
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(DOCS, PAGES)
    for page in PAGES.rglob("*.md"):
        page.write_text(without_links_outside(page.read_text(encoding="utf-8")), encoding="utf-8")
    generator = str(Path(sys.executable).with_name("zensical"))
    command = [generator, "build", "--strict", "--clean", "--config-file", str(ROOT / "mkdocs.yml")]
    if subprocess.run(command, check=False).returncode:
        sys.exit("the site was not built: see the warnings above")
    _lead_to_errors()


def without_links_outside(markdown: str) -> str:
    """Keep the name of a file outside the site, without the link."""
    return _OUTSIDE.sub(r"\1", markdown)


def fetched_from_elsewhere() -> Iterator[str]:
    """Name the pages that would make a reader's browser ask another host."""
    for page in sorted(SITE.rglob("*.html")):
        if _FETCHED.search(page.read_text(encoding="utf-8")):
            yield str(page.relative_to(SITE))


def _lead_to_errors() -> None:
    for code in _ERROR.findall((DOCS / "errors.md").read_text(encoding="utf-8")):
        folder = SITE / "errors" / code
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(_REDIRECT.format(code=code), encoding="utf-8")


if __name__ == "__main__":
    build()
    if found := list(fetched_from_elsewhere()):
        sys.exit(f"these pages fetch from elsewhere: {', '.join(found)}")
