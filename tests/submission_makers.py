"""Small makers for tests of lists: submissions, terms on both sides, and a worker that runs until nothing is due."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from escrow import partnerships, submissions
from escrow.presets import DISCLOSURE_PRESETS
from escrow.psi.records import ListRecords, SubmissionKind, chunk_digest, pack_chunk, split, submission_digest
from escrow.settings import ServerSettings
from escrow.standing import Standing, standing_for, standing_of
from escrow.store.blocks import load_list
from escrow.store.database import Database
from escrow.store.digests import open_submission_digest
from escrow.store.states import SubmissionType
from escrow.submissions import Announcement, Submission, SubmissionLimits
from escrow.terms import CELLS, Cell, Level, Side, Terms
from escrow.worker import Worker
from tests.partnership_makers import NOON, RELEASE_KEY, Couple, active_partnership, seat

#: What tests say unless they say otherwise, so that small numbers can be told.
TRUSTED = DISCLOSURE_PRESETS["trusted"]
OFFERED = tuple(DISCLOSURE_PRESETS.values())
LIMITS = SubmissionLimits(chunks=64, largest_list=1_000)
CHUNK_BYTES = 1 << 20


class Clock:
    """The time as the tests say it is."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass(frozen=True, slots=True)
class Desk:
    """An active partnership on a database of its own, and a worker that does what is due."""

    database: Database
    couple: Couple
    worker: Worker
    clock: Clock

    def drain(self) -> None:
        """Work until nothing is due."""
        while self.worker.run_once():
            pass

    def share(self, levels: Mapping[Cell, Level] | Level, **said: object) -> None:
        """Let both sides say the same terms, cells as left sees them."""
        each = dict.fromkeys(CELLS, levels) if isinstance(levels, Level) else levels
        terms = Terms(levels=dict.fromkeys(CELLS, Level.HIDDEN) | dict(each), **{"disclosure": TRUSTED, **said})  # type: ignore[arg-type]
        self.state(Side.LEFT, terms)
        self.state(Side.RIGHT, terms.transposed)

    def state(self, side: Side, terms: Terms) -> None:
        """Let one side say its terms, cells as it sees them."""
        with self.database.transaction("set terms") as tx:
            partnerships.set_terms(tx, seat(tx, self.couple, side), terms, offered=OFFERED, now=self.clock())

    def announce(self, side: Side, announced: Announcement) -> Submission:
        """Start a submission."""
        with self.database.transaction("start submission") as tx:
            return submissions.start_submission(
                tx,
                seat(tx, self.couple, side),
                announced,
                limits=LIMITS,
                service_key=self.couple.service_key,
                now=self.clock(),
            )

    def send(self, side: Side, number: int, position: int, content: bytes) -> None:
        """Upload one chunk."""
        chunk = submissions.read_chunk(content, most_bytes=CHUNK_BYTES)
        with self.database.transaction("add chunk") as tx:
            submissions.add_chunk(
                tx,
                seat(tx, self.couple, side),
                number,
                position,
                chunk,
                service_key=self.couple.service_key,
                now=self.clock(),
            )

    def complete(self, side: Side, number: int, *, ready: bool = True) -> Submission:
        """Hand a submission to the worker."""
        with self.database.transaction("complete submission") as tx:
            return submissions.complete(tx, seat(tx, self.couple, side), number, ready=ready, now=self.clock())

    def submission(self, side: Side, number: int) -> Submission:
        """Ask how far one has come."""
        with self.database.snapshot("show submission") as tx:
            return submissions.submission_of(tx, seat(tx, self.couple, side), number)

    def submit(
        self,
        side: Side,
        records: ListRecords,
        *,
        type: SubmissionType = SubmissionType.SNAPSHOT,  # noqa: A002 - the domain's word
        ready: bool = True,
        most_bytes: int = CHUNK_BYTES,
        generation: int = 0,
        profile: str = "escrow-1",
    ) -> Submission:
        """Upload a list as the next submission and hand it to the worker, which does not work yet."""
        chunks = [pack_chunk(part) for part in split(records, most_bytes)]
        accounts = records.accounts.size
        announced = self.next(side, chunks, accounts=accounts, type=type, generation=generation, profile=profile)
        self.announce(side, announced)
        for position, content in enumerate(chunks):
            self.send(side, announced.number, position, content)
        return self.complete(side, announced.number, ready=ready)

    def applied(
        self,
        side: Side,
        records: ListRecords,
        *,
        type: SubmissionType = SubmissionType.SNAPSHOT,  # noqa: A002
        generation: int = 0,
        profile: str = "escrow-1",
    ) -> Submission:
        """Submit a list and let the worker do all that follows."""
        number = self.submit(side, records, type=type, generation=generation, profile=profile).number
        self.drain()
        return self.submission(side, number)

    def next(
        self,
        side: Side,
        chunks: Sequence[bytes],
        *,
        accounts: int,
        type: SubmissionType = SubmissionType.SNAPSHOT,  # noqa: A002
        generation: int = 0,
        profile: str = "escrow-1",
    ) -> Announcement:
        """Announce these chunks as what comes next on this side."""
        with self.database.snapshot("where we are") as tx:
            party = seat(tx, self.couple, side)
            number = submissions.last_number(tx, party) + 1
            applied = standing_for(tx, party.partnership_id, generation).applied.get(side)
        return announcement(
            self.couple,
            chunks,
            number=number,
            base=0 if applied is None else applied.number,
            accounts=accounts,
            type=type,
            generation=generation,
            profile=profile,
        )

    def start_generation(
        self,
        side: Side,
        number: int = 1,
        *,
        profile: str = "escrow-1",
        fresh: partnerships.FreshHalf | None = None,
        interval: timedelta = timedelta(0),
    ) -> None:
        """Let one side propose a generation, or consent to it."""
        with self.database.transaction("start a generation") as tx:
            partnerships.start_generation(
                tx,
                seat(tx, self.couple, side),
                number=number,
                profile=profile,
                fresh=fresh,
                interval=interval,
                service_key=self.couple.service_key,
                random=os.urandom,
                now=self.clock(),
            )

    def standing(self) -> Standing:
        """Read where the partnership stands."""
        with self.database.snapshot("standing") as tx:
            return standing_of(tx, self.couple.partnership_id)

    def digest(self, side: Side) -> bytes:
        """Open the digest of the applied list."""
        applied, partnership_id = self.standing().applied[side], self.couple.partnership_id
        with self.database.snapshot("open a digest") as tx:
            return open_submission_digest(
                tx, partnership_id, side, applied.number, applied.sealed_digest, service_key=self.couple.service_key
            )

    def list_of(self, side: Side, generation: int = 0) -> ListRecords:
        """Read the applied list, tokens in stored-index form."""
        with self.database.snapshot("load list") as tx:
            return load_list(tx, self.couple.partnership_id, generation, side)


