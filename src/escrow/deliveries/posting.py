"""Posting one delivery that was claimed, outside of any transaction but the one that makes its body."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from escrow.deliveries import outbox
from escrow.deliveries.outbox import Attempt, Claim
from escrow.deliveries.rendering import Rendered, Rendering, is_echo, reads_reports
from escrow.deliveries.schedule import outcome_of_status, retry_after
from escrow.deliveries.sealed import open_url
from escrow.errors import WebhookUrlInvalid
from escrow.store.database import Database, Transaction
from escrow.store.sealing import SealingKey
from escrow.store.states import AttemptOutcome, DeliveryKind, EndpointState
from escrow.webhooks.egress import Answer, Egress, Posting
from escrow.webhooks.targets import Target

__all__ = ["EndpointDisabled", "Poster"]

#: An answer to a challenge is short.
_ECHO_BYTES = 1_024


class EndpointDisabled(Exception):  # it is no error
    """The endpoint was disabled since its delivery was claimed, or is no longer ours: nothing was posted."""


class Poster:
    """Posts; threads share one."""

    def __init__(
        self,
        database: Database,
        service_key: SealingKey,
        rendering: Rendering,
        *,
        egress: Egress,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._service_key = service_key
        self._rendering = rendering
        self._egress = egress
        self._now = now

    def post(self, made: Claim) -> Attempt | None:
        """Post once, and say how that ended; None where there is nothing to tell now.

        Raises:
            EndpointDisabled: it is to be told another time.
        """
        started_at, started = self._now(), time.monotonic()
        answer = self._answer(made)
        if answer is None:
            return None
        lasted = timedelta(seconds=time.monotonic() - started)
        if isinstance(answer, AttemptOutcome):
            return Attempt(answer, None, started_at, lasted)
        asked = retry_after(answer.retry_after, now=self._now())
        return Attempt(outcome_of_status(answer.status, asked=asked), answer.status, started_at, lasted, asked)

    def _answer(self, made: Claim) -> Answer | AttemptOutcome | None:
        target = self._target(made)
        if target is None:
            return AttemptOutcome.FORBIDDEN  # the operator's rule is another one by now
        rendered: list[Rendered] = []

        def make() -> Posting | None:
            now = self._rendered(made)
            if now is None:
                return None
            rendered.append(now)
            return now.posting

        answer_bytes = _ECHO_BYTES if made.kind is DeliveryKind.CHALLENGE else 0
        answer = self._egress.post(target, make, answer_bytes=answer_bytes)
        challenge = rendered[0].challenge if rendered else None
        if isinstance(answer, Answer) and challenge is not None and not is_echo(challenge, answer.body):
            return AttemptOutcome.GARBLED if 200 <= answer.status < 300 else answer
        return answer

    def _target(self, made: Claim) -> Target | None:
        url = open_url(made.row, service_key=self._service_key)
        try:
            return Target.parse(url, self._egress.rule)
        except WebhookUrlInvalid:
            return None

    def _rendered(self, made: Claim) -> Rendered | None:
        """Make the body as of now: with a look at the database, or a transaction where the trail is written too."""
        if not reads_reports(made.row):
            with self._database.snapshot("make a body") as tx:
                row = outbox.held(tx, made.endpoint)
                if row is None or not reads_reports(row):
                    return self._made(tx, row, made)
        with self._database.transaction("make a body of a report") as tx:
            return self._made(tx, outbox.held(tx, made.endpoint), made)

    def _made(self, tx: Transaction, row: Row[Any] | None, made: Claim) -> Rendered | None:
        if row is None or row.state == EndpointState.DISABLED.value:
            raise EndpointDisabled
        return self._rendering.render(tx, row, made, now=self._now())
