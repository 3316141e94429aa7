"""One sync of one partnership: details both ways, what overlaps now, joined with the CRM ids, and told to the sinks.

The order is what makes a crash harmless: what the service said is kept together with its cursor, and what a sink was
told is kept once the sink has it. Killed anywhere, the next sync goes on from there, and at worst tells a sink the last
batch once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from escrow.client.agreeing import up_to_date
from escrow.client.filling import Stage, must_agree, settled
from escrow.client.keyring import KeyringFile
from escrow.client.mirror import Mirror, Overlapping, Telling, opened_mirror
from escrow.client.opened import OpenedFile, opened_file
from escrow.client.pulling import pull
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.client.sinks.changes import ChangeKind, OverlapRecord
from escrow.client.sinks.sink import Sink
from escrow.client.state import AccountState, KeptList
from escrow.client.submitting import Submitter
from escrow.client.syncing import Exchanged, Syncer
from escrow.errors import EscrowError, SinkFailed, StateInvalid
from escrow.terms import CELLS, Cell

__all__ = ["NamedSink", "Previewed", "SinkOutcome", "SyncRun", "Synced"]

#: Told between batches and partnerships whether to stop here.
Stopping = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class NamedSink:
    """A sink as escrow.toml names it; ``open`` makes it, which may need a secret that is not there."""

    name: str
    open: Callable[[], Sink]
    cells: frozenset[Cell] = frozenset(CELLS)
    #: Tell it everything once more.
    starts_over: bool = False


@dataclass(frozen=True, slots=True)
class SinkOutcome:
    """What a sink was told: changes by what they are, refusals by reason, and why it got no further."""

    name: str
    counted: Mapping[ChangeKind, int]
    refused: Counter[str] = field(default_factory=Counter)
    failure: EscrowError | None = None


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync came to; ``exchanged`` is None where the partnership is over, or nothing was to leave."""

    exchanged: Exchanged | None
    overlapping: int
    sinks: tuple[SinkOutcome, ...]


@dataclass(frozen=True, slots=True)
class Previewed:
    """What a sink would be told, line by line, or why it cannot be opened."""

    lines: tuple[str, ...]
    failure: EscrowError | None = None


