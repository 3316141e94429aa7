"""What the pages name is there: tests as their evidence, variables, error codes, files and each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from escrow.server.configuration import service_variables
from tools.reference import problems, settings

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
ERRORS = sorted((ROOT / "docs" / "errors").glob("*.md"))
READ_FIRST = (ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md")
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    for file, test in NAMED_TEST.findall(page.read_text(encoding="utf-8")):
        source = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).exists() else ""
        assert source, f"{page.name} names {file}, which is not there"
        assert not test or f"def {test}(" in source, f"{page.name} names {file}::{test}, which is not there"


def test_the_threat_model_names_tests() -> None:
    assert len(NAMED_TEST.findall((ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8"))) > 20


@pytest.mark.parametrize("page", [*PAGES, *READ_FIRST], ids=lambda page: page.name)
def test_every_variable_that_a_page_names_is_read(page: Path) -> None:
    known = service_variables() | set(settings.CLIENT_VARIABLES)

    assert set(re.findall(r"\bESCROW_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_error_that_a_page_links_to_has_a_page(page: Path) -> None:
    linked = set(re.findall(r"errors(?:\.md#|/)([a-z0-9-]+)(?:\.md)?\)", page.read_text(encoding="utf-8")))

    assert linked <= set(problems.codes())


@pytest.mark.parametrize("page", [*PAGES, *READ_FIRST], ids=lambda page: page.name)
def test_every_file_that_a_page_links_to_is_there(page: Path) -> None:
    linked = re.findall(r"(?<!!)\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert not {target for target in linked if not (page.parent / target).exists()}


def test_every_page_that_the_page_of_an_error_links_to_is_there() -> None:
    for page in ERRORS:
        linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        assert not {target for target in linked if not (page.parent / target).exists()}, page.name


def test_every_page_is_in_the_table_of_contents_of_the_site() -> None:
    listed = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(listed) == [page.name for page in PAGES]
