"""Pairing: codes survive people and nothing else, and two clients agree only when nobody stands between them."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import (
    ConfirmationFailed,
    GenerationInvalid,
    InviterMismatch,
    KeyExchangeFailed,
    PairingCodeInvalid,
)
from escrow.psi.encoding import base32, unbase32
from escrow.psi.matchkeys import Suite
from escrow.psi.pairing import (
    KeyPair,
    Pairing,
    check_inviter,
    derive,
    lookup,
    make_pairing_code,
    new_key_pair,
    read_pairing_code,
    verify_tag,
)
from tests.psi.making_envelopes import counting_random, shows, with_one_byte_changed
from tests.psi.second_implementation import LETTERS

PARTNERSHIP, INVITER, ACCEPTOR = UUID(int=1), UUID(int=2), UUID(int=3)
PSK = bytes(range(16))
RANDOM = counting_random(b"pairing")
INVITER_KEYS, ACCEPTOR_KEYS, ESCROW_KEYS = new_key_pair(RANDOM), new_key_pair(RANDOM), new_key_pair(RANDOM)


def code_of(public: bytes = INVITER_KEYS.public, psk: bytes = PSK) -> str:
    return make_pairing_code(partnership_id=PARTNERSHIP, inviter_org_id=INVITER, inviter_public=public, psk=psk)


def agreed(
    own: KeyPair,
    *,
    psk: bytes = PSK,
    g: int = 0,
    ids: tuple[UUID, UUID, UUID] = (PARTNERSHIP, INVITER, ACCEPTOR),
    publics: tuple[bytes, bytes] = (INVITER_KEYS.public, ACCEPTOR_KEYS.public),
) -> Pairing:
    partnership_id, inviter_org_id, acceptor_org_id = ids
    return derive(
        own_private=own.private,
        psk=psk,
        suite=Suite.HMAC,
        g=g,
        partnership_id=partnership_id,
        inviter_org_id=inviter_org_id,
        acceptor_org_id=acceptor_org_id,
        inviter_public=publics[0],
        acceptor_public=publics[1],
    )


@given(st.uuids(), st.uuids(), st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16))
def test_a_code_carries_the_secret_and_is_good_for_its_inviter(
    partnership: UUID, inviter: UUID, public: bytes, psk: bytes
) -> None:
    code = read_pairing_code(
        make_pairing_code(partnership_id=partnership, inviter_org_id=inviter, inviter_public=public, psk=psk)
    )
    assert code.psk == psk
    check_inviter(code, partnership_id=partnership, inviter_org_id=inviter, inviter_public=public)


def test_a_code_stands_in_twelve_groups_of_five() -> None:
    assert [len(group) for group in code_of().split("-")] == [5] * 12


@pytest.mark.parametrize(
    "typed", [code_of().lower(), code_of().replace("-", ""), code_of().replace("-", " - "), f" {code_of()} "]
)
def test_a_code_is_read_however_it_is_cased_and_grouped(typed: str) -> None:
    assert read_pairing_code(typed) == read_pairing_code(code_of())


def test_any_other_letter_at_any_place_of_a_code_is_refused() -> None:
    letters = code_of().replace("-", "")
    for place, letter in enumerate(letters):
        for other in set(LETTERS) - {letter}:
            with pytest.raises(PairingCodeInvalid):
                read_pairing_code(letters[:place] + other + letters[place + 1 :])


@pytest.mark.parametrize("foreign", ["0", "1", "8", "9", "=", "_", "\n", "\u017f", "\u0131", "\uff21", "é"])
def test_a_letter_outside_the_alphabet_is_refused_at_every_place(foreign: str) -> None:
    letters = code_of().replace("-", "")
    for place in range(len(letters)):
        with pytest.raises(PairingCodeInvalid):
            read_pairing_code(letters[:place] + foreign + letters[place + 1 :])


def test_any_other_byte_of_a_code_is_refused() -> None:
    code = unbase32(code_of().replace("-", ""))
    for changed in with_one_byte_changed(code):
        with pytest.raises(PairingCodeInvalid):
            read_pairing_code(base32(changed))


@pytest.mark.parametrize("length", [0, 1, 55, 58, 59, 61, 64, 120])
def test_a_code_of_another_length_is_refused_with_both_lengths(length: int) -> None:
    with pytest.raises(PairingCodeInvalid, match=f"60 letters, this one has {length}"):
        read_pairing_code((code_of().replace("-", "") * 2)[:length])


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(PairingCodeInvalid):
        read_pairing_code(text)


def test_a_refusal_does_not_repeat_the_code() -> None:
    typed = code_of()[:-1] + "7"
    with pytest.raises(PairingCodeInvalid) as refused:
        read_pairing_code(typed)
    assert not any(group in str(refused.value) for group in typed.split("-"))


def test_a_secret_of_another_length_makes_no_code() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        code_of(psk=PSK + b"\0")


def test_an_invitation_that_the_code_was_not_made_for_is_refused() -> None:
    code = read_pairing_code(code_of())
    shown = {"partnership_id": PARTNERSHIP.bytes, "inviter_org_id": INVITER.bytes, "public": INVITER_KEYS.public}
    for name, value in shown.items():
        for changed in with_one_byte_changed(value):
            other = shown | {name: changed}
            with pytest.raises(InviterMismatch):
                check_inviter(
                    code,
                    partnership_id=UUID(bytes=other["partnership_id"]),
                    inviter_org_id=UUID(bytes=other["inviter_org_id"]),
                    inviter_public=other["public"],
                )


def test_a_commitment_with_any_byte_changed_is_refused() -> None:
    code = read_pairing_code(code_of())
    for changed in with_one_byte_changed(code.commitment):
        with pytest.raises(InviterMismatch):
            check_inviter(
                replace(code, commitment=changed),
                partnership_id=PARTNERSHIP,
                inviter_org_id=INVITER,
                inviter_public=INVITER_KEYS.public,
            )


def test_an_invitation_is_found_by_its_secret_alone() -> None:
    assert len(lookup(PSK)) == 16
    assert len({lookup(psk) for psk in (PSK, *with_one_byte_changed(PSK))}) == 1 + 3 * 16


def test_both_sides_compute_the_same() -> None:
    assert agreed(INVITER_KEYS) == agreed(ACCEPTOR_KEYS)


def test_the_two_tags_differ() -> None:
    pairing = agreed(INVITER_KEYS)
    with pytest.raises(ConfirmationFailed):
        verify_tag(pairing.tag_inviter, pairing.tag_acceptor)


def test_the_right_tag_is_taken() -> None:
    verify_tag(agreed(INVITER_KEYS).tag_acceptor, agreed(ACCEPTOR_KEYS).tag_acceptor)


def test_a_tag_with_any_byte_changed_is_refused() -> None:
    tag = agreed(INVITER_KEYS).tag_acceptor
    for changed in (*with_one_byte_changed(tag), tag[:-1], tag + b"\0", b""):
        with pytest.raises(ConfirmationFailed):
            verify_tag(tag, changed)


def test_whatever_differs_between_the_two_sides_shows_in_tags_root_and_check() -> None:
    seen = agreed(INVITER_KEYS)
    others = [
        agreed(INVITER_KEYS, psk=PSK[:-1] + b"\0"),
        agreed(INVITER_KEYS, g=1),
        agreed(INVITER_KEYS, ids=(UUID(int=9), INVITER, ACCEPTOR)),
        agreed(INVITER_KEYS, ids=(PARTNERSHIP, UUID(int=9), ACCEPTOR)),
        agreed(INVITER_KEYS, ids=(PARTNERSHIP, INVITER, UUID(int=9))),
        agreed(INVITER_KEYS, ids=(PARTNERSHIP, ACCEPTOR, INVITER)),
        agreed(INVITER_KEYS, publics=(ACCEPTOR_KEYS.public, INVITER_KEYS.public)),
        agreed(INVITER_KEYS, publics=(INVITER_KEYS.public, ESCROW_KEYS.public)),
    ]
    for other in others:
        assert other.root != seen.root
        assert other.check != seen.check
        for tag, unverified in ((seen.tag_acceptor, other.tag_acceptor), (seen.tag_inviter, other.tag_inviter)):
            with pytest.raises(ConfirmationFailed):
                verify_tag(tag, unverified)


def test_the_unused_top_bit_of_a_public_key_cannot_be_changed_unseen() -> None:
    # X25519 ignores that bit, so both sides have the same shared secret; the transcript has the key as it was sent.
    changed = ACCEPTOR_KEYS.public[:-1] + bytes([ACCEPTOR_KEYS.public[-1] ^ 0x80])
    seen = agreed(INVITER_KEYS, publics=(INVITER_KEYS.public, changed))
    with pytest.raises(ConfirmationFailed):
        verify_tag(seen.tag_acceptor, agreed(ACCEPTOR_KEYS).tag_acceptor)


def test_an_escrow_that_swaps_the_inviters_key_is_caught_by_the_code() -> None:
    with pytest.raises(InviterMismatch):
        check_inviter(
            read_pairing_code(code_of()),
            partnership_id=PARTNERSHIP,
            inviter_org_id=INVITER,
            inviter_public=ESCROW_KEYS.public,
        )


def test_an_escrow_that_swaps_the_acceptors_key_is_caught_by_the_tag() -> None:
    between = agreed(ESCROW_KEYS, psk=bytes(16), publics=(INVITER_KEYS.public, ESCROW_KEYS.public))
    inviter = agreed(INVITER_KEYS, publics=(INVITER_KEYS.public, ESCROW_KEYS.public))
    with pytest.raises(ConfirmationFailed):
        verify_tag(inviter.tag_acceptor, between.tag_acceptor)


@pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31), bytes(31), bytes(33), b""])
def test_a_public_key_that_gives_no_secret_is_refused(public: bytes) -> None:
    with pytest.raises(KeyExchangeFailed):
        agreed(INVITER_KEYS, publics=(INVITER_KEYS.public, public))
    with pytest.raises(KeyExchangeFailed):
        agreed(ACCEPTOR_KEYS, publics=(public, ACCEPTOR_KEYS.public))


def test_a_pairing_between_two_others_is_refused() -> None:
    with pytest.raises(KeyExchangeFailed):
        agreed(ESCROW_KEYS)


def test_an_organization_cannot_pair_with_itself() -> None:
    with pytest.raises(InviterMismatch):
        agreed(ACCEPTOR_KEYS, ids=(PARTNERSHIP, INVITER, INVITER))


def test_a_key_reflected_to_its_owner_is_refused() -> None:
    with pytest.raises(KeyExchangeFailed):
        agreed(INVITER_KEYS, publics=(INVITER_KEYS.public, INVITER_KEYS.public))


def test_a_suite_that_this_version_does_not_know_is_refused() -> None:
    with pytest.raises(GenerationInvalid):
        derive(
            own_private=INVITER_KEYS.private,
            psk=PSK,
            suite=Suite.VOPRF,
            g=0,
            partnership_id=PARTNERSHIP,
            inviter_org_id=INVITER,
            acceptor_org_id=ACCEPTOR,
            inviter_public=INVITER_KEYS.public,
            acceptor_public=ACCEPTOR_KEYS.public,
        )


def test_keys_come_from_the_randomness_that_is_passed_in() -> None:
    assert new_key_pair(lambda length: b"\7" * length) == new_key_pair(lambda length: b"\7" * length)
    assert new_key_pair(counting_random()).private == counting_random()(32)


def test_no_secret_of_pairing_is_printed() -> None:
    pairing, code = agreed(INVITER_KEYS), read_pairing_code(code_of())
    assert not shows(INVITER_KEYS, INVITER_KEYS.private)
    assert not shows(code, PSK)
    assert not any(shows(pairing, secret) for secret in (pairing.root, pairing.tag_inviter, pairing.tag_acceptor))
