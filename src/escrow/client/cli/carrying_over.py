"""`escrow keyring export`, `import`, `api-key`, `show-check`, `remember` and `forget`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.session import Said, Session, name_of
from escrow.client.cli.setting_up import ApiKeyFileOption, given_api_key
from escrow.client.cli.texts import printable
from escrow.errors import PartnershipNotReady, VerificationFailed

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.carrying import Carried
    from escrow.client.cli.passphrases import PassphraseSource

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

CarriedFile = Annotated[Path, typer.Argument(help="The file that carries it over.", show_default=False)]
CarriedPassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--file-passphrase-file",
        help="File with the passphrase of the carried file; else ESCROW_EXPORT_PASSPHRASE, else a prompt.",
    ),
]


@command(app, "export")
def export(session: Session, file: CarriedFile, file_passphrase_file: CarriedPassphraseOption = None) -> Said:
    """Write keyring and account states to one sealed file, for another machine of yours."""
    from escrow.client.carrying import export_home

    keyring = session.keyring
    passphrase = _source(file_passphrase_file).choose(session.environment)
    carried = export_home(session.home, keyring, file, passphrase, random=session.random)
    return _said(carried, file, f"Written to {file}. Carry it to the other machine, import it there, then delete it.")


@command(app, "import")
def import_(session: Session, file: CarriedFile, file_passphrase_file: CarriedPassphraseOption = None) -> Said:
    """Take over keyring and account states that another machine of yours exported."""
    from escrow.client.carrying import import_home

    carried_under = _source(file_passphrase_file).find(session.environment)
    source = session.passphrase
    own = source.find(session.environment) if session.home.keyring.is_file() else source.choose(session.environment)
    carried = import_home(session.home, file, carried_under, own, random=session.random)
    return _said(carried, file, "Imported. One machine submits at a time; delete the file now.")


@command(app, "api-key")
def replace_api_key(session: Session, api_key_file: ApiKeyFileOption = None) -> Said:
    """Put a new API key of your organization in the place of the keyring's, as after a rotation."""
    keyring, api_key = session.keyring, given_api_key(session, api_key_file)
    with session.service_with(api_key) as service:
        organization = service.organization()
    if organization.organization_id != keyring.organization_id:
        raise VerificationFailed("this API key is another organization's; ask the operator for one of yours")
    session.file.update(lambda present: replace(present, api_key=api_key))
    machine = {"organization_id": str(organization.organization_id), "organization_name": organization.name}
    told = "The keyring has the new API key. The old one can be revoked."
    return Said(machine, lambda console: console.print(told))


@command(app, "show-check")
def show_check(session: Session) -> Said:
    """Show the check of a partnership, to compare with the partner by voice."""
    seat = session.seat
    if seat.check is None or seat.keys is None:
        raise PartnershipNotReady("there is no check yet: the partner has not accepted")

    def show(console: Console) -> None:
        console.print(f"{seat.check}   {printable(name_of(seat))}")
        console.print("Read it to your partner over the phone: their `escrow keyring show-check` must show the same.")

    return Said({"partnership_id": str(seat.partnership_id), "check": seat.check}, show)


@command(app, "remember")
def remember(session: Session) -> Said:
    """Keep the keyring's passphrase in the operating system's keyring, so that commands find it by themselves."""
    from escrow.client import system_keyring
    from escrow.client.keyring import KeyringFile, must_exist

    must_exist(session.home)
    passphrase = session.passphrase.find_elsewhere(session.environment)
    KeyringFile.open(session.home, passphrase, random=session.random)
    kept_by = system_keyring.remember(session.home, passphrase)
    told = f"Kept by {kept_by}. Commands on {session.home.folder} find it there; `escrow keyring forget` takes it out."
    machine = {"home": str(session.home.folder), "kept_by": kept_by}
    return Said(machine, lambda console: console.print(told, markup=False))


@command(app, "forget")
def forget(session: Session) -> Said:
    """Take the passphrase out of the operating system's keyring; the keyring file stays as it is."""
    from escrow.client import system_keyring

    was_there = system_keyring.forget(session.home)
    told = "Forgotten: commands ask for the passphrase again." if was_there else "The system was not asked to keep it."
    machine = {"home": str(session.home.folder), "was_remembered": was_there}
    return Said(machine, lambda console: console.print(told))


def _source(file: Path | None) -> PassphraseSource:
    from escrow.client.cli.passphrases import PassphraseSource

    return PassphraseSource("ESCROW_EXPORT_PASSPHRASE", "the carried file", file)


def _said(carried: Carried, file: Path, told: str) -> Said:
    machine = {"file": str(file), "partnerships": carried.partnerships, "account_states": carried.states}
    return Said(machine, lambda console: console.print(told, markup=False))
