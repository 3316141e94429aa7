"""Addresses of people: parsed strictly, shown in part, sealed at rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Row

from escrow.errors import MailAddressInvalid
from escrow.store.sealing import SealingKey, context

__all__ = ["MailAddress"]

#: What is allowed of RFC 5321, 4.1.2: no quotes, no comments, no routes, no addresses in place of a domain.
_LOCAL = r"[A-Za-z0-9_+'=&~#/-]+(?:\.[A-Za-z0-9_+'=&~#/-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_LOCAL})@((?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9]))")
_LONGEST, _LONGEST_LOCAL = 254, 64


@dataclass(frozen=True, slots=True)
class MailAddress:
    """One plain address; never printed whole."""

    local: str = field(repr=False)
    domain: str

    @classmethod
    def parse(cls, unverified: str) -> Self:
        """Read an address, or raise MailAddressInvalid, which does not repeat it."""
        form = _ADDRESS.fullmatch(unverified.strip()) if len(unverified) <= _LONGEST else None
        if form is None or len(form[1]) > _LONGEST_LOCAL:
            raise MailAddressInvalid("Give one plain address, like name@example.com: ASCII, without quotes or spaces.")
        return cls(form[1], form[2].lower())

    @classmethod
    def open(cls, row: Row[Any], *, service_key: SealingKey) -> Self:
        """Open the address of a row of the table ``mail_digests``."""
        sealed = service_key.open(row.sealed_address, context=_context(row.mail_digest_id))
        return cls.parse(sealed.decode())

    def seal(self, mail_digest_id: UUID, *, service_key: SealingKey) -> bytes:
        """Seal it, for the column ``mail_digests.sealed_address``."""
        return service_key.seal(self.text.encode(), context=_context(mail_digest_id))

    def tag(self, organization_id: UUID, *, service_key: SealingKey) -> bytes:
        """Give 32 bytes by which one organization's codes for this address are counted, however it is written."""
        return service_key.tag(self.text.lower().encode(), context=context("mail_codes", organization_id))

    @property
    def text(self) -> str:
        """The whole address, for its mail alone."""
        return f"{self.local}@{self.domain}"

    @property
    def shown(self) -> str:
        """So much of it as tells a reader's own addresses apart."""
        return f"{self.local[0]}…@{self.domain}"


def _context(mail_digest_id: UUID) -> bytes:
    return context("mail_digests", mail_digest_id, "address")
