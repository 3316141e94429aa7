"""Write the pages of docs/ that are made from the code: `make reference`."""

from __future__ import annotations

from pathlib import Path

from tools.reference.pages import pages

if __name__ == "__main__":
    folder = Path(__file__).parents[2] / "docs"
    made = pages()
    for old in (folder / "errors").glob("*.md"):
        if f"errors/{old.name}" not in made:
            old.unlink()
    (folder / "errors").mkdir(exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"docs/{name}")
