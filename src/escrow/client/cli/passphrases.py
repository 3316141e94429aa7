"""Where a passphrase comes from: a file, the environment, the system's keyring, or a person, in this order."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.client.sealed_files import SHORTEST_PASSPHRASE, Passphrase
from escrow.errors import PassphraseMissing, PassphraseTooShort, SecretFileUnreadable, SystemKeyringUnusable

if TYPE_CHECKING:
    from escrow.client.home import Home

__all__ = ["PassphraseSource", "secret_line"]


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """How one passphrase may be given; ``variable`` names the environment variable, with _FILE for a file."""

    variable: str
    what: str
    file: Path | None
    #: The home folder whose passphrase the system's keyring may have; None if it is another file's passphrase.
    home: Home | None = None

    def find(self, environment: Mapping[str, str]) -> Passphrase:
        """Give the passphrase that opens what is sealed."""
        if given := self._given(environment):
            return self._of_old(given)
        return self._recalled() or self._of_old(_ask(f"Passphrase of {self.what}: ", self._how()))

    def _of_old(self, given: str) -> Passphrase:
        """Take one that was chosen before: nobody can choose a longer one now."""
        if len(given) < SHORTEST_PASSPHRASE:
            raise PassphraseTooShort(
                f"this is not the passphrase of {self.what}: every one has at least {SHORTEST_PASSPHRASE} characters; "
                "try again"
            )
        return Passphrase(given)

    def find_elsewhere(self, environment: Mapping[str, str]) -> Passphrase:
        """Give the passphrase without asking the system's keyring for it."""
        return replace(self, home=None).find(environment)

    def _recalled(self) -> Passphrase | None:
        from escrow.client.system_keyring import is_remembered, recall

        if self.home is None or not is_remembered(self.home):
            return None
        try:
            return recall(self.home)
        except SystemKeyringUnusable as unusable:
            if not sys.stdin.isatty():
                raise
            print(f"escrow: {unusable.message}", file=sys.stderr)  # noqa: T201
            return None

    def choose(self, environment: Mapping[str, str]) -> Passphrase:
        """Give a new passphrase; a person types it twice."""
        if given := self._given(environment):
            return Passphrase(given)
        chosen = Passphrase(_ask(f"New passphrase of {self.what}: ", self._how()))
        if _ask("The same again: ", self._how()) != chosen.text:
            raise PassphraseMissing("the two passphrases are not the same; try again")
        return chosen

    def _given(self, environment: Mapping[str, str]) -> str | None:
        named = self.file or environment.get(f"{self.variable}_FILE")
        return secret_line(Path(named)) if named else environment.get(self.variable)

    def _how(self) -> str:
        return f"set {self.variable} or {self.variable}_FILE"


def secret_line(file: Path) -> str:
    """Read a secret from a file's first line.

    Raises:
        SecretFileUnreadable: it cannot be read.
    """
    try:
        lines = file.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SecretFileUnreadable(
            f"{file} cannot be read; name a text file with the secret in its first line"
        ) from None
    return lines[0] if lines else ""


def _ask(prompt: str, otherwise: str) -> str:
    if not sys.stdin.isatty():
        raise PassphraseMissing(f"there is no terminal to ask for a passphrase; {otherwise}")
    return getpass.getpass(prompt)
