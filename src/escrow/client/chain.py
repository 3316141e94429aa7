"""The chain of releases that this machine has seen, kept beside the account state, and all that is held against it.

A release is taken once: its statement is signed by a key that was pinned at first sight, follows the one before it, and
is never another one afterwards. The numbers of a report are checked against the commitments of its statement, and what
the partner vouches for against the same chain, so that a service that shows two histories is caught.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from escrow import wire
from escrow.client.home import replace_file
from escrow.client.seats import Seat
from escrow.errors import HistoryForked, ReleaseInvalid, StateInvalid
from escrow.psi.encoding import b64url, unb64url
from escrow.psi.keys import GenerationKeys, release_head
from escrow.reports.matrix import CellState
from escrow.reports.statement import (
    FIRST_PREVIOUS,
    CellOpening,
    ListOpening,
    Statement,
    key_id,
    read_statement,
    rule_digest,
    statement_digest,
    verify_signature,
)
from escrow.terms import Cell, Side, Terms

__all__ = ["Chain", "SeenRelease", "check_head", "check_report", "own_head"]

_VERSION = 1
_FILE = "releases.json"


@dataclass(frozen=True, slots=True)
class SeenRelease:
    """A release as it was seen: the bytes that were signed, the signature, and whose it is."""

    number: int
    statement: bytes
    signature: bytes
    key_id: str


@dataclass
class Chain:
    """The releases of one partnership by number, without gaps, and the public keys that are believed."""

    folder: Path
    keys: dict[str, bytes] = field(default_factory=dict)
    releases: dict[int, SeenRelease] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Chain:
        """Read the chain of a partnership's folder; an empty one if nothing was seen yet.

        Raises:
            StateInvalid: the file is damaged.
        """
        place = folder / _FILE
        if not place.exists():
            return cls(folder)
        try:
            form = json.loads(place.read_bytes())
            if form["version"] != _VERSION:
                raise ValueError
            seen = [
                SeenRelease(each["number"], unb64url(each["statement"]), unb64url(each["signature"]), each["key_id"])
                for each in form["releases"]
            ]
            keys = {str(name): unb64url(public) for name, public in form["keys"].items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            raise StateInvalid(
                f"{place} is damaged or of another version of escrow; bring it back from a copy made by "
                "`escrow keyring export`, or remove it and run `escrow report verify`: then the history is taken anew"
            ) from None
        return cls(folder, keys, {each.number: each for each in seen})

    def save(self) -> None:
        """Write the chain in the place of the one before."""
        form = {
            "version": _VERSION,
            "keys": {name: b64url(public) for name, public in self.keys.items()},
            "releases": [
                {
                    "number": each.number,
                    "statement": b64url(each.statement),
                    "signature": b64url(each.signature),
                    "key_id": each.key_id,
                }
                for each in self.releases.values()
            ],
        }
        replace_file(self.folder / _FILE, json.dumps(form, separators=(",", ":")).encode())

    @property
    def last(self) -> SeenRelease | None:
        """The release with the highest number."""
        return self.releases[max(self.releases)] if self.releases else None

    def pin(self, public_key: bytes) -> None:
        """Believe what this key signs from now on."""
        self.keys[key_id(public_key)] = public_key

    def take(self, items: Iterable[wire.ReleaseItem], *, seat: Seat, owner: UUID) -> list[int]:
        """Hold releases, oldest first, to the chain and add those that are new; give the numbers that were checked.

        Raises:
            ReleaseInvalid: a release is not signed by a pinned key, or does not follow the one before.
            HistoryForked: a release is another one than was seen here before.
        """
        checked = []
        for item in items:
            if item.signed is None:
                self._must_not_be_signed(item.number)
                continue
            self._take(item, item.signed, seat=seat, owner=owner)
            checked.append(item.number)
        return checked

    def check_whole(self, *, seat: Seat, owner: UUID) -> list[int]:
        """Check again, without the service, all that is kept here; give the numbers of the releases.

        Raises:
            ReleaseInvalid: one of them does not hold.
        """
        for number in sorted(self.releases):
            self._check(self.releases[number], seat=seat, owner=owner)
        return sorted(self.releases)

    def must_be_whole(self, seat: Seat) -> None:
        """Hold the end of what is kept here to the highest release that the keyring remembers.

        Raises:
            ReleaseInvalid: the history was cut off behind, or is gone.
        """
        last = max(self.releases, default=0)
        if last < seat.highest_release:
            raise ReleaseInvalid(
                f"release {seat.highest_release} was seen here, and the history kept on this machine ends "
                f"{f'with release {last}' if last else 'before the first one'}: {self.folder / _FILE} was cut or lost; "
                "bring it back from a copy made by `escrow keyring export`, or run `escrow report verify`, which takes "
                "it from the service anew"
            )

    def _take(self, item: wire.ReleaseItem, signed: wire.Signed, *, seat: Seat, owner: UUID) -> None:
        known = self.releases.get(item.number)
        if known is not None and known.statement != signed.statement:
            raise HistoryForked(
                f"release {item.number} is another one than was seen here before; keep {self.folder / _FILE}, and "
                "compare with your partner before you rely on any number"
            )
        release = SeenRelease(item.number, signed.statement, signed.signature, signed.key_id)
        statement = self._check(release, seat=seat, owner=owner)
        if statement.made_at != int(item.made_at.timestamp()):
            raise ReleaseInvalid(f"release {item.number} was signed with another time than the one it is shown with")
        self.releases.setdefault(item.number, release)

    def _check(self, release: SeenRelease, *, seat: Seat, owner: UUID) -> Statement:
        number = release.number
        public_key = self.keys.get(release.key_id)
        if public_key is None:
            raise ReleaseInvalid(
                f"release {number} is signed by the key {release.key_id}, which this machine has not taken; ask the "
                f"operator whether it rotated its key, then run `escrow report verify --release-key {release.key_id}`"
            )
        try:
            verify_signature(release.statement, release.signature, public_key)
        except ReleaseInvalid as invalid:
            raise ReleaseInvalid(f"release {number} does not hold: {invalid.message}") from None
        statement = read_statement(release.statement)
        if (statement.partnership_id, statement.number) != (seat.partnership_id, number) or (
            (statement.left_org_id, statement.right_org_id) != _organizations(seat, owner)
        ):
            raise ReleaseInvalid(f"release {number} was signed for another partnership or under another number")
        if statement.previous != self._expected_before(number):
            raise ReleaseInvalid(f"release {number} does not follow the release before it: the history was changed")
        return statement

    def _expected_before(self, number: int) -> bytes:
        before = self.releases.get(number - 1)
        return FIRST_PREVIOUS if before is None else statement_digest(before.statement)

    def _must_not_be_signed(self, number: int) -> None:
        if any(earlier <= number for earlier in self.releases):
            raise ReleaseInvalid(f"release {number} is not signed, though one before it was")


def check_report(served: wire.Report, release: SeenRelease, *, side: Side) -> None:
    """Hold what a report shows to the statement of its release.

    Raises:
        ReleaseInvalid: a number, the list or the terms are other ones than those that were signed.
    """
    number, statement = served.number, read_statement(release.statement)
    if served.signed is None or served.signed.statement != release.statement:
        raise ReleaseInvalid(f"the report of release {number} does not come with the statement that was signed")
    if statement.made_at != int(served.made_at.timestamp()) or statement.rule != rule_digest(_terms(served, side)):
        raise ReleaseInvalid(f"release {number} was made at another time or under other terms than it is shown with")
    for cell in served.cells:
        if not _is_as_signed(cell, statement, side):
            shown = Cell(cell.ours, cell.theirs)
            raise ReleaseInvalid(f"the number of {shown} in release {number} is not the one that was signed")
    ours = served.our_list
    signed = statement.left_list if side is Side.LEFT else statement.right_list
    if ours.salt is None or ListOpening(ours.salt, ours.number, ours.digest).commitment != signed:
        raise ReleaseInvalid(f"release {number} was made of another list of ours than it is shown with")


def own_head(chain: Chain, keys: GenerationKeys, *, owner: UUID) -> wire.Head | None:
    """Vouch for the last release that this machine has seen, for the partner to compare with."""
    last = chain.last
    if last is None:
        return None
    made = release_head(keys.head_key, owner_org_id=owner, release_number=last.number, statement=last.statement)
    return wire.Head(release=last.number, head=made)


def check_head(chain: Chain, seat: Seat, shown: wire.Partnership, *, is_complete: bool) -> int | None:
    """Compare what the partner vouched for last with the chain; give the release, or None if nothing can be compared.

    ``is_complete`` says that the chain holds every release that the service showed after it showed the head.

    Raises:
        HistoryForked: the partner was shown another history.
    """
    head = shown.their_list.head
    keys = None if head is None else _keys_of(seat, head.generation)
    if head is None or keys is None:
        return None
    seen = chain.releases.get(head.release)
    if seen is None:
        if is_complete:
            raise HistoryForked(f"your partner has seen release {head.release}, and the service does not show it here")
        return None
    expected = release_head(
        keys.head_key, owner_org_id=seat.partner, release_number=head.release, statement=seen.statement
    )
    if not hmac.compare_digest(expected, head.head):
        raise HistoryForked(
            f"release {head.release} is not the one that your partner has seen: the service shows two histories; keep "
            f"{chain.folder / _FILE}, and compare with your partner before you rely on any number"
        )
    return head.release


def _is_as_signed(cell: wire.ReportCell, statement: Statement, side: Side) -> bool:
    """Tell whether a cell can be as it was signed; what is closed to us has no salt, and nothing is claimed of it."""
    if cell.state is not CellState.PUBLIC:
        return cell.number is None and cell.salt is None
    place = Cell(cell.ours, cell.theirs)
    place = place if side is Side.LEFT else place.transposed
    if cell.salt is None or cell.level > cell.level_then:
        return False
    return CellOpening(cell.salt, place, cell.state, cell.number).commitment == statement.commitment(place)


def _terms(served: wire.Report, side: Side) -> Terms:
    """Give the terms that a release says it was made under, seen from the left."""
    try:
        terms = Terms(
            levels={Cell(each.ours, each.theirs): each.level_then for each in served.cells},
            counts_from=served.counts_from,
            reveals_from=served.reveals_from,
            disclosure=served.disclosure.value(),
        )
    except ValueError as wrong:
        raise ReleaseInvalid(f"release {served.number} shows terms that cannot be: {wrong}") from None
    return terms if side is Side.LEFT else terms.transposed


def _organizations(seat: Seat, owner: UUID) -> tuple[UUID, UUID]:
    return (owner, seat.partner) if seat.side is Side.LEFT else (seat.partner, owner)


def _keys_of(seat: Seat, generation: int) -> GenerationKeys | None:
    known = (seat.keys, seat.building)
    # Keys that this machine has lost, or never had, vouch for nothing.
    return next((keys for keys in known if keys is not None and keys.g == generation and keys.head_key), None)
