"""What the pages become on their way into the site."""

from __future__ import annotations

from tools.docs_site import without_links_outside


def test_a_file_that_the_site_does_not_hold_keeps_its_name_and_loses_its_link() -> None:
    assert without_links_outside("see [`domains.py`](../src/domains.py#L3) there") == "see `domains.py` there"


def test_links_between_pages_and_pictures_stay() -> None:
    page = "[concepts](concepts.md#accounts), [openapi](openapi.json), ![demo](../demo.svg)"

    assert without_links_outside(page) == page


def test_a_page_in_a_folder_keeps_its_links_to_the_pages_above() -> None:
    page = "[all](../errors.md) and [`x.py`](../../src/x.py)"

    assert without_links_outside(page, folders=1) == "[all](../errors.md) and `x.py`"
