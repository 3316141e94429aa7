"""`escrow init`: check the service and the API key, and make the keyring."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import printable
from escrow.errors import ApiKeyMissing, KeyringExists, ServiceAnswerInvalid

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.wire import Organization

__all__ = ["ApiKeyFileOption", "app", "given_api_key"]

app = typer.Typer()

ApiKeyFileOption = Annotated[
    Path | None, typer.Option("--api-key-file", help="File with the API key; else ESCROW_API_KEY, else a prompt.")
]


@command(app, "init", without=frozenset({"partnership"}))
def init(
    session: Session,
    url: Annotated[
        str | None, typer.Option("--url", help="Address of the service, https://… [ESCROW_URL].", show_default=False)
    ] = None,
    api_key_file: ApiKeyFileOption = None,
) -> Said:
    """Make the keyring of this machine, for one service and one API key."""
    from escrow.client.keyring import Keyring, KeyringFile

    if session.home.keyring.exists():
        raise KeyringExists(f"there is a keyring in {session.home.folder} already; use it, or choose another --home")
    address = url or session.environment.get("ESCROW_URL")
    if not address:
        raise typer.BadParameter("name the service with --url or ESCROW_URL", param_hint="--url")
    api_key = given_api_key(session, api_key_file)
    url, organization = _met(session, address, api_key)
    keyring = Keyring(
        url=url,
        api_key=api_key,
        organization_id=organization.organization_id,
        organization_name=organization.name,
        own_secret=session.random(32),
        ca_file=str(session.ca_file) if session.ca_file else None,
        proxy=session.proxy,
    )
    KeyringFile.create(session.home, keyring, session.passphrase.choose(session.environment), random=session.random)

    def show(console: Console) -> None:
        console.print(f"You are [bold]{printable(organization.name)}[/] at {url}.")
        console.print(f"Keyring: {session.home.keyring}", markup=False)
        console.print("Next: `escrow invite`, or `escrow accept CODE` with a code that a partner gave you.")

    machine = {
        "organization_id": str(organization.organization_id),
        "organization_name": organization.name,
        "url": url,
        "home": str(session.home.folder),
    }
    return Said(machine, show)


def _met(session: Session, address: str, api_key: str) -> tuple[str, Organization]:
    """Meet the service: give its URL as it is called, and whose the API key is.

    Raises:
        ServiceAnswerInvalid: it is of another time than this version.
    """
    from escrow.psi.profile_ids import PROFILE_IDS

    with session.connect(address, api_key, ca=session.ca_file, proxy=session.proxy) as service:
        offered, organization = service.service(), service.organization()
        url = service.url
    if not set(offered.profiles) & set(PROFILE_IDS):
        raise ServiceAnswerInvalid("the service has no profile that this version has; bring both to the same version")
    return url, organization


def given_api_key(session: Session, file: Path | None) -> str:
    """The API key that a file, the environment or a person gives; ApiKeyMissing without any."""
    from escrow.client.cli.passphrases import secret_line

    found = secret_line(file).strip() if file else session.environment.get("ESCROW_API_KEY", "").strip()
    if not found and sys.stdin.isatty():
        found = getpass.getpass("API key: ").strip()
    if not found:
        raise ApiKeyMissing("there is no API key; set ESCROW_API_KEY, or name a file with --api-key-file")
    if not (found.isascii() and found.isprintable()):
        raise ApiKeyMissing("the API key has letters that no key has; copy it again")
    return found
