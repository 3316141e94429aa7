"""The documentation names tests as its evidence: each must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    for file, test in NAMED_TEST.findall(page.read_text(encoding="utf-8")):
        source = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).exists() else ""
        assert source, f"{page.name} names {file}, which is not there"
        assert not test or f"def {test}(" in source, f"{page.name} names {file}::{test}, which is not there"


def test_the_threat_model_names_tests() -> None:
    assert len(NAMED_TEST.findall((ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8"))) > 20
