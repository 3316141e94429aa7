"""How a person is shown webhook endpoints, their secrets and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from escrow.client.cli.texts import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from escrow import wire

__all__ = ["plain_table", "show_deliveries", "show_endpoints", "show_secret"]


def show_secret(console: Console, made: wire.NewSecret, *, is_new: bool) -> None:
    """Show a secret, this once, and what to do with it."""
    if is_new:
        console.print(f"Added {made.endpoint_id}, at {printable(made.url)}.")
    if made.secret is not None:
        console.print(f"Its secret, shown this once: {made.secret}")
    if is_new:
        told = "Nothing is signed for Slack. " if made.secret is None else "Give the receiver the secret. "
        console.print(f"{told}Then `escrow webhook confirm {made.endpoint_id}`: nothing is posted before.")
    elif made.previous_secret_until is not None:
        console.print(f"The one before signs too until {made.previous_secret_until:%Y-%m-%d %H:%M} UTC.")


def show_endpoints(console: Console, found: Sequence[wire.Endpoint]) -> None:
    """Show endpoints, oldest first."""
    if not found:
        console.print("There is no webhook endpoint yet: `escrow webhook add URL` adds one.")
        return
    table = plain_table("id", "URL", "kind", "state", "told of", "description")
    for each in found:
        table.add_row(
            str(each.endpoint_id),
            printable(each.url),
            each.kind,
            _state(each),
            printable("; ".join(_filters(each)) or "everything"),
            printable(each.description),
        )
    console.print(table)


def show_deliveries(console: Console, endpoint: wire.Endpoint, found: Sequence[wire.Delivery]) -> None:
    """Show deliveries, newest first."""
    if not found:
        then = "confirm" if endpoint.confirmed_at is None else "test"
        console.print(f"Nothing was posted there yet: `escrow webhook {then} {endpoint.endpoint_id}`.")
        return
    table = plain_table("number", "type", "of (UTC)", "state", "attempts", "the last", "next (UTC)")
    for each in found:
        table.add_row(
            str(each.number),
            printable(each.type),
            f"{each.occurred_at:%Y-%m-%d %H:%M:%S}",
            each.state,
            str(len(each.attempts)),
            _ended(each.attempts[-1]) if each.attempts else "",
            f"{each.due_at:%Y-%m-%d %H:%M:%S}" if each.due_at else "",
        )
    console.print(table)


def plain_table(*columns: str) -> Table:
    """Make a table without lines, whose long cells are folded."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _state(endpoint: wire.Endpoint) -> str:
    if endpoint.disabled_because is not None:
        return f"{endpoint.state}: {endpoint.disabled_because}"
    if endpoint.failing_since is not None:
        return f"{endpoint.state}, failing since {endpoint.failing_since:%Y-%m-%d %H:%M}"
    return endpoint.state


def _filters(endpoint: wire.Endpoint) -> list[str]:
    cells = [
        f"{each.ours.word}:{each.theirs.word}{f':{each.crossed}' if each.crossed else ''}"
        for each in endpoint.cells or ()
    ]
    parts = (endpoint.types or (), cells, [f"partnership {each}" for each in endpoint.partnership_ids or ()])
    return [", ".join(part) for part in parts if part]


def _ended(made: wire.DeliveryAttempt) -> str:
    status = f" {made.status}" if made.status is not None else ""
    return f"{made.outcome}{status}, {made.milliseconds:,} ms"