def announcement(
    couple: Couple,
    chunks: Sequence[bytes],
    *,
    number: int,
    base: int,
    accounts: int,
    type: SubmissionType = SubmissionType.SNAPSHOT,  # noqa: A002
    profile: str = "escrow-1",
    generation: int = 0,
    suite: int = 1,
) -> Announcement:
    """State a submission with the digest that belongs to it."""
    digests = tuple(chunk_digest(chunk) for chunk in chunks)
    digest = submission_digest(
        partnership_id=couple.partnership_id,
        g=generation,
        profile_id=profile,
        kind=SubmissionKind[type.name],
        number=number,
        base=base,
        chunk_digests=digests,
    )
    return Announcement(number, type, base, generation, suite, profile, accounts, digests, digest)


def new_desk(database: Database, folder: Path, **settings: object) -> Desk:
    """Pair two organizations that share nothing yet."""
    return desk_of(active_partnership(database), database, folder, **settings)


def desk_of(couple: Couple, database: Database, folder: Path, **settings: object) -> Desk:
    """Sit down with two organizations that have paired."""
    clock = Clock()
    made = ServerSettings(data_folder=folder, database_url=database.engine.url.render_as_string(hide_password=False))
    worker = Worker(database, couple.service_key, made.model_copy(update=settings), release_key=RELEASE_KEY, now=clock)
    return Desk(database, couple, worker, clock)
