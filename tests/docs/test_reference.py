"""The pages that are made from the code are those of this code, and leave nothing out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from escrow import wire
from escrow.api.problems import STATUS
from escrow.settings import ServerSettings
from escrow.store.states import EventType
from tools.reference import commands, event_types, problems, routes, settings
from tools.reference.pages import pages

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = pages()
PAGES_OF_ERRORS = {name: text for name, text in PAGES.items() if name.startswith("errors/")}


@pytest.mark.parametrize("name", PAGES)
def test_a_made_page_is_that_of_this_code(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "it is out of step: make reference"


def test_every_type_of_event_has_a_section_with_an_example_that_is_one() -> None:
    page = PAGES["event-types.md"]
    assert re.findall(r"^## `(.+)`$", page, re.MULTILINE) == [
        json.loads(each)["type"] for each in re.findall(r"```json\n(.*?)```", page, re.DOTALL)[: len(EventType)]
    ]
    assert {kind.value for kind in EventType} == set(re.findall(r"^## `(.+)`$", page, re.MULTILINE))
    assert len(list(event_types.models())) == len(EventType)
    for example in re.findall(r"```json\n(.*?)```", page, re.DOTALL)[: len(EventType)]:
        TypeAdapter[object](wire.Event).validate_json(example)


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


def test_every_error_has_a_page_with_what_to_do() -> None:
    told = {name: re.search(r"^## What to do\n\n(.+)$", text, re.MULTILINE) for name, text in PAGES_OF_ERRORS.items()}

    assert sorted(told) == sorted(f"errors/{code}.md" for code in problems.codes())
    assert [name for name, found in told.items() if found is None] == [], "advise in tools/reference/advice.toml"
    assert set(problems.ADVICE) == set(problems.codes()), "advice.toml advises on other codes than there are"


def test_no_page_is_left_of_an_error_that_is_gone() -> None:
    assert {f"errors/{page.name}" for page in (DOCS / "errors").glob("*.md")} == set(PAGES_OF_ERRORS)


def test_the_list_of_errors_leads_to_each_and_keeps_the_old_anchors() -> None:
    for code in problems.codes():
        assert f'<span id="{code}"></span>[`{code}`](errors/{code}.md)' in PAGES["errors.md"]


def test_every_error_that_a_request_meets_has_an_example_document() -> None:
    refused = [code for code in STATUS if code.code != "escrow-error" and STATUS[code] != 500]
    for kind in refused:
        page = PAGES[f"errors/{kind.code}.md"]
        (example,) = re.findall(r"^```json\n(.+?)\n```", page, re.MULTILINE | re.DOTALL)
        assert json.loads(example)["status"] == STATUS[kind], kind.code
        assert f"HTTP/1.1 {STATUS[kind]}" in page


def test_every_code_that_the_command_line_gives_by_itself_has_a_section() -> None:
    sources = (ROOT / "src" / "escrow" / "client").rglob("*.py")
    given = {
        code
        for file in sources
        for code in re.findall(r'report_error\(\s*"([a-z-]+)"', file.read_text(encoding="utf-8"))
    }

    assert given
    assert given <= set(problems.codes())