@dataclass(frozen=True, slots=True)
class SyncRun:
    """Syncs partnerships of one keyring with the same sinks; the caller holds each partnership's sync lock."""

    service: Escrow
    file: KeyringFile
    random: Callable[[int], bytes]
    now: datetime
    is_stopping: Stopping = lambda: False
    stage: Stage = lambda _name, _size: None

    def sync(self, seat: Seat, state: AccountState, sinks: Sequence[NamedSink]) -> Synced:
        """Sync one partnership; a sink that fails does not keep the others from theirs.

        Raises:
            StateInvalid: no list of this machine is applied.
            TermsElsewhere, SubmittedElsewhere, ServiceRefused: as the service and this machine stand.
        """
        with opened_mirror(state.folder) as mirror:
            exchanged, overlapping = self._heard(seat, state, mirror, is_exchanging=True, is_told=bool(sinks))
            return Synced(exchanged, overlapping, tuple(self._told(mirror, seat, sink) for sink in sinks))

    def preview(self, seat: Seat, state: AccountState, sinks: Sequence[NamedSink]) -> dict[str, Previewed]:
        """Say what each sink would be told, and tell it nothing; details are neither sent nor fetched."""
        with opened_mirror(state.folder) as mirror:
            self._heard(seat, state, mirror, is_exchanging=False, is_told=True)
            return {sink.name: self._previewed_or_why_not(mirror, seat, sink) for sink in sinks}

    def clear(self, seat: Seat, state: AccountState, sinks: Sequence[NamedSink]) -> Synced:
        """Tell every sink that all has left: the partnership is over."""
        with opened_mirror(state.folder) as mirror:
            mirror.drop_all()
            mirror.hear("cursor", None)
            mirror.join([], now=self._time)
            mirror.keep()
            return Synced(None, 0, tuple(self._told(mirror, seat, sink) for sink in sinks))

    def _heard(
        self, seat: Seat, state: AccountState, mirror: Mirror, *, is_exchanging: bool, is_told: bool
    ) -> tuple[Exchanged | None, int]:
        """Bring details and mirror up to date; the account state is held meanwhile, and not while sinks are told."""
        with state.held():
            seat = self._ready(seat, state)
            with state.applied() as kept, opened_file(state.folder) as opened:
                if kept is None:
                    raise StateInvalid("no list of this machine is applied; run `escrow submit` first")
                opened.begin(seat.live_keys.g)
                if is_told:
                    # Until the records are joined anew: a crash in between must not lose what was opened.
                    before = mirror.heard("joined")
                    mirror.hear("joined", None)
                    mirror.keep()
                owner = self.file.keyring.organization_id
                syncer = Syncer(self.service, seat, kept, owner, self.random)
                exchanged = syncer.exchange(opened) if is_exchanging else None
                if not is_told:
                    return exchanged, 0
                has_moved = pull(self.service, mirror, seat.partnership_id)
                is_same = not has_moved and exchanged is not None and not (exchanged.opened or exchanged.forgotten)
                marker = f"{seat.live_keys.g} {kept.sent.number} {kept.sent.digest.hex()} {seat.name}"
                if not is_same or before != marker:
                    mirror.join(_records(mirror, seat, kept, opened), now=self._time)
                mirror.hear("joined", marker)
                mirror.keep()
                return exchanged, mirror.size

    def _ready(self, seat: Seat, state: AccountState) -> Seat:
        """Follow generations, terms and lists to where the service is."""
        partnership_id = seat.partnership_id
        seat = settled(self.service, self.file, state, partnership_id, now=self.now)
        must_agree(self.service, state, seat)
        seat = up_to_date(self.service, self.file, seat)
        Submitter(self.service, state, seat.paired_keys).settle(wait=False)
        return seat

    def _told(self, mirror: Mirror, seat: Seat, named: NamedSink) -> SinkOutcome:
        refused: Counter[str] = Counter()
        told: Counter[ChangeKind] = Counter()
        try:
            sink = named.open()
        except EscrowError as failure:
            return SinkOutcome(named.name, told, refused, failure)
        try:
            telling = self._telling(mirror, seat, named, sink)
            mirror.keep()
            advance = self.stage(named.name, telling.size) if telling.size else None
            for batch in telling.batches(sink.most, made_at=self._time) if telling.is_needed else ():
                if self.is_stopping():
                    raise SinkFailed("stopped before it was told everything; the next sync goes on from there")
                telling.begin(batch)
                taken = sink.take(batch)
                refused += taken.reasons
                told.update(telling.keep(batch, taken))
                if advance is not None:
                    advance(batch.size)
        except EscrowError as failure:
            return SinkOutcome(named.name, told, refused, failure)
        finally:
            sink.close()
        return SinkOutcome(named.name, told, refused)

    def _telling(self, mirror: Mirror, seat: Seat, named: NamedSink, sink: Sink) -> Telling:
        if named.starts_over:
            mirror.start_over(named.name)
        # Numbers begin with the time, so that those of a machine that was restored are above those of the one before.
        first = int(self.now.timestamp())
        return mirror.telling(
            named.name, sink, named.cells, label=seat.name, partnership_id=seat.partnership_id, first=first
        )

    def _previewed_or_why_not(self, mirror: Mirror, seat: Seat, named: NamedSink) -> Previewed:
        try:
            return Previewed(tuple(self._previewed(mirror, seat, named)))
        except EscrowError as failure:
            return Previewed((), failure)

    def _previewed(self, mirror: Mirror, seat: Seat, named: NamedSink) -> Iterator[str]:
        sink = named.open()
        telling = self._telling(mirror, seat, named, sink)
        for batch in telling.batches(sink.most, made_at=self._time) if telling.is_needed else ():
            yield from sink.preview(batch)
        sink.close()

    @property
    def _time(self) -> str:
        return self.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _records(mirror: Mirror, seat: Seat, kept: KeptList, opened: OpenedFile) -> Iterator[OverlapRecord]:
    """Join what overlaps with the CRM rows that its accounts are made of."""
    for each in mirror.overlapping():
        for account in kept.find([each.row]):
            shared = tuple(details.details for details in opened.of_row(each.row))
            for crm_id in account.crm_ids:
                yield _record(each, seat, crm_id, account.name, shared)


def _record(
    each: Overlapping, seat: Seat, crm_id: str, name: str, shared: tuple[Mapping[str, str | int], ...]
) -> OverlapRecord:
    return OverlapRecord(
        partnership_id=seat.partnership_id,
        partnership=seat.name,
        crm_id=crm_id,
        account_name=name,
        cell=each.cell,
        tier=each.tier,
        level=each.level,
        overlap=each.overlap,
        shared=shared,
    )
