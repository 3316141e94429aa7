"""Every command block of the README and of the quick start runs, in its order, against a service of the test's own."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import PARTNERS, Line, Scene, lines_of
from tests.journeys.programs import eventually
from tools.reference.commands import programs

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene.in_folder(tmp_path)
    yield made
    made.service.stop()


def test_the_quick_start_leads_two_partners_to_details(scene: Scene) -> None:
    for line in lines_of(_read("docs/quick-start.md")):
        scene.run(line)

    left, right = (scene.answer(who, "report") for who in PARTNERS)
    assert {(cell["ours"], cell["theirs"]): cell["number"] for cell in left["cells"]} == {
        (cell["theirs"], cell["ours"]): cell["number"] for cell in right["cells"]
    }
    eventually(lambda: all(_shared_with(scene, who) for who in PARTNERS))
    for who in PARTNERS:
        assert "<html" in (scene.folder / who / "report.html").read_text(encoding="utf-8")
        with (scene.folder / who / "overlaps.csv").open(encoding="utf-8") as stream:
            assert next(csv.reader(stream))


def test_the_commands_of_the_page_on_lists_run(scene: Scene) -> None:
    before = [line for line in lines_of(_read("docs/quick-start.md")) if "submit" not in line.text]
    for line in before[: next(at for at, line in enumerate(before) if "terms set" in line.text)]:
        scene.run(line)

    for line in lines_of(_read("docs/lists.md")):
        scene.run(line)

    for who in PARTNERS:
        assert scene.answer(who, "submit", "--dry-run")["accounts"] > 1_000


def test_the_commands_of_the_page_on_explaining_run(scene: Scene) -> None:
    for line in lines_of(_read("docs/explain.md")):
        scene.run(line)


def test_the_blocks_of_the_readme_run(scene: Scene) -> None:
    for command in (
        "escrow-server init",
        "escrow-server organization add Larkfield --api-key",
        "escrow-server organization add Brightwater --api-key",
        "escrow-server serve --port 443 --tls-certificate chain.pem --tls-key key.pem",
    ):
        scene.run(Line("operator", command))
    scene.run(Line("Brightwater", "escrow init --url https://escrow.example.com"))

    for line in lines_of(_read("README.md")):
        scene.run(line)

    assert scene.answer("Larkfield", "report")["number"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_shows_is_there_with_its_options(page: Path) -> None:
    known = {words: command for program in programs() for words, command in program.commands.items()}
    for line in lines_of(page.read_text(encoding="utf-8")):
        if not re.match(r"escrow(-server)? ", line.text):
            continue
        words = max((words for words in known if f"{line.text} ".startswith(f"{words} ")), key=len, default=None)
        assert words, f"{page.name} shows `{line.text}`, and there is no such command"
        options = {option for each in known[words].params for option in each.opts}
        shown = set(re.findall(r"(?<=\s)--[a-z-]+", line.text))
        assert shown <= options, f"{page.name} shows `{line.text}`, and the command has no such option"


def _shared_with(scene: Scene, who: str) -> bool:
    """Whether the partner's details of every listed account can be read, after one more exchange."""
    scene.answer(who, "sync")
    items = scene.answer(who, "overlaps")["items"]
    return len(items) > 30 and all(item["shared"] for item in items)


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
