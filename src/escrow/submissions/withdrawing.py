"""Withdrawing: a list that was sent by mistake is out of matching at once.

An upload that is not applied is dropped. Of an applied list the matches and the details of both sides are deleted in
the same transaction, so that nothing of it is read from then on; the list itself becomes empty by a snapshot without
accounts, which takes the next number and is applied like any other. So tokens that were tested stay known as tested,
and no number is ever used twice. A list in a generation that is being built goes with it, or alone: it has been
compared with nothing, and is deleted.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, delete, update

from escrow import audit, changes
from escrow.access import Party
from escrow.errors import SubmissionNotWithdrawable
from escrow.psi.records import ListRecords, SubmissionKind, chunk_digest, pack_chunk, submission_digest
from escrow.standing import Generation, building_standing, standing_of
from escrow.store.blocks import forget_list
from escrow.store.database import Transaction
from escrow.store.disputed import note_found
from escrow.store.sealing import SealingKey
from escrow.store.secrets import partnership_key
from escrow.store.states import SubmissionState, SubmissionType
from escrow.store.tables import chunks, envelopes, matches, parties, submissions
from escrow.submissions.announcing import Announcement, forget_unfinished, insert_announced, must_be_idle
from escrow.submissions.progress import Submission, found, last_number, of_submission, submission_of
from escrow.submissions.uploading import add_chunk, complete, read_chunk

__all__ = ["withdraw"]


def withdraw(tx: Transaction, party: Party, number: int, *, service_key: SealingKey, now: datetime) -> Submission:
    """Withdraw a submission that is not applied yet, or the applied list; withdrawn again, it stays as it is.

    Raises:
        NotFound, PartnershipNotActive: there is no such submission, or no place for any.
        SubmissionNotWithdrawable: it was rejected, or a later list has taken its place.
        SubmissionInProgress: a later one is being applied.
    """
    party.must_be_active()
    state = SubmissionState(found(tx, party, number).state)
    if state is SubmissionState.WITHDRAWN:
        return submission_of(tx, party, number)
    if state is SubmissionState.REJECTED:
        raise SubmissionNotWithdrawable("This submission was rejected: nothing of it was kept.")
    is_applied = state is SubmissionState.APPLIED
    if is_applied:
        _must_be_latest(tx, party, number)
    is_beside = is_applied and number == _number_beside(tx, party)
    _move(tx, party, number)
    detail = {"number": number, "from": state.value}
    trail_id, action = party.partnership_id, audit.Action.SUBMISSION_WITHDRAWN
    audit.record(tx, action, trail_id=trail_id, side=party.side, caller=party.caller, now=now, detail=detail)
    if is_applied:
        _forget_beside(tx, party)
    if is_applied and not is_beside:
        _forget_matches(tx, party)
        _take_back_word(tx, party)
        _empty(tx, party, base=number, service_key=service_key, now=now)
        changes.forget_withdrawn(tx, standing_of(tx, party.partnership_id), at=now)
    return submission_of(tx, party, number)


def _must_be_latest(tx: Transaction, party: Party, number: int) -> None:
    must_be_idle(tx, party)
    applied = standing_of(tx, party.partnership_id).applied.get(party.side)
    if number not in {None if applied is None else applied.number, _number_beside(tx, party)}:
        raise SubmissionNotWithdrawable("A later list has taken the place of this one: withdraw the one applied now.")


def _number_beside(tx: Transaction, party: Party) -> int | None:
    """Give the number of the party's list in the generation that is being built, if it has one there."""
    building = building_standing(tx, party.partnership_id)
    applied = None if building is None else building.applied.get(party.side)
    return None if applied is None else applied.number


def _forget_beside(tx: Transaction, party: Party) -> None:
    """Delete the party's list in the generation that is being built: nothing of it has been tested yet."""
    building = building_standing(tx, party.partnership_id)
    if building is not None:
        forget_list(tx, party.partnership_id, building.live.number, party.side)


def _move(tx: Transaction, party: Party, number: int) -> None:
    withdrawn = {"state": SubmissionState.WITHDRAWN.value}
    tx.execute(update(submissions).where(of_submission(submissions, party, number)).values(withdrawn))
    tx.execute(update(chunks).where(of_submission(chunks, party, number)).values(sealed=None))


def _forget_matches(tx: Transaction, party: Party) -> None:
    """Delete what was found by comparing the list, and the details of both sides that hang on it."""
    for table in (envelopes, matches):
        tx.execute(delete(table).where(table.c.partnership_id == party.partnership_id))
    note_found(tx, party.partnership_id, {})


def _take_back_word(tx: Transaction, party: Party) -> None:
    """Forget that the party called its counts right: that was said of the list that goes."""
    seat = and_(parties.c.partnership_id == party.partnership_id, parties.c.side == party.side.value)
    tx.execute(update(parties).where(seat).values(ready_submission=None))


def _empty(tx: Transaction, party: Party, *, base: int, service_key: SealingKey, now: datetime) -> None:
    """Submit a list without accounts in the party's name."""
    content = pack_chunk(ListRecords.empty())
    live = standing_of(tx, party.partnership_id).live
    announced = _empty_snapshot(party, live, content, number=last_number(tx, party) + 1, base=base)
    forget_unfinished(tx, party, announced.number)
    key = partnership_key(tx, party.partnership_id, service_key=service_key)
    insert_announced(tx, party, announced, key, now)
    chunk = read_chunk(content, most_bytes=len(content))
    add_chunk(tx, party, announced.number, 0, chunk, service_key=service_key, now=now)
    complete(tx, party, announced.number, ready=False, now=now)


def _empty_snapshot(party: Party, live: Generation, content: bytes, *, number: int, base: int) -> Announcement:
    digests = (chunk_digest(content),)
    digest = submission_digest(
        partnership_id=party.partnership_id,
        g=live.number,
        profile_id=live.profile,
        kind=SubmissionKind.SNAPSHOT,
        number=number,
        base=base,
        chunk_digests=digests,
    )
    return Announcement(
        number=number,
        type=SubmissionType.SNAPSHOT,
        base=base,
        generation=live.number,
        suite=live.suite,
        profile=live.profile,
        accounts=0,
        chunk_digests=digests,
        digest=digest,
    )
