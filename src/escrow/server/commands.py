"""The commands: ``init``, ``migrate``, ``serve``, ``work``, ``openapi``, and those of ``escrow.server.customers``."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from escrow import __version__
from escrow.errors import EscrowError, ServiceFault
from escrow.server.audit_commands import audit_app
from escrow.server.certificates import check_certificate
from escrow.server.config_commands import config_app
from escrow.server.customers import api_key_app, organization_app
from escrow.server.dangers import check_egress, check_listener, check_mail, must_lie_outside
from escrow.server.refusing import why_not
from escrow.server.running import (
    alone_on,
    check_port,
    delivering,
    gather_garbage,
    listen,
    mailing,
    make_dispatcher,
    make_postman,
    make_worker,
    on_stop_signals,
    working,
)
from escrow.server.starting import database_answers, must_exist, opened, read_settings, settings_file

__all__ = ["app", "main"]

app = typer.Typer(help="Run the escrow's service.", no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(organization_app, name="organization")
app.add_typer(api_key_app, name="api-key")
app.add_typer(config_app, name="config")
app.add_typer(audit_app, name="audit")

SealingKeyFile = Annotated[
    Path | None, typer.Option("--sealing-key", help="The sealing key's file [ESCROW_SEALING_KEY_FILE].")
]


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"escrow-server {__version__}")
        raise typer.Exit


@app.callback()
def _escrow_server(
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings [ESCROW_CONFIG].")] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    settings_file.set(config)


def main() -> None:
    """Run one command; a refusal is one sentence on standard error and exit code 1."""
    # The libraries make a great many objects as they load, which all stay: looking for garbage among them takes a sixth
    # of the time of a short command. Those that run on collect again once they have loaded (``gather_garbage``).
    gc.disable()
    # Nothing here is linear algebra: without its threads numpy is there in half the time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app()
    except EscrowError as refusal:
        _refuse(refusal.message)
    except ModuleNotFoundError as missing:
        _refuse(f"{missing.name} is not installed. The service is an extra: pip install 'escrow[server]'")
    except OSError as failure:
        _refuse(why_not(failure))


def _refuse(told: str) -> None:
    typer.echo(f"escrow-server: {told}", err=True)
    sys.exit(1)


@app.command()
def init(sealing_key: SealingKeyFile = None) -> None:
    """Make the data folder, the two keys outside of it, and the database. Run again, it makes what is missing only."""
    from escrow.store.migrate import migrate as run_migrations
    from escrow.store.release_keys import ReleaseKey
    from escrow.store.sealing import SealingKey

    settings = read_settings(sealing_key_file=sealing_key)
    must_lie_outside(settings)
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.data_folder.chmod(0o700)
    if not settings.sealing_key_file.exists():
        settings.sealing_key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        SealingKey.make().write(settings.sealing_key_file)
    if not settings.release_key_file.exists():
        settings.release_key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ReleaseKey.make().write(settings.release_key_file)
    with database_answers():
        run_migrations(settings.database_url)
    typer.echo(f"Data folder: {settings.data_folder}")
    typer.echo(f"Sealing key: {settings.sealing_key_file} (back it up, apart from the database)")
    _tell_release_key(settings.release_key_file)


@app.command()
def rotate_release_key() -> None:
    """Sign releases with a new key once the service is started again; the old one's file stays beside it."""
    from escrow.store.release_keys import ReleaseKey

    file = read_settings().release_key_file
    kept = file.with_name(f"{file.name}.{ReleaseKey.read(file).key_id}")
    made = file.with_name(f"{file.name}.new")
    ReleaseKey.make().write(made)
    file.rename(kept)
    made.rename(file)
    typer.echo(f"The key before: {kept}")
    _tell_release_key(file)
    typer.echo("Restart every process, and tell the partners the id: their clients ask before they take another key.")


def _tell_release_key(file: Path) -> None:
    from escrow.store.release_keys import ReleaseKey

    typer.echo(f"Release key: {file} (its id, for partners who ask: {ReleaseKey.read(file).key_id})")


@app.command()
def migrate() -> None:
    """Bring the database to this version's tables."""
    from escrow.store.migrate import migrate as run_migrations

    settings = read_settings()
    if settings.on_sqlite:
        must_exist(settings)
    with database_answers():
        run_migrations(settings.database_url)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on [ESCROW_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on [ESCROW_PORT].")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate (PEM).")] = None,
    sealing_key: SealingKeyFile = None,
    trusted_proxies: Annotated[
        str | None,
        typer.Option(metavar="ADDRESSES", help="The proxies that speak HTTPS in front [ESCROW_TRUSTED_PROXIES]."),
    ] = None,
    with_worker: Annotated[
        bool, typer.Option("--with-worker", help="Apply and match in this process, as is always so on SQLite.")
    ] = False,
) -> None:
    """Answer the API until told to stop; on SQLite also apply, match and release."""
    settings = read_settings(
        host=host,
        port=port,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        trusted_proxies=trusted_proxies,
        sealing_key_file=sealing_key,
    )
    check_listener(settings)
    check_egress(settings)
    check_mail(settings)
    certificate = check_certificate(settings)
    check_port(settings)
    stop = threading.Event()
    with opened(settings) as (database, key, release_key), alone_on(settings):
        from escrow.api.dependencies import Service

        if settings.on_sqlite or with_worker:
            worker = make_worker(database, key, settings, release_key=release_key)
            dispatcher = make_dispatcher(database, key, settings)
            postman = make_postman(database, key, settings)
            with (
                working(worker, stop, settings),
                delivering(dispatcher, stop, settings),
                mailing(postman, stop, settings),
            ):
                listen(Service(database, key, settings, worker_silence=worker.silence), certificate, stop)
        else:
            listen(Service(database, key, settings), certificate, stop)


@app.command()
def work(sealing_key: SealingKeyFile = None) -> None:
    """Apply, match and release until told to stop, beside one or more of `serve` on PostgreSQL."""
    settings = read_settings(sealing_key_file=sealing_key)
    if settings.on_sqlite:
        raise ServiceFault("On SQLite the worker lives inside 'escrow-server serve': there is nothing to start.")
    check_egress(settings)
    check_mail(settings)
    stop = threading.Event()
    with opened(settings) as (database, key, release_key):
        on_stop_signals(stop.set)
        worker = make_worker(database, key, settings, release_key=release_key)
        dispatcher = make_dispatcher(database, key, settings)
        postman = make_postman(database, key, settings)
        gather_garbage()
        with (
            working(worker, stop, settings),
            delivering(dispatcher, stop, settings),
            mailing(postman, stop, settings),
        ):
            stop.wait()


@app.command()
def openapi() -> None:
    """Print the API's contract as an OpenAPI document."""
    from escrow.api.app import openapi_document

    typer.echo(json.dumps(openapi_document(), indent=2, ensure_ascii=False))
