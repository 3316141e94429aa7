"""A key of the service in a file of its own: one line of text, which names what it is a key for."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path

from escrow.errors import ServiceFault

__all__ = ["KEY_BYTES", "KeyFile"]

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyFile:
    """How a kind of key is kept: the header of its file, and what is said where the file holds no such key."""

    header: str
    name: str
    advice: str
    refused: type[ServiceFault]

    def read(self, path: Path) -> bytes:
        """Read the key, or raise ``refused`` with what to do."""
        try:
            header, _, text = path.read_text("ascii").strip().partition(":")
            key = base64.b64decode(text, validate=True)
        except FileNotFoundError as missing:
            raise self.refused(f"No {self.name} at {path}: make one with 'escrow-server init'.") from missing
        except (UnicodeDecodeError, binascii.Error) as broken:
            raise self._not_one(path) from broken
        if header != self.header or len(key) != KEY_BYTES:
            raise self._not_one(path)
        return key

    def write(self, path: Path, key: bytes) -> None:
        """Write the key to a new file that only its owner reads; an existing file is never overwritten."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{self.header}:{base64.b64encode(key).decode()}\n")
            file.flush()
            os.fsync(file.fileno())

    def _not_one(self, path: Path) -> ServiceFault:
        return self.refused(f"The file {path} is not a {self.name}: {self.advice}")
