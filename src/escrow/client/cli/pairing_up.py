"""`escrow invite`, `accept`, `confirm` and `end`: from two strangers to two holders of one secret, and back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.session import Said, Session, name_of, short_id
from escrow.client.cli.texts import printable, without_controls

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.seats import Seat

__all__ = ["YesOption", "app", "ask", "id_without_keys", "lost_terms", "seat_object"]

app = typer.Typer()

LabelOption = Annotated[str, typer.Option("--label", help="What you want to call the partnership, in 80 letters.")]
#: As long as a name in a table can be read.
_LONGEST_LABEL = 80
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@command(app, "invite", without=frozenset({"partnership"}))
def invite(
    session: Session,
    to: Annotated[
        UUID | None, typer.Option("--to", help="The partner's organization id; without it you `confirm` who accepted.")
    ] = None,
    label: LabelOption = "",
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="How names and websites are normalised, if the partner lacks the latest way."),
    ] = None,
) -> Said:
    """Invite a partner: prints a pairing code to carry to them outside the service."""
    from escrow.client.inviting import invite as send_invitation

    _must_be_free(session, label)
    _warn_of_another(session, to)
    printed = send_invitation(
        session.service,
        session.file,
        label=label,
        acceptor=to,
        profile_id=_profile_id(profile),
        random=session.random,
        now=session.now,
    )

    def show(console: Console) -> None:
        console.print("Send this pairing code to your partner by mail, chat or phone, within 7 days:\n")
        console.print(f"  [bold]{printed.code}[/]\n")
        console.print("They run `escrow accept CODE`. It is shown once, and is a secret until they did.")

    return Said({**seat_object(printed.seat), "code": printed.code}, show)


def _profile_id(asked: str | None) -> str:
    """Give the latest profile, or the one asked for if this version has it."""
    from escrow.errors import ProfileUnknown
    from escrow.psi.profile_ids import LATEST_PROFILE, PROFILE_IDS

    if asked is not None and asked not in PROFILE_IDS:
        raise ProfileUnknown(f"this version of escrow has the profiles {' and '.join(PROFILE_IDS)}, not {asked}")
    return asked or LATEST_PROFILE


@command(app, "accept", without=frozenset({"partnership"}))
def accept(
    session: Session,
    code: Annotated[str, typer.Argument(help="The pairing code; - reads it from standard input.", show_default=False)],
    label: LabelOption = "",
) -> Said:
    """Accept a partner's invitation, or fresh pairing, by its pairing code."""
    from escrow.client.pairing import accept as take_invitation
    from escrow.psi.pairing import read_pairing_code
    from escrow.psi.profile_ids import PROFILE_IDS

    _must_be_free(session, label)
    seat = take_invitation(
        session.service,
        session.file,
        code=read_pairing_code(sys.stdin.readline().strip() if code == "-" else code),
        label=label,
        profiles=frozenset(PROFILE_IDS),
        random=session.random,
        now=session.now,
    )
    if seat.fresh is not None or seat.building is not None:
        told = "Accepted. The fresh pairing is complete once a command of theirs has run, then one of yours;"
        return _standing(seat, f"{told}\nfrom then on `escrow submit` fills the new generation.{lost_terms(seat)}")
    return _standing(seat, "Accepted. The pairing is complete once a command of theirs has run, then one of yours.")


@command(app, "confirm")
def confirm(session: Session, yes: YesOption = False) -> Said:
    """Confirm the organization that accepted an invitation which named nobody."""
    from escrow.client.pairing import confirm as go_on
    from escrow.client.seats import Standing

    seat = session.advanced(session.chosen_of(frozenset(Standing) - {Standing.PAIRED, Standing.CLOSED}))
    if seat.standing is Standing.UNCONFIRMED:
        if not yes:
            partner = f"{without_controls(seat.partner_name)} ({seat.partner_id})"
            ask(f"{partner} accepted. Call them: does their client show the check {seat.check}?")
        seat = go_on(session.service, session.file, seat, now=session.now)
    return _standing(seat, "Nothing is left to confirm." if seat.keys else "Nobody has accepted yet.")


