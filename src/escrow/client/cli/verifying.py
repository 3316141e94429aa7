"""`escrow report verify` and `history`: what the service has signed, and what this machine has seen of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.session import Said, Session

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.reporting import Checked
    from escrow.client.seats import Seat

__all__ = ["app", "checked_line", "checked_object"]

app = typer.Typer()


@command(app, "verify")
def verify(
    session: Session,
    check_all: Annotated[
        bool,
        typer.Option("--all", help="Check every release again, from the first on, not the new ones only."),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Check what is kept on this machine, without asking the service.")
    ] = False,
    release_key: Annotated[
        str | None,
        typer.Option("--release-key", metavar="ID", help="Believe this key, once the operator named it."),
    ] = None,
) -> Said:
    """Check the signature of each release, that it follows the one before, and that the partner saw the same."""
    from escrow.client.chain import Chain
    from escrow.client.reporting import Checked
    from escrow.client.reporting import verify as verify_releases

    seat = session.chosen if offline else session.seat
    seat.require_paired()
    chain = Chain.load(session.home.partnership(seat.partnership_id))
    owner = session.keyring.organization_id
    if offline:
        numbers = tuple(chain.check_whole(seat=seat, owner=owner))
        chain.must_be_whole(seat)
        checked = Checked(numbers, None, tuple(sorted(chain.keys)))
    else:
        shown = session.service.partnership(seat.partnership_id)
        checked = verify_releases(
            session.service,
            seat,
            chain,
            shown,
            owner=owner,
            accepted_key=release_key,
            whole=check_all,
            at_least=seat.highest_release,
        )
    machine = {"partnership_id": str(seat.partnership_id), **checked_object(checked)}
    return Said(machine, lambda console: _show(console, seat, checked))


@command(app, "history")
def history(session: Session) -> Said:
    """List the releases that this machine has seen and checked, and when each was made."""
    from escrow.client.chain import Chain
    from escrow.reports.statement import read_statement

    seat = session.chosen
    seat.require_paired()
    chain = Chain.load(session.home.partnership(seat.partnership_id))
    chain.check_whole(seat=seat, owner=session.keyring.organization_id)
    chain.must_be_whole(seat)
    rows = [
        {
            "number": number,
            "made_at": datetime.fromtimestamp(read_statement(release.statement).made_at, UTC)
            .isoformat()
            .replace("+00:00", "Z"),
            "generation": read_statement(release.statement).generation,
            "key_id": release.key_id,
        }
        for number, release in sorted(chain.releases.items(), reverse=True)
    ]

    def show(console: Console) -> None:
        if not rows:
            console.print("No signed release was seen here yet; `escrow report` takes them in.")
        for row in rows:
            console.print(
                f"release {row['number']:>4}  {row['made_at']}  generation {row['generation']}  key {row['key_id']}"
            )

    return Said({"partnership_id": str(seat.partnership_id), "releases": rows}, show)


def checked_line(checked: Checked, *, is_signed: bool) -> str:
    """Say in a line what was held against what."""
    if not is_signed:
        return "Not signed: made before this service signed its releases"
    head = checked.partners_head
    partner = "" if head is None else f"; your partner has seen the same up to release {head}"
    return f"Checked: signed by the service, follows the release before{partner}"


def checked_object(checked: Checked) -> dict[str, object]:
    """Say the same to a program."""
    return {
        "checked_releases": list(checked.releases),
        "partner_has_seen": checked.partners_head,
        "release_keys": list(checked.keys),
    }


def _show(console: Console, seat: Seat, checked: Checked) -> None:
    if not checked.releases:
        console.print("There is no signed release yet.")
        return
    first, last = checked.releases[0], checked.releases[-1]
    which = f"release {last}" if first == last else f"releases {first} to {last}"
    console.print(f"Checked {which}: signed by {', '.join(checked.keys)}, and each follows the one before.")
    if checked.partners_head is None:
        console.print(f"{seat.partner_name} has not said yet which release it has seen: it does so when it submits.")
    else:
        console.print(f"{seat.partner_name} has seen the same history up to release {checked.partners_head}.")
