"""Two lists of one pair at the same moment: together they never spend more than the allowance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from escrow.applying import Prepared, commit, prepare
from escrow.standing import standing_of
from escrow.store.database import Database
from escrow.store.states import SubmissionState
from escrow.terms import Side
from tests.partnership_makers import active_partnership
from tests.submission_makers import Desk, new_desk
from tests.test_charges import LIMITS, SETTINGS, accounts, allowance


def prepared(desk: Desk, *rows: int) -> Prepared:
    """Submit a list on the left and compute what becomes of it, as one worker does."""
    desk.submit(Side.LEFT, accounts(*rows))
    found = prepare(desk.database, desk.couple.partnership_id, Side.LEFT, service_key=desk.couple.service_key)
    assert found is not None
    return found


def test_two_lists_of_one_pair_in_two_partnerships_spend_one_allowance(database: Database, tmp_path: Path) -> None:
    first = new_desk(database, tmp_path, **SETTINGS)
    couple = active_partnership(database, lookup=b"\x09" * 16, of=first.couple, now=first.clock())
    second = Desk(database, couple, first.worker, first.clock)
    for desk in (first, second):
        for side in Side:
            desk.applied(side, accounts(1))
    left_before = allowance(first).left
    lists = [prepared(first, 1, *range(11, 17)), prepared(second, 1, *range(21, 27))]
    one_is_written = Event()

    def write(number: int) -> None:
        """Write what was prepared; the second begins while the first has written and not committed."""
        if number == 1:
            one_is_written.wait(30)
        with database.transaction("apply") as tx:
            commit(tx, lists[number], limits=LIMITS, now=first.clock())
            one_is_written.set()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(write, range(2)))
    states = [desk.submission(Side.LEFT, 2).state for desk in (first, second)]
    assert states == [SubmissionState.APPLIED, SubmissionState.REJECTED]
    assert left_before - allowance(first).left == 6 * 5
    with database.snapshot("standing") as tx:
        assert standing_of(tx, couple.partnership_id).applied[Side.LEFT].accounts == 1
