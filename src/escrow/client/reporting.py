"""The report of a release, checked against what this machine has seen before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from escrow import wire
from escrow.client.chain import Chain, SeenRelease, check_head, check_report
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.errors import ReleaseInvalid, ServiceRefused, VerificationFailed
from escrow.reports.disclosure import Conditions
from escrow.reports.matrix import CellCount, OverlapMatrix
from escrow.reports.report import ReleaseView, Report
from escrow.reports.statement import key_id
from escrow.terms import Cell

__all__ = ["Checked", "FoundReport", "read_report", "verify"]


@dataclass(frozen=True, slots=True)
class FoundReport:
    """A report as it is rendered, and as the service gave it; ``served`` is None while there is no release.

    ``checked`` says what was held against the chain of this machine.
    """

    report: Report
    served: wire.Report | None
    checked: Checked


@dataclass(frozen=True, slots=True)
class Checked:
    """The releases that are signed and hold together, by number, and the one that the partner vouched for last."""

    releases: tuple[int, ...] = ()
    partners_head: int | None = None
    keys: tuple[str, ...] = ()


def read_report(service: Escrow, file: KeyringFile, seat: Seat, chain: Chain, number: int | None) -> FoundReport:
    """Read a release, by default the latest, hold it to all that was seen before, and remember it.

    Raises:
        VerificationFailed: the service's latest release is older than one that was seen before.
        ReleaseInvalid, HistoryForked: it is not what was signed, seen here, or seen by the partner.
    """
    shown = service.partnership(seat.partnership_id)
    owner = file.keyring.organization_id
    served = _release(service, seat, number)
    if number is None:
        latest = served.number if served else 0
        if latest < seat.highest_release:
            raise VerificationFailed(
                f"the service's latest release is {latest}, but release {seat.highest_release} was seen here before; "
                "ask the operator what became of it"
            )
    checked = verify(service, seat, chain, shown, owner=owner)
    if served is not None and (served.number in chain.releases or served.signed is not None):
        check_report(served, _seen(chain, served.number), side=seat.side)
    if number is None and served is not None:
        file.move(seat, lambda held: replace(held, highest_release=max(held.highest_release, served.number)))
    report = Report(
        ours=file.keyring.organization_name,
        theirs=seat.partner_name,
        release=_view(served) if served else None,
        our_list_at=served.our_list.applied_at if served else shown.list.applied_at,
        their_list_at=shown.their_list.applied_at,
    )
    return FoundReport(report, served, checked)


def verify(
    service: Escrow,
    seat: Seat,
    chain: Chain,
    shown: wire.Partnership,
    *,
    owner: UUID,
    accepted_key: str | None = None,
    whole: bool = False,
    at_least: int = 0,
) -> Checked:
    """Take in the releases that are new, or with ``whole`` hold all there are to the chain, and keep it.

    At first sight every key that signed is believed, or the ``accepted_key`` alone; later ones only if they are named.
    ``at_least`` is a release that was seen, whether or not it is kept here.

    Raises:
        ReleaseInvalid, HistoryForked: a release does not hold; the message names it.
        VerificationFailed: the service shows less than was seen before.
    """
    items = _releases_from(service, seat, chain, whole=whole)
    _pin_keys(service, chain, items, accepted_key)
    seen = max(chain.last.number if chain.last else 0, at_least)
    if seen and (not items or items[-1].number < seen):
        raise VerificationFailed(f"the service does not show release {seen}, which was seen here before")
    if whole:
        chain.check_whole(seat=seat, owner=owner)
    before = len(chain.releases)
    checked = chain.take(items, seat=seat, owner=owner)
    head = check_head(chain, seat, shown, is_complete=True)
    if len(chain.releases) != before or accepted_key is not None:
        chain.save()
    return Checked(tuple(checked), head, tuple(sorted({chain.releases[each].key_id for each in checked})))


def _releases_from(service: Escrow, seat: Seat, chain: Chain, *, whole: bool) -> list[wire.ReleaseItem]:
    """Fetch what is newer than the chain, and its last release once more; the oldest first."""
    last = chain.last
    items: list[wire.ReleaseItem] = []
    for item in service.releases(seat.partnership_id):
        items.append(item)
        if not whole and last is not None and item.number <= last.number:
            break
    return items[::-1]


def _pin_keys(service: Escrow, chain: Chain, items: Sequence[wire.ReleaseItem], accepted: str | None) -> None:
    signing = {item.signed.key_id for item in items if item.signed is not None}
    wanted = signing - set(chain.keys) if not chain.keys else set()
    if accepted is not None:
        wanted = {accepted} - set(chain.keys)
    if not wanted:
        return
    published = {each.key_id: each.public_key for each in service.service().release_keys}
    for name in sorted(wanted):
        if key_id(published.get(name, b"")) != name:
            raise ReleaseInvalid(f"the service does not show the release key {name}")
        chain.pin(published[name])


def _seen(chain: Chain, number: int) -> SeenRelease:
    if number not in chain.releases:
        raise ReleaseInvalid(f"the service shows release {number}, but not in its list of releases")
    return chain.releases[number]


def _release(service: Escrow, seat: Seat, number: int | None) -> wire.Report | None:
    try:
        return service.release(seat.partnership_id, number)
    except ServiceRefused as refusal:
        if number is None and refusal.status == 404:
            return None
        raise


def _view(served: wire.Report) -> ReleaseView:
    cells = {Cell(each.ours, each.theirs): _count(each) for each in served.cells}
    conditions = Conditions(served.disclosure.value(), served.counts_from, served.reveals_from)
    return ReleaseView(served.number, served.made_at, OverlapMatrix(cells), conditions)


def _count(cell: wire.ReportCell) -> CellCount:
    return CellCount(cell.level, cell.state, cell.number)
