"""The pages that are made from the code are those of this code, and leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from escrow.settings import ServerSettings
from tools.reference import commands, problems, routes, settings
from tools.reference.pages import pages

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_made_page_is_that_of_this_code(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "it is out of step: make reference"


def test_every_command_has_a_section() -> None:
    headings = re.findall(r"^### (.+)$", PAGES["cli.md"], re.MULTILINE)

    assert headings == [words for program in commands.programs() for words in program.commands]
    assert {"escrow submit", "escrow terms set", "escrow-server serve", "escrow-server api-key add"} <= set(headings)


def test_every_command_and_option_says_what_it_does() -> None:
    for program in commands.programs():
        for words, command in program.commands.items():
            assert command.help, f"{words} does not say what it does"
    silent = re.findall(r"^\| (`[^|]+) \|  \|$", PAGES["cli.md"], re.MULTILINE)
    assert silent == [], "these arguments and options do not say what they mean"


def test_every_route_has_a_section() -> None:
    headings = re.findall(r"^### ([A-Z]+) (/\S*)$", PAGES["http-api.md"], re.MULTILINE)

    assert sorted(headings) == sorted((method, address) for method, address, _ in routes.routes())
    assert len(headings) > 20


def test_every_setting_stands_in_the_table() -> None:
    for name in ServerSettings.model_fields:
        assert f"| `ESCROW_{name.upper()}` |" in PAGES["settings.md"]


def test_every_variable_that_the_partners_side_reads_is_described() -> None:
    assert settings.variables_read_by_the_client() <= set(settings.CLIENT_VARIABLES), "describe it in tools/reference"


def test_every_error_has_one_section_with_what_to_do() -> None:
    sections = re.findall(r"^### ([a-z0-9-]+)\n\n(.+)\n\n(.+)$", PAGES["errors.md"], re.MULTILINE)

    assert sorted(code for code, _, _ in sections) == sorted(problems.codes()), "advise in tools/reference/advice.toml"
    assert set(problems.ADVICE) == set(problems.codes()), "advice.toml advises on other codes than there are"


def test_every_code_that_the_command_line_gives_by_itself_has_a_section() -> None:
    sources = (ROOT / "src" / "escrow" / "client").rglob("*.py")
    given = {
        code
        for file in sources
        for code in re.findall(r'report_error\(\s*"([a-z-]+)"', file.read_text(encoding="utf-8"))
    }

    assert given
    assert given <= set(problems.codes())
