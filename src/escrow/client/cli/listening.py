"""`escrow listen`: webhooks of the service are answered at once, and each is a sync of the partnership it is about."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import answer, command
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import Said, Session
from escrow.client.cli.stopping import wait_for
from escrow.client.cli.syncing import Turn, told_turn
from escrow.client.cli.texts import counted
from escrow.errors import ProjectMissing

if TYPE_CHECKING:
    from uuid import UUID

    from escrow.client.cli.stopping import Stopping
    from escrow.client.inbox import Inbox
    from escrow.client.project import Project
    from escrow.signing import SigningSecret

__all__ = ["app"]

app = typer.Typer()

#: When a sync that failed is tried again, if no webhook comes before.
_AGAIN_SECONDS = 300.0


@command(app, "listen")
def listen(
    session: Session,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on [8471].")] = None,
) -> Said:
    """Receive the service's webhooks behind a proxy of yours, and sync what they are about, until Ctrl-C or SIGTERM."""
    import gc

    from escrow.client.cli.stopping import stopping_by_signal
    from escrow.client.inbox import Inbox
    from escrow.client.listening import PATH, listening
    from escrow.client.receiving import Receiver

    project = session.project
    if project is None or project.listen is None:
        raise ProjectMissing(
            "escrow.toml has no [listen] that names the secret of the endpoint; `escrow webhook add` shows it: put "
            'it into an environment variable, and secrets = ["env:WEBHOOK_SECRET"] under [listen]'
        )
    gc.enable()
    _ = session.keyring  # a passphrase is asked for before anything listens
    inbox = Inbox(session.home.folder / "webhooks.sqlite")
    receiver = Receiver(_secrets(session, project), inbox, lambda: datetime.now(UTC))
    wakeup = threading.Event()
    host, port = host or project.listen.host, project.listen.port if port is None else port
    with stopping_by_signal(wakeup) as stopping, listening(host, port, receiver, wakeup.set) as bound:
        session.note(f"Listening on http://{host}:{bound}{PATH}")
        turn = Turn(session, is_submitting=False, stopping=stopping)
        turn.check()
        turns = _Work(turn, project, inbox, wakeup).until_stopped(stopping)
    told = f"Stopped after {counted(turns, 'sync')}."
    return Said({"stopped": True, "turns": turns}, lambda console: console.print(told))


def _secrets(session: Session, project: Project) -> list[SigningSecret]:
    from escrow.client.named_secrets import find_signing_secret

    named = project.listen.secrets if project.listen is not None else ()
    return [find_signing_secret(each, session.environment) for each in named]


class _Work:
    """What is done about webhooks: a sync of everything at the start and as often as escrow.toml says, and of one
    partnership for whatever was said of it in between."""

    def __init__(self, turn: Turn, project: Project, inbox: Inbox, wakeup: threading.Event) -> None:
        self._turn = turn
        self._sync = project.sync
        self._inbox = inbox
        self._wakeup = wakeup
        self._next_whole: float | None = time.monotonic()

    def until_stopped(self, stopping: Stopping) -> int:
        """Work until somebody asks to stop; give how many syncs there were."""
        turns = 0
        while not stopping.is_asked():
            self._wakeup.clear()
            turns += self._whole()
            until, due = self._inbox.due()
            left = [each for each in due if not stopping.is_asked() and not self._is_done(each, until)]
            turns += len(due)
            if not stopping.is_asked():
                wait_for(self._wakeup, self._seconds(has_failed=bool(left)))
        return turns

    def _whole(self) -> int:
        if self._next_whole is None or time.monotonic() < self._next_whole:
            return 0
        self._turn.is_submitting = self._sync.submits
        told_turn(self._turn)
        self._next_whole = time.monotonic() + self._sync.every.total_seconds() if self._sync.every else None
        return 1

    def _is_done(self, partnership_id: UUID, until: int) -> bool:
        """Sync one partnership; what failed stays due."""
        self._turn.is_submitting = False
        said = self._turn.of(str(partnership_id))
        answer(said, is_json=self._turn.session.options.is_json)
        # Who is not known here, or cannot be synced as things stand, is not tried again and again.
        is_over = said.exit_code not in {ExitCode.UNREACHABLE, ExitCode.OTHER_SYSTEM, ExitCode.UNEXPECTED}
        if is_over:
            self._inbox.done(partnership_id, until)
        return is_over

    def _seconds(self, *, has_failed: bool) -> float | None:
        """How long to wait for the next webhook at most."""
        left = None if self._next_whole is None else max(0.0, self._next_whole - time.monotonic())
        if not has_failed:
            return left
        return _AGAIN_SECONDS if left is None else min(left, _AGAIN_SECONDS)
