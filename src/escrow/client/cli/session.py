"""One run of a command: the home folder, the keyring once it is needed, the service, and the partnership that is meant.

Nothing heavy is imported before a command asks for it, so that `--help` and a wrong option answer at once.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from escrow.client.cli.exits import ExitCode, exit_code_of
from escrow.client.cli.texts import without_controls
from escrow.errors import EscrowError, PartnershipUnknown

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.cli.passphrases import PassphraseSource
    from escrow.client.home import Home
    from escrow.client.keyring import Keyring, KeyringFile
    from escrow.client.project import Project
    from escrow.client.sdk import Escrow
    from escrow.client.seats import Seat, Standing

__all__ = ["Said", "Session", "SharedOptions"]


@dataclass(frozen=True, slots=True)
class SharedOptions:
    """The options that every command has."""

    home: Path | None
    partnership: str | None
    is_json: bool
    passphrase_file: Path | None
    ca_file: Path | None
    proxy: str | None
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answers: an object for programs, how a person is shown the same, and what it came to.

    A command that did a part of its work came to the error that kept the rest from being done; the object names that
    error where it belongs.
    """

    machine: Mapping[str, object]
    person: Callable[[Console], None]
    ended: ExitCode | EscrowError = ExitCode.DONE

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that the command ends with."""
        return exit_code_of(self.ended) if isinstance(self.ended, EscrowError) else self.ended


class Session:
    """What the body of a command works with."""

    def __init__(self, options: SharedOptions, environment: Mapping[str, str] | None = None) -> None:
        self.options = options
        self.environment = os.environ if environment is None else environment
        self.random = secrets.token_bytes
        self.now = datetime.now(UTC)

    @cached_property
    def home(self) -> Home:
        """The home folder."""
        from escrow.client.home import Home

        return Home.at(self.options.home, self.environment)

    @cached_property
    def project(self) -> Project | None:
        """The escrow.toml of this run, if there is one."""
        from escrow.client.project import find_project

        return find_project(self.options.config, self.environment)

    @cached_property
    def file(self) -> KeyringFile:
        """The open keyring; a person is asked for its passphrase if nothing else gives it."""
        from escrow.client.keyring import KeyringFile, must_exist

        must_exist(self.home)
        return KeyringFile.open(self.home, self.passphrase.find(self.environment), random=self.random)

    @property
    def passphrase(self) -> PassphraseSource:
        """Where the keyring's passphrase comes from."""
        from escrow.client.cli.passphrases import PassphraseSource

        return PassphraseSource("ESCROW_PASSPHRASE", "the keyring", self.options.passphrase_file, self.home)

    @property
    def keyring(self) -> Keyring:
        """The keyring's content as last read."""
        return self.file.keyring

    @cached_property
    def service(self) -> Escrow:
        """The service that the keyring is for."""
        return self.service_with(self.keyring.api_key)

    def service_with(self, api_key: str) -> Escrow:
        """The service that the keyring is for, called with this API key."""
        remembered = self.keyring.ca_file
        ca = self.ca_file or (Path(remembered) if remembered else None)
        return self.connect(self.keyring.url, api_key, ca=ca, proxy=self.proxy or self.keyring.proxy)

    def connect(self, url: str, api_key: str, *, ca: Path | None, proxy: str | None) -> Escrow:
        """Make the SDK on one service."""
        from escrow.client.sdk import Escrow

        return Escrow(url, api_key, ca=ca, proxy=proxy)

    @property
    def ca_file(self) -> Path | None:
        """The certificate authority that this run names, if any."""
        named = self.options.ca_file or self.environment.get("ESCROW_CA_FILE")
        return Path(named).expanduser().absolute() if named else None

    @property
    def proxy(self) -> str | None:
        """The proxy that this run names, if any."""
        return self.options.proxy or self.environment.get("ESCROW_PROXY")

    @property
    def chosen(self) -> Seat:
        """The seat that --partnership names, or the only one that is paired, else the only one."""
        return choose(self.keyring.seats, self.options.partnership)

    def chosen_of(self, usual: frozenset[Standing]) -> Seat:
        """The seat that --partnership names, or the only one that stands so, else the only one."""
        return choose(self.keyring.seats, self.options.partnership, usual)

    @property
    def seat(self) -> Seat:
        """The chosen seat, after every step of its pairing that needs no person."""
        return self.advanced(self.chosen)

    def seat_of(self, name: str) -> Seat:
        """The seat that goes by this name, as `seat`."""
        return self.advanced(self.named(name))

    def named(self, name: str) -> Seat:
        """The seat that goes by this name, as it is; where escrow.toml says the name, an error says where."""
        try:
            return choose(self.keyring.seats, name)
        except PartnershipUnknown as unknown:
            place = self.project.places.get(name) if self.project is not None else None
            raise PartnershipUnknown(f"{place}: {unknown.message}" if place else unknown.message) from None

    def advanced(self, seat: Seat) -> Seat:
        """The seat after every step of its pairing that needs no person."""
        from escrow.client.pairing import advance

        moved = advance(self.service, self.file, seat, now=self.now)
        if seat.fresh is not None and moved.fresh is None and moved.building is None:
            self.note(f"The fresh pairing of {name_of(seat)} was cancelled or has lapsed; the live generation goes on.")
        return moved

    def note(self, text: str) -> None:
        """Tell a person something beside the answer."""
        print(text, file=sys.stderr)  # noqa: T201

    def ask_line(self, question: str) -> str:
        """Read a line from the standard input; a person who sits there is told what for."""
        if sys.stdin.isatty():
            self.note(question)
        return sys.stdin.readline().strip()

    def renew(self) -> None:
        """Begin another run of the same command: the clock and the keyring as they are now, and a new connection."""
        self.now = datetime.now(UTC)
        self.close()
        vars(self).pop("service", None)
        if "file" in vars(self):
            self.file.update(lambda present: present)

    def close(self) -> None:
        """Give connections back."""
        if "service" in vars(self):
            self.service.close()


