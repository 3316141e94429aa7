"""``escrow-server``: the operator's commands, and where the service is put together.

Libraries of the server take seconds to load, so that each command loads what it needs and ``--help`` loads none.
"""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer

from escrow.errors import DatabaseBehind, EscrowError, ListenerExposed, SealingKeyExposed, ServiceFault

if TYPE_CHECKING:
    from escrow.organizations import Organization
    from escrow.settings import ServerSettings
    from escrow.store.database import Database, Transaction
    from escrow.store.sealing import SealingKey
    from escrow.worker import Worker

__all__ = ["app", "main"]

app = typer.Typer(help="Run the escrow's service.", no_args_is_help=True, pretty_exceptions_enable=False)
organization_app = typer.Typer(help="Organizations that use this service.", no_args_is_help=True)
api_key_app = typer.Typer(help="API keys of organizations.", no_args_is_help=True)
app.add_typer(organization_app, name="organization")
app.add_typer(api_key_app, name="api-key")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SealingKeyFile = Annotated[
    Path | None, typer.Option("--sealing-key", help="The sealing key's file [env: ESCROW_SEALING_KEY_FILE].")
]
WhichOrganization = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its name or its id.")]


def main() -> None:
    """Run one command; a refusal is one sentence on standard error and exit code 1."""
    try:
        app()
    except EscrowError as refusal:
        typer.echo(f"escrow-server: {refusal.message}", err=True)
        sys.exit(1)


@app.command()
def init(sealing_key: SealingKeyFile = None) -> None:
    """Make the data folder, the sealing key outside of it, and the database. Run again, it changes nothing."""
    from escrow.store.migrate import migrate as run_migrations
    from escrow.store.sealing import SealingKey

    settings = _settings(sealing_key_file=sealing_key)
    _must_lie_outside(settings)
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.data_folder.chmod(0o700)
    if not settings.sealing_key_file.exists():
        settings.sealing_key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        SealingKey.make().write(settings.sealing_key_file)
    run_migrations(settings.database_url)
    typer.echo(f"Data folder: {settings.data_folder}")
    typer.echo(f"Sealing key: {settings.sealing_key_file} (back it up, apart from the database)")


@app.command()
def migrate() -> None:
    """Bring the database to this version's tables."""
    from escrow.store.migrate import migrate as run_migrations

    settings = _settings()
    if settings.on_sqlite:
        _must_exist(settings)
    run_migrations(settings.database_url)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on [env: ESCROW_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on [env: ESCROW_PORT].")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate (PEM).")] = None,
    sealing_key: SealingKeyFile = None,
    behind_proxy: Annotated[bool, typer.Option("--behind-proxy", help="A proxy in front speaks HTTPS.")] = False,
    with_worker: Annotated[
        bool, typer.Option("--with-worker", help="Apply and match in this process, as is always so on SQLite.")
    ] = False,
) -> None:
    """Answer the API until told to stop; on SQLite also apply, match and release."""
    settings = _settings(
        host=host, port=port, tls_certificate=tls_certificate, tls_key=tls_key, sealing_key_file=sealing_key
    )
    if not (settings.tls_certificate or behind_proxy or _is_loopback(settings.host)):
        raise ListenerExposed(
            f"Plain HTTP on {settings.host} could be read by others: give --tls-certificate and --tls-key, "
            "or --behind-proxy if a proxy speaks HTTPS."
        )
    with _opened(settings) as (database, key):
        if settings.on_sqlite or with_worker:
            with _working(_worker(database, key, settings)):
                _listen(database, key, settings, behind_proxy=behind_proxy)
        else:
            _listen(database, key, settings, behind_proxy=behind_proxy)


@app.command()
def work(sealing_key: SealingKeyFile = None) -> None:
    """Apply, match and release until told to stop, beside one or more ``serve`` on PostgreSQL."""
    settings = _settings(sealing_key_file=sealing_key)
    if settings.on_sqlite:
        raise ServiceFault("On SQLite the worker lives inside 'escrow-server serve': there is nothing to start.")
    stop = threading.Event()
    with _opened(settings) as (database, key):
        _on_stop_signals(stop.set)
        _worker(database, key, settings).run(stop)


@app.command()
def openapi() -> None:
    """Print the API's contract as an OpenAPI document."""
    from escrow.api.app import openapi_document

    typer.echo(json.dumps(openapi_document(), indent=2, ensure_ascii=False))


@organization_app.command("add")
def add_organization(name: str, as_json: AsJson = False) -> None:
    """Add an organization."""
    from escrow import organizations

    with _transaction("add organization") as tx:
        added = organizations.add_organization(tx, name, organization_id=uuid4(), now=datetime.now(UTC))
    _print([_told(added)], as_json=as_json)


@organization_app.command("list")
def list_organizations(as_json: AsJson = False) -> None:
    """List all organizations."""
    from escrow import organizations

    with _transaction("list organizations") as tx:
        found = organizations.list_organizations(tx)
    _print([_told(each) for each in found], as_json=as_json)


