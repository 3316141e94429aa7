"""The page for partners who write their own client says nothing that is not so.

That its JavaScript runs and agrees with the protocol is held by `test_your_own_client_javascript.py`; here it is only
compared with the files that it is a part of.
"""

from __future__ import annotations

import contextlib
import io
import re
from uuid import UUID

import numpy as np

from escrow.api.app import openapi_document
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation import profile
from escrow.psi.profile_ids import FIRST_PROFILE
from escrow.psi.records import SubmissionKind, chunk_digest, make_records, pack_chunk, submission_digest
from tests.javascript import JAVASCRIPT, PAGE, blocks, shown_after
from tests.psi.vector_files import vectors


def test_every_piece_of_javascript_on_the_page_is_a_part_of_a_file_that_runs() -> None:
    shown = blocks("js")
    assert shown
    for block in shown:
        lines = (JAVASCRIPT / block.title).read_text(encoding="utf-8")
        assert f"\n{block.text}" in f"\n{lines}", f"the page shows something else than {block.title} has"


def test_the_examples_need_nothing_but_node() -> None:
    imports = re.compile(r"from '([^']+)'")
    named = {name for file in JAVASCRIPT.glob("*.mjs") for name in imports.findall(file.read_text(encoding="utf-8"))}
    own = {f"./{file.name}" for file in JAVASCRIPT.glob("*.mjs")}
    assert {name for name in named - own if not name.startswith("node:")} == set()


def test_the_page_names_the_profile_that_the_examples_and_the_service_have() -> None:
    assert f"const PROFILE = '{FIRST_PROFILE}'" in (JAVASCRIPT / "domain.mjs").read_text(encoding="utf-8")
    named = set(re.findall(r"escrow-\d+\+psl-[\d-]+", PAGE.read_text(encoding="utf-8")))
    assert named == {FIRST_PROFILE}


def test_every_route_on_the_page_is_in_the_contract() -> None:
    named = set(re.findall(r"^\| `([A-Z]+) (/v1/\S+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    known = {(method.upper(), path) for path, routes in openapi_document()["paths"].items() for method in routes}
    assert len(named) > 20
    assert named - known == set()


def test_every_file_that_the_page_links_to_is_there() -> None:
    links = set(re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE.read_text(encoding="utf-8")))
    # The contract is written by a command, and its own test holds it in step.
    missing = {link for link in links if not (PAGE.parent / link).exists()}
    assert missing == set()


def test_the_python_on_the_page_says_what_the_page_says() -> None:
    (block,) = blocks("python")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(block.text, {})  # noqa: S102 - the reader would run it too
    assert said.getvalue() == shown_after(block.text)


def test_the_table_of_spellings_is_what_the_profile_makes_of_them() -> None:
    table = re.findall(
        r"^\| `([^`]+)` \| `([^`]+)` \| (?:`([^`]+)`)? ?\| (?:`([^`]+)`)? ?\|$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(table) == 9
    for name, website, core, domain in table:
        keys = {key.key_class: key.value for key in profile(FIRST_PROFILE).match_keys(name, website)}
        said = {MatchKeyClass.NAME: core, MatchKeyClass.DOMAIN: domain}
        assert keys == {key_class: value for key_class, value in said.items() if value}


def test_the_worked_chunk_is_the_one_that_the_protocol_makes() -> None:
    row, keys = vectors("tokens", "rows")[0], vectors("tokens", "match_keys")
    chosen = [keys[0], keys[3]]
    account = np.frombuffer(row["row"], ">u8").astype(np.uint64)
    records = make_records(
        rows=account,
        populations=np.array([1]),
        token_rows=np.repeat(account, 2),
        key_classes=np.array([key["class"] for key in chosen]),
        tokens=b"".join(key["token"] for key in chosen),
    )
    packed = pack_chunk(records)
    digest = submission_digest(
        partnership_id=UUID(bytes=row["partnership_id"]),
        g=0,
        profile_id=FIRST_PROFILE,
        kind=SubmissionKind.SNAPSHOT,
        number=1,
        base=0,
        chunk_digests=[chunk_digest(packed)],
    )
    shown = "".join(shown_after("generation 0 under the profile above").split())
    assert shown == f"chunk{packed.hex()}sha256{chunk_digest(packed).hex()}digest{digest.hex()}"
