"""The secrets of the match keys that were sent of an account: they seal our details and open the partner's.

Values of match keys are not kept anywhere; they are made again from the account's CRM rows, and hold only where the
token they give is one that was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from escrow.client.columns import Meaning
from escrow.client.state import CrmRow, KeptAccount, KeptList
from escrow.psi.keys import GenerationKeys
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.psi.normalisation import profile
from escrow.psi.records import token_halves
from escrow.psi.tokens import AccountSecret, account_secret

__all__ = ["KeySecret", "RowSecrets"]

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class KeySecret:
    """One sent match key of an account; ``is_unique`` says that no other account of ours has it."""

    key_class: MatchKeyClass
    secret: AccountSecret = field(repr=False)
    is_unique: bool


class RowSecrets:
    """Makes the secrets of accounts of one list."""

    def __init__(self, kept: KeptList, keys: GenerationKeys) -> None:
        self._profile = profile(keys.profile_id)
        self._match_key = keys.match_key
        self._tokens = kept.records.tokens
        self._rows = self._tokens["row"].astype(np.uint64)

    def of(self, account: KeptAccount) -> list[KeySecret]:
        """Give the secrets of one account's sent keys, each once."""
        sent = self._sent(account.row)
        found: dict[bytes, KeySecret] = {}
        for key in self._keys(account):
            secret = account_secret(self._match_key, key)
            if secret.token in sent and secret.token not in found:
                found[secret.token] = KeySecret(key.key_class, secret, self._stands_once(secret.token))
        return list(found.values())

    def domain(self, row: CrmRow) -> str:
        """The registrable domain of one CRM row, empty if it has none."""
        keys = self._profile.match_keys("", row.get(Meaning.WEBSITE, ""), row.get(Meaning.COUNTRY, ""))
        return next((key.value for key in keys if key.key_class is MatchKeyClass.DOMAIN), "")

    def _sent(self, row: bytes) -> set[bytes]:
        wanted = np.uint64(int.from_bytes(row, "big"))
        start, end = np.searchsorted(self._rows, wanted, "left"), np.searchsorted(self._rows, wanted, "right")
        return {token.tobytes() for token in self._tokens["token"][start:end]}

    def _keys(self, account: KeptAccount) -> Iterator[MatchKey]:
        for row in (*account.members, *account.added):
            yield from self._profile.match_keys(
                row.get(Meaning.ACCOUNT_NAME, ""), row.get(Meaning.WEBSITE, ""), row.get(Meaning.COUNTRY, "")
            )

    def _stands_once(self, token: bytes) -> bool:
        high, low, rows = self._ordered_halves
        wanted = np.uint64(int.from_bytes(token[:8], "big"))
        start, end = np.searchsorted(high, wanted, "left"), np.searchsorted(high, wanted, "right")
        same = low[start:end] == np.uint64(int.from_bytes(token[8:], "big"))
        # One account may have a key as its name and as a variant: that is two records, and still one account.
        return len(np.unique(rows[start:end][same])) == 1

    @cached_property
    def _ordered_halves(self) -> tuple[Words, Words, Words]:
        high, low = token_halves(self._tokens)
        order = np.argsort(high)
        return high[order], low[order], self._rows[order]
