"""Mail digests as methods of the SDK: `Escrow` has them all."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from escrow import wire
from escrow.client.calls import Calls

__all__ = ["MailCalls"]

_ALL = "/v1/mail-digests"


class MailCalls(Calls):
    """Who is mailed what happened; the API key needs the scope ``webhooks``."""

    def add_mail_digest(self, digest: wire.NewMailDigest) -> wire.MailDigest:
        """Add a digest; its address is mailed a code."""
        return self._post(_ALL, digest, wire.MailDigest)

    def mail_digests(self) -> Sequence[wire.MailDigest]:
        """Every digest that the API key may know of, oldest first."""
        return self._get(_ALL, wire.MailDigests).items

    def mail_digest(self, mail_digest_id: UUID) -> wire.MailDigest:
        """One digest, and where it stands."""
        return self._get(_at(mail_digest_id), wire.MailDigest)

    def mail_code(self, mail_digest_id: UUID) -> wire.MailDigest:
        """Have another code mailed, in place of the one before."""
        return self._post(_at(mail_digest_id, "code"), wire.Nothing(), wire.MailDigest)

    def confirm_mail_digest(self, mail_digest_id: UUID, code: str) -> wire.MailDigest:
        """Give the code back: the digest is then ``enabled``; for another code it is as before, with one try less."""
        return self._post(_at(mail_digest_id, "confirm"), wire.MailCode(code=code), wire.MailDigest)

    def remove_mail_digest(self, mail_digest_id: UUID) -> None:
        """Remove a digest and its address."""
        self._delete(_at(mail_digest_id))


def _at(mail_digest_id: UUID, *parts: str) -> str:
    return "/".join((_ALL, str(mail_digest_id), *parts))
