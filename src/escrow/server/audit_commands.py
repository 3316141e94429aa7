"""The operator's command for the audit trails: whether each is what was written."""

from __future__ import annotations

import typer

from escrow.counts import counted
from escrow.server.starting import transaction

__all__ = ["audit_app"]

audit_app = typer.Typer(help="The audit trails of organizations and partnerships.", no_args_is_help=True)


@audit_app.callback()
def _audit() -> None: ...


@audit_app.command("verify")
def verify() -> None:
    """Check every trail from its first entry on; the exit code is 1 if an entry was changed, removed or put in."""
    from escrow import audit

    with transaction("verify audit trails") as tx:
        counts = [audit.verify(tx, trail_id) for trail_id in audit.trail_ids(tx)]
    entries, trails = counted(sum(counts), "entry", "entries"), counted(len(counts), "trail")
    typer.echo(f"Checked {entries} of {trails}: each follows the one before.")
