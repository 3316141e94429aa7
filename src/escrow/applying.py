"""Applying: a received submission becomes the list, whole, or is rejected with a reason and nothing of it is kept.

The work is done outside of the write transaction: chunks are opened, parsed, put in stored-index form and checked as a
whole. What is written rests on a second look at the submission and at the list it builds on, so that doing it twice, or
again after a crash, applies it once. Nothing here looks at the partner's list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, select, update

from escrow import audit, spending
from escrow.access import lock_partnership
from escrow.allowance import Asked, ListLimits, Spending
from escrow.errors import (
    GenerationInvalid,
    ListRefused,
    ListTooLarge,
    ProspectsTooMany,
    ProtocolError,
    RecordsInvalid,
)
from escrow.psi.pepper import stored_index
from escrow.psi.records import (
    Changes,
    Charge,
    ListRecords,
    OrderedTokens,
    apply_delta,
    charge_of,
    check_growth,
    check_list,
    count_changes,
    join,
    parse_chunk,
    with_tokens,
)
from escrow.psi.records.layout import Records
from escrow.standing import AppliedList, Generation, Standing, standing_for, standing_of
from escrow.store.blocks import add_changes, load_ever_seen, load_list, replace_list, waiting_records
from escrow.store.database import Database, Transaction
from escrow.store.jobs import enqueue
from escrow.store.packing import PackedList, pack_list
from escrow.store.sealing import SealingKey
from escrow.store.secrets import open_pepper, partnership_key
from escrow.store.states import (
    AlarmReason,
    EventType,
    GenerationState,
    JobType,
    PartnershipState,
    SubmissionState,
    SubmissionType,
)
from escrow.store.tables import chunks, parties, submissions
from escrow.submissions import Problem, chunk_context
from escrow.terms import Population, Side
from escrow.webhooks import events

__all__ = ["Prepared", "apply_submission", "commit", "prepare"]

#: Changes beside the blocks are folded in when they are more than this, and more than an eighth of the list.
_FEW_WAITING = 1_000
_SHARE_WAITING = 8

#: A list may have this many prospects whatever else it has: populations as small show nothing in counts.
_FEW_PROSPECTS = 50

#: Under another profile than the live one a new generation may hold this many times the live tokens.
_ANOTHER_PROFILES_SHARE = 2


@dataclass(frozen=True, slots=True)
class _Submitted:
    """A received submission with its chunks opened, and the list that it builds on.

    ``chunks`` are let go of once they are read: a list of millions is in memory often enough.
    """

    partnership_id: UUID
    side: Side
    row: Row[Any] = field(repr=False)
    generation: Generation
    applied: AppliedList | None
    chunks: list[bytes] = field(repr=False)
    pepper: bytes = field(repr=False)
    before: ListRecords
    ever_seen: Records = field(repr=False)
    waiting: int
    most_tokens: int | None

    @property
    def is_delta(self) -> bool:
        """Whether it says only what changed."""
        return bool(self.row.type == SubmissionType.DELTA.value)

    @property
    def base(self) -> int:
        """The number of the list it must build on."""
        return 0 if self.applied is None else self.applied.number


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of a submission: a list in blocks, changes to set beside the blocks, or a problem.

    ``populations`` are the sizes of the list that it leads to, ``with_keys`` those without the accounts that have no
    key, ``charge`` is what that asks about beyond the list before, and ``tokens`` counts all of its tokens.
    ``changes`` are what it adds to the number that the next release waits for.
    """

    submitted: _Submitted
    became: PackedList | ListRecords | Problem
    populations: Mapping[Population, int]
    with_keys: Mapping[Population, int]
    charge: Charge
    tokens: int
    changes: Changes = field(default_factory=Changes.none)

    @property
    def accounts(self) -> int:
        """How many accounts the list has that it leads to."""
        return sum(self.populations.values())

    @property
    def asked(self) -> Asked:
        """What it is charged, and its size."""
        return Asked(self.charge.fifths, self.tokens, self.accounts)


