"""Laws of the second profile that hold for any text."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escrow.psi.normalisation import LATEST, profile
from escrow.psi.normalisation.escrow_2.rules import MOST_KEYS_OF_A_ROW

PROFILE = profile(LATEST)
TEXT = st.text(max_size=60) | st.text(alphabet="abcXYZ .,&()[]/-'\u00fc\u0436\u682a1", max_size=60)

IN_ANOTHER_PROCESS = """
import json, sys
from escrow.psi.normalisation import LATEST, profile
rows = json.load(sys.stdin)
print(json.dumps([[[key.key_class, key.value] for key in profile(LATEST).match_keys(*row)] for row in rows]))
"""
ROWS = [
    ("Acme Holdings, Inc. (formerly Globex)", "www.acme-rockets.de"),
    ("\u0130stanbul \u015ei\u015fe A.\u015e.", "sisecam.com.tr"),
    ("\u682a\u5f0f\u4f1a\u793e\u30c8\u30e8\u30bf", ""),
    ("Initrode / Hooli - Norway; Umbrella", "a.com b.com c.com d.com e.com"),
]


@given(TEXT, TEXT)
@example("A\u0308cme", "")
@example("\u1e9e\u0130\ufb01", "\u2024com")
def test_values_are_in_composed_form_and_hold_nothing_invisible(name: str, website: str) -> None:
    for key in PROFILE.match_keys(name, website):
        assert unicodedata.normalize("NFC", key.value) == key.value
        assert not any(character.isspace() or unicodedata.category(character) == "Cc" for character in key.value)


@given(TEXT, TEXT)
def test_a_row_has_few_keys_and_none_twice_in_a_kind(name: str, website: str) -> None:
    keys = [(key.key_class.kind, key.value) for key in PROFILE.match_keys(name, website)]
    assert len(keys) == len(set(keys)) <= MOST_KEYS_OF_A_ROW


@given(TEXT)
def test_the_case_of_a_name_and_blanks_around_it_make_no_difference(name: str) -> None:
    if name.upper().lower() == name.lower():
        assert PROFILE.match_keys(f"  {name.upper()}\t", "") == PROFILE.match_keys(name.lower(), "")


@given(TEXT)
def test_a_core_name_normalises_to_itself(name: str) -> None:
    (core, *_) = [key.value for key in PROFILE.match_keys(name, "")] or [""]
    again = [key.value for key in PROFILE.match_keys(core, "")]
    assert not again or again[0] == core or core.startswith(again[0]) or core.endswith(again[0])


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5), st.randoms())
def test_the_rows_beside_it_and_their_order_do_not_change_a_rows_keys(
    rows: list[tuple[str, str]], shuffled: random.Random
) -> None:
    shuffled.shuffle(rows)
    columns = PROFILE.values_by_class([name for name, _ in rows], [website for _, website in rows])
    for number, row in enumerate(rows):
        found = [(key_class, values[number]) for key_class, values in columns if values[number]]
        assert found == [(key.key_class, key.value) for key in PROFILE.match_keys(*row)]


@pytest.mark.parametrize("hostile", ["a" * 10_000_000, "(" * 1_000_000, " - " * 300_000, "\u202e" * 1_000_000])
def test_a_huge_name_gives_no_key_and_takes_no_time(hostile: str) -> None:
    assert PROFILE.match_keys(hostile, "") == ()


@pytest.mark.parametrize("hostile", ["(" * 512, "(a" * 256, " dba" * 128, "a.com." * 85, ", a" * 170, "/de" * 170])
def test_a_name_of_nothing_but_signs_is_read_without_harm(hostile: str) -> None:
    assert len(PROFILE.match_keys(hostile, "")) <= MOST_KEYS_OF_A_ROW


@pytest.mark.parametrize(
    "settings", [{"PYTHONHASHSEED": "1", "LC_ALL": "C"}, {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8"}]
)
def test_every_process_and_locale_makes_the_same_keys(settings: dict[str, str]) -> None:
    made = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        input=json.dumps(ROWS),
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    here = [[[int(key.key_class), key.value] for key in PROFILE.match_keys(*row)] for row in ROWS]
    assert json.loads(made.stdout) == here
