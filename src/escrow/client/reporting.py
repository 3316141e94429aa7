"""The report of a release, checked against what this machine has seen before."""

from __future__ import annotations

from dataclasses import dataclass, replace

from escrow import wire
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.errors import ServiceRefused, VerificationFailed
from escrow.reports.disclosure import Conditions
from escrow.reports.matrix import CellCount, OverlapMatrix
from escrow.reports.report import ReleaseView, Report
from escrow.terms import Cell

__all__ = ["FoundReport", "read_report"]


@dataclass(frozen=True, slots=True)
class FoundReport:
    """A report as it is rendered, and as the service gave it; ``served`` is None while there is no release."""

    report: Report
    served: wire.Report | None


def read_report(service: Escrow, file: KeyringFile, seat: Seat, number: int | None) -> FoundReport:
    """Read a release, by default the latest, and remember the highest number seen.

    Raises:
        VerificationFailed: the service's latest release is older than one that was seen before.
    """
    shown = service.partnership(seat.partnership_id)
    served = _release(service, seat, number)
    if number is None:
        latest = served.number if served else 0
        if latest < seat.highest_release:
            raise VerificationFailed(
                f"the service's latest release is {latest}, but release {seat.highest_release} was seen here before; "
                "ask the operator what became of it"
            )
        file.move(seat, lambda held: replace(held, highest_release=max(held.highest_release, latest)))
    report = Report(
        ours=file.keyring.organization_name,
        theirs=seat.partner_name,
        release=_view(served) if served else None,
        our_list_at=served.our_list.applied_at if served else shown.list.applied_at,
        their_list_at=shown.their_list.applied_at,
    )
    return FoundReport(report, served)


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
