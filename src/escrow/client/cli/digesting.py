"""`escrow digest`: who is mailed what happened in our partnerships, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.completing import partnership_names
from escrow.client.cli.digest_tables import show_digest, show_digests
from escrow.client.cli.pairing_up import YesOption, ask
from escrow.client.cli.session import Said, Session
from escrow.client.cli.short_ids import meant
from escrow.client.cli.texts import counted, printable
from escrow.client.cli.webhooking import chosen_partnerships, event_types

if TYPE_CHECKING:
    from escrow import wire

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The digest's id, or its first letters: `escrow digest list`.")
]


@app.callback()
def _digest() -> None: ...


@command(app, "add")
def add(
    session: Session,
    address: Annotated[str, typer.Argument(help="Who is mailed; - reads the address from the standard input.")],
    hour: Annotated[int, typer.Option("--at", min=0, max=23, help="At which hour, in UTC.")] = 6,
    weekday: Annotated[
        str | None, typer.Option("--on", metavar="WEEKDAY", help="Once a week, like monday; by default every day.")
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="TYPE", help="Tell this type of event, not the usual ones; may be repeated."),
    ] = None,
    partnership: Annotated[
        list[str] | None,
        typer.Option(
            "--partnership",
            "-p",
            help="Tell what concerns this partnership: label, partner's name or id; may be repeated.",
            autocompletion=partnership_names,
        ),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What you want to know it by.")] = "",
) -> Said:
    """Add a digest for a person, and have the address mailed a code. Nothing else is mailed until it is confirmed."""
    from escrow import wire

    asked = {
        "address": session.ask_line("The address to mail to:") if address == "-" else address,
        "hour": hour,
        "weekday": _weekday(weekday),
        "description": description,
        "types": event_types(event),
        "partnership_ids": chosen_partnerships(session, partnership),
    }
    try:
        digest = wire.NewMailDigest.model_validate(asked)
    except ValueError:
        raise typer.BadParameter("the address has 3 to 254 letters, the description up to 200") from None
    added = session.service.add_mail_digest(digest)
    told = f"Added {added.mail_digest_id}: a code is on its way to {printable(added.address)}."
    then = f"Then `escrow digest confirm {added.mail_digest_id} CODE`: no digest is mailed before."
    return Said(_object(added), lambda console: console.print(f"{told}\n{then}"))


@command(app, "list")
def list_digests(session: Session) -> Said:
    """List the digests, when each is mailed, what it tells, and how the last mail ended."""
    found = session.service.mail_digests()
    return Said({"digests": [_object(each) for each in found]}, lambda console: show_digests(console, found))


@command(app, "confirm")
def confirm(
    session: Session,
    digest_id: IdArgument,
    code: Annotated[str, typer.Argument(help="The code from the mail; - reads it from the standard input.")],
) -> Said:
    """Give back the code that the address was mailed: from then on it is mailed digests."""
    from escrow.errors import MailCodeWrong

    digest = _meant(session, digest_id)
    given = session.ask_line("The code from the mail:") if code == "-" else code
    if not 1 <= len(given.strip()) <= 100:
        raise typer.BadParameter("give the code as it stands in the mail", param_hint="CODE")
    confirmed = session.service.confirm_mail_digest(digest.mail_digest_id, given)
    if confirmed.state != "enabled":
        left = counted(confirmed.guesses_left, "more try", "more tries") if confirmed.guesses_left else "no more tries"
        raise MailCodeWrong(
            f"This is not the code that {digest.address} was mailed last, or it fits no more ({left}); "
            f"`escrow digest code {digest.mail_digest_id}` has another one mailed."
        )
    return Said(_object(confirmed), lambda console: show_digest(console, confirmed))


@command(app, "code")
def code(session: Session, digest_id: IdArgument) -> Said:
    """Have another code mailed, in place of the one before: at most three a day."""
    asked = session.service.mail_code(_meant(session, digest_id).mail_digest_id)
    if asked.state == "enabled":
        return Said(_object(asked), lambda console: console.print("It is confirmed: there is nothing to prove."))
    told = f"Another code is on its way to {printable(asked.address)}; the one before fits until it is written."
    return Said(_object(asked), lambda console: console.print(told))


@command(app, "remove")
def remove(session: Session, digest_id: IdArgument, yes: YesOption = False) -> Said:
    """Remove a digest and its address."""
    digest = _meant(session, digest_id)
    if not yes:
        ask(f"Remove the digest for {digest.address}? Nothing more is mailed there.")
    session.service.remove_mail_digest(digest.mail_digest_id)
    return Said(
        {"removed": _object(digest)},
        lambda console: console.print(f"The digest for {printable(digest.address)} is removed."),
    )


def _meant(session: Session, letters: str) -> wire.MailDigest:
    return meant(
        letters,
        session.service.mail_digests(),
        what="digest",
        made_by="escrow digest add",
        id_of=lambda digest: digest.mail_digest_id,
        told=lambda digest: digest.address,
    )


def _weekday(said: str | None) -> str | None:
    from typing import get_args

    from escrow import wire

    known = get_args(get_args(wire.WeekdayWord)[0])
    if said is not None and said.casefold() not in known:
        raise typer.BadParameter(f"give a day of the week: {', '.join(known)}", param_hint="--on")
    return None if said is None else said.casefold()


def _object(shown: wire.MailDigest) -> dict[str, object]:
    return shown.model_dump(mode="json")