def apply_submission(
    db: Database, partnership_id: UUID, side: Side, *, service_key: SealingKey, limits: ListLimits, now: datetime
) -> None:
    """Apply or reject what this side has submitted; without a received submission there is nothing to do."""
    prepared = prepare(db, partnership_id, side, service_key=service_key)
    if prepared is None:
        return
    with db.transaction("apply submission") as tx:
        commit(tx, prepared, limits=limits, now=now)


def prepare(db: Database, partnership_id: UUID, side: Side, *, service_key: SealingKey) -> Prepared | None:
    """Compute what a received submission becomes, without writing anything."""
    with db.snapshot("apply: read submission") as tx:
        submitted = _read(tx, partnership_id, side, service_key)
    if submitted is None:
        return None
    try:
        delta = _records(submitted)
        whole = apply_delta(submitted.before, delta) if submitted.is_delta else delta
        ordered = OrderedTokens.of(whole.tokens)
        check_list(whole, ordered=ordered)
        if submitted.most_tokens is not None:
            check_growth(ordered.distinct, most_tokens=submitted.most_tokens)
    except ProtocolError as refused:
        empty = ListRecords.empty()
        return Prepared(submitted, Problem(refused.code, refused.message), {}, {}, charge_of(empty, empty), 0)
    # Under a key of its own every token is new: what a building generation holds is no change of the list.
    is_live = submitted.generation.state is GenerationState.LIVE
    charge = charge_of(submitted.before, whole, ordered=ordered)
    changes = count_changes(submitted.before, whole, charged=charge.accounts) if is_live else Changes.none()
    became: PackedList | ListRecords = delta
    if not submitted.is_delta or _folds(submitted, delta, whole):
        became = pack_list(whole, ever_seen=submitted.ever_seen, ordered=ordered)
    with_keys = whole.population_sizes_of(whole.tokens)
    return Prepared(submitted, became, whole.population_sizes, with_keys, charge, ordered.distinct, changes)


def commit(tx: Transaction, prepared: Prepared, *, limits: ListLimits, now: datetime) -> None:
    """Write what was prepared, unless something that it rests on has changed: then it is prepared again."""
    submitted = prepared.submitted
    lock_partnership(tx, submitted.partnership_id)
    row = _received(tx, submitted.partnership_id, submitted.side)
    standing = standing_for(tx, submitted.partnership_id, submitted.row.generation)
    if row is None or row.number != submitted.row.number or standing.state is not PartnershipState.ACTIVE:
        return
    if (standing.generation, standing.applied.get(submitted.side)) != (submitted.generation, submitted.applied):
        enqueue(tx, JobType.APPLY, submitted.partnership_id, due_at=now, argument=submitted.side.value)
        return
    if isinstance(prepared.became, Problem):
        _reject(tx, submitted, prepared.became, now)
        return
    try:
        _must_be_taken(prepared, standing, limits)
        after = _charged(tx, prepared, standing, limits, now)
    except ListRefused as refused:
        _reject(tx, submitted, _problem(refused), now)
    else:
        _write(tx, prepared, prepared.became, row.digest, now)
        _add_changes(tx, submitted, prepared.changes)
        _applied(tx, prepared, after, now)


def _must_be_taken(prepared: Prepared, standing: Standing, limits: ListLimits) -> None:
    """Raise ListRefused if there are too many accounts, or too many prospects among them."""
    most, sizes = spending.most_accounts(standing, limits), prepared.with_keys
    if prepared.accounts > most:
        raise ListTooLarge(f"The list has more than the {most} accounts that are accepted.", limit=most)
    known = sizes[Population.CUSTOMERS] + sizes[Population.OPPORTUNITIES]
    most_prospects = max(_FEW_PROSPECTS, limits.prospects_share * known)
    if sizes[Population.PROSPECTS] > most_prospects:
        raise ProspectsTooMany(
            f"The list has {sizes[Population.PROSPECTS]} prospects with a key, and with {known} customers and "
            f"opportunities that have one it may have {most_prospects}: leave out prospects that nobody works on.",
            limit=most_prospects,
        )


def _charged(
    tx: Transaction, prepared: Prepared, standing: Standing, limits: ListLimits, now: datetime
) -> tuple[Spending, int] | None:
    """Charge the list, or raise ListRefused; a list of a building generation is counted once and not charged."""
    side = prepared.submitted.side
    if standing.live.state is GenerationState.BUILDING:
        spending.charge_generation(tx, standing, side, prepared.tokens, rule=limits.rule, now=now)
        return None
    return spending.charge(tx, standing, side, prepared.asked, limits=limits, now=now)


