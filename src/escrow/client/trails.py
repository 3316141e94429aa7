"""Audit trails on this machine: each is checked from its first entry on, and against what was seen of it before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from escrow import wire
from escrow.client.home import replace_file
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.errors import StateInvalid, TrailBroken
from escrow.psi.encoding import b64url, unb64url
from escrow.reports.trail import TrailEntry, check_trail, own_trail, shared_trail

__all__ = ["SeenTrails", "Trails", "fetch", "fetch_organization", "read_exported"]

_VERSION = 1
_FILE = "audit.json"


@dataclass(frozen=True, slots=True)
class Trails:
    """The entries of a partnership: those that both parties see, and those of our own; each trail is checked."""

    both: list[TrailEntry]
    ours: list[TrailEntry]


@dataclass
class SeenTrails:
    """The last entry of each trail that was checked on this machine, by the trail's id: its number and digest."""

    place: Path
    last: dict[UUID, tuple[int, bytes]]

    @classmethod
    def load(cls, folder: Path) -> SeenTrails:
        """Read what was seen, from a partnership's folder.

        Raises:
            StateInvalid: the file is damaged.
        """
        place = folder / _FILE
        if not place.exists():
            return cls(place, {})
        try:
            form = json.loads(place.read_bytes())
            if form["version"] != _VERSION:
                raise ValueError
            last = {UUID(each["trail_id"]): (int(each["number"]), unb64url(each["digest"])) for each in form["last"]}
        except (KeyError, TypeError, ValueError, AttributeError):
            raise StateInvalid(
                f"{place} is damaged or of another version of escrow; remove it, and the trail is taken anew"
            ) from None
        return cls(place, last)

    def take(self, trails: Mapping[UUID, list[TrailEntry]]) -> None:
        """Hold trails to what was seen of them before, and remember where they end now.

        Raises:
            TrailBroken: a trail has lost entries, or has others in their place.
        """
        for trail_id, entries in trails.items():
            number, digest = self.last.get(trail_id, (0, b""))
            if number and (len(entries) < number or entries[number - 1].digest != digest):
                raise TrailBroken(
                    f"entry {number} of the audit trail is not the one that was seen here before; keep {self.place}, "
                    "and compare with your partner before you rely on the trail"
                )
        self.last |= {at: (entries[-1].number, entries[-1].digest) for at, entries in trails.items() if entries}
        form = [
            {"trail_id": str(trail_id), "number": number, "digest": b64url(digest)}
            for trail_id, (number, digest) in self.last.items()
        ]
        replace_file(self.place, json.dumps({"version": _VERSION, "last": form}, separators=(",", ":")).encode())


def fetch(service: Escrow, seat: Seat, seen: SeenTrails) -> Trails:
    """Fetch both trails of a partnership and check them, from their first entries on.

    Raises:
        TrailBroken: an entry was changed, removed or put in since it was written, or since it was seen here.
    """
    at = seat.partnership_id
    ids = {"both": shared_trail(at), "ours": own_trail(at, seat.side)}
    trails = {each: _checked(service.audit_entries(at, each), trail_id) for each, trail_id in ids.items()}
    seen.take({ids[each]: entries for each, entries in trails.items()})
    return Trails(**trails)


def fetch_organization(service: Escrow, organization_id: UUID) -> list[TrailEntry]:
    """Fetch and check the trail of our own organization.

    Raises:
        TrailBroken: an entry was changed, removed or put in.
    """
    return _checked(service.organization_entries(), organization_id)


def read_exported(lines: Iterable[str]) -> list[list[TrailEntry]]:
    """Read exported entries, one on each line, and check each trail among them.

    Raises:
        TrailBroken: a line is no entry, or an entry was changed, removed from the middle or put in.
    """
    trails: dict[UUID, list[TrailEntry]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            entry = wire.AuditEntry.model_validate_json(line).value()
        except ValueError:
            raise TrailBroken(f"line {number} is no audit entry") from None
        trails.setdefault(entry.trail_id, []).append(entry)
    return [check_trail(entries) for entries in trails.values()]


def _checked(entries: Iterable[wire.AuditEntry], trail_id: UUID) -> list[TrailEntry]:
    checked = check_trail(entry.value() for entry in entries)
    if any(entry.trail_id != trail_id for entry in checked):
        raise TrailBroken("the service shows the audit trail of something else")
    return checked
