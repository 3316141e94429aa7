"""`escrow doctor`: look at everything that this machine needs, and say what to do about the rest."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import Said, Session, name_of
from escrow.client.cli.texts import counted, printable
from escrow.errors import EscrowError, PassphraseMissing, SystemKeyringUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from escrow.client.doctor.checks import Check
    from escrow.client.doctor.network import Reach

__all__ = ["app"]

app = typer.Typer()


@command(app, "doctor")
def doctor(session: Session) -> Said:
    """Check this machine, the service and every partnership: what is wrong, and what to do about it."""
    machine, service = [*_machine(session)], [*_service(session)]
    found = [*machine, *service, *_partnerships(session, unasked=_why_unasked(service))]

    def show(console: Console) -> None:
        for check in found:
            _show(console, check)
        console.print(_summary(found))

    told = {"checks": [{**asdict(each), "area": each.area.value, "state": each.state.value} for each in found]}
    return Said(told, show, _exit_code(found))


def _machine(session: Session) -> Iterator[Check]:
    from escrow.client.doctor.machine import (
        look_at_disk,
        look_at_encoding,
        look_at_home,
        look_at_normalisation,
        look_at_passphrase_file,
        look_at_states,
    )
    from escrow.psi import vectors

    yield from look_at_home(session.home)
    if named := session.options.passphrase_file or session.environment.get("ESCROW_PASSPHRASE_FILE"):
        yield look_at_passphrase_file(Path(named).expanduser())
    if session.home.keyring.is_file():
        yield _opens(session)
    yield from look_at_states(session.home)
    yield look_at_disk(session.home)
    yield look_at_encoding(sys.stdout.encoding)
    yield look_at_normalisation(vectors.documents()["normalisation"]["match_keys"])


def _opens(session: Session) -> Check:
    from escrow.client.doctor.checks import Area, fail, ok, skip

    name = "key file opens"
    try:
        seats = len(session.keyring.seats)
    except (PassphraseMissing, SystemKeyringUnusable) as missing:
        return skip(name, Area.MACHINE, missing.message)
    except EscrowError as error:
        return fail(name, Area.MACHINE, error.message, "see this error in docs/errors.md")
    return ok(name, Area.MACHINE, counted(seats, "partnership"))


def _is_open(session: Session) -> bool:
    return "file" in vars(session)


def _service(session: Session) -> Iterator[Check]:
    from escrow.client.doctor.checks import Area, fail, skip
    from escrow.client.doctor.network import look_at_service

    reach = _reach(session)
    if reach is None:
        advice = "give the passphrase, or before `escrow init` set ESCROW_URL and ESCROW_API_KEY"
        yield skip("service", Area.SERVICE, "no address and API key are known here", advice)
        return
    try:
        service = session.connect(reach.url, reach.api_key, ca=reach.ca, proxy=reach.proxy)
    except EscrowError as error:
        yield fail("service", Area.SERVICE, error.message, "mend this first")
        return
    with service:
        yield from look_at_service(reach, service, now=session.now)


def _reach(session: Session) -> Reach | None:
    from escrow.client.doctor.network import Reach

    if _is_open(session):
        keyring = session.keyring
        ca = session.ca_file or (Path(keyring.ca_file) if keyring.ca_file else None)
        return Reach(keyring.url, keyring.api_key, ca, session.proxy or keyring.proxy, keyring.organization_id)
    url, api_key = session.environment.get("ESCROW_URL"), session.environment.get("ESCROW_API_KEY", "").strip()
    return Reach(url, api_key, session.ca_file, session.proxy, None) if url and api_key else None


def _why_unasked(service: list[Check]) -> str | None:
    """Why the service cannot be asked about partnerships; told once, at the check that failed."""
    well = {check.name for check in service if check.state.value == "ok"}
    if "service" not in well:
        return "the service is not reached"
    return None if "API key" in well else "the API key is not taken"


def _partnerships(session: Session, *, unasked: str | None) -> Iterator[Check]:
    from escrow.client.doctor.checks import Area, ok, skip
    from escrow.client.doctor.partnerships import look_at_seat, look_elsewhere

    if not _is_open(session):
        return
    seats = (session.chosen,) if session.options.partnership else session.keyring.seats
    if unasked is None and not session.options.partnership:
        yield from look_elsewhere(session.service, session.keyring)
    if not seats:
        yield ok("partnerships", Area.PARTNERSHIP, "none yet: `escrow invite`, or `escrow accept CODE`")
        return
    for seat in seats:
        if unasked is None:
            folder = session.home.folder / "partnerships" / str(seat.partnership_id)
            yield from look_at_seat(session.service, seat, name_of(seat), folder, now=session.now)
        else:
            reason = f"{seat.standing.value} here; {unasked}"
            yield skip("state", Area.PARTNERSHIP, reason, partnership=name_of(seat))


def _show(console: Console, check: Check) -> None:
    colour = {"ok": "green", "warn": "yellow", "fail": "red"}.get(check.state.value, "dim")
    name = f"{printable(check.partnership)}: {check.name}" if check.partnership else check.name
    console.print(f"[{colour}]{check.state.value:5}[/] {name:16} {printable(check.reason)}")
    if check.advice:
        console.print(f"      {'':16} → {printable(check.advice)}")


def _summary(found: list[Check]) -> str:
    counts = {word: sum(check.state.value == word for check in found) for word in ("fail", "warn", "skip")}
    told = [f"{count} {word}" for word, count in counts.items() if count]
    return f"\n{', '.join(told)}" if told else "\nAll is well."


def _exit_code(found: list[Check]) -> ExitCode:
    """The first thing that fails decides, as it would for the command that meets it."""
    code_of = {"machine": ExitCode.LOCAL, "service": ExitCode.UNREACHABLE, "partnership": ExitCode.REFUSED}
    failed = next((check for check in found if check.state.value == "fail"), None)
    return code_of[failed.area.value] if failed else ExitCode.DONE
