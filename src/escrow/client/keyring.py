"""The keyring: everything that must not leave this machine in the clear, in one file under a passphrase.

It holds the service's address and the API key, the secret that names rows, and a seat for each partnership. Every
change reads the file again under a lock and replaces it whole, so that two commands at once lose nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from uuid import UUID

from escrow.client.home import Home, held, replace_file
from escrow.client.keyring_form import Object, Reader, read_object, read_seat, seat_object, write_object
from escrow.client.sealed_files import Passphrase, PassphraseKey, Stretching, told_of
from escrow.client.seats import Seat, Standing
from escrow.errors import KeyringExists, KeyringMissing, PartnershipHeld, PartnershipUnknown
from escrow.psi.encoding import b64url

__all__ = ["NOT_OURS", "Keyring", "KeyringFile", "Random", "must_exist"]

_MAGIC = b"ESKR"
_VERSION = 1

#: What is said of an id that nobody here knows.
NOT_OURS = "neither this keyring nor the service has such a partnership of yours"

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Keyring:
    """What the file holds."""

    url: str
    api_key: str = field(repr=False)
    organization_id: UUID
    organization_name: str
    own_secret: bytes = field(repr=False)
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
    seats: tuple[Seat, ...] = ()

    def seat(self, partnership_id: UUID) -> Seat:
        """Our seat in a partnership.

        Raises:
            PartnershipUnknown: this keyring has none there.
        """
        for seat in self.seats:
            if seat.partnership_id == partnership_id:
                return seat
        raise PartnershipUnknown("the keyring has no such partnership; `escrow status` lists those it has")

    def with_new_seat(self, seat: Seat) -> Keyring:
        """Add a seat.

        Raises:
            PartnershipHeld: the id is there already, and its keys are not replaced whoever asks for it.
        """
        if any(held_seat.partnership_id == seat.partnership_id for held_seat in self.seats):
            raise PartnershipHeld("this partnership is in the keyring already; a fresh pairing makes new keys for it")
        return replace(self, seats=(*self.seats, seat))

    def with_seat(self, seat: Seat) -> Keyring:
        """Replace a seat by its next state."""
        before = self.seat(seat.partnership_id)
        return replace(self, seats=tuple(seat if each is before else each for each in self.seats))

    def without_seat(self, partnership_id: UUID) -> Keyring:
        """Forget a seat whose partnership never came to be."""
        return replace(self, seats=tuple(each for each in self.seats if each.partnership_id != partnership_id))


class KeyringFile:
    """An open keyring file: its content as last read, and the stretched passphrase to seal it again."""

    def __init__(self, home: Home, key: PassphraseKey, keyring: Keyring, random: Random) -> None:
        self._home = home
        self._key = key
        self._random = random
        self.keyring = keyring

    def __repr__(self) -> str:
        return f"KeyringFile({str(self._home.keyring)!r})"

    @classmethod
    def create(
        cls,
        home: Home,
        keyring: Keyring,
        passphrase: Passphrase,
        *,
        random: Random,
        stretching: Stretching | None = None,
    ) -> KeyringFile:
        """Write the first keyring of a home folder.

        Raises:
            KeyringExists: it has one.
        """
        home.make()
        with held(home.keyring_lock):
            if home.keyring.exists():
                raise KeyringExists(f"there is a keyring in {home.folder} already; use it, or choose another --home")
            key = PassphraseKey.stretch(
                passphrase, magic=_MAGIC, stretching=stretching or Stretching(), salt=random(16)
            )
            file = cls(home, key, keyring, random)
            file._write(keyring)
        return file

    @classmethod
    def open(cls, home: Home, passphrase: Passphrase, *, random: Random) -> KeyringFile:
        """Open the keyring of a home folder.

        Raises:
            KeyringMissing: it has none.
            KeyringInvalid: the file that is there is none.
            PassphraseWrong: the passphrase does not open it.
        """
        must_exist(home)
        sealed = BytesIO(home.keyring.read_bytes())
        with told_of(home.keyring):
            key = PassphraseKey.of_header(passphrase, sealed, magic=_MAGIC)
            return cls(home, key, _read(key, sealed), random)

    def update(self, change: Callable[[Keyring], Keyring]) -> Keyring:
        """Change the keyring as it is on disk now, not as it was when it was opened."""
        with held(self._home.keyring_lock):
            present = _read(self._key, BytesIO(self._home.keyring.read_bytes()))
            changed = change(present)
            if changed != present:
                self._write(changed)
        self.keyring = changed
        return changed

    def move(self, seat: Seat, change: Callable[[Seat], Seat]) -> Seat:
        """Bring a seat to its next state, from the state it has on disk."""
        at = seat.partnership_id
        return self.update(lambda keyring: keyring.with_seat(change(keyring.seat(at)))).seat(at)

    def _write(self, keyring: Keyring) -> None:
        sealed = self._key.seal([write_object(keyring_object(keyring))], random=self._random)
        replace_file(self._home.keyring, b"".join(sealed))
        names = [seat.name for seat in keyring.seats if seat.standing is not Standing.CLOSED]
        replace_file(self._home.names, json.dumps(names, ensure_ascii=False).encode())


def must_exist(home: Home) -> None:
    """Say that there is no keyring before anybody is asked for its passphrase."""
    if not home.keyring.is_file():
        raise KeyringMissing(
            f"there is no keyring in {home.folder}; run `escrow init`, name its --home, "
            "or bring a copy back with `escrow keyring import`"
        )


def keyring_object(keyring: Keyring) -> Object:
    """Write a keyring."""
    return {
        "version": _VERSION,
        "url": keyring.url,
        "api_key": keyring.api_key,
        "organization_id": str(keyring.organization_id),
        "organization_name": keyring.organization_name,
        "own_secret": b64url(keyring.own_secret),
        "ca_file": keyring.ca_file,
        "proxy": keyring.proxy,
        "seats": [seat_object(seat) for seat in keyring.seats],
    }


def read_keyring(form: Reader) -> Keyring:
    """Read a keyring."""
    if form.number("version") != _VERSION:
        raise ValueError
    return Keyring(
        url=form.text("url"),
        api_key=form.text("api_key"),
        organization_id=form.uuid("organization_id"),
        organization_name=form.text("organization_name"),
        own_secret=form.binary("own_secret"),
        ca_file=form.optional("ca_file", form.text),
        proxy=form.optional("proxy", form.text),
        seats=tuple(read_seat(each) for each in form.objects("seats")),
    )


def _read(key: PassphraseKey, sealed: BytesIO) -> Keyring:
    return read_object(b"".join(key.open(sealed)), read_keyring)