def _problem(refused: ListRefused) -> Problem:
    return Problem(refused.code, refused.message, refused.limit, refused.left, refused.renews_at)


def _read(tx: Transaction, partnership_id: UUID, side: Side, service_key: SealingKey) -> _Submitted | None:
    row = _received(tx, partnership_id, side)
    if row is None:
        return None
    standing = standing_for(tx, partnership_id, row.generation)
    if standing.state is not PartnershipState.ACTIVE:
        return None
    generation = standing.live
    place = (partnership_id, generation.number, side)
    key = partnership_key(tx, partnership_id, service_key=service_key)
    return _Submitted(
        partnership_id=partnership_id,
        side=side,
        row=row,
        generation=generation,
        applied=standing.applied.get(side),
        chunks=list(_opened(tx, row, key)),
        pepper=open_pepper(tx, partnership_id, generation.number, service_key=service_key),
        before=load_list(tx, *place),
        ever_seen=load_ever_seen(tx, *place),
        waiting=waiting_records(tx, *place),
        most_tokens=_most_tokens(tx, partnership_id, side, generation),
    )


def _most_tokens(tx: Transaction, partnership_id: UUID, side: Side, generation: Generation) -> int | None:
    """Tell how many different tokens a list of a building generation may hold (rule 8); None elsewhere.

    More than live now would ask about accounts that the partner has not been asked about. Another profile may make
    more keys of the same accounts.
    """
    if generation.state is not GenerationState.BUILDING:
        return None
    live = standing_of(tx, partnership_id).live
    tokens = OrderedTokens.of(load_list(tx, partnership_id, live.number, side).tokens).distinct
    return tokens if live.profile == generation.profile else tokens * _ANOTHER_PROFILES_SHARE


def _opened(tx: Transaction, row: Row[Any], key: SealingKey) -> Iterator[bytes]:
    stored = select(chunks.c.position, chunks.c.sealed).where(_chunks_of(row)).order_by(chunks.c.position)
    for position, sealed in tx.execute(stored):
        yield key.open(sealed, context=chunk_context(row.partnership_id, Side(row.side), row.number, position))


def _records(submitted: _Submitted) -> ListRecords:
    """Give the submission as one run of records with stored indexes, or raise ProtocolError."""
    row = submitted.row
    if (row.generation, row.profile) != (submitted.generation.number, submitted.generation.profile):
        raise GenerationInvalid("the list was made for another generation than the live one; submit again")
    if row.base != submitted.base:
        raise RecordsInvalid("the list that this builds on is not the applied one; submit a snapshot")
    records = join([_peppered(parse_chunk(chunk), submitted.pepper) for chunk in submitted.chunks])
    submitted.chunks.clear()
    if records.accounts.size != row.accounts:
        raise RecordsInvalid("the chunks do not hold as many accounts as announced; upload the submission again")
    return records


def _peppered(records: ListRecords, pepper: bytes) -> ListRecords:
    return with_tokens(records, stored_index(pepper, records.tokens["token"].tobytes()))


