"""A fresh pairing within a partnership: the next generation under keys that follow from none before it.

::

    proposed ──the other side accepts──▶ accepted ──the starter confirms──▶ building ──▶ as every generation

As in the first pairing the service passes public keys and tags between the two clients and can check neither; whoever
starts it is its inviter. What was said is kept until the switch, for the acceptor's client to verify.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from escrow import audit
from escrow.access import Party, not_found
from escrow.errors import ConfirmationTaken, InvitationTaken, PairingIncomplete, PairingInvalid
from escrow.partnerships.generations import build
from escrow.partnerships.pairing import PUBLIC_BYTES, TAG_BYTES, Pairing, must_measure, pairing_said
from escrow.partnerships.proposals import proposal_of
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.tables import fresh_pairings
from escrow.terms import Side

__all__ = ["accept_fresh_pairing", "confirm_fresh_pairing", "fresh_pairing"]


def accept_fresh_pairing(
    tx: Transaction, party: Party, *, lookup: bytes, acceptor_public: bytes, tag: bytes, now: datetime
) -> None:
    """Answer the partner's fresh pairing; the same answer again changes nothing.

    Raises:
        PairingInvalid: a length is wrong.
        NotFound: the partner has started none that this lookup leads to, or it has lapsed.
        InvitationTaken: it has another answer already.
    """
    must_measure(acceptor_public, PUBLIC_BYTES)
    must_measure(tag, TAG_BYTES)
    party.must_be_active()
    row = _row(tx, party, now)
    if row is None or Side(row.side) is party.side or not hmac.compare_digest(row.lookup, lookup):
        raise not_found()
    if row.acceptor_public is not None:
        if (row.acceptor_public, row.acceptor_tag) != (acceptor_public, tag):
            raise InvitationTaken("This fresh pairing has an answer already: ask your partner to start another.")
        return
    _say(tx, party, acceptor_public=acceptor_public, acceptor_tag=tag)
    detail = {"generation": row.generation}
    action = audit.Action.GENERATION_ACCEPTED
    audit.record(tx, action, trail_id=party.partnership_id, caller=party.caller, now=now, detail=detail)


def fresh_pairing(tx: Transaction, party: Party, *, now: datetime) -> Pairing:
    """Show what was said so far; its starter is the inviter.

    Raises:
        PairingIncomplete: there is none, or nobody has accepted yet.
    """
    party.must_be_active()
    row = _accepted(tx, party, now)
    return pairing_said(tx, party.partnership_id, row, inviter=Side(row.side))


def confirm_fresh_pairing(
    tx: Transaction,
    party: Party,
    *,
    tag: bytes,
    service_key: SealingKey,
    random: Callable[[int], bytes],
    now: datetime,
) -> None:
    """Complete the fresh pairing: its generation is built from now on; the same tag again changes nothing.

    Raises:
        PairingInvalid: the tag's length is wrong, or the caller did not start it.
        PairingIncomplete: there is none, or nobody has accepted yet.
        ConfirmationTaken: it was confirmed with another tag.
    """
    must_measure(tag, TAG_BYTES)
    party.must_be_active()
    row = _accepted(tx, party, now)
    if Side(row.side) is not party.side:
        raise PairingInvalid("The client that started the fresh pairing confirms it, not the other one.")
    if row.inviter_tag is not None:
        if row.inviter_tag != tag:
            raise ConfirmationTaken("This fresh pairing is confirmed already: cancel it if that was not you.")
        return
    proposed = proposal_of(tx, party.partnership_id, now=now)
    if proposed is None:
        raise PairingIncomplete(_NONE)
    _say(tx, party, inviter_tag=tag)
    build(tx, party, proposed, service_key=service_key, random=random, now=now)


_NONE = "No fresh pairing is under way here, or it was cancelled or has lapsed."


def _accepted(tx: Transaction, party: Party, now: datetime) -> Row[Any]:
    row = _row(tx, party, now)
    if row is None:
        raise PairingIncomplete(_NONE)
    if row.acceptor_public is None:
        raise PairingIncomplete("The partner has not accepted the fresh pairing yet.")
    return row


def _row(tx: Transaction, party: Party, now: datetime) -> Row[Any] | None:
    """Give what was said, unless it lapsed before it was confirmed."""
    query = select(fresh_pairings).where(fresh_pairings.c.partnership_id == party.partnership_id)
    row: Row[Any] | None = tx.execute(query).one_or_none()
    is_over = row is not None and row.inviter_tag is None and now >= row.expires_at
    return None if is_over else row


def _say(tx: Transaction, party: Party, **said: bytes) -> None:
    tx.execute(update(fresh_pairings).where(fresh_pairings.c.partnership_id == party.partnership_id).values(**said))
