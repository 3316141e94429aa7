"""Releases and the reports that a party reads from them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from escrow import access, errors, releases, wire
from escrow.api.cursors import Cursors
from escrow.api.dependencies import AskedCursor, AskedLimit, PartnershipId, ReadKey, Service, Serving, page_size
from escrow.api.idempotency import Router
from escrow.api.problems import problems
from escrow.releases import Report, Signed
from escrow.reports.noise import margin
from escrow.wire.values import MOST_NUMBER

__all__ = ["router"]

router = Router(tags=["releases"])

ReleaseNumber = Annotated[int, Path(ge=1, le=MOST_NUMBER, description="The release's number.")]


@router.get(
    "/v1/partnerships/{partnership_id}/releases",
    summary="All releases, newest first",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PartnershipPaused),
)
def list_releases(
    partnership_id: PartnershipId,
    key: ReadKey,
    service: Serving,
    cursor: AskedCursor = None,
    limit: AskedLimit = None,
) -> wire.ReleasePage:
    """Page through the releases of a partnership."""
    with service.database.snapshot("list releases") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        cursors, size = Cursors.within("releases", party), page_size(service, limit)
        page = releases.releases_of(tx, party, before=cursors.read_number(cursor), limit=size)
        return wire.ReleasePage(
            items=tuple(
                wire.ReleaseItem(number=item.number, made_at=item.made_at, signed=_signed(item.signed))
                for item in page.items
            ),
            next=cursors.write_number(page.next),
        )


@router.get(
    "/v1/partnerships/{partnership_id}/releases/latest",
    summary="The latest report",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PartnershipPaused),
)
def show_latest_report(partnership_id: PartnershipId, key: ReadKey, service: Serving) -> wire.Report:
    """Show the caller's view of the latest release, under the terms then and now."""
    return _report(partnership_id, None, key, service)


@router.get(
    "/v1/partnerships/{partnership_id}/releases/{number}",
    summary="One report",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PartnershipPaused),
)
def show_report(partnership_id: PartnershipId, number: ReleaseNumber, key: ReadKey, service: Serving) -> wire.Report:
    """Show the caller's view of one release, under the terms then and now."""
    return _report(partnership_id, number, key, service)


def _report(partnership_id: PartnershipId, number: int | None, key: ReadKey, service: Service) -> wire.Report:
    with service.database.transaction("show report") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return _told(releases.report_of(tx, party, number, service_key=service.sealing_key, now=service.now()))


def _told(report: Report) -> wire.Report:
    return wire.Report(
        partnership_id=report.partnership_id,
        number=report.number,
        made_at=report.made_at,
        our_list=wire.ReportedList(
            number=report.our_list.number,
            digest=report.list_digest,
            salt=report.list_salt,
            accounts=report.our_list.accounts,
            populations=wire.PopulationSizes.of(report.our_list.populations),
            applied_at=report.our_list.applied_at,
        ),
        cells=tuple(
            wire.ReportCell(
                ours=cell.ours,
                theirs=cell.theirs,
                level=count.level,
                level_then=report.levels_then[cell],
                state=count.state,
                number=count.number,
                salt=report.salts.get(cell),
            )
            for cell, count in report.matrix.items()
        ),
        counts_from=report.made_under.counts_from,
        reveals_from=report.made_under.reveals_from,
        disclosure=wire.EffectiveRule.of(report.made_under.rule),
        margin=margin(report.made_under.rule),
        signed=_signed(report.signed),
    )


def _signed(signed: Signed | None) -> wire.Signed | None:
    if signed is None:
        return None
    return wire.Signed(statement=signed.statement, signature=signed.signature, key_id=signed.key_id)
