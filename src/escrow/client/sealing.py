"""Our side of details: which of our accounts are sealed, with which fields, for which tokens.

The service only proposes rows. What is sealed is decided here, by the list and the terms that this machine itself
remembers: an account whose population has no cell open at details is never sealed, whoever asks for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from escrow.client.columns import Meaning
from escrow.client.row_secrets import KeySecret, RowSecrets
from escrow.client.seats import ConfirmedTerms
from escrow.client.state import KeptAccount, KeptList
from escrow.errors import EnvelopeTooLarge
from escrow.psi.details import Detail
from escrow.psi.envelopes import EnvelopeContext, seal_envelope
from escrow.psi.keys import GenerationKeys
from escrow.psi.matchkeys import Kind
from escrow.psi.tokens import AccountSecret
from escrow.terms import Level, Population, Terms, Tier
from escrow.wire import SealedDetails

__all__ = ["Sealer", "may_seal"]

#: The strongest tier at which a key of each kind makes a match, and so may reveal.
_TIER_OF_KIND = {Kind.WEB: Tier.CERTAIN, Kind.WORD: Tier.LIKELY, Kind.FALLBACK: Tier.POSSIBLE}

#: A custom field goes by its own name.
_MEANING_OF_FIELD: Mapping[str, str] = {
    "account_name": Meaning.ACCOUNT_NAME,
    "owner_name": Meaning.OWNER_NAME,
    "owner_email": Meaning.OWNER_EMAIL,
    "region": Meaning.REGION,
    "stage": Meaning.STAGE,
    "open_opportunities": Meaning.OPEN_OPPORTUNITIES,
    "tier": Meaning.TIER,
    "created_date": Meaning.CREATED_DATE,
    "crm_id": Meaning.CRM_ID,
}


def may_seal(terms: Terms, population: Population) -> bool:
    """Say whether our own terms open any cell of this population at details."""
    return bool(terms.fields) and any(cell.ours is population for cell in terms.cells_from(Level.DETAILS))


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals what our own terms share of our own list, bound to both and to the two organizations."""

    kept: KeptList
    secrets: RowSecrets
    keys: GenerationKeys
    confirmed: ConfirmedTerms
    owner: UUID
    recipient: UUID
    random: Callable[[int], bytes]

    def seal(self, unverified_rows: Iterable[bytes]) -> Iterator[SealedDetails]:
        """Yield an envelope for each row that is ours, may be sealed and fits; the others are passed over."""
        for account in self.kept.find(unverified_rows):
            if not may_seal(self.confirmed.terms, account.population):
                continue
            secrets = [key.secret for key in self.secrets.of(account) if self._may_reveal(key)]
            with contextlib.suppress(EnvelopeTooLarge):
                if secrets:
                    envelope = self._envelope(account, secrets)
                    yield SealedDetails(row=account.row, population=account.population, envelope=envelope)

    def digests(self, rows: Iterable[bytes]) -> dict[bytes, bytes]:
        """Tell of each row that is ours what its envelope would hold, as a digest that stays on this machine."""
        return {account.row: self._digest(account) for account in self.kept.find(rows)}

    def _digest(self, account: KeptAccount) -> bytes:
        told = json.dumps([account.population, self._details(account)], ensure_ascii=False)
        return hashlib.sha256(told.encode()).digest()

    def _envelope(self, account: KeptAccount, secrets: list[AccountSecret]) -> bytes:
        return seal_envelope(
            self._details(account),
            context=self._context(account),
            accounts=secrets,
            fields=self.confirmed.terms.fields,
            random=self.random,
        )

    def _may_reveal(self, key: KeySecret) -> bool:
        """A name that stands on several of our accounts says nothing about which of them was meant (rule 10)."""
        kind = key.key_class.kind
        return _TIER_OF_KIND[kind] <= self.confirmed.terms.reveals_from and (kind is Kind.WEB or key.is_unique)

    def _details(self, account: KeptAccount) -> dict[str, Detail]:
        values = {field: self._value(account, field) for field in self.confirmed.terms.fields}
        return {field: value for field, value in values.items() if value != ""}

    def _value(self, account: KeptAccount, field: str) -> Detail:
        if field == "domain":
            return self.secrets.domain(account.leading)
        text = account.leading.get(_MEANING_OF_FIELD.get(field, field), "").strip()
        return int(text) if field == "open_opportunities" and text.isascii() and text.isdigit() else text

    def _context(self, account: KeptAccount) -> EnvelopeContext:
        return EnvelopeContext(
            partnership_id=self.keys.partnership_id,
            g=self.keys.g,
            profile_id=self.keys.profile_id,
            owner_org_id=self.owner,
            recipient_org_id=self.recipient,
            row=account.row,
            population=account.population,
            submission=self.kept.sent.number,
            terms_number=self.confirmed.number,
        )