def choose(seats: tuple[Seat, ...], wanted: str | None, usual: frozenset[Standing] | None = None) -> Seat:
    """Find the seat that a label, a partner's name, an id or the start of one means.

    Without a word it is the only one that stands in one of the ``usual`` ways, which is paired if none are given, else
    the only one. One that has ended is meant only where no open one can be.

    Raises:
        PartnershipUnknown: none is, or more than one.
    """
    from escrow.client.seats import Standing

    if not seats:
        raise PartnershipUnknown(
            "the keyring has no partnership; see `escrow status`, then `escrow invite` or `escrow accept CODE`"
        )
    there = _open(seats)
    if wanted is None:
        standing = frozenset({Standing.PAIRED}) if usual is None else usual
        as_usual = [seat for seat in there if seat.standing in standing]
        fitting = as_usual if len(as_usual) == 1 else there
    else:
        fitting = _open([seat for seat in seats if _is_named(seat, wanted)])
    if len(fitting) == 1:
        return fitting[0]
    raise PartnershipUnknown(f"{_unclear(wanted, len(fitting))}; there are: {', '.join(sorted(_told_apart(there)))}")


def _open(seats: Sequence[Seat]) -> list[Seat]:
    """Leave out those that have ended, unless all have: a label or a partner may be had again."""
    from escrow.client.seats import Standing

    return [seat for seat in seats if seat.standing is not Standing.CLOSED] or list(seats)


def _unclear(wanted: str | None, fitting: int) -> str:
    if wanted is None:
        return "say which partnership is meant with --partnership"
    return f"`{without_controls(wanted)}` names {'several partnerships' if fitting else 'no partnership'}"


def _told_apart(seats: Sequence[Seat]) -> list[str]:
    """Name each seat, with the start of its id where another goes by the same name or it has none."""
    names = Counter(name_of(seat) for seat in seats)
    return [_told(seat, is_alone=names[name_of(seat)] == 1) for seat in seats]


def _told(seat: Seat, *, is_alone: bool) -> str:
    if name_of(seat) == str(seat.partnership_id):
        return f"{short_id(seat)} ({seat.standing.value})"
    return without_controls(name_of(seat)) + ("" if is_alone else f" ({short_id(seat)})")


def short_id(seat: Seat) -> str:
    """The start of a partnership's id, which is enough to name it."""
    return str(seat.partnership_id)[:8]


def name_of(seat: Seat) -> str:
    """What a person calls a partnership."""
    return seat.name


def _is_named(seat: Seat, wanted: str) -> bool:
    words = wanted.casefold()
    if words in {seat.label.casefold(), seat.partner_name.casefold()}:
        return bool(words)
    return len(words) >= 4 and str(seat.partnership_id).startswith(words) and _is_hexadecimal(words)


def _is_hexadecimal(words: str) -> bool:
    try:
        UUID(words.replace("-", "").ljust(32, "0"))
    except ValueError:
        return False
    return True
