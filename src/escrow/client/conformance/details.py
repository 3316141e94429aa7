"""Details held to the protocol: sealed by one side, opened by the other, and gone with the terms that allowed them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from escrow import wire
from escrow.client.conformance.findings import Finding, finding, refused
from escrow.client.conformance.players import Account, Stage
from escrow.errors import ProtocolError
from escrow.psi.details import Detail
from escrow.psi.envelope_format import PADDED_SIZES, split_uploaded
from escrow.psi.envelopes import EnvelopeContext, open_envelope, seal_envelope
from escrow.terms import Cell, Level, Population, Terms

__all__ = ["SHARED_FIELDS", "details"]

#: What left shares of its accounts in the cell of details.
SHARED_FIELDS = ("account_name", "domain")

_CELL = Cell(Population.PROSPECTS, Population.OPPORTUNITIES)
_SECTION = "Account secret, token, wrap key, stored index"
_RULE_2, _RULE_3 = (f"Rules that keep the promise: {number}" for number in (2, 3))

Pairs = Sequence[tuple[Account, Account]]


def details(stage: Stage) -> Iterator[Finding]:
    """Seal the details of left's accounts in one cell, have right open them, and take back what allows that."""
    pairs = stage.shared(_CELL)
    wanted = next(iter(stage.left.service.wanted_details(stage.partnership_id)))
    yield from _asked_for(stage, pairs, wanted)
    sealed = _sealed(stage, pairs, wanted)
    yield from _refusals(stage, wanted, sealed)
    stored = stage.left.service.upload_details(stage.partnership_id, _upload(wanted, sealed))
    yield finding("every envelope is stored", _SECTION, stored.stored == len(pairs), f"{stored.stored} are")
    yield from _opened(stage, pairs, sealed)
    yield from _taken_back(stage, len(pairs))


def _asked_for(stage: Stage, pairs: Pairs, wanted: wire.WantedPage) -> Iterator[Finding]:
    at = stage.partnership_id
    rows = {item.row for item in wanted.items}
    right_rows = {item.row for page in stage.right.service.wanted_details(at) for item in page.items}
    only = rows == {ours.row for ours, _ in pairs} and right_rows == {theirs.row for _, theirs in pairs}
    yield finding("details are asked for in cells open at details alone", _RULE_3, only, "other rows are asked for")
    bound = (wanted.terms_number, wanted.submission)
    applied = stage.left.service.partnership(at).list.applied_number
    current = (stage.left.service.terms(at).number, applied)
    yield finding("they are to be bound to what is current", _SECTION, bound == current, f"to {bound}")
    told = stage.right.service.terms(at).theirs
    named = told is not None and set(told.fields) == set(SHARED_FIELDS)
    yield finding("the partner is told which fields are shared", "Who knows what", named, "other fields")


def _refusals(stage: Stage, wanted: wire.WantedPage, sealed: Sequence[wire.SealedDetails]) -> Iterator[Finding]:
    first = sealed[0]
    accounts_only = stage.shared(Cell(Population.OPPORTUNITIES, Population.OPPORTUNITIES))[0][0]
    unshared = next(account for account in stage.accounts["left"] if len(account.keys) == 1)
    other_row = first.model_copy(update={"row": unshared.row, "population": unshared.population})
    closed = first.model_copy(update={"row": accounts_only.row, "population": accounts_only.population})
    elsewhere = first.model_copy(update={"population": Population.CUSTOMERS})
    cut = first.model_copy(update={"envelope": first.envelope[:-1]})
    without = first.model_copy(update={"envelope": _without_matched(stage, first)})
    terms, list_number = wanted.terms_number + 1, wanted.submission - 1
    for name, uploaded, status, code in (
        ("of an account that does not overlap", _upload(wanted, [other_row]), 422, "details-not-wanted"),
        ("in a cell that is not open at details", _upload(wanted, [closed]), 422, "details-not-wanted"),
        ("of another population", _upload(wanted, [elsewhere]), 422, "details-not-wanted"),
        ("without the matched token's wrap", _upload(wanted, [without]), 422, "details-not-wanted"),
        ("of none of the sizes", _upload(wanted, [cut]), 422, "envelope-invalid"),
        ("under other terms", _upload(wanted, sealed, terms_number=terms), 409, "terms-changed"),
        ("under another list", _upload(wanted, sealed, submission=list_number), 409, "submission-changed"),
    ):
        yield refused(f"an envelope {name} is refused", _SECTION, _storing(stage, uploaded), status, code)
    none = not list(stage.right.service.details(stage.partnership_id))
    yield finding("a batch that was refused leaves nothing", _SECTION, none, "an envelope is served")


