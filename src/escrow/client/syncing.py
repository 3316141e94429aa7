"""Details in both directions: ours are sealed and sent where our terms allow it, theirs fetched, opened and kept."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from escrow.client.opened import OpenedDetails, OpenedFile
from escrow.client.renewing import Renewed, renewed
from escrow.client.row_secrets import RowSecrets
from escrow.client.sdk import Escrow
from escrow.client.sealing import Sealer
from escrow.client.seats import Seat
from escrow.client.state import KeptAccount, KeptList
from escrow.errors import EscrowError, ServiceRefused, SubmittedElsewhere, TermsElsewhere
from escrow.psi.envelopes import EnvelopeContext, open_envelope
from escrow.terms import Level
from escrow.wire import MOST_ITEMS, DetailsUpload, SealedDetails, ServedDetails, WantedPage

__all__ = ["Exchanged", "Syncer"]

_BATCH_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a sync did; ``not_sealed`` counts rows asked for that stayed, ``refused`` envelopes by error code."""

    sent: int
    not_sealed: int
    opened: int
    unchanged: int
    forgotten: int
    refused: Counter[str]
    #: Our terms open cells at details, and name no field that details would hold.
    is_without_fields: bool = False
    #: Our terms open some cell at details, so that details of theirs may be expected.
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Syncer:
    """Exchanges details for one seat; the caller holds the account state and has settled it."""

    service: Escrow
    seat: Seat
    kept: KeptList
    owner: UUID
    random: Callable[[int], bytes]

    def exchange(self, opened: OpenedFile) -> Exchanged:
        """Send what the partner may read and lacks, then take in what the partner shares.

        Raises:
            TermsElsewhere, SubmittedElsewhere: the service is at other terms or another list than this machine.
        """
        secrets = RowSecrets(self.kept, self.seat.paired_keys)
        sent, not_sealed = self._send(opened, secrets)
        return self._receive(opened, secrets, sent, not_sealed)

    def _send(self, opened: OpenedFile, secrets: RowSecrets) -> tuple[int, int]:
        confirmed = self.seat.confirmed
        if not confirmed.terms.fields or not any(confirmed.terms.cells_from(Level.DETAILS)):
            return 0, 0
        sealer = Sealer(
            self.kept, secrets, self.seat.paired_keys, confirmed, self.owner, self.seat.partner, self.random
        )
        sent = not_sealed = 0
        for page in self.service.wanted_details(self.seat.partnership_id):
            self._check_bindings(page)
            sealed = list(sealer.seal(item.row for item in page.items))
            not_sealed += len(page.items) - len(sealed)
            sent += self._upload(opened, sealer, sealed)
        return sent + self._upload(opened, sealer, list(sealer.seal(self._changed(opened, sealer)))), not_sealed

    def _changed(self, opened: OpenedFile, sealer: Sealer) -> list[bytes]:
        """Name our rows whose details are other than those sealed last, of the rows that still overlap at details."""
        before = opened.sealed()
        changed = {row for row, digest in sealer.digests(before).items() if before[row] != digest}
        if not changed:
            return []
        overlapping = self.service.overlaps(self.seat.partnership_id)
        return [item.row for item in overlapping if item.level is Level.DETAILS and item.row in changed]

    def _check_bindings(self, page: WantedPage) -> None:
        if page.items and page.terms_number != self.seat.confirmed.number:
            raise TermsElsewhere(
                "our terms were changed elsewhere since this machine confirmed them; look at `escrow terms show`, "
                "then take them over with `escrow terms confirm`"
            )
        if page.items and page.submission != self.kept.sent.number:
            raise SubmittedElsewhere(
                "the service has another list of ours than this machine; run `escrow submit` first"
            )

    def _upload(self, opened: OpenedFile, sealer: Sealer, sealed: Sequence[SealedDetails]) -> int:
        stored = 0
        for batch in _batches(sealed):
            if count := self._upload_batch(batch):
                opened.keep_sealed(sealer.digests(item.row for item in batch))
                stored += count
        return stored

    def _upload_batch(self, batch: Sequence[SealedDetails]) -> int:
        upload = DetailsUpload(
            terms_number=self.seat.confirmed.number, submission=self.kept.sent.number, items=tuple(batch)
        )
        try:
            return self.service.upload_details(self.seat.partnership_id, upload).stored
        except ServiceRefused as refusal:
            # What overlaps changed since it was asked for; the next sync asks anew.
            if refusal.code == "details-not-wanted":
                return 0
            raise

    def _receive(self, opened: OpenedFile, secrets: RowSecrets, sent: int, not_sealed: int) -> Exchanged:
        """Fetch what may be other than known. What does not verify is fetched again with the next sync."""
        partnership_id, known = self.seat.partnership_id, opened.fetched_through
        asked = renewed(self.service, partnership_id, known)
        done: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        served: dict[tuple[bytes, bytes], bytes] = {}
        for item in self._served(asked, known):
            served[item.row, item.owner_row] = item.match_id
            try:
                done[self._take(opened, secrets, item)] += 1
            except EscrowError as problem:
                refused[problem.code] += 1
        opened.name_only(served, of=asked.rows)
        forgotten = opened.keep_only(served, of=asked.rows)
        if not refused:
            opened.keep_fetched(asked.through)
        terms = self.seat.confirmed.terms
        return Exchanged(
            sent,
            not_sealed,
            done["opened"],
            opened.size - done["opened"],
            forgotten,
            refused,
            is_without_fields=terms.opens_empty_details,
            is_open=any(terms.cells_from(Level.DETAILS)),
        )

    def _served(self, asked: Renewed, known: int | None) -> Iterator[ServedDetails]:
        if asked.rows is None:
            return self.service.details(self.seat.partnership_id)
        return self.service.details(self.seat.partnership_id, changed_after=known) if asked.rows else iter(())

    def _take(self, opened: OpenedFile, secrets: RowSecrets, item: ServedDetails) -> str:
        digest = hashlib.sha256(item.envelope).digest()
        if opened.has(item.row, item.owner_row, digest):
            return "unchanged"
        details = open_envelope(
            item.envelope,
            context=self._context(item),
            accounts=[key.secret for key in secrets.of(self._account(item.row))],
            highest_submission=opened.highest_submission(item.owner_row),
        )
        opened.keep(
            OpenedDetails(
                row=item.row,
                owner_row=item.owner_row,
                population=item.population,
                submission=item.submission,
                terms_number=item.terms_number,
                envelope=digest,
                details=details,
            )
        )
        return "opened"

    def _account(self, row: bytes) -> KeptAccount:
        account = next(self.kept.find([row]), None)
        if account is None:
            raise SubmittedElsewhere("the service names a row that is not on this machine's list")
        return account

    def _context(self, item: ServedDetails) -> EnvelopeContext:
        keys = self.seat.paired_keys
        return EnvelopeContext(
            partnership_id=keys.partnership_id,
            g=keys.g,
            profile_id=keys.profile_id,
            owner_org_id=self.seat.partner,
            recipient_org_id=self.owner,
            row=item.owner_row,
            population=item.population,
            submission=item.submission,
            terms_number=item.terms_number,
        )


def _batches(sealed: Sequence[SealedDetails]) -> Iterator[list[SealedDetails]]:
    """Cut into batches that fit in one request."""
    batch: list[SealedDetails] = []
    size = 0
    for item in sealed:
        if batch and (len(batch) == MOST_ITEMS or size + len(item.envelope) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.envelope)
    if batch:
        yield batch
