"""Draw what the demo prints as the picture in the README: `make demo` in colours, cut to the report and one cell."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
COLUMNS = 136


def main() -> None:
    """Run the demo and write docs/demo.svg."""
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, str(ROOT / "examples" / "demo.py")]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    steps = re.split(r"\n(?=\n?\[\w+\] \$ |\n?━━ )", said)
    shown = [step for step in steps if re.match(r"\n?\[Larkfield\] \$ escrow (report|overlaps)", step)]
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for step in shown:
        console.print(Text.from_ansi(step.strip("\n")), end="\n\n", soft_wrap=False)
    drawn = console.export_svg(title="make demo")
    # A picture fetches nothing: fonts from elsewhere go, and the reader's own monospace stays.
    drawn = re.sub(r"\s*@font-face \{.*?\}|<!-- .*? -->", "", drawn, flags=re.DOTALL)
    (ROOT / "docs" / "demo.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
