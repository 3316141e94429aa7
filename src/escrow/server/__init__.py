"""``escrow-server``: the operator's commands, and where the service is put together.

Libraries of the server take seconds to load, so that each command loads what it needs and ``--help`` loads none.
"""

from escrow.server.commands import app, main

__all__ = ["app", "main"]
