"""How a person is shown mail digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from escrow.client.cli.texts import printable
from escrow.client.cli.webhook_tables import plain_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from escrow import wire

__all__ = ["show_digest", "show_digests"]


def show_digest(console: Console, digest: wire.MailDigest) -> None:
    """Show a digest that was just confirmed."""
    console.print(f"Confirmed: {printable(digest.address)} is mailed {_times(digest)}, if there is anything to tell.")


def show_digests(console: Console, found: Sequence[wire.MailDigest]) -> None:
    """Show digests, oldest first."""
    if not found:
        console.print("There is no mail digest yet: `escrow digest add ADDRESS` adds one.")
        return
    table = plain_table("id", "address", "mailed", "state", "last mail", "told of", "description")
    for each in found:
        table.add_row(
            str(each.mail_digest_id),
            printable(each.address),
            _times(each),
            each.state,
            _last(each),
            printable(_told_of(each)),
            printable(each.description),
        )
    console.print(table)


def _times(digest: wire.MailDigest) -> str:
    day = "daily" if digest.weekday is None else f"on {digest.weekday}s"
    return f"{day} at {digest.hour:02}:00 UTC"


def _last(digest: wire.MailDigest) -> str:
    if digest.failing_since is not None:
        return f"{digest.last_outcome}, failing since {digest.failing_since:%Y-%m-%d %H:%M}"
    sent = f" {digest.sent_at:%Y-%m-%d %H:%M}" if digest.sent_at else ""
    return f"{digest.last_outcome or 'none'}{sent}"


def _told_of(digest: wire.MailDigest) -> str:
    partnerships = ", ".join(f"partnership {each}" for each in digest.partnership_ids or ())
    return "; ".join(part for part in (", ".join(digest.types), partnerships) if part)
