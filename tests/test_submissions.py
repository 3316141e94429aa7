"""Submissions: what is taken in, in which order, and what becomes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import func, select

from escrow.allowance import ListLimits
from escrow.applying import commit, prepare
from escrow.errors import (
    ChunkDigestMismatch,
    ChunksMissing,
    ChunkTooLarge,
    GenerationMismatch,
    NotFound,
    PartnershipNotActive,
    ProfileMismatch,
    RecordsInvalid,
    SubmissionBaseWrong,
    SubmissionClosed,
    SubmissionDigestWrong,
    SubmissionInProgress,
    SubmissionTooLarge,
)
from escrow.partnerships import end
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.pepper import stored_index
from escrow.psi.records import ListRecords, difference, pack_chunk, split
from escrow.store.database import Database
from escrow.store.secrets import open_pepper
from escrow.store.states import SubmissionState, SubmissionType
from escrow.store.tables import chunks as chunks_table
from escrow.store.tables import list_changes
from escrow.submissions import read_chunk
from escrow.terms import Level, Population, Side
from tests.partnership_makers import seat
from tests.psi.making_lists import LISTS, Account, records_of
from tests.submission_makers import LIMITS, Desk, announcement, new_desk

DOMAIN, NAME, FALLBACK = MatchKeyClass.DOMAIN, MatchKeyClass.NAME, MatchKeyClass.FALLBACK
CUSTOMER = Population.CUSTOMERS


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def one_account(row: int = 7, population: Population = CUSTOMER) -> ListRecords:
    """Make a list of one account with a domain and a name."""
    return records_of({row: (population, frozenset({(DOMAIN, row), (NAME, row)}))})


def test_a_list_is_applied_with_its_tokens_in_stored_index_form(desk: Desk) -> None:
    records = one_account()
    assert desk.applied(Side.LEFT, records).state is SubmissionState.APPLIED
    stored = desk.list_of(Side.LEFT)
    assert stored.accounts.tobytes() == records.accounts.tobytes()
    with desk.database.snapshot("pepper") as tx:
        pepper = open_pepper(tx, desk.couple.partnership_id, 0, service_key=desk.couple.service_key)
    indexes = {stored_index(pepper, token.tobytes()) for token in records.tokens["token"]}
    assert {token.tobytes() for token in stored.tokens["token"]} == indexes


def test_what_a_submitter_sees_is_the_same_whatever_the_partner_has(desk: Desk) -> None:
    desk.share(Level.DETAILS)
    received_alone = desk.submit(Side.LEFT, one_account())
    desk.drain()
    applied_alone = desk.submission(Side.LEFT, 1)
    desk.applied(Side.RIGHT, one_account())
    received = desk.submit(Side.LEFT, one_account())
    desk.drain()
    applied = desk.submission(Side.LEFT, 2)
    assert dataclasses.replace(received, number=1, base=0) == received_alone
    assert dataclasses.replace(applied, number=1, base=0) == applied_alone


def test_what_was_uploaded_is_deleted_once_it_is_applied(desk: Desk) -> None:
    desk.submit(Side.LEFT, one_account())
    assert stored_chunks(desk) == 1
    desk.drain()
    assert stored_chunks(desk) == 0


def test_the_same_number_and_digest_get_the_same_answer_in_every_state(desk: Desk) -> None:
    chunks = [pack_chunk(one_account())]
    announced = desk.next(Side.LEFT, chunks, accounts=1)
    assert desk.announce(Side.LEFT, announced) == desk.announce(Side.LEFT, announced)
    desk.send(Side.LEFT, 1, 0, chunks[0])
    desk.send(Side.LEFT, 1, 0, chunks[0])
    assert desk.complete(Side.LEFT, 1) == desk.complete(Side.LEFT, 1)
    desk.drain()
    assert desk.announce(Side.LEFT, announced).state is SubmissionState.APPLIED
    assert desk.complete(Side.LEFT, 1).state is SubmissionState.APPLIED
    desk.send(Side.LEFT, 1, 0, chunks[0])
    assert stored_chunks(desk) == 0


def test_missing_chunks_are_told_and_keep_a_submission_from_being_complete(desk: Desk) -> None:
    records = records_of({row: (CUSTOMER, frozenset({(DOMAIN, row)})) for row in range(1, 7)})
    chunks = [pack_chunk(part) for part in split(records, 100)]
    desk.announce(Side.LEFT, desk.next(Side.LEFT, chunks, accounts=6))
    desk.send(Side.LEFT, 1, 1, chunks[1])
    expected = (0, *range(2, len(chunks)))
    assert desk.submission(Side.LEFT, 1).missing == expected
    with pytest.raises(ChunksMissing) as refused:
        desk.complete(Side.LEFT, 1)
    assert refused.value.missing == expected


def test_chunks_may_arrive_in_any_order(desk: Desk) -> None:
    records = records_of({row: (CUSTOMER, frozenset({(DOMAIN, row)})) for row in range(1, 7)})
    chunks = [pack_chunk(part) for part in split(records, 100)]
    desk.announce(Side.LEFT, desk.next(Side.LEFT, chunks, accounts=6))
    for position in reversed(range(len(chunks))):
        desk.send(Side.LEFT, 1, position, chunks[position])
    desk.complete(Side.LEFT, 1)
    desk.drain()
    assert desk.list_of(Side.LEFT).rows.tolist() == [1, 2, 3, 4, 5, 6]


def test_chunks_announced_out_of_order_are_rejected_and_nothing_is_kept(desk: Desk) -> None:
    first, second = pack_chunk(one_account(1)), pack_chunk(one_account(2))
    desk.announce(Side.LEFT, desk.next(Side.LEFT, [second, first], accounts=2))
    desk.send(Side.LEFT, 1, 0, second)
    desk.send(Side.LEFT, 1, 1, first)
    desk.complete(Side.LEFT, 1)
    desk.drain()
    assert problem_of(desk) == "records-invalid"
    assert desk.list_of(Side.LEFT) == ListRecords.empty()
    assert stored_chunks(desk) == 0


def test_an_upload_that_was_not_finished_is_replaced(desk: Desk) -> None:
    desk.announce(Side.LEFT, desk.next(Side.LEFT, [pack_chunk(one_account(1))], accounts=1))
    assert desk.applied(Side.LEFT, one_account(2)).number == 1
    assert desk.list_of(Side.LEFT).rows.tolist() == [2]


def test_a_submission_follows_the_last_and_builds_on_the_applied_one(desk: Desk) -> None:
    desk.applied(Side.LEFT, one_account())
    chunks = [pack_chunk(one_account(8))]
    for number, base in ((1, 0), (3, 1), (2, 0), (2, 2)):
        with pytest.raises(SubmissionBaseWrong) as refused:
            desk.announce(Side.LEFT, announcement(desk.couple, chunks, number=number, base=base, accounts=1))
        assert (refused.value.last_number, refused.value.applied_number) == (1, 1)
    assert desk.list_of(Side.LEFT).rows.tolist() == [7]


def test_a_submission_waits_for_the_one_before(desk: Desk) -> None:
    desk.submit(Side.LEFT, one_account())
    with pytest.raises(SubmissionInProgress):
        desk.announce(Side.LEFT, announcement(desk.couple, [pack_chunk(one_account(8))], number=2, base=0, accounts=1))


def test_a_list_of_another_profile_generation_or_suite_is_refused(desk: Desk) -> None:
    chunks = [pack_chunk(one_account())]
    with pytest.raises(ProfileMismatch) as refused:
        desk.announce(Side.LEFT, announcement(desk.couple, chunks, number=1, base=0, accounts=1, profile="escrow-2"))
    assert refused.value.expected == "escrow-1"
    for generation, suite in ((1, 1), (0, 2)):
        other = announcement(desk.couple, chunks, number=1, base=0, accounts=1, generation=generation, suite=suite)
        with pytest.raises(GenerationMismatch):
            desk.announce(Side.LEFT, other)


def test_a_digest_covers_all_that_is_announced(desk: Desk) -> None:
    announced = desk.next(Side.LEFT, [pack_chunk(one_account())], accounts=1)
    with pytest.raises(SubmissionDigestWrong):
        desk.announce(Side.LEFT, dataclasses.replace(announced, type=SubmissionType.DELTA))


def test_a_submission_has_as_many_accounts_and_chunks_as_the_operator_takes(desk: Desk) -> None:
    chunk = pack_chunk(one_account())
    with pytest.raises(SubmissionTooLarge):
        desk.announce(Side.LEFT, desk.next(Side.LEFT, [chunk], accounts=LIMITS.largest_list + 1))
    with pytest.raises(SubmissionTooLarge):
        desk.announce(Side.LEFT, desk.next(Side.LEFT, [chunk] * (LIMITS.chunks + 1), accounts=1))


def test_a_chunk_is_refused_for_its_size_its_form_or_its_place() -> None:
    chunk = pack_chunk(one_account())
    with pytest.raises(ChunkTooLarge):
        read_chunk(chunk, most_bytes=len(chunk) - 1)
    for broken in (chunk[:-1], chunk + b"\0", b"", b"x" * len(chunk)):
        with pytest.raises(RecordsInvalid):
            read_chunk(broken, most_bytes=len(chunk) + 1)


def test_a_chunk_that_was_not_announced_is_refused(desk: Desk) -> None:
    desk.announce(Side.LEFT, desk.next(Side.LEFT, [pack_chunk(one_account(1))], accounts=1))
    with pytest.raises(ChunkDigestMismatch):
        desk.send(Side.LEFT, 1, 0, pack_chunk(one_account(2)))
    with pytest.raises(NotFound):
        desk.send(Side.LEFT, 1, 1, pack_chunk(one_account(1)))
    with pytest.raises(NotFound):
        desk.send(Side.RIGHT, 1, 0, pack_chunk(one_account(1)))


def test_a_list_with_fewer_accounts_than_announced_is_rejected(desk: Desk) -> None:
    chunk = pack_chunk(one_account())
    desk.announce(Side.LEFT, desk.next(Side.LEFT, [chunk], accounts=2))
    desk.send(Side.LEFT, 1, 0, chunk)
    desk.complete(Side.LEFT, 1)
    desk.drain()
    assert problem_of(desk) == "records-invalid"


def test_a_snapshot_that_removes_an_account_is_rejected(desk: Desk) -> None:
    removal = difference(one_account(), ListRecords.empty())
    desk.applied(Side.LEFT, removal)
    assert problem_of(desk) == "records-invalid"


def test_a_list_that_breaks_a_rule_about_keys_is_rejected_with_the_reason(desk: Desk) -> None:
    shared = {row: (CUSTOMER, frozenset({(DOMAIN, 1)})) for row in range(1, 7)}
    desk.applied(Side.LEFT, records_of(shared))
    assert problem_of(desk) == "match-key-ambiguous"
    twice = {row: (CUSTOMER, frozenset({(FALLBACK, 1)})) for row in (1, 2)}
    desk.applied(Side.LEFT, records_of(twice))
    assert problem_of(desk, number=2) == "fallback-not-unique"
    assert desk.list_of(Side.LEFT) == ListRecords.empty()


def test_a_delta_that_breaks_a_rule_together_with_the_list_is_rejected_and_the_list_stays(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of({1: (CUSTOMER, frozenset({(FALLBACK, 1)}))}))
    before = desk.list_of(Side.LEFT)
    delta = records_of({2: (CUSTOMER, frozenset({(FALLBACK, 1)}))})
    desk.applied(Side.LEFT, delta, type=SubmissionType.DELTA)
    assert problem_of(desk, number=2) == "fallback-not-unique"
    assert desk.list_of(Side.LEFT) == before
    assert desk.applied(Side.LEFT, one_account(2), type=SubmissionType.DELTA).number == 3


def test_a_list_is_no_larger_than_both_sides_accept(desk: Desk) -> None:
    two = records_of({1: (CUSTOMER, frozenset()), 2: (CUSTOMER, frozenset())})
    desk.submit(Side.LEFT, two)
    desk.share(Level.COUNTS, largest_list=1)
    desk.drain()
    assert problem_of(desk) == "list-too-large"
    with pytest.raises(SubmissionTooLarge):
        desk.submit(Side.LEFT, two)
    assert desk.applied(Side.LEFT, one_account()).state is SubmissionState.APPLIED


def test_no_more_is_kept_than_the_announced_accounts_can_fill(desk: Desk) -> None:
    many = records_of({row: (CUSTOMER, frozenset((DOMAIN, row * 30 + n) for n in range(30))) for row in range(1, 201)})
    first, second, third = (pack_chunk(part) for part in split(many, 60_000))
    desk.announce(Side.LEFT, desk.next(Side.LEFT, [first, second, third], accounts=1))
    desk.send(Side.LEFT, 1, 0, first)
    desk.send(Side.LEFT, 1, 1, second)
    with pytest.raises(RecordsInvalid):
        desk.send(Side.LEFT, 1, 2, third)


def test_a_crash_between_preparing_and_writing_loses_nothing_and_repeats_nothing(desk: Desk) -> None:
    desk.submit(Side.LEFT, one_account())
    lost = prepare(desk.database, desk.couple.partnership_id, Side.LEFT, service_key=desk.couple.service_key)
    assert lost is not None
    assert desk.submission(Side.LEFT, 1).state is SubmissionState.RECEIVED
    desk.drain()
    applied = desk.submission(Side.LEFT, 1)
    assert applied.state is SubmissionState.APPLIED
    with desk.database.transaction("the worker that was thought dead") as tx:
        commit(tx, lost, limits=ListLimits(10), now=desk.clock())
    assert desk.submission(Side.LEFT, 1) == applied
    assert desk.list_of(Side.LEFT).rows.tolist() == [7]


def test_what_was_prepared_before_an_end_is_not_written_after_it(desk: Desk) -> None:
    desk.submit(Side.LEFT, one_account())
    prepared = prepare(desk.database, desk.couple.partnership_id, Side.LEFT, service_key=desk.couple.service_key)
    assert prepared is not None
    with desk.database.transaction("end") as tx:
        end(tx, seat(tx, desk.couple, Side.RIGHT), now=desk.clock())
    with desk.database.transaction("commit") as tx:
        commit(tx, prepared, limits=ListLimits(10), now=desk.clock())
    assert desk.list_of(Side.LEFT) == ListRecords.empty()


def test_nothing_is_submitted_to_a_partnership_that_has_ended(desk: Desk) -> None:
    announced = desk.next(Side.LEFT, [pack_chunk(one_account())], accounts=1)
    desk.announce(Side.LEFT, announced)
    with desk.database.transaction("end") as tx:
        end(tx, seat(tx, desk.couple, Side.RIGHT), now=desk.clock())
    with pytest.raises(PartnershipNotActive):
        desk.announce(Side.LEFT, announced)
    with pytest.raises(PartnershipNotActive):
        desk.send(Side.LEFT, 1, 0, pack_chunk(one_account()))
    with pytest.raises(PartnershipNotActive):
        desk.complete(Side.LEFT, 1)


def test_a_chunk_that_comes_after_the_submission_was_handed_over_is_refused(desk: Desk) -> None:
    chunk = pack_chunk(one_account())
    desk.announce(Side.LEFT, desk.next(Side.LEFT, [chunk], accounts=1))
    desk.send(Side.LEFT, 1, 0, chunk)
    desk.complete(Side.LEFT, 1)
    with desk.database.transaction("as if it had never come") as tx:
        tx.execute(chunks_table.update().values(arrived_at=None, sealed=None))
    with pytest.raises(SubmissionClosed):
        desk.send(Side.LEFT, 1, 0, chunk)


def test_an_upload_that_rests_for_too_long_is_deleted_and_its_number_is_free_again(desk: Desk) -> None:
    chunks = [pack_chunk(one_account(row)) for row in (1, 2)]
    announced = desk.next(Side.LEFT, chunks, accounts=2)
    desk.announce(Side.LEFT, announced)
    desk.clock.move(timedelta(hours=23))
    desk.send(Side.LEFT, 1, 0, chunks[0])
    desk.clock.move(timedelta(hours=23))
    desk.worker.tidy()
    assert desk.submission(Side.LEFT, 1).missing == (1,)
    desk.clock.move(timedelta(hours=1))
    desk.worker.tidy()
    assert stored_chunks(desk) == 0
    with pytest.raises(NotFound):
        desk.send(Side.LEFT, 1, 1, chunks[1])
    assert desk.announce(Side.LEFT, announced).missing == (0, 1)


def test_what_was_handed_over_never_expires(desk: Desk) -> None:
    desk.submit(Side.LEFT, one_account())
    desk.clock.move(timedelta(days=9))
    desk.worker.tidy()
    desk.drain()
    assert desk.submission(Side.LEFT, 1).state is SubmissionState.APPLIED


def test_many_changes_are_folded_into_the_blocks(desk: Desk) -> None:
    desk.applied(Side.LEFT, one_account(1))
    desk.applied(Side.LEFT, one_account(2), type=SubmissionType.DELTA)
    assert waiting_changes(desk) == 1
    many = records_of({row: (CUSTOMER, frozenset({(DOMAIN, row)})) for row in range(3, 1_003)})
    desk.applied(Side.LEFT, many, type=SubmissionType.DELTA)
    assert waiting_changes(desk) == 0
    assert desk.list_of(Side.LEFT).rows.tolist() == [*range(1, 1_003)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=LISTS, now=LISTS)
def test_a_snapshot_equals_the_deltas_that_lead_to_it(
    desk: Desk, before: dict[int, Account], now: dict[int, Account]
) -> None:
    first, last = _keepable(before), _keepable(now)
    desk.applied(Side.LEFT, first)
    desk.applied(Side.LEFT, difference(first, last), type=SubmissionType.DELTA)
    desk.applied(Side.RIGHT, last)
    assert desk.list_of(Side.LEFT) == desk.list_of(Side.RIGHT)
    sides = desk.standing().sides
    left, right = sides[Side.LEFT].applied, sides[Side.RIGHT].applied
    assert left is not None
    assert right is not None
    assert left.populations == right.populations == last.population_sizes


def _keepable(accounts: dict[int, Account]) -> ListRecords:
    """Give every account keys of its own, so that no rule about keys is broken."""
    return records_of(
        {
            row: (population, frozenset((key_class, index * 10 + number) for key_class, number in keys))
            for index, (row, (population, keys)) in enumerate(sorted(accounts.items()))
        }
    )


def stored_chunks(desk: Desk) -> int:
    """Count the chunks whose content is still there."""
    with desk.database.snapshot("chunks") as tx:
        query = select(func.count()).select_from(chunks_table).where(chunks_table.c.sealed.is_not(None))
        return tx.execute(query).scalar_one()


def waiting_changes(desk: Desk) -> int:
    """Count the deltas that wait beside the blocks."""
    with desk.database.snapshot("changes") as tx:
        return tx.execute(select(func.count()).select_from(list_changes)).scalar_one()


def problem_of(desk: Desk, number: int = 1) -> str | None:
    """Tell why the left side's submission was rejected."""
    submission = desk.submission(Side.LEFT, number)
    assert submission.state is SubmissionState.REJECTED
    return None if submission.problem is None else submission.problem.code