@api_key_app.command("add")
def add_api_key(
    organization: WhichOrganization,
    label: Annotated[str, typer.Option(help="What the key is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it: this once, since only its digest is kept."""
    from escrow import organizations

    with _transaction("add api key") as tx:
        owner = _organization(tx, organization)
        key = organizations.add_api_key(
            tx, owner.organization_id, label=label, random=os.urandom, now=datetime.now(UTC)
        )
    _print([{**_told(owner), "api_key_id": key.api_key_id, "api_key": key.presented}], as_json=as_json)


@api_key_app.command("list")
def list_api_keys(organization: WhichOrganization, as_json: AsJson = False) -> None:
    """List an organization's API keys, without their secrets."""
    from escrow import organizations

    with _transaction("list api keys") as tx:
        keys = organizations.list_api_keys(tx, _organization(tx, organization).organization_id)
    _print(
        [
            {
                "api_key_id": key.api_key_id,
                "label": key.label,
                "created_at": key.created_at.isoformat(),
                "revoked_at": key.revoked_at.isoformat() if key.revoked_at else "",
            }
            for key in keys
        ],
        as_json=as_json,
    )


@api_key_app.command("revoke")
def revoke_api_key(api_key_id: str) -> None:
    """Refuse a key from now on."""
    from escrow import organizations

    with _transaction("revoke api key") as tx:
        organizations.revoke_api_key(tx, api_key_id, now=datetime.now(UTC))


def _settings(**given: object) -> ServerSettings:
    """Read the settings, with what the command line gives put first; a wrong one is exit code 2."""
    from pydantic import ValidationError

    from escrow.settings import ServerSettings

    try:
        return ServerSettings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as refusal:
        for found in refusal.errors(include_input=False, include_url=False):
            typer.echo(f"escrow-server: {'.'.join(map(str, found['loc'])).upper()}: {found['msg']}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def _opened(settings: ServerSettings) -> Iterator[tuple[Database, SealingKey]]:
    """Give what a process works with, or refuse to start without it."""
    from escrow.api.logs import write_logs
    from escrow.store.database import Database
    from escrow.store.migrate import check_current

    key = _sealing_key(settings)
    if settings.on_sqlite:
        _must_exist(settings)
    database = Database(settings.database_url)
    try:
        check_current(database)
        write_logs(settings.log_file)
        yield database, key
    finally:
        database.close()


def _sealing_key(settings: ServerSettings) -> SealingKey:
    from escrow.store.sealing import SealingKey

    _must_lie_outside(settings)
    key = SealingKey.read(settings.sealing_key_file)
    if os.name == "posix" and stat.S_IMODE(settings.sealing_key_file.stat().st_mode) & 0o077:
        raise SealingKeyExposed(f"Others can read the sealing key: run 'chmod 600 {settings.sealing_key_file}'.")
    return key


def _must_lie_outside(settings: ServerSettings) -> None:
    if settings.sealing_key_file.resolve().is_relative_to(settings.data_folder.resolve()):
        raise SealingKeyExposed("The sealing key lies in the data folder, beside what it seals: keep it elsewhere.")


def _must_exist(settings: ServerSettings) -> None:
    if not Path(settings.database_url.removeprefix("sqlite:///")).exists():
        raise DatabaseBehind("There is no database yet: run 'escrow-server init'.")


def _worker(database: Database, key: SealingKey, settings: ServerSettings) -> Worker:
    from escrow.worker import Worker

    return Worker(database, key, settings)


@contextmanager
def _working(worker: Worker) -> Iterator[None]:
    """Work in a thread beside the block, and finish the piece at hand when the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)


def _listen(database: Database, key: SealingKey, settings: ServerSettings, *, behind_proxy: bool) -> None:
    import uvicorn

    from escrow.api.app import create_app
    from escrow.api.dependencies import Service

    # Once it has stopped, uvicorn raises the signal again: the worker is then still to be stopped.
    _on_stop_signals(lambda: None)
    uvicorn.run(
        create_app(Service(database, key, settings)),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        proxy_headers=behind_proxy,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=10,
    )


def _on_stop_signals(act: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: act())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _transaction(name: str) -> Iterator[Transaction]:
    """Give one transaction on the database of the settings."""
    from escrow.store.database import Database
    from escrow.store.migrate import check_current

    settings = _settings()
    if settings.on_sqlite:
        _must_exist(settings)
    database = Database(settings.database_url)
    try:
        check_current(database)
        with database.transaction(name) as tx:
            yield tx
    finally:
        database.close()


def _organization(tx: Transaction, which: str) -> Organization:
    from escrow import organizations

    try:
        return organizations.organization(tx, UUID(which))
    except ValueError:
        return organizations.organization_named(tx, which)


def _told(organization: Organization) -> dict[str, str]:
    return {"organization_id": str(organization.organization_id), "name": organization.name}


def _print(rows: list[dict[str, str]], *, as_json: bool) -> None:
    """Print one row a line, as text or as an object."""
    for row in rows:
        typer.echo(json.dumps(row) if as_json else "  ".join(filter(None, row.values())))
