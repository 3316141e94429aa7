"""`escrow conformance vectors` passes a program that computes the protocol, and catches one that does not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from escrow.client.cli.exits import ExitCode
from escrow.client.conformance.questions import questions
from escrow.psi.vectors import files
from tests.client.terminals import Answered, Partners
from tests.javascript import JAVASCRIPT, node

#: A program that looks answers up; what it gets wrong is put in the place of TWIST.
KNOWS_ALL = """
import json, sys
known = json.load(open(sys.argv[1], encoding="utf-8"))
for line in sys.stdin:
    asked = json.loads(line)
    expected, refusal = known[asked["id"] - 1]
    said = {"id": asked["id"], "error": refusal} if refusal else {"id": asked["id"], "answer": expected}
    TWIST
    print(json.dumps(said), flush=True)
"""


def held(newcomers: Partners, folder: Path, twist: str = "") -> Answered:
    known = [[each.expected, each.refusal] for each in questions()]
    (folder / "known.json").write_text(json.dumps(known), encoding="utf-8")
    (folder / "program.py").write_text(KNOWS_ALL.replace("TWIST", twist), encoding="utf-8")
    program = ("--", sys.executable, folder / "program.py", folder / "known.json")
    return newcomers[0]("conformance", "vectors", "--json", "--seconds", "20", *program)


def problems(answered: Answered) -> list[str]:
    checks = answered.json["checks"]
    assert isinstance(checks, list)
    return [check["problem"] for check in checks if not check["passed"]]


def test_the_javascript_example_computes_every_vector(newcomers: Partners) -> None:
    answered = newcomers[0]("conformance", "vectors", "--json", "--", node(), JAVASCRIPT / "conformance.mjs")
    assert (answered.exit_code, answered.json["failed"]) == (ExitCode.DONE, 0), problems(answered)
    checks = answered.json["checks"]
    assert isinstance(checks, list)
    assert len(checks) == answered.json["asked"]
    known = ("pairing.", "generations.", "envelopes.", "tokens.match_keys", "tokens.rows", "tokens.wrap_keys")
    assert not [check for check in checks if check["skipped"] and check["name"].startswith(known)]


def test_a_program_that_gives_every_answer_passes(newcomers: Partners, tmp_path: Path) -> None:
    answered = held(newcomers, tmp_path)
    assert (answered.exit_code, answered.json["failed"]) == (ExitCode.DONE, 0)


@pytest.mark.parametrize(
    ("twist", "problem"),
    [
        ("if 'row' in expected: said['answer'] = {'row': '00' * 8}", "another row"),
        ("if refusal: said = {'id': asked['id'], 'answer': {}}", "expected the refusal"),
        ("if refusal: said['error'] = 'refused'", "expected the refusal"),
        ("if asked['id'] == 3: said['id'] = 4", "not to this question"),
        ("if asked['id'] == 3: sys.exit()", "ended or gave no answer"),
        ("if asked['id'] == 3: said = 'nonsense'", "not to this question"),
        ("if asked['id'] == 3: said.pop('answer', None); said.pop('error', None)", "no"),
    ],
)
def test_a_program_that_computes_something_else_is_caught(
    newcomers: Partners, tmp_path: Path, twist: str, problem: str
) -> None:
    answered = held(newcomers, tmp_path, twist)
    assert answered.exit_code == ExitCode.VERIFICATION
    assert any(problem in told for told in problems(answered))


def test_a_program_that_says_the_same_for_ever_is_asked_no_further(newcomers: Partners) -> None:
    talks = "while True: print('y', flush=True)"
    answered = newcomers[0]("conformance", "vectors", "--json", "--", sys.executable, "-c", talks)
    assert answered.exit_code == ExitCode.VERIFICATION
    assert problems(answered) == ["the answer is not a line of JSON"] * 20


def test_no_question_holds_its_answer(newcomers: Partners) -> None:
    del newcomers
    for question in questions():
        given = json.dumps(question.given)
        for name, value in question.expected.items():
            if name not in {"details", "aad"} and not (name == "keys" and not value):
                assert json.dumps(value) not in given, question


def test_a_program_that_cannot_be_started_is_a_local_mistake(newcomers: Partners, tmp_path: Path) -> None:
    answered = newcomers[0]("conformance", "vectors", "--json", "--", tmp_path / "none")
    assert (answered.exit_code, answered.error_code) == (ExitCode.LOCAL, "local-error")


def test_the_vectors_are_written_out_as_they_are_published(newcomers: Partners, tmp_path: Path) -> None:
    assert newcomers[0]("conformance", "export", tmp_path / "vectors").exit_code == ExitCode.DONE
    assert {file.name for file in files()} | {"README.md"} == {each.name for each in (tmp_path / "vectors").iterdir()}
    for file in files():
        assert (tmp_path / "vectors" / file.name).read_bytes() == file.read_bytes()
