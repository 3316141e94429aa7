"""Envelopes open for who can name the account, in the one context they were sealed for, whole and unchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.errors import (
    EnvelopeCommitmentInvalid,
    EnvelopeInvalid,
    EnvelopeStale,
    EnvelopeTooLarge,
    EnvelopeWrapInvalid,
    RowInvalid,
)
from escrow.psi.envelope_format import served, split_body, split_uploaded
from escrow.psi.envelopes import EnvelopeContext, open_envelope, seal_envelope
from escrow.psi.tokens import AccountSecret
from escrow.terms import Population
from tests.psi.making_envelopes import DETAILS, FIELDS, account, context, counting_random, with_one_byte_changed
from tests.psi.second_implementation import siv_seal, wrap_key

ACCOUNT = account(1)


def sealed(accounts: tuple[AccountSecret, ...] = (ACCOUNT,), made_for: EnvelopeContext | None = None) -> bytes:
    return seal_envelope(
        DETAILS, context=made_for or context(), accounts=accounts, fields=FIELDS, random=counting_random()
    )


def served_for(wanted: AccountSecret, envelope: bytes) -> bytes:
    """Do what the service does: hand on the body and one wrap."""
    split = split_uploaded(envelope)
    return served(split.body, dict(split.wraps)[wanted.token])


def opened(
    unverified: bytes, *accounts: AccountSecret, made_for: EnvelopeContext | None = None
) -> dict[str, str | int]:
    return open_envelope(
        unverified, context=made_for or context(), accounts=accounts or (ACCOUNT,), highest_submission=0
    )


HONEST = served_for(ACCOUNT, sealed())
BODY_BYTES = len(HONEST) - 48


def test_every_account_that_may_reveal_opens_with_its_own_wrap() -> None:
    accounts = tuple(account(number) for number in range(4))
    envelope = sealed(accounts)
    for each in accounts:
        assert opened(served_for(each, envelope), each) == DETAILS


def test_the_reader_tries_every_key_of_its_row() -> None:
    assert opened(HONEST, account(7), account(8), ACCOUNT) == DETAILS


def test_no_key_of_another_account_opens() -> None:
    for keys in ((account(7),), (account(7), account(8)), (AccountSecret(account(7).secret, ACCOUNT.token),)):
        with pytest.raises(EnvelopeWrapInvalid):
            opened(HONEST, *keys)
    with pytest.raises(EnvelopeWrapInvalid):
        open_envelope(HONEST, context=context(), accounts=(), highest_submission=0)


def test_every_changed_byte_is_refused_by_the_name_of_what_was_changed() -> None:
    names = ["header"] + ["nonce"] * 12 + ["commit"] * 32 + ["length"] * 2
    names += ["ciphertext"] * (BODY_BYTES - len(names)) + ["wrap"] * 48
    by_wrap = {"commit", "wrap"}
    for number, changed in enumerate(with_one_byte_changed(HONEST)):
        with pytest.raises(EnvelopeInvalid) as refused:
            opened(changed)
        assert (refused.type is EnvelopeWrapInvalid) == (names[number // 3] in by_wrap)


@given(st.data())
def test_bytes_changed_together_are_refused(data: st.DataObject) -> None:
    mask = data.draw(st.binary(min_size=len(HONEST), max_size=len(HONEST)).filter(any))
    with pytest.raises(EnvelopeInvalid):
        opened(bytes(a ^ b for a, b in zip(HONEST, mask, strict=True)))


@given(st.binary(max_size=5000))
def test_any_bytes_are_refused(unverified: bytes) -> None:
    with pytest.raises(EnvelopeInvalid):
        opened(unverified)


@pytest.mark.parametrize(
    "other",
    [
        {"partnership_id": UUID(int=9)},
        {"g": 1},
        {"profile_id": "b-profile"},
        {"owner_org_id": UUID(int=3)},
        {"recipient_org_id": UUID(int=2)},
        {"row": b"\0\0\0\0\0\0\0\6"},
        {"population": Population.PROSPECTS},
        {"submission": 8},
        {"terms_number": 3},
    ],
    ids=lambda other: next(iter(other)),
)
def test_an_envelope_opens_in_no_other_context(other: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeWrapInvalid):
        opened(HONEST, made_for=replace(context(), **other))


def test_the_wrap_of_one_envelope_does_not_open_another() -> None:
    other = seal_envelope(
        DETAILS, context=context(), accounts=(ACCOUNT,), fields=FIELDS, random=counting_random(b"another")
    )
    with pytest.raises(EnvelopeWrapInvalid):
        opened(served(split_uploaded(other).body, HONEST[-48:]))


def test_a_wrap_that_holds_another_key_is_refused_by_the_commitment() -> None:
    commit = split_body(HONEST[:-48]).commit
    w = wrap_key(ACCOUNT.secret, context().owner_org_id.bytes)
    other_key = siv_seal(w, [context().aad(), commit], bytes(32))
    with pytest.raises(EnvelopeCommitmentInvalid):
        opened(HONEST[:-48] + other_key)


def test_an_older_envelope_than_one_already_opened_is_stale() -> None:
    for highest in (0, 6, 7):
        assert open_envelope(HONEST, context=context(7), accounts=(ACCOUNT,), highest_submission=highest) == DETAILS
    with pytest.raises(EnvelopeStale):
        open_envelope(HONEST, context=context(7), accounts=(ACCOUNT,), highest_submission=8)


def test_an_old_envelope_cannot_be_passed_off_as_a_new_one() -> None:
    with pytest.raises(EnvelopeWrapInvalid):
        opened(HONEST, made_for=context(submission=8))


def test_only_declared_fields_are_opened() -> None:
    with pytest.raises(EnvelopeInvalid, match="not declared"):
        open_envelope(HONEST, context=context(), accounts=(ACCOUNT,), highest_submission=0, fields=("tier",))


def test_only_shared_fields_are_sealed() -> None:
    with pytest.raises(EnvelopeInvalid, match="not declared"):
        seal_envelope(DETAILS, context=context(), accounts=(ACCOUNT,), fields=("tier",), random=counting_random())


def test_details_that_do_not_fit_are_not_sealed() -> None:
    with pytest.raises(EnvelopeTooLarge):
        seal_envelope(
            {"account_name": "x" * 5000},
            context=context(),
            accounts=(ACCOUNT,),
            fields=FIELDS,
            random=counting_random(),
        )


@pytest.mark.parametrize("accounts", [(), (ACCOUNT, ACCOUNT), tuple(account(number) for number in range(33))])
def test_what_the_service_would_refuse_is_not_sealed(accounts: tuple[AccountSecret, ...]) -> None:
    with pytest.raises(EnvelopeInvalid):
        sealed(accounts)


def test_the_order_of_an_accounts_keys_does_not_show() -> None:
    accounts = tuple(account(number) for number in range(5))
    assert sealed(accounts) == sealed(accounts[::-1])


def test_two_envelopes_of_one_account_have_nothing_in_common() -> None:
    random = counting_random()
    one, other = (
        seal_envelope(DETAILS, context=context(), accounts=(ACCOUNT,), fields=FIELDS, random=random) for _ in range(2)
    )
    bodies = [split_body(split_uploaded(envelope).body) for envelope in (one, other)]
    assert bodies[0].nonce != bodies[1].nonce
    assert bodies[0].commit != bodies[1].commit
    assert split_uploaded(one).wraps != split_uploaded(other).wraps


def test_sealed_details_cannot_be_read_in_the_upload() -> None:
    assert b"Acme" not in sealed()


@pytest.mark.parametrize(
    "impossible",
    [
        {"g": 2**32},
        {"g": -1},
        {"submission": 2**64},
        {"submission": -1},
        {"terms_number": 2**32},
        {"terms_number": -1},
    ],
)
def test_a_context_that_cannot_be_is_refused_before_anything_is_opened(impossible: dict[str, int]) -> None:
    with pytest.raises(EnvelopeInvalid):
        replace(context(), **impossible)  # type: ignore[arg-type]  # one field at a time, each of them an int


@pytest.mark.parametrize("row", [bytes(8), b"", b"\1" * 9])
def test_a_context_of_no_row_is_refused(row: bytes) -> None:
    with pytest.raises(RowInvalid):
        replace(context(), row=row)
