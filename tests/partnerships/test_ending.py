"""An end leaves nothing that could be read."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from escrow import audit, partnerships
from escrow.audit import Action
from escrow.errors import (
    NotFound,
    PartnershipEnded,
)
from escrow.reports.trail import shared_trail
from escrow.settings import ServerSettings
from escrow.store.database import Database, Transaction
from escrow.store.secrets import open_pepper, partnership_key
from escrow.store.states import JobType, PartnershipState
from escrow.store.tables import accounts, jobs, lists, tokens
from escrow.store.tables import partnerships as partnership_rows
from escrow.terms import Side
from escrow.worker import Worker
from tests.partnership_makers import (
    LOOKUP,
    NOON,
    RELEASE_KEY,
    Couple,
    active_partnership,
    apply_list,
    invited_partnership,
    seat,
)

JUST_IN_TIME = NOON + timedelta(days=7) - timedelta(seconds=1)
TOO_LATE = NOON + timedelta(days=7)


def _accept(tx: Transaction, couple: Couple, **changed: object) -> None:
    said = {"lookup": LOOKUP, "acceptor_public": b"\x02" * 32, "tag": b"\x03" * 32, "now": NOON}
    partnerships.accept(tx, couple.right, couple.partnership_id, **(said | changed))  # type: ignore[arg-type]


def _confirm(tx: Transaction, couple: Couple, *, side: Side = Side.LEFT, tag: bytes = b"\x04" * 32) -> None:
    party = seat(tx, couple, side)
    partnerships.confirm(tx, party, tag=tag, service_key=couple.service_key, random=os.urandom, now=NOON)


def _due(tx: Transaction, partnership_id: UUID) -> set[str]:
    return set(tx.execute(select(jobs.c.type).where(jobs.c.partnership_id == partnership_id)).scalars())


@pytest.mark.parametrize("side", list(Side))
def test_an_end_erases_both_keys_in_its_own_transaction(database: Database, side: Side) -> None:
    couple = active_partnership(database)
    with database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, couple, side), now=NOON)
    with database.snapshot("look") as tx:
        with pytest.raises(PartnershipEnded):
            open_pepper(tx, couple.partnership_id, 0, service_key=couple.service_key)
        with pytest.raises(PartnershipEnded):
            partnership_key(tx, couple.partnership_id, service_key=couple.service_key)
        assert tx.execute(select(partnership_rows.c.sealed_key)).scalar_one() is None
        assert _due(tx, couple.partnership_id) == {JobType.PURGE.value}
        assert (
            partnerships.show(tx, seat(tx, couple, side), service_key=couple.service_key, now=NOON).state
            is PartnershipState.ENDED
        )


def test_ending_again_changes_nothing(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("end twice") as tx:
        partnerships.end(tx, seat(tx, couple, Side.LEFT), now=NOON)
        before = list(audit.trail(tx, shared_trail(couple.partnership_id)))
        partnerships.end(tx, seat(tx, couple, Side.RIGHT), now=TOO_LATE)
        assert list(audit.trail(tx, shared_trail(couple.partnership_id))) == before


def test_an_invitation_that_was_voided_cannot_be_accepted(database: Database) -> None:
    couple = invited_partnership(database)
    with database.transaction("void") as tx:
        partnerships.end(tx, seat(tx, couple, Side.LEFT), now=NOON)
        with pytest.raises(NotFound):
            partnerships.look_up(tx, couple.right, LOOKUP, now=NOON)
        with pytest.raises(NotFound):
            _accept(tx, couple)


def test_an_ended_partnership_is_not_confirmed(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, couple, Side.LEFT), now=NOON)
        with pytest.raises(PartnershipEnded):
            _confirm(tx, couple)


def test_a_purge_deletes_in_batches_until_nothing_is_left(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("end") as tx:
        apply_list(tx, couple, size=2_000)
        partnerships.end(tx, seat(tx, couple, Side.LEFT), now=NOON)
    rounds = 0
    while True:
        rounds += 1
        with database.transaction("purge") as tx:
            if partnerships.purge(tx, couple.partnership_id, batch=2, now=NOON):
                break
    with database.snapshot("look") as tx:
        left = [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in (tokens, accounts, lists)]
        assert left == [0, 0, 0]
        assert list(audit.trail(tx, shared_trail(couple.partnership_id)))[-1].action == Action.PURGED
        audit.verify(tx, shared_trail(couple.partnership_id))
    assert rounds > 5


def test_a_purge_touches_only_what_has_ended(database: Database) -> None:
    ended, going_on = active_partnership(database), active_partnership(database, lookup=b"\x05" * 16)
    with database.transaction("purge") as tx:
        for couple in (ended, going_on):
            apply_list(tx, couple)
        partnerships.end(tx, seat(tx, ended, Side.LEFT), now=NOON)
        for couple in (ended, going_on):
            while not partnerships.purge(tx, couple.partnership_id, now=NOON):
                pass
            partnerships.purge(tx, couple.partnership_id, now=NOON)
        told = [entry.action for entry in audit.trail(tx, shared_trail(ended.partnership_id))]
        assert told.count(Action.PURGED) == 1
        kept = set(tx.execute(select(accounts.c.partnership_id)).scalars())
    assert kept == {going_on.partnership_id}


def test_the_trail_tells_the_whole_story(database: Database) -> None:
    couple = active_partnership(database)
    with database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, couple, Side.RIGHT), now=NOON)
        audit.verify(tx, shared_trail(couple.partnership_id))
        told = [(entry.action, entry.organization_id) for entry in audit.trail(tx, shared_trail(couple.partnership_id))]
    left, right = couple.left.organization_id, couple.right.organization_id
    assert told == [
        (Action.INVITED, left),
        (Action.ACCEPTED, right),
        (Action.CONFIRMED, left),
        (Action.ENDED, right),
    ]


def test_what_an_end_erased_is_gone_from_every_file_of_sqlite(migrated_file: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'escrow.sqlite')}")
    couple = active_partnership(database)
    with database.transaction("end") as tx:
        sealed = tx.execute(select(partnership_rows.c.sealed_key)).scalar_one()
        partnerships.end(tx, seat(tx, couple, Side.LEFT), now=NOON)
    settings = ServerSettings(data_folder=tmp_path)
    while Worker(database, couple.service_key, settings, release_key=RELEASE_KEY, now=lambda: NOON).run_once():
        pass
    assert not [file.name for file in tmp_path.iterdir() if sealed in file.read_bytes()]
    database.close()
