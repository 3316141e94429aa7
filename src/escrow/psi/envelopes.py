"""Envelopes: details sealed so that only who can name the account opens them.

The content key is wrapped once for each token that may reveal, under a key drawn from that account's secret; all that
the envelope belongs to is authenticated with it. The escrow carries the bytes and holds none of the keys.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV, ChaCha20Poly1305

from escrow.errors import EnvelopeCommitmentInvalid, EnvelopeInvalid, EnvelopeStale, EnvelopeWrapInvalid
from escrow.psi.details import Detail, padded_details, read_padded_details
from escrow.psi.encoding import lp, u8, u32, u64
from escrow.psi.envelope_format import Body, pack_body, split_body, split_served, split_uploaded, uploaded
from escrow.psi.tokens import AccountSecret, check_row, wrap_key
from escrow.terms import Population

__all__ = ["EnvelopeContext", "open_envelope", "seal_envelope"]

_CONTENT_KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeContext:
    """All that an envelope belongs to; it opens in no other context.

    ``row`` is the owner's row, ``submission`` the owner's last applied one when it sealed, ``terms_number`` that of the
    owner's terms. Raises RowInvalid or EnvelopeInvalid for values that no honest side sends.
    """

    partnership_id: UUID
    g: int
    profile_id: str
    owner_org_id: UUID
    recipient_org_id: UUID
    row: bytes
    population: Population
    submission: int
    terms_number: int

    def __post_init__(self) -> None:
        check_row(self.row)
        fitting = 0 <= self.g < 2**32 and 0 <= self.submission < 2**64 and 0 <= self.terms_number < 2**32
        if not fitting:
            raise EnvelopeInvalid("the envelope belongs to a generation, submission or terms that cannot be")

    def aad(self) -> bytes:
        """Write the context as the associated data of the body and of every wrap."""
        return b"".join(
            (
                lp(b"escrow/v1 envelope"),
                self.partnership_id.bytes,
                u32(self.g),
                lp(self.profile_id.encode()),
                self.owner_org_id.bytes,
                self.recipient_org_id.bytes,
                self.row,
                u8(self.population),
                u64(self.submission),
                u32(self.terms_number),
            )
        )


def seal_envelope(
    details: Mapping[str, Detail],
    *,
    context: EnvelopeContext,
    accounts: Collection[AccountSecret],
    fields: Collection[str],
    random: Callable[[int], bytes],
) -> bytes:
    """Seal the details of one account and give the bytes to upload.

    ``accounts`` are the secrets of the match keys whose tier may reveal under the owner's terms, ``fields`` what those
    terms share, ``random`` a source fit for keys. Raises EnvelopeInvalid for a field that is not shared or for no
    secret at all, EnvelopeTooLarge for details that do not fit.
    """
    plaintext = padded_details(details, fields=fields)
    aad = context.aad()
    content_key, nonce = random(_CONTENT_KEY_BYTES), random(_NONCE_BYTES)
    commit = _commit(content_key, aad)
    ciphertext = ChaCha20Poly1305(content_key).encrypt(nonce, plaintext, aad)
    # In the order of tokens: the order of the account's keys would tell which of them came first.
    secrets = sorted(accounts, key=lambda account: account.token)
    wraps = ((secret.token, _wrap(secret, context, content_key, [aad, commit])) for secret in secrets)
    envelope = uploaded(pack_body(Body(nonce, commit, ciphertext)), wraps)
    split_uploaded(envelope)  # what the service would refuse is not made: no wrap, too many, one token twice
    return envelope


def open_envelope(
    unverified: bytes,
    *,
    context: EnvelopeContext,
    accounts: Iterable[AccountSecret],
    highest_submission: int,
    fields: Collection[str] | None = None,
) -> dict[str, Detail]:
    """Open a served envelope with the keys of the row it was served for, and give its details.

    ``highest_submission`` is the highest submission number already opened for the owner's row, 0 for none. Once this
    returns, everything in ``context`` is what the owner sealed. Raises EnvelopeWrapInvalid when none of ``accounts``
    opens it in this context, EnvelopeCommitmentInvalid when the wrap holds another key than the body's, EnvelopeInvalid
    for whatever else was changed, EnvelopeStale for an envelope older than one already opened.
    """
    envelope = split_served(unverified)
    body = split_body(envelope.body)
    aad = context.aad()
    content_key = _unwrap(envelope.wrap, context, accounts, [aad, body.commit])
    # The cipher does not commit to its key: without this, one body could open to two texts under two keys.
    if not hmac.compare_digest(body.commit, _commit(content_key, aad)):
        raise EnvelopeCommitmentInvalid(
            "the envelope was not sealed with the key that its wrap holds; it is not opened"
        )
    details = read_padded_details(_decrypt(body, content_key, aad), fields=fields)
    if context.submission < highest_submission:
        raise EnvelopeStale("a newer envelope of this account was opened before; the older one is not taken")
    return details


def _commit(content_key: bytes, aad: bytes) -> bytes:
    return hmac.digest(content_key, b"escrow/v1 commit" + hashlib.sha256(aad).digest(), "sha256")


def _wrap(account: AccountSecret, context: EnvelopeContext, content_key: bytes, belongs_to: list[bytes]) -> bytes:
    return AESSIV(wrap_key(account, context.owner_org_id)).encrypt(content_key, belongs_to)


def _unwrap(wrap: bytes, context: EnvelopeContext, accounts: Iterable[AccountSecret], belongs_to: list[bytes]) -> bytes:
    for account in accounts:
        try:
            return AESSIV(wrap_key(account, context.owner_org_id)).decrypt(wrap, belongs_to)
        except InvalidTag:
            continue
    raise EnvelopeWrapInvalid("no key of this account opens the envelope; it was changed or belongs elsewhere")


def _decrypt(body: Body, content_key: bytes, aad: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(content_key).decrypt(body.nonce, body.ciphertext, aad)
    except InvalidTag:
        raise EnvelopeInvalid("the envelope was changed; it is not opened") from None
