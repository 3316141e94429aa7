"""The operating system's keyring as the place of the key file's passphrase: an option, with the extra ``keyring``.

A marker beside the key file says that the system was asked to remember, so that nobody else's machine loads the library
or opens a dialogue. The passphrase goes to a backend that keeps it sealed, and to no other: those that write it to a
plain file, or nowhere, are refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from escrow.client.home import Home, replace_file
from escrow.client.sealed_files import Passphrase
from escrow.errors import SystemKeyringUnusable

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["forget", "is_remembered", "recall", "remember", "secret_named"]

_SERVICE = "escrow"
_MARKER = "passphrase-in-system-keyring"
#: Backends that keep nothing, fail by design, or keep it where anybody with the disk reads it.
_REFUSED = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
_OTHERWISE = "give the passphrase by --passphrase-file, ESCROW_PASSPHRASE_FILE, ESCROW_PASSPHRASE or at a terminal"

Answer = TypeVar("Answer")


def is_remembered(home: Home) -> bool:
    """Say whether the system was asked to remember the passphrase of this home folder."""
    return (home.folder / _MARKER).is_file()


def remember(home: Home, passphrase: Passphrase) -> str:
    """Give the passphrase to the system, see that it gives it back, and tell which keyring of the system has it.

    Raises:
        SystemKeyringUnusable: there is none that can be trusted with it, or it is locked.
    """
    backend, user = _backend(), str(home.folder)
    _asked(lambda: backend.set_password(_SERVICE, user, passphrase.text))
    if _asked(lambda: backend.get_password(_SERVICE, user)) != passphrase.text:
        raise SystemKeyringUnusable(f"the system's keyring does not give back what it took; {_OTHERWISE}")
    replace_file(home.folder / _MARKER, b"escrow keyring forget takes it out again\n")
    return str(backend.name)


def recall(home: Home) -> Passphrase:
    """Ask the system for the passphrase of this home folder.

    Raises:
        SystemKeyringUnusable: it does not give it.
    """
    backend = _backend()
    found = _asked(lambda: backend.get_password(_SERVICE, str(home.folder)))
    if not found:
        raise SystemKeyringUnusable(
            f"the system's keyring has no passphrase for {home.folder}: it was removed there, or belongs to another "
            f"user; {_OTHERWISE}, and `escrow keyring remember` puts it back"
        )
    return Passphrase(found)


def secret_named(name: str) -> str | None:
    """Ask the system for a secret that somebody put there under a name, for escrow.toml; None if it has none.

    Raises:
        SystemKeyringUnusable: the keyring cannot be asked.
    """
    backend = _backend()
    return _asked(lambda: backend.get_password(_SERVICE, name))


def forget(home: Home) -> bool:
    """Take the passphrase out of the system's keyring; say whether it was asked to remember it.

    Raises:
        SystemKeyringUnusable: the keyring cannot be opened; the system is not asked any more all the same.
    """
    was_there = is_remembered(home)
    (home.folder / _MARKER).unlink(missing_ok=True)
    if was_there:
        backend = _backend()
        if _asked(lambda: backend.get_password(_SERVICE, str(home.folder))) is not None:
            _asked(lambda: backend.delete_password(_SERVICE, str(home.folder)))
    return was_there


def _backend() -> KeyringBackend:
    try:
        import keyring  # noqa: PLC0415  # an extra, and slow to load
    except ImportError:
        raise SystemKeyringUnusable(
            f"the library for the system's keyring is not installed: pip install 'escrow[keyring]', or {_OTHERWISE}"
        ) from None
    chosen: KeyringBackend = _asked(keyring.get_keyring)
    # A chain would fall back to the next of its members; the one that is asked is chosen here.
    for candidate in getattr(chosen, "backends", (chosen,)):
        if not type(candidate).__module__.startswith(_REFUSED):
            return candidate
    raise SystemKeyringUnusable(f"this machine has no keyring of its system that keeps a secret sealed; {_OTHERWISE}")


def _asked(ask: Callable[[], Answer]) -> Answer:
    """Ask the system; whatever its library raises, told without what it says, which may hold anything."""
    with contextlib.suppress(Exception):  # backends raise errors of their own systems' libraries
        return ask()
    raise SystemKeyringUnusable(f"the system's keyring is locked or cannot be reached from here; {_OTHERWISE}")
