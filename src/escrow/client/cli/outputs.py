"""Files that a command writes where a person says: whole or not at all, and for their owner alone."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write_output"]


def write_output(place: Path, text: str) -> None:
    """Put a text in the place of a file, mode 0600, so that a failure leaves the one of before.

    What is there and no file, as a pipe, is written to as it is; a link stays, and what it leads to is replaced.

    Raises:
        OSError: it cannot be written; it names the place.
    """
    from escrow.client.home import replace_file

    content = text.encode()
    if place.exists() and not place.is_file():
        place.write_bytes(content)
    else:
        replace_file(place.resolve(), content)
