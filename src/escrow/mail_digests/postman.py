"""The postman: one loop that sends what is due, one mail after the other, outside of any transaction."""

from __future__ import annotations

import logging
import os
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID, uuid4

from escrow.deliveries.news import Reader
from escrow.mail_digests import outgoing
from escrow.mail_digests.addresses import MailAddress
from escrow.mail_digests.codes import make_code
from escrow.mail_digests.composing import range_of, sections_of
from escrow.mail_digests.letters import Letterhead, code_letter, digest_letter
from escrow.mail_digests.outgoing import Claim, MailKind
from escrow.mail_digests.sending import MailServer, hand_over, tls_of
from escrow.organizations import organization
from escrow.settings import ServerSettings
from escrow.store.database import Database
from escrow.store.sealing import SealingKey
from escrow.store.states import MailOutcome

__all__ = ["Postman", "mail_server"]

_log = logging.getLogger(__name__)


class Postman:
    """Sends the mails of one database; several may share a PostgreSQL."""

    def __init__(
        self,
        database: Database,
        service_key: SealingKey,
        settings: ServerSettings,
        *,
        server: MailServer | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        make_octets: Callable[[int], bytes] = os.urandom,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._service_key = service_key
        self._settings = settings
        self._server = server or mail_server(settings)
        self._contact = MailAddress.parse(settings.mail_contact) if settings.mail_contact else None
        self._now = now
        self._make_octets = make_octets
        self._chance = chance

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop, and then wait for what is under way, which ends by itself."""
        if self._settings.on_sqlite:
            with self._database.transaction("take over mails") as tx:
                outgoing.take_over(tx, now=self._now())
        while not stop.is_set():
            if not self._sent_one():
                stop.wait(self._settings.poll_seconds)

    def run_once(self) -> bool:
        """Send what has been due for longest; tell whether there was anything."""
        with self._database.snapshot("look for mails") as tx:
            if not outgoing.is_due(tx, now=self._now()):
                return False
        lease = timedelta(seconds=self._settings.mail_lease_seconds)
        with self._database.transaction("claim a mail") as tx:
            claimed = outgoing.claim(tx, now=self._now(), lease=lease)
        if claimed is not None:
            self.send(claimed)
        return claimed is not None

    def send(self, claimed: Claim) -> None:
        """Send one mail that was claimed, and note how that ended."""
        recipient = MailAddress.open(claimed.row, service_key=self._service_key)
        outcome = hand_over(self._server, recipient, lambda: self._written(claimed, recipient))
        if outcome is not None and outcome is not MailOutcome.SENT:
            _log.warning("mail of digest %s: %s", claimed.mail_digest_id, outcome.value)
        with self._database.transaction("settle a mail") as tx:
            outgoing.settle(tx, claimed, outcome, chance=self._chance(), now=self._now())

    def _sent_one(self) -> bool:
        try:
            return self.run_once()
        except Exception:  # noqa: BLE001 - a process's outermost loop; the lease runs out, and the mail is sent again
            _log.exception("a mail could not be sent or noted")
            return False

    def _written(self, claimed: Claim, recipient: MailAddress) -> EmailMessage | None:
        if claimed.kind is MailKind.CODE:
            return self._code_written(claimed, recipient)
        with self._database.transaction("look what a mail tells") as tx:
            told = range_of(tx, claimed)
            head = self._head(organization(tx, claimed.row.organization_id).name, claimed, recipient)
        if told is None:
            return None
        name = f"mail digest {claimed.mail_digest_id}"
        reader = Reader(claimed.row.organization_id, name, self._service_key, self._now())
        sections = sections_of(self._database, told, reader, link=self._settings.webhook_link)
        return digest_letter(head, sections, is_whole=told.is_whole) if sections else None

    def _code_written(self, claimed: Claim, recipient: MailAddress) -> EmailMessage | None:
        """Make a code, which fits once its mail may be under way; of the code itself nothing is kept."""
        code = make_code(random=self._make_octets)
        with self._database.transaction("keep a code") as tx:
            row = outgoing.held(tx, claimed)
            if row is None:
                return None
            outgoing.keep_code(tx, claimed, code, now=self._now())
            name = organization(tx, row.organization_id).name
        # Each has an id of its own: what a mailbox takes for the same mail would leave an old code standing.
        return code_letter(self._head(name, claimed, recipient, message_id=uuid4()), code)

    def _head(self, name: str, claimed: Claim, recipient: MailAddress, *, message_id: UUID | None = None) -> Letterhead:
        return Letterhead(
            organization=name,
            sender=self._server.sender,
            contact=self._contact,
            recipient=recipient,
            mail_digest_id=claimed.mail_digest_id,
            message_id=message_id or claimed.row.message_id,
            written_at=self._now(),
        )


def mail_server(settings: ServerSettings) -> MailServer:
    """Give the mail server that the settings name.

    Raises:
        MailAddressInvalid, MailUnusable: they do not come to one.
    """
    return MailServer(
        host=settings.mail_host,
        port=settings.mail_port,
        security=settings.mail_security,
        sender=MailAddress.parse(settings.mail_from),
        username=settings.mail_username,
        password=settings.mail_password,
        tls=None if settings.mail_security == "none" else tls_of(settings.mail_ca_file),
        answer_within=settings.mail_answer_seconds,
        total=settings.mail_total_seconds,
    )