def _opened(stage: Stage, pairs: Pairs, sealed: Sequence[wire.SealedDetails]) -> Iterator[Finding]:
    at = stage.partnership_id
    served = {item.row: item for item in stage.right.service.details(at)}
    own = served.keys() == {theirs.row for _, theirs in pairs}
    yield finding("details are served for the reader's own rows, each once", _RULE_2, own, f"{len(served)} rows")
    bodies = {item.row: split_uploaded(item.envelope).body for item in sealed}
    for (ours, theirs), size in zip(pairs, PADDED_SIZES, strict=True):
        told = served.get(theirs.row)
        same = told is not None and told.owner_row == ours.row and told.envelope.startswith(bodies[ours.row])
        yield finding(f"an envelope of {size} bytes is served as it was sealed", _SECTION, same, "other bytes")
        opened = told and _opened_by(stage, told, theirs)
        right = opened == _made_details(size)
        yield finding(f"an envelope of {size} bytes opens where it is served", _SECTION, right, "it does not")
    envelopes = b"".join(item.envelope for item in served.values())
    shown = any(key.token in envelopes for pair in pairs for account in pair for key in account.keys)
    yield finding("no token is served", _RULE_2, not shown, "one stands in an envelope")
    back = list(stage.left.service.details(at))
    yield finding("nobody is served what the partner has not sealed", _RULE_2, not back, f"{len(back)} are served")
    still = [item for page in stage.left.service.wanted_details(at) for item in page.items]
    yield finding("what is stored is not asked for again", _SECTION, not still, f"{len(still)} rows are")


def _taken_back(stage: Stage, count: int) -> Iterator[Finding]:
    """Fewer fields, then a closed cell: either deletes what was stored, and opening again brings nothing back."""
    at, service, reader = stage.partnership_id, stage.left.service, stage.right.service
    ours = service.terms(at).ours.value()
    service.set_terms(at, replace(ours, fields=SHARED_FIELDS[:1]))
    yield _are_gone("a field that is shared no more takes the envelopes with it", stage)
    wanted = next(iter(service.wanted_details(at)))
    asked = len(wanted.items) == count
    yield finding("they are asked for anew, with fewer fields", _SECTION, asked, f"{len(wanted.items)} are")
    sealed = _sealed(stage, stage.shared(_CELL), wanted)
    service.upload_details(at, _upload(wanted, sealed))
    back = len(list(reader.details(at)))
    yield finding("sealed anew, they are served", _SECTION, back == count, f"{back} are")
    service.set_terms(at, _with_level(ours, Level.ACCOUNTS))
    yield _are_gone("a cell that is closed takes its envelopes with it", stage)
    service.set_terms(at, ours)
    yield _are_gone("a cell that is opened again brings no envelope back", stage)


def _are_gone(name: str, stage: Stage) -> Finding:
    served = list(stage.right.service.details(stage.partnership_id))
    return finding(name, _RULE_3, not served, f"{len(served)} are served")


def _with_level(terms: Terms, level: Level) -> Terms:
    return replace(terms, levels={**terms.levels, _CELL: level})


def _made_details(size: int) -> dict[str, Detail]:
    """Details that take this padded size and none below it."""
    return {"account_name": "é" * (size // 2 - 20)}


def _sealed(stage: Stage, pairs: Pairs, wanted: wire.WantedPage) -> list[wire.SealedDetails]:
    """Seal one envelope of each padded size."""
    sealed = []
    for (account, _), size in zip(pairs, PADDED_SIZES, strict=True):
        context = _context(stage, account.row, account.population, wanted.submission, wanted.terms_number)
        envelope = seal_envelope(
            _made_details(size), context=context, accounts=account.keys, fields=SHARED_FIELDS, random=os.urandom
        )
        sealed.append(wire.SealedDetails(row=account.row, population=account.population, envelope=envelope))
    return sealed


def _upload(
    wanted: wire.WantedPage,
    sealed: Sequence[wire.SealedDetails],
    *,
    terms_number: int | None = None,
    submission: int | None = None,
) -> wire.DetailsUpload:
    """A batch bound to what is wanted, unless to something else."""
    return wire.DetailsUpload(
        terms_number=wanted.terms_number if terms_number is None else terms_number,
        submission=wanted.submission if submission is None else submission,
        items=tuple(sealed),
    )


def _storing(stage: Stage, upload: wire.DetailsUpload) -> Callable[[], object]:
    return lambda: stage.left.service.upload_details(stage.partnership_id, upload)


def _without_matched(stage: Stage, sealed: wire.SealedDetails) -> bytes:
    """The envelope with a wrap for the one key that the partner lacks."""
    account = next(each for each in stage.accounts["left"] if each.row == sealed.row)
    envelope = split_uploaded(sealed.envelope)
    return envelope.body + b"".join(t + wrap for t, wrap in envelope.wraps if t != account.keys[0].token)


def _opened_by(stage: Stage, served: wire.ServedDetails, account: Account) -> dict[str, Detail] | None:
    """What an envelope opens to by the keys of the account that it is served for; None if it does not open."""
    context = _context(stage, served.owner_row, served.population, served.submission, served.terms_number)
    try:
        return open_envelope(served.envelope, context=context, accounts=account.keys, highest_submission=0)
    except ProtocolError:
        return None


def _context(stage: Stage, row: bytes, population: Population, submission: int, terms_number: int) -> EnvelopeContext:
    return EnvelopeContext(
        partnership_id=stage.partnership_id,
        g=0,
        profile_id=stage.profile,
        owner_org_id=stage.left.organization_id,
        recipient_org_id=stage.right.organization_id,
        row=row,
        population=population,
        submission=submission,
        terms_number=terms_number,
    )
