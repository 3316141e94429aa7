"""Lists that were sent, as the service tells of them: which is the latest, how far it is, and taking it back.

None of this needs a key of the partnership: whoever has lost them can still take back what another machine sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from escrow import wire
from escrow.client.generations import shown_without_keys
from escrow.client.sdk import Escrow
from escrow.errors import NothingToWithdraw, ServiceRefused, ServiceUnreachable

__all__ = ["latest_sent", "until_decided", "withdraw_without_keys"]

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_LONGEST_WAIT = 1800.0


def latest_sent(service: Escrow, shown: wire.Partnership) -> int:
    """Name what was sent last: an upload that is under way, one that waits to be applied, or the applied list.

    Raises:
        NothingToWithdraw: nothing of ours is being uploaded or applied.
    """
    ours = shown.list
    for number in (ours.last_number + 1, ours.last_number):
        if number > ours.applied_number and _is_under_way(service, shown.partnership_id, number):
            return number
    if not ours.accounts:
        raise NothingToWithdraw("the service has no list of ours, and none is on its way: there is none to withdraw")
    return ours.applied_number


def until_decided(
    service: Escrow, partnership_id: UUID, number: int, sleep: Callable[[float], None] = time.sleep
) -> wire.Submission:
    """Ask ever more slowly until the worker is done with a list, and give what has become of it.

    Raises:
        ServiceUnreachable: it takes far longer than any list should.
    """
    waited = 0.0
    while (submission := service.submission(partnership_id, number)).state == "received":
        if waited > _LONGEST_WAIT:
            raise ServiceUnreachable(
                "the service has the whole list and has not applied it yet; run `escrow status` later to see"
            )
        pause = min(_FIRST_PAUSE + waited / 10, _LONGEST_PAUSE)
        sleep(pause)
        waited += pause
    return submission


def withdraw_without_keys(service: Escrow, partnership_id: UUID, number: int | None, *, wait: bool) -> wire.Submission:
    """Withdraw a list, by default the latest, of a partnership whose keys this machine does not have.

    With ``wait``, return once the service's list is empty.

    Raises:
        PartnershipUnknown: the service has none of ours by this id.
        NothingToWithdraw: nothing of ours is being uploaded or applied.
    """
    shown = shown_without_keys(service, partnership_id)
    withdrawn = service.withdraw_submission(partnership_id, number or latest_sent(service, shown))
    last = service.partnership(partnership_id).list.last_number
    if wait and last:
        until_decided(service, partnership_id, last)
    return withdrawn


def _is_under_way(service: Escrow, partnership_id: UUID, number: int) -> bool:
    try:
        return service.submission(partnership_id, number).state in {"uploading", "received"}
    except ServiceRefused as refusal:
        if refusal.code != "not-found":
            raise
        return False
