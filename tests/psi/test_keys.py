"""Generations: every key for its own use, up by exactly one, never back."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import GenerationInvalid
from escrow.psi.keys import GenerationKeys, generation_keys, move_up, pass_over, release_head
from escrow.psi.matchkeys import Suite
from tests.psi.making_envelopes import shows, with_one_byte_changed

PARTNERSHIP, OWNER = UUID(int=1), UUID(int=2)
ROOT = bytes(range(32))


def keys_of(
    root: bytes = ROOT, partnership_id: UUID = PARTNERSHIP, g: int = 0, profile_id: str = "a"
) -> GenerationKeys:
    return generation_keys(root, partnership_id=partnership_id, g=g, suite=Suite.HMAC, profile_id=profile_id)


def test_the_keys_of_a_generation_are_all_different_and_none_is_the_root() -> None:
    keys = keys_of()
    assert len({ROOT, keys.match_key, keys.head_key, keys.next_root}) == 4


def test_tokens_of_another_partnership_generation_or_profile_never_meet() -> None:
    others = [keys_of(partnership_id=UUID(int=9)), keys_of(g=1), keys_of(profile_id="b")]
    assert len({keys.match_key for keys in (keys_of(), *others)}) == 4


def test_a_generation_moves_up_along_the_next_root() -> None:
    moved = move_up(keys_of(), g=1, profile_id="b")
    assert moved == keys_of(root=keys_of().next_root, g=1, profile_id="b")


@given(st.integers(0, 2**32 - 2), st.integers(-1, 2**32))
def test_a_generation_moves_up_by_one_and_by_nothing_else(g: int, wanted: int) -> None:
    keys = replace(keys_of(), g=g)
    assert move_up(keys, g=g + 1, profile_id="a").g == g + 1
    if wanted != g + 1:
        with pytest.raises(GenerationInvalid):
            move_up(keys, g=wanted, profile_id="a")


def test_a_number_that_is_given_up_is_passed_over_to_the_same_keys() -> None:
    made_and_left = move_up(move_up(keys_of(), g=1, profile_id="b"), g=2, profile_id="c")
    passed = pass_over(keys_of())
    assert (passed.g, passed.next_number, passed.match_key) == (0, 2, keys_of().match_key)
    assert move_up(passed, g=2, profile_id="c") == made_and_left
    for wanted in (0, 1, 3):
        with pytest.raises(GenerationInvalid):
            move_up(passed, g=wanted, profile_id="c")


def test_nothing_is_passed_over_where_the_root_is_erased() -> None:
    with pytest.raises(GenerationInvalid):
        pass_over(replace(keys_of(), next_root=b""))


def test_the_last_generation_is_followed_by_none() -> None:
    with pytest.raises(GenerationInvalid):
        move_up(replace(keys_of(), g=2**32 - 1), g=2**32, profile_id="a")


def test_a_suite_that_this_version_does_not_know_is_refused() -> None:
    with pytest.raises(GenerationInvalid):
        generation_keys(ROOT, partnership_id=PARTNERSHIP, g=0, suite=Suite.VOPRF, profile_id="a")


def test_a_head_speaks_for_one_owner_one_release_and_one_statement() -> None:
    def head(owner: int = 2, number: int = 1, statement: bytes = b"statement") -> bytes:
        return release_head(ROOT, owner_org_id=UUID(int=owner), release_number=number, statement=statement)

    changed = [head(statement=other) for other in with_one_byte_changed(b"statement")]
    assert len({head(), head(owner=3), head(number=2), *changed}) == 3 + len(changed)


def test_no_secret_of_a_generation_is_printed() -> None:
    keys = keys_of()
    assert not any(shows(keys, secret) for secret in (keys.match_key, keys.head_key, keys.next_root))
