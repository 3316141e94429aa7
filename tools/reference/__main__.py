"""Write the pages of docs/ that are made from the code: `make reference`."""

from __future__ import annotations

from pathlib import Path

from tools.reference.pages import pages

if __name__ == "__main__":
    folder = Path(__file__).parents[2] / "docs"
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"docs/{name}")
