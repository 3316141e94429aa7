"""Mail digests and postmen for tests: one organization that is told events, and a mail server on loopback."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

from sqlalchemy import select

from escrow.access import Caller
from escrow.deliveries.filters import EVERYTHING, Filter
from escrow.mail_digests import digests
from escrow.mail_digests.addresses import MailAddress
from escrow.mail_digests.digests import MailDigest, MailRule, Times
from escrow.mail_digests.postman import Postman
from escrow.mail_digests.sending import MailServer
from escrow.settings import ServerSettings
from escrow.store.database import Database
from escrow.store.sealing import SealingKey
from escrow.store.states import EventType
from escrow.store.tables import audit_entries
from escrow.store.tables import events as events_table
from escrow.webhooks import events
from tests.mail_digests.mail_servers import MailBox
from tests.partnership_makers import NOON, new_caller

__all__ = ["ADDRESS", "SENDER", "Desk", "body_of", "code_in", "desk_of", "limits_at", "server_at"]

ADDRESS = "kim.canary@people.example"
SENDER = MailAddress.parse("escrow@service.example")
SETTINGS = ServerSettings(mail_host="127.0.0.1", mail_from=SENDER.text, mail_security="none")


def server_at(port: int, **said: object) -> MailServer:
    """The settings of a server on loopback, in the open unless said otherwise."""
    usual: dict[str, object] = {"host": "127.0.0.1", "port": port, "security": "none", "sender": SENDER}
    return MailServer(**usual | {"answer_within": 5.0, "total": 20.0} | said)  # type: ignore[arg-type]  # a test's


def limits_at(port: int) -> dict[str, float | str]:
    """The settings of a service whose mail server is on loopback."""
    return {"mail_host": "127.0.0.1", "mail_port": port, "mail_security": "none", "mail_from": SENDER.text}


@dataclass(slots=True)
class Desk:
    """An organization, its digests, and a clock that stands still unless it is moved; nobody listens at first."""

    database: Database
    caller: Caller
    key: SealingKey = field(default_factory=SealingKey.make)
    settings: ServerSettings = SETTINGS
    now: datetime = NOON
    server: MailServer = field(default_factory=lambda: server_at(9))

    def rule(self, *, is_on: bool = True) -> MailRule:
        """What verbs go by."""
        return MailRule(is_on, self.settings.mail_digests, self.key, self.now)

    def postman(self) -> Postman:
        """One more postman on the database."""
        return Postman(
            self.database, self.key, self.settings, server=self.server, now=lambda: self.now, chance=lambda: 0
        )

    def post(self) -> None:
        """Send all that is due."""
        postman = self.postman()
        while postman.run_once():
            pass

    def later(self, **passed: float) -> None:
        """Move the clock."""
        self.now += timedelta(**passed)

    def add(
        self,
        *,
        address: str = ADDRESS,
        times: Times = Times(6),  # noqa: B008 - it is frozen
        wanted: Filter = EVERYTHING,
        caller: Caller | None = None,
    ) -> UUID:
        """Add a digest."""
        with self.database.transaction("add") as tx:
            return digests.add_mail_digest(
                tx,
                caller or self.caller,
                unverified_address=address,
                times=times,
                description="",
                wanted=wanted,
                by=self.rule(),
            ).mail_digest_id

    def ask_code(self, mail_digest_id: UUID) -> MailDigest:
        """Have another code mailed."""
        with self.database.transaction("ask") as tx:
            return digests.ask_code(tx, self.caller, mail_digest_id, by=self.rule())

    def confirm(self, mail_digest_id: UUID, code: str) -> MailDigest:
        """Give a code back."""
        with self.database.transaction("confirm") as tx:
            return digests.confirm_mail_digest(tx, self.caller, mail_digest_id, unverified_code=code, by=self.rule())

    def enabled(self, box: MailBox, *, wanted: Filter = EVERYTHING, times: Times = Times(6)) -> UUID:  # noqa: B008
        """Add a digest and confirm it, by the mail that the box gets; the box is then empty."""
        mail_digest_id = self.add(wanted=wanted, times=times)
        self.server = server_at(box.port)
        self.post()
        assert self.confirm(mail_digest_id, code_in(box.mails[-1])).state.value == "enabled"
        box.raw.clear()
        box.commands.clear()
        return mail_digest_id

    def tell(
        self,
        kind: EventType = EventType.ENDPOINT_DISABLED,
        partnership_id: UUID | None = None,
        **said: str | int | bool | None,
    ) -> None:
        """Tell the organization one event."""
        told = said or {"endpoint_id": str(UUID(int=3))}
        with self.database.transaction("tell") as tx:
            events.tell(tx, kind, {self.caller.organization_id: told}, partnership_id=partnership_id, now=self.now)

    def digest(self, mail_digest_id: UUID) -> MailDigest:
        """Where a digest stands."""
        with self.database.snapshot("look") as tx:
            return digests.mail_digest_of(tx, self.caller, mail_digest_id, by=self.rule())

    def told(self) -> Sequence[str]:
        """The types of the organization's events."""
        with self.database.snapshot("look") as tx:
            query = select(events_table.c.type).where(events_table.c.organization_id == self.caller.organization_id)
            return list(tx.execute(query.order_by(events_table.c.number)).scalars())

    def trail(self) -> Sequence[str]:
        """What the organization's audit trail says."""
        with self.database.snapshot("look") as tx:
            query = select(audit_entries.c.action).where(audit_entries.c.trail_id == self.caller.organization_id)
            return list(tx.execute(query.order_by(audit_entries.c.number)).scalars())


def desk_of(database: Database) -> Desk:
    """Give a new organization a desk."""
    with database.transaction("add an organization") as tx:
        return Desk(database, new_caller(tx, f"Acme {os.urandom(4).hex()}"))


def code_in(mail: EmailMessage) -> str:
    """Read the code as a person does."""
    found = re.search(r"The code is (\S+)", mail.get_content())
    assert found is not None
    return found[1]


def body_of(mail: EmailMessage, kind: str = "plain") -> str:
    """One of the two forms of a digest."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
