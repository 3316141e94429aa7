"""A keyring and its account states in one sealed file, to go on from another machine of the same organization.

The file is a run of named parts under a passphrase of its own. It is read to its end before anything here changes. A
partnership that both machines know keeps what is further on of each part: nothing goes back to an older generation,
list, terms or release. The keyring itself is never on disk in the clear.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from escrow.client.corrections.remembered import DO_NOT_MAP_USED
from escrow.client.home import Home, new_file, replace_file
from escrow.client.keyring import Keyring, KeyringFile, Random, keyring_object, read_keyring
from escrow.client.keyring_form import read_object, write_object
from escrow.client.opened import IF_DETAILS_DAMAGED
from escrow.client.sealed_files import Passphrase, PassphraseKey, Stretching, told_of
from escrow.client.seats import Seat, Standing
from escrow.client.sqlite_files import opened_sqlite
from escrow.client.state import IF_LIST_DAMAGED, AccountState
from escrow.errors import KeyringExists, KeyringInvalid, StateInvalid
from escrow.psi.encoding import lp, u64

__all__ = ["Carried", "export_home", "import_home"]

_MAGIC = b"ESKX"
_KEYRING = "keyring.json"
_LISTS = (("list.sqlite", "list-pending.sqlite"), ("next.sqlite", "next-pending.sqlite"))
_CHAIN = "releases.json"
_KEPT_FILES = (*_LISTS[0], *_LISTS[1], "details.sqlite", DO_NOT_MAP_USED, _CHAIN)
_PIECE_BYTES = 1 << 20
_ORDER = tuple(Standing)


@dataclass(frozen=True, slots=True)
class Carried:
    """How many partnerships were in the file, and how many account states were taken."""

    partnerships: int
    states: int


def export_home(
    home: Home,
    keyring: Keyring,
    place: Path,
    passphrase: Passphrase,
    *,
    random: Random,
    stretching: Stretching | None = None,
) -> Carried:
    """Write the keyring and every account state to one file.

    Raises:
        KeyringExists: there is a file in that place.
    """
    if place.exists():
        raise KeyringExists(f"{place} exists already; name a new file")
    key = PassphraseKey.stretch(passphrase, magic=_MAGIC, stretching=stretching or Stretching(), salt=random(16))
    with contextlib.ExitStack() as stack, new_file(place) as beside, beside.open("wb") as sealed:
        folders = [home.partnership(seat.partnership_id) for seat in keyring.seats]
        for folder in folders:
            stack.enter_context(AccountState(folder).held())
        for part in key.seal(_parts(keyring, folders), random=random):
            sealed.write(part)
        states = sum((folder / "list.sqlite").is_file() for folder in folders)
    return Carried(len(keyring.seats), states)


def import_home(
    home: Home,
    place: Path,
    carried_under: Passphrase,
    own: Passphrase,
    *,
    random: Random,
    stretching: Stretching | None = None,
) -> Carried:
    """Take the keyring and account states of another machine of ours; ``own`` opens or seals the keyring here.

    Raises:
        KeyringExists: this machine's keyring is of another organization or was made apart from that one.
        KeyringInvalid, PassphraseWrong: the file cannot be read.
    """
    home.make()
    with tempfile.TemporaryDirectory(dir=home.folder) as folder:
        unpacked = Path(folder)
        with told_of(place):
            keyring = _unseal(place, carried_under, unpacked)
        if home.keyring.is_file():
            file = KeyringFile.open(home, own, random=random)
            file.update(lambda present: _merged(present, keyring))
        else:
            KeyringFile.create(home, keyring, own, random=random, stretching=stretching)
        states = sum(_take_state(home, seat.partnership_id, unpacked) for seat in keyring.seats)
    return Carried(len(keyring.seats), states)


def _parts(keyring: Keyring, folders: Iterable[Path]) -> Iterator[bytes]:
    text = write_object(keyring_object(keyring))
    yield lp(_KEYRING.encode()) + u64(len(text)) + text
    for folder in folders:
        for name in _KEPT_FILES:
            file = folder / name
            if file.is_file():
                yield lp(f"{folder.name}-{name}".encode()) + u64(file.stat().st_size)
                yield from _pieces(file)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(_PIECE_BYTES):
            yield piece


def _unseal(place: Path, passphrase: Passphrase, folder: Path) -> Keyring:
    """Read the whole file: the keyring into memory, the parts we know by name into the folder, others nowhere."""
    keyring: Keyring | None = None
    with place.open("rb") as sealed:
        stream = _Stream(PassphraseKey.of_header(passphrase, sealed, magic=_MAGIC).open(sealed))
        while (name := stream.name()) is not None:
            if name == _KEYRING:
                keyring = read_object(b"".join(stream.content()), read_keyring)
            else:
                _write_known(folder, name, keyring, stream.content())
    if keyring is None:
        raise KeyringInvalid("the file holds no keyring; export it again")
    return keyring


def _write_known(folder: Path, name: str, keyring: Keyring | None, content: Iterator[bytes]) -> None:
    seats = keyring.seats if keyring else ()
    known = {f"{seat.partnership_id}-{kept}" for seat in seats for kept in _KEPT_FILES}
    if name not in known:
        raise KeyringInvalid("the file holds a part that this version does not know; update escrow")
    with (folder / name).open("wb") as file:
        for piece in content:
            file.write(piece)


class _Stream:
    """Reads named parts out of pieces of any length."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._waiting = b""

    def name(self) -> str | None:
        """The name of the next part, or None at the end."""
        if not self._waiting and not self._more():
            return None
        return self._take(int.from_bytes(self._take(4), "big")).decode()

    def content(self) -> Iterator[bytes]:
        """Yield the part's bytes."""
        left = int.from_bytes(self._take(8), "big")
        while left:
            piece = self._take(min(left, max(len(self._waiting), 1)))
            left -= len(piece)
            yield piece

    def _take(self, count: int) -> bytes:
        while len(self._waiting) < count:
            if not self._more():
                raise KeyringInvalid("the file ends in the middle of a part; export it again")
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _more(self) -> bool:
        for piece in self._pieces:
            if piece:
                self._waiting += piece
                return True
        return False


