"""The command line of the partner's side: `escrow`."""

from escrow.client.cli.app import main

__all__ = ["main"]
