"""The JavaScript of the examples agrees with the vectors and with our own code, wherever Node is.

Nothing here knows how it works: it is run, and what it says is compared.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from escrow.psi.keys import generation_keys
from escrow.psi.matchkeys import Kind, MatchKeyClass, Suite
from escrow.psi.normalisation import profile
from escrow.psi.profile_ids import FIRST_PROFILE
from escrow.psi.records import ListRecords, join, make_records, pack_chunk, parse_chunk
from escrow.psi.tokens import Blinder
from escrow.terms import DETAIL_FIELDS, is_detail_field
from tests.javascript import ROOT, answer, run, shown_after
from tests.psi.vector_files import FILES, FOLDER, vectors

CODE = vectors("pairing", "pairings")[0]["code"]

#: Groups of what must be refused: another value there may be refused just as well.
REFUSED = {"refused", "refused_codes", "refused_public_keys"}


def test_the_javascript_reproduces_every_vector() -> None:
    made = run("vectors.mjs")
    assert made.returncode == 0, made.stderr
    assert made.stdout == shown_after("node examples/javascript/vectors.mjs")
    for line in made.stdout.splitlines():
        file, group, count, _ = line.split(" ")
        assert int(count) == len(vectors(file.removesuffix(".json"), group.removesuffix(":")))
    # The example makes no keys out of names: what a profile does is held to its vectors in tests/psi.
    assert {line.split(" ")[0] for line in made.stdout.splitlines()} == set(FILES) - {"normalisation.json"}


@pytest.mark.parametrize("name", ["pairing", "generations", "tokens", "envelopes", "releases"])
def test_the_javascript_looks_at_every_value_of_a_vector(name: str, tmp_path: Path) -> None:
    document = _first_vectors(name)
    for group in document.keys() - REFUSED:
        [vector] = document[group]
        for field in vector.keys() - {"why"}:
            changed = {**vector, field: _another(vector[field])}
            assert not _agrees({**document, group: [changed]}, name, tmp_path), f"{group}: {field}"


@pytest.mark.parametrize(
    ("name", "group", "put_right"),
    [
        ("pairing", "refused_codes", {"code": vectors("pairing", "pairings")[0]["code"]}),
        ("pairing", "refused_public_keys", {"public": vectors("pairing", "pairings")[0]["inviter_public"].hex()}),
        ("envelopes", "refused", {"error": "envelope-stale"}),
        ("releases", "refused", {"statement": vectors("releases", "statements")[0]["statement"].hex()}),
    ],
)
def test_the_javascript_refuses_for_the_reason_that_the_vector_is_there_for(
    name: str, group: str, put_right: Mapping[str, str], tmp_path: Path
) -> None:
    document = _first_vectors(name)
    assert _agrees(document, name, tmp_path)
    assert not _agrees({**document, group: [{**document[group][0], **put_right}]}, name, tmp_path)


def test_the_javascript_skips_no_group_that_it_does_not_know(tmp_path: Path) -> None:
    assert not _agrees({**_first_vectors("tokens"), "new_group": []}, "tokens", tmp_path)


def test_the_first_token_is_the_one_that_our_own_code_makes() -> None:
    example = vectors("pairing", "pairings")[0]
    keys = generation_keys(
        example["root"],
        partnership_id=UUID(bytes=example["partnership_id"]),
        g=0,
        suite=Suite.HMAC,
        profile_id=FIRST_PROFILE,
    )
    token = Blinder(keys.match_key).tokens(Kind.WEB, ["iana.org"])
    made = run("first_token.mjs")
    assert made.returncode == 0, made.stderr
    assert made.stdout == f"check {example['check']}\niana.org is sent as {token.hex()}\n"
    assert made.stdout == shown_after("node examples/javascript/first_token.mjs")


def test_the_javascript_packs_lists_to_the_same_bytes() -> None:
    draw = random.Random(7)
    lists = [_drawn_list(draw) for _ in range(20)]
    script = """
        import { packList } from './examples/javascript/chunk.mjs';
        const bytes = (hex) => Buffer.from(hex, 'hex');
        const account = ({ row, population, keys }) => ({
          row: bytes(row), population, keys: keys.map(([keyClass, token]) => ({ keyClass, token: bytes(token) })),
        });
        const packed = given.map((list) => packList(list.map(account)).map((chunk) => chunk.toString('hex')));
        console.log(JSON.stringify(packed));
    """
    assert answer(script, lists) == [[pack_chunk(_records_of(accounts)).hex()] for accounts in lists]


def test_the_javascript_cuts_a_long_list_into_chunks_whose_rows_ascend() -> None:
    script = """
        import { packList } from './examples/javascript/chunk.mjs';
        const account = (_, place) => ({ row: Buffer.from(String(20_000_000 - place)), population: 1, keys: [] });
        const cut = (length) => packList(Array.from({ length }, account)).map((chunk) => chunk.toString('hex'));
        console.log(JSON.stringify(given.map(cut)));
    """
    none, many = answer(script, [0, 10_001])
    assert [bytes.fromhex(chunk) for chunk in none] == [pack_chunk(ListRecords.empty())]
    parts = [parse_chunk(bytes.fromhex(chunk)) for chunk in many]
    assert [part.accounts.size for part in parts] == [5_000, 5_000, 1]
    assert join(parts).accounts.size == 10_001


def test_the_javascript_leaves_out_a_key_that_stands_on_six_accounts() -> None:
    script = """
        import { withoutAmbiguousKeys } from './examples/javascript/chunk.mjs';
        const key = (name) => ({ keyClass: 1, token: Buffer.from(name) });
        const kept = withoutAmbiguousKeys(given.map((names) => ({ keys: names.map(key) })));
        console.log(JSON.stringify(kept.map(({ keys }) => keys.map(({ token }) => token.toString()))));
    """
    assert answer(script, [["five"]] * 5 + [["six", "own"]] + [["six"]] * 5) == [["five"]] * 5 + [["own"]] + [[]] * 5


def test_a_plain_domain_in_javascript_is_the_domain_of_the_profile_or_nothing() -> None:
    script = """
        import { plainDomain } from './examples/javascript/domain.mjs';
        console.log(JSON.stringify(given.map((website) => plainDomain(website) ?? null)));
    """
    websites = _websites()
    read = {website: domain for website, domain in zip(websites, answer(script, websites), strict=True) if domain}
    assert read == {website: _domain(website) for website in read}
    assert len(read) > 2_000


def test_the_fields_that_the_javascript_takes_are_those_that_may_be_shared() -> None:
    script = "import { FIELDS } from './examples/javascript/envelope.mjs'; console.log(JSON.stringify(FIELDS));"
    assert answer(script) == list(DETAIL_FIELDS)
    names = [*DETAIL_FIELDS, "custom.a", "custom.renewal_2", "custom.", "custom.A", "shoe_size", "custom.a\n"]
    script = """
        import { mayBeShared } from './examples/javascript/envelope.mjs';
        console.log(JSON.stringify(given.map(mayBeShared)));
    """
    assert answer(script, names) == list(map(is_detail_field, names))


def test_the_javascript_shows_its_api_key_to_no_plain_address() -> None:
    script = """
        import { connect } from './examples/javascript/service.mjs';
        const isRefused = (url) => { try { connect(url, 'esk_'); return false; } catch { return true; } };
        console.log(JSON.stringify(given.map(isRefused)));
    """
    plain = ["http://escrow.example.com", "http://127.0.0.1.example.com", "ftp://escrow.example.com"]
    assert answer(script, [*plain, "https://escrow.example.com", "http://[::1]:8470"]) == [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    ("called", "url", "told"),
    [
        (["accept.mjs"], "https://127.0.0.1:1", "usage: node accept.mjs CODE [KEYRING]"),
        (["submit.mjs", "--help"], "https://127.0.0.1:1", "usage: node submit.mjs LIST [KEYRING]"),
        (["accept.mjs", "AH2KE"], "", "usage: set ESCROW_URL and ESCROW_API_KEY in the environment"),
        (["accept.mjs", "AH2KE"], "escrow", "usage: ESCROW_URL is no address; it begins with https://"),
        (["accept.mjs", "AH2KE"], "https://127.0.0.1:1", "pairing-code-invalid: a code has 60 of A–Z and 2–7"),
        (["accept.mjs", CODE], "https://127.0.0.1:1", "service-unreachable: no answer from https://127.0.0.1:1"),
        (["submit.mjs", "nowhere.json"], "", "file-unusable: nowhere.json cannot be read (ENOENT)"),
        (["submit.mjs", "README.md"], "", "file-unusable: README.md cannot be read (it is not JSON)"),
        (["submit.mjs", "docs/openapi.json"], "", "line-invalid: docs/openapi.json is not a list"),
        (
            ["submit.mjs", "examples/javascript/list.json", "nowhere.json"],
            "",
            "file-unusable: nowhere.json cannot be read",
        ),
    ],
)
def test_the_javascript_says_in_a_line_why_it_does_not_go_on(called: list[str], url: str, told: str) -> None:
    refused = run(*called, ESCROW_URL=url, ESCROW_API_KEY="esk_x")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(told)
    assert refused.stderr.count("\n") == 1


def test_the_javascript_names_an_entry_that_cannot_be_sent_and_not_what_it_holds(tmp_path: Path) -> None:
    good = {"id": "1", "website": "iana.org", "population": "customers"}
    (tmp_path / "list.json").write_text(json.dumps([good, {**good, "population": "lead"}]), encoding="utf-8")
    refused = run("submit.mjs", str(tmp_path / "list.json"), ESCROW_URL="", ESCROW_API_KEY="")
    assert refused.stderr.startswith(
        "line-invalid: entry 2 needs id and website, as texts, and a population: customers,"
    )
    assert refused.stderr.count("\n") == 1


def test_the_javascript_passes_on_what_the_service_refused_and_owns_what_it_cannot_read() -> None:
    script = """
        import { createServer } from 'node:http';
        import { Refusal } from './examples/javascript/bytes.mjs';
        import { connect } from './examples/javascript/service.mjs';
        const server = createServer((request, answer) => {
          answer.statusCode = request.url === '/page' ? 200 : 404;
          answer.end({ '/page': '<html>', '/problem': JSON.stringify(given) }[request.url] ?? '');
        });
        await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
        const call = connect(`http://127.0.0.1:${server.address().port}`, 'esk_x');
        const refused = async (path) => call('GET', path).catch((each) => [each instanceof Refusal, each.code]);
        const paths = ['/problem', '/page', '/nothing'];
        console.log(JSON.stringify(await Promise.all(paths.map(refused))));
        server.close();
        server.closeAllConnections?.();
    """
    told = answer(script, {"code": "not-found", "detail": "There is no such thing."})
    assert told == [[True, "not-found"], [True, "service-answer-invalid"], [True, "404"]]


def _first_vectors(name: str) -> dict[str, list[dict[str, Any]]]:
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {group: listed[:1] for group, listed in document.items()}


def _agrees(document: Mapping[str, Any], name: str, folder: Path) -> bool:
    """Tell whether the script agrees with a file of vectors, the other files being as published."""
    for file in FILES:
        shutil.copy(FOLDER / file, folder)
    (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return run("vectors.mjs", str(folder)).returncode == 0


def _another(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    match value:
        case int():
            return value + 1
        case str():
            return value[:-1] + ("0" if value[-1:] != "0" else "1")
        case [*rest, last]:
            return [*rest, _another(last)]
        case dict() if value:
            name = max(value)
            return {**value, name: _another(value[name])}
        case _:
            return {"account_name": "another"}


def _drawn_list(draw: random.Random) -> list[dict[str, Any]]:
    pool = [draw.randbytes(16).hex() for _ in range(6)]
    return [
        {
            "row": draw.randbytes(8).hex(),
            "population": draw.randint(1, 3),
            "keys": [(draw.randint(1, 4), draw.choice(pool)) for _ in range(draw.randint(0, 6))],
        }
        for _ in range(draw.randint(0, 9))
    ]


def _records_of(accounts: list[dict[str, Any]]) -> ListRecords:
    keyed = [(int(each["row"], 16), key_class, token) for each in accounts for key_class, token in each["keys"]]
    return make_records(
        rows=np.array([int(each["row"], 16) for each in accounts], np.uint64),
        populations=np.array([each["population"] for each in accounts], np.uint8),
        token_rows=np.array([row for row, _, _ in keyed], np.uint64),
        key_classes=np.array([key_class for _, key_class, _ in keyed], np.uint8),
        tokens=bytes.fromhex("".join(token for _, _, token in keyed)),
    )


def _domain(website: str) -> str:
    keys = {key.key_class: key.value for key in profile(FIRST_PROFILE).match_keys("", website)}
    return keys.get(MatchKeyClass.DOMAIN, "")


def _websites() -> list[str]:
    """Give what people typed into two CRMs, and what is hard about suffixes."""
    exports = [file.read_text(encoding="utf-8") for file in (ROOT / "examples").glob("*.csv")]
    typed = {cell for text in exports for cell in re.split(r"[,\n]", text) if "." in cell}
    hard = """
        www.ck www.www.ck b.test.ck ck b.c.kobe.jp city.kobe.jp a.city.kobe.jp kobe.jp co.uk a.co.uk www.co.uk
        github.io x.github.io zendesk.com a.b.zendesk.com www.com example.com 10.0.0.5 acme a..com -a.com
        \u212aelvin.com münchen.de xn--a.de a.com/b
    """
    return sorted(typed) + hard.split()