def _merged(present: Keyring, carried: Keyring) -> Keyring:
    if (present.organization_id, present.own_secret) != (carried.organization_id, carried.own_secret):
        raise KeyringExists(
            "this home folder has a keyring that was made apart from the one in the file; import into another --home"
        )
    known = {seat.partnership_id: seat for seat in present.seats}
    seats = [_further(known.pop(seat.partnership_id, seat), seat) for seat in carried.seats]
    return replace(present, seats=(*known.values(), *seats))


def _further(present: Seat, carried: Seat) -> Seat:
    """Keep what is further on of each part."""
    ahead = max(present, carried, key=_progress)
    confirmed = max(present.confirmed, carried.confirmed, key=lambda terms: terms.number)
    return replace(ahead, confirmed=confirmed, highest_release=max(present.highest_release, carried.highest_release))


def _progress(seat: Seat) -> tuple[bool, int, int, int, bool, bool, bool, bool, int]:
    keys = seat.keys
    return (
        seat.standing is Standing.CLOSED,
        -1 if keys is None else keys.g,
        0 if keys is None else keys.given_up,
        _ORDER.index(seat.standing),
        seat.building is not None,
        keys is not None and not keys.match_key,
        seat.complete_since is not None,
        seat.consent is not None,
        -1 if seat.fresh is None else _ORDER.index(seat.fresh.standing),
    )


def _take_state(home: Home, partnership_id: UUID, unpacked: Path) -> int:
    """Move the carried files of one partnership into place where they are further on than those here."""
    folder = home.partnership(partnership_id)
    carried = {name: unpacked / f"{partnership_id}-{name}" for name in _KEPT_FILES}
    taken = 0
    with AccountState(folder).held():
        for applied, pending in _LISTS:
            if _number(carried[applied]) > _number(folder / applied):
                for name in (applied, pending):
                    if carried[name].is_file():
                        replace_file(folder / name, carried[name].read_bytes())
                taken = 1
        if carried[DO_NOT_MAP_USED].is_file():
            replace_file(folder / DO_NOT_MAP_USED, carried[DO_NOT_MAP_USED].read_bytes())
        if _releases(carried[_CHAIN]) > _releases(folder / _CHAIN):
            replace_file(folder / _CHAIN, carried[_CHAIN].read_bytes())
        if carried["details.sqlite"].is_file():
            _take_details(carried["details.sqlite"], folder / "details.sqlite")
    return taken


def _number(file: Path) -> tuple[int, int]:
    """The generation and the number of the submission that a file of a list holds."""
    if not file.is_file():
        return 0, 0
    try:
        with opened_sqlite(file, if_damaged=IF_LIST_DAMAGED, is_read_only=True) as database:
            g, number = database.execute("SELECT generation, number FROM submission").fetchone()
            return int(g), int(number)
    except (StateInvalid, TypeError):
        return 0, 0


def _releases(chain: Path) -> int:
    """How many releases a chain holds; the longer of two is further on."""
    try:
        return len(json.loads(chain.read_bytes())["releases"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _take_details(carried: Path, present: Path) -> None:
    """Take the carried details, and of both files the highest submission of each row of one generation."""
    if present.is_file() and _generation(present) > _generation(carried):
        return
    if present.is_file() and _generation(present) == _generation(carried):
        with opened_sqlite(carried, if_damaged=IF_DETAILS_DAMAGED) as database, database:
            database.execute("ATTACH ? AS present", (str(present),))
            database.execute(
                "INSERT INTO highest SELECT * FROM present.highest WHERE true"
                " ON CONFLICT DO UPDATE SET submission = max(submission, excluded.submission)"
            )
    replace_file(present, carried.read_bytes())


def _generation(details: Path) -> int:
    with opened_sqlite(details, if_damaged=IF_DETAILS_DAMAGED) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])