@command(app, "end")
def end(session: Session, yes: YesOption = False) -> Said:
    """End a partnership for both sides: the service erases its keys at once, this machine too.

    By its whole id also one whose keys this machine does not have, as after the loss of another one.
    """
    from escrow.client.pairing import end as end_partnership

    lost = id_without_keys(session)
    if lost is not None:
        return _ended_without_keys(session, lost, yes=yes)
    # What cannot be taken back is never guessed among several.
    seat = session.chosen_of(frozenset())
    if not yes:
        ask(f"End the partnership {name_of(seat)}? Both sides lose their results, and only a new invitation goes on.")
    return _standing(end_partnership(session.service, session.file, seat), "Ended.")


def id_without_keys(session: Session) -> UUID | None:
    """The id that --partnership gives, if it is a whole one that the keyring has no seat for."""
    try:
        asked = UUID(session.options.partnership or "")
    except ValueError:
        return None
    return None if any(seat.partnership_id == asked for seat in session.keyring.seats) else asked


def _ended_without_keys(session: Session, partnership_id: UUID, *, yes: bool) -> Said:
    from escrow.client.pairing import end_without_keys

    if not yes:
        ask(f"End the partnership {partnership_id}, whose keys this machine does not have, for both sides?")
    ended = end_without_keys(session.service, partnership_id)
    partner = ended.partner.model_dump(mode="json") if ended.partner else None
    machine = {"partnership_id": str(partnership_id), "partner": partner, "pairing": None, "check": None}
    return Said(machine, lambda console: console.print("Ended. To go on with this partner, run `escrow invite`."))


def seat_object(seat: Seat) -> dict[str, object]:
    """What programs are told of a seat."""
    return {
        "partnership_id": str(seat.partnership_id),
        "label": seat.label,
        "partner": {"organization_id": str(seat.partner_id), "name": seat.partner_name} if seat.partner_id else None,
        "pairing": seat.standing.value,
        "check": _newest_check(seat),
    }


def lost_terms(seat: Seat) -> str:
    """Say that a machine which lost its keys has lost the terms that it goes by as well."""
    if seat.confirmed.number:
        return ""
    return (
        "\nThis machine has no terms of yours: see `escrow terms show`, and confirm them with `escrow terms confirm`."
    )


def _newest_check(seat: Seat) -> str | None:
    return seat.check if seat.fresh is None or seat.fresh.check is None else seat.fresh.check


def _standing(seat: Seat, told: str) -> Said:
    def show(console: Console) -> None:
        console.print(told)
        if seat.partner_name:
            console.print(f"Partner: {printable(seat.partner_name)} ({seat.partner_id})")
        check = _newest_check(seat)
        if seat.keys is not None and check:
            console.print(f"Check:   {check}   (the same on both sides: compare it by voice)")

    return Said(seat_object(seat), show)


def _must_be_free(session: Session, label: str) -> None:
    if len(label) > _LONGEST_LABEL:
        raise typer.BadParameter(f"a label has at most {_LONGEST_LABEL} letters", param_hint="--label")
    names = {name.casefold() for seat in _open_seats(session) for name in (seat.label, seat.partner_name)}
    if label and label.casefold() in names:
        raise typer.BadParameter("another partnership has this label, or a partner this name", param_hint="--label")


def _warn_of_another(session: Session, partner_id: UUID | None) -> None:
    """Say that a partnership with this organization is there already: the second splits what was meant to be one."""
    for seat in _open_seats(session):
        if partner_id is not None and seat.partner_id == partner_id:
            what = "An open invitation to" if seat.invited else "A partnership with"
            told = f"{what} this organization is there already: {name_of(seat)}."
            session.note(f"{told} `escrow end --partnership {short_id(seat)}` ends the one that is too many.")


def _open_seats(session: Session) -> list[Seat]:
    from escrow.client.seats import Standing

    return [seat for seat in session.keyring.seats if seat.standing is not Standing.CLOSED]


def ask(question: str) -> None:
    """Go on only if a person at the terminal says so."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask; add --yes", param_hint="--yes")
    typer.confirm(question, abort=True, err=True)
