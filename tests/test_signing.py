"""Webhooks are signed by the Standard Webhooks specification, which an independent implementation verifies."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from escrow.errors import SignatureInvalid, SignatureStale, SigningSecretInvalid
from escrow.signing import SigningSecret, sign, verify

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = b'{"type":"partnership.paused"}'
OURS = SigningSecret(bytes(range(32)))


def headers(body: bytes = BODY, *secrets: SigningSecret, at: datetime = NOW) -> dict[str, str]:
    return sign(body, message_id="evt_1", secrets=secrets or [OURS], at=at)


@pytest.mark.parametrize("body", [BODY, b"", '{"name":"Zoë"}'.encode()])
def test_what_is_signed_here_is_verified_by_the_independent_implementation(body: bytes) -> None:
    secret = SigningSecret.make(random=os.urandom)
    Webhook(secret.presented).verify(body, headers(body, secret, at=datetime.now(UTC)), json_parse=False)


def test_what_the_independent_implementation_signs_is_verified_here() -> None:
    signature = Webhook(OURS.presented).sign(msg_id="msg_1", timestamp=NOW, data=BODY.decode())
    sent = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(NOW.timestamp())), "Webhook-Signature": signature}
    assert verify(BODY, sent, secrets=[OURS], now=NOW).message_id == "msg_1"


def test_a_signature_is_the_one_that_was_published() -> None:
    assert headers()["webhook-signature"] == "v1,Tu8bXnHOnz99GjNspgBmNA6j944yT9Fa0/AjTvhBjTE="


def test_either_of_two_live_secrets_verifies_during_a_rotation() -> None:
    following = SigningSecret.make(random=os.urandom)
    sent = headers(BODY, following, OURS, at=datetime.now(UTC))
    for secret in (OURS, following):
        Webhook(secret.presented).verify(BODY, sent, json_parse=False)
        verify(BODY, sent, secrets=[secret], now=datetime.now(UTC))


def test_a_secret_that_was_replaced_verifies_nothing_more() -> None:
    with pytest.raises(SignatureInvalid):
        verify(BODY, headers(), secrets=[SigningSecret.make(random=os.urandom)], now=NOW)


@pytest.mark.parametrize("apart", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_a_message_from_too_long_ago_or_from_the_future_is_stale(apart: timedelta) -> None:
    verify(BODY, headers(), secrets=[OURS], now=NOW + apart * 0.99)
    with pytest.raises(SignatureStale):
        verify(BODY, headers(), secrets=[OURS], now=NOW + apart)


@given(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=80))
def test_no_header_but_the_one_that_was_sent_is_accepted(name: str, instead: str) -> None:
    sent = headers()
    if instead.split(" ", maxsplit=1)[0] == sent[name]:
        return
    with pytest.raises(SignatureInvalid):
        verify(BODY, {**sent, name: instead}, secrets=[OURS], now=NOW)


@given(st.binary(max_size=60))
def test_no_other_body_is_accepted(body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify(body + b"\n", headers(), secrets=[OURS], now=NOW)


def test_a_missing_header_is_refused() -> None:
    for name in headers():
        with pytest.raises(SignatureInvalid):
            verify(BODY, {key: value for key, value in headers().items() if key != name}, secrets=[OURS], now=NOW)


def test_an_id_with_a_dot_is_never_signed_since_it_could_stand_for_two_messages() -> None:
    with pytest.raises(SignatureInvalid):
        sign(BODY, message_id="evt.1", secrets=[OURS], at=NOW)


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_AAAA", "whsec_%%%%", OURS.presented[:-3], OURS.presented[6:], "whsec_é"]
)
def test_a_secret_that_was_cut_short_or_mistyped_is_refused(text: str) -> None:
    with pytest.raises(SigningSecretInvalid):
        SigningSecret.parse(text)


def test_a_secret_is_read_as_it_was_presented_and_never_printed() -> None:
    again = SigningSecret.parse(OURS.presented)
    assert headers(BODY, again) == headers()
    assert OURS.presented[6:16] not in repr(again) + str(again)


def test_independent_verification_fails_where_ours_does() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OURS.presented).verify(BODY + b" ", headers(at=datetime.now(UTC)), json_parse=False)