def _folds(submitted: _Submitted, delta: ListRecords, whole: ListRecords) -> bool:
    """Tell whether a delta is written as blocks: where there are none yet, or where too much waits beside them."""
    waiting = submitted.waiting + delta.accounts.size
    return submitted.applied is None or waiting > max(_FEW_WAITING, whole.accounts.size // _SHARE_WAITING)


def _write(tx: Transaction, prepared: Prepared, became: PackedList | ListRecords, digest: bytes, now: datetime) -> None:
    submitted = prepared.submitted
    place = (tx, submitted.partnership_id, submitted.generation.number, submitted.side)
    number = submitted.row.number
    if isinstance(became, PackedList):
        replace_list(*place, became, number=number, sealed_digest=digest, now=now)
    else:
        sizes = prepared.populations
        add_changes(*place, became, populations=sizes, number=number, sealed_digest=digest, now=now)


def _add_changes(tx: Transaction, submitted: _Submitted, changes: Changes) -> None:
    """Count on: the numbers belong to the party, outlive its lists and never fall."""
    seat = (parties.c.partnership_id == submitted.partnership_id) & (parties.c.side == submitted.side.value)
    of_each = {each: parties.c[f"{each.word}_changes"] for each in Population}
    values = {column.name: column + changes.populations[each] for each, column in of_each.items()}
    tx.execute(update(parties).where(seat).values(changes=parties.c.changes + changes.accounts, **values))


def _applied(tx: Transaction, prepared: Prepared, charged: tuple[Spending, int] | None, now: datetime) -> None:
    submitted = prepared.submitted
    partnership_id, side, row = submitted.partnership_id, submitted.side, submitted.row
    _settle(tx, submitted, SubmissionState.APPLIED, applied_at=now, **_charge_columns(prepared, charged))
    if row.ready:
        seat = (parties.c.partnership_id == partnership_id) & (parties.c.side == side.value)
        tx.execute(update(parties).where(seat).values(ready_submission=row.number))
    detail = {"side": side.value, "number": row.number}
    action = audit.Action.SUBMISSION_APPLIED
    audit.record(tx, action, trail_id=partnership_id, side=side, caller=None, now=now, detail=detail)
    raised: Iterable[AlarmReason] = ()
    if charged is not None and submitted.applied is not None:
        raised = spending.raise_alarms(tx, partnership_id, side, charged[0], number=row.number, now=now)
    enqueue(tx, JobType.MATCH, partnership_id, due_at=now)
    _tell(tx, EventType.SUBMISSION_APPLIED, partnership_id, side, {"number": row.number}, now)
    for reason in raised:
        _tell(tx, EventType.ALARM_RAISED, partnership_id, side.other, {"reason": reason.value}, now)


def _charge_columns(prepared: Prepared, charged: tuple[Spending, int] | None) -> dict[str, int]:
    if charged is None:
        return {}
    return {"charged": prepared.charge.fifths, "spent": charged[1], "list_accounts": prepared.asked.accounts}


def _reject(tx: Transaction, submitted: _Submitted, problem: Problem, now: datetime) -> None:
    columns = {
        "problem_code": problem.code,
        "problem_detail": problem.detail,
        "problem_limit": problem.limit,
        "problem_left": problem.left,
        "problem_renews_at": problem.renews_at,
    }
    _settle(tx, submitted, SubmissionState.REJECTED, **columns)
    detail = {"side": submitted.side.value, "number": submitted.row.number, "problem": problem.code}
    trail_id, action = submitted.partnership_id, audit.Action.SUBMISSION_REJECTED
    audit.record(tx, action, trail_id=trail_id, side=submitted.side, caller=None, now=now, detail=detail)
    told: events.Data = {"number": submitted.row.number, "code": problem.code}
    _tell(tx, EventType.SUBMISSION_REJECTED, trail_id, submitted.side, told, now)


def _tell(tx: Transaction, kind: EventType, partnership_id: UUID, side: Side, data: events.Data, now: datetime) -> None:
    organization_id = events.seated(tx, partnership_id)[side]
    events.tell(tx, kind, {organization_id: data}, partnership_id=partnership_id, now=now)


def _settle(tx: Transaction, submitted: _Submitted, state: SubmissionState, **columns: object) -> None:
    """Move the submission to its last state and delete what was uploaded."""
    row = submitted.row
    its_row = and_(
        submissions.c.partnership_id == row.partnership_id,
        submissions.c.side == row.side,
        submissions.c.number == row.number,
    )
    tx.execute(update(submissions).where(its_row).values(state=state.value, **columns))
    tx.execute(update(chunks).where(_chunks_of(row)).values(sealed=None))


def _received(tx: Transaction, partnership_id: UUID, side: Side) -> Row[Any] | None:
    query = select(submissions).where(
        submissions.c.partnership_id == partnership_id,
        submissions.c.side == side.value,
        submissions.c.state == SubmissionState.RECEIVED.value,
    )
    return tx.execute(query).one_or_none()


def _chunks_of(row: Row[Any]) -> ColumnElement[bool]:
    return and_(chunks.c.partnership_id == row.partnership_id, chunks.c.side == row.side, chunks.c.number == row.number)
