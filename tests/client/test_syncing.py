"""Details: only what our own terms open ever leaves, whatever the service asks for; only what verifies is kept."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from escrow.client.opened import OpenedDetails, opened_file
from escrow.client.seats import ConfirmedTerms, Seat
from escrow.client.syncing import Exchanged, Syncer
from escrow.errors import PartnershipNotReady, SubmittedElsewhere, TermsElsewhere
from escrow.psi.encoding import b64url
from escrow.psi.envelope_format import split_uploaded
from escrow.terms import CELLS, Level, Population, Terms, Tier
from tests.client import fake_service
from tests.client.fake_service import LEFT_ORG, RIGHT_ORG, FakeService, Json
from tests.client.making_keyrings import Machine, a_pair
from tests.client.making_lists import ACME, BOLT, COIL, DUNE, C, Company, O, all_rows, row_of, state_of, submit

FIELDS = ("account_name", "domain", "owner_name", "open_opportunities", "crm_id")
CUSTOMERS_OPEN = {cell: Level.DETAILS if cell.ours is Population.CUSTOMERS else Level.COUNTS for cell in CELLS}
OPPORTUNITIES_OPEN = {cell: Level.DETAILS if cell.ours is Population.OPPORTUNITIES else Level.COUNTS for cell in CELLS}


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def machines(tmp_path: Path, service: FakeService) -> tuple[Machine, Machine]:
    """Two machines with ACME on both lists: a customer on the left, an opportunity on the right."""
    left, right = a_pair(tmp_path, service)
    agree(left, Terms(levels=CUSTOMERS_OPEN, fields=FIELDS))
    agree(right, Terms(levels=OPPORTUNITIES_OPEN, fields=FIELDS))
    submit(left, ACME, BOLT, COIL)
    submit(right, ("R-1", "ACME Rockets", "acme-rockets.com", O), DUNE)
    return left, right


def agree(machine: Machine, terms: Terms) -> None:
    number = machine.service.set_terms(machine.seat.partnership_id, terms).number
    machine.file.move(machine.seat, lambda seat: replace(seat, confirmed=ConfirmedTerms(terms, number)))


def sync(machine: Machine) -> Exchanged:
    state = state_of(machine)
    with state.held(), state.applied() as kept, opened_file(state.folder) as opened:
        assert kept is not None
        owner = machine.file.keyring.organization_id
        return Syncer(machine.service, machine.seat, kept, owner, os.urandom).exchange(opened)


def opened_for(machine: Machine, row: bytes) -> list[OpenedDetails]:
    with opened_file(state_of(machine).folder) as opened:
        return list(opened.of_row(row))


def seats(service: FakeService, machine: Machine) -> tuple[fake_service.Seat, fake_service.Seat]:
    deal = service.deals[machine.seat.partnership_id]
    return deal.seats[LEFT_ORG], deal.seats[RIGHT_ORG]


def let_them_meet(service: FakeService, left: Machine, right: Machine) -> tuple[bytes, bytes]:
    """Make the service say that the two ACMEs overlap; the wrap it serves is that of the first token."""
    ours, theirs = row_of(left, "001"), row_of(right, "R-1")
    left_seat, right_seat = seats(service, left)
    left_seat.wanted, right_seat.wanted = [ours], [theirs]
    shared = {bytes(token) for token in left_seat.records.tokens["token"]}
    (token, *_) = sorted(
        bytes(record["token"])
        for record in right_seat.records.tokens
        if bytes(record["token"]) in shared and record["key_class"] == 1
    )
    left_seat.readable, right_seat.readable = [(ours, theirs, token)], [(theirs, ours, token)]
    return ours, theirs


def test_details_go_both_ways(machines: tuple[Machine, Machine], service: FakeService) -> None:
    left, right = machines
    ours, theirs = let_them_meet(service, left, right)
    assert sync(left).sent == 1
    assert sync(right) == Exchanged(sent=1, not_sealed=0, opened=1, unchanged=0, forgotten=0, refused=Counter())
    assert sync(left).opened == 1
    (shared,) = opened_for(right, theirs)
    assert shared.details == {
        "account_name": "Acme Rockets Inc",
        "domain": "acme-rockets.com",
        "owner_name": "Owner of Acme Rockets Inc",
        "open_opportunities": 3,
        "crm_id": "001",
    }
    assert (shared.owner_row, shared.population) == (ours, Population.CUSTOMERS)
    (answer,) = opened_for(left, ours)
    assert answer.details["crm_id"] == "R-1"


def test_a_second_sync_sends_and_opens_nothing(machines: tuple[Machine, Machine], service: FakeService) -> None:
    left, right = machines
    let_them_meet(service, left, right)
    sync(left)
    sync(right)
    again = sync(right)
    assert (again.sent, again.opened, again.unchanged) == (0, 0, 1)


def test_of_the_partners_details_only_those_that_changed_are_fetched(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    ours, theirs = let_them_meet(service, left, right)
    service.changed(bytes(7) + b"\x01", "left")
    sync(left)
    sync(right)
    service.requests.clear()
    assert sync(right).unchanged == 1
    assert not any(request.endswith("/details") for request in service.requests)
    submit(left, RENAMED, BOLT, COIL)
    service.overlaps = [overlapping(ours, level="details")]
    seats(service, left)[0].wanted = []
    sync(left)
    assert (sync(right).opened, opened_for(right, theirs)[0].details["account_name"]) == (1, "ACME ROCKETS INC")


def test_details_that_do_not_verify_are_fetched_and_told_of_again(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    let_them_meet(service, left, right)
    sync(left)
    honest, service.tamper = service.tamper, _with_another_number
    assert sum(sync(right).refused.values()) == sum(sync(right).refused.values()) == 1
    service.tamper = honest
    assert sync(right).opened == 1


def _with_another_number(_method: str, path: str, body: Json) -> Json:
    if not path.endswith("/details") or "items" not in body:
        return body
    return {**body, "items": [{**item, "submission": 9} for item in body["items"]]}  # type: ignore[attr-defined]


def test_without_its_file_of_details_a_machine_fetches_all_of_them_again(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    let_them_meet(service, left, right)
    sync(left)
    sync(right)
    (state_of(right).folder / "details.sqlite").unlink()
    assert sync(right).opened == 1


def test_where_the_change_feed_begins_anew_all_details_are_fetched(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    let_them_meet(service, left, right)
    sync(left)
    sync(right)
    service.feed = [{**service.feed[-1], "kind": "reset", "row": None, "number": 99}]
    seats(service, right)[1].readable = []
    assert sync(right).forgotten == 1


RENAMED: Company = ("001", "ACME ROCKETS INC", "https://www.acme-rockets.com", C)


def overlapping(row: bytes, *, level: str) -> Json:
    told = {
        "match_id": b64url(bytes(16)),
        "overlap": "A",
        "tier": "certain",
        "ours": "customers",
        "theirs": "opportunities",
        "level": level,
    }
    return {"row": b64url(row), **told}


def test_details_that_changed_are_sealed_again_though_no_token_did(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    ours, theirs = let_them_meet(service, left, right)
    sync(left)
    left_seat, _ = seats(service, left)
    left_seat.wanted, service.overlaps = [], [overlapping(ours, level="details")]
    made, _ = submit(left, RENAMED, BOLT, COIL)
    assert made.is_empty
    assert sync(left).sent == 1
    assert sync(left).sent == 0
    sync(right)
    (details,) = opened_for(right, theirs)
    assert details.details["account_name"] == "ACME ROCKETS INC"


@pytest.mark.parametrize("level", ["accounts", "counts"])
def test_details_that_changed_stay_here_where_no_cell_is_open_at_details_any_more(
    machines: tuple[Machine, Machine], service: FakeService, level: str
) -> None:
    left, right = machines
    ours, _ = let_them_meet(service, left, right)
    sync(left)
    left_seat, _ = seats(service, left)
    left_seat.wanted, service.overlaps = [], [overlapping(ours, level=level)]
    submit(left, RENAMED, BOLT, COIL)
    assert sync(left).sent == 0


def test_a_lying_service_gets_no_account_of_a_population_we_did_not_open(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, _ = machines
    left_seat, _ = seats(service, left)
    left_seat.wanted = [*all_rows(left), b"\x07" * 8]
    exchanged = sync(left)
    assert (exchanged.sent, exchanged.not_sealed) == (1, 3)
    assert set(left_seat.envelopes) == {row_of(left, "001")}


def test_with_counts_only_the_service_is_not_even_asked(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, _ = machines
    agree(left, Terms(levels=dict.fromkeys(CELLS, Level.COUNTS), fields=FIELDS))
    seats(service, left)[0].wanted = all_rows(left)
    service.requests.clear()
    assert sync(left).sent == 0
    assert not [request for request in service.requests if "wanted" in request or request.startswith("POST")]


def test_without_fields_nothing_is_sealed(machines: tuple[Machine, Machine], service: FakeService) -> None:
    left, _ = machines
    agree(left, Terms(levels=CUSTOMERS_OPEN))
    seats(service, left)[0].wanted = all_rows(left)
    assert sync(left).sent == 0


def test_a_service_that_claims_looser_terms_of_ours_is_not_believed(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, _ = machines
    left_seat, _ = seats(service, left)
    left_seat.terms = Terms(levels=dict.fromkeys(CELLS, Level.DETAILS), fields=FIELDS)
    left_seat.wanted = all_rows(left)
    sync(left)
    assert set(left_seat.envelopes) == {row_of(left, "001")}


def test_terms_that_were_changed_elsewhere_stop_the_sealing(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    let_them_meet(service, left, right)
    seats(service, left)[0].terms_number += 1
    with pytest.raises(TermsElsewhere, match="terms confirm"):
        sync(left)
    assert not seats(service, left)[0].envelopes


def test_a_list_that_was_submitted_elsewhere_stops_the_sealing(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    let_them_meet(service, left, right)
    seats(service, left)[0].applied_number += 1
    with pytest.raises(SubmittedElsewhere):
        sync(left)


def test_only_certain_keys_are_wrapped_unless_the_terms_say_more(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    ours, _ = let_them_meet(service, left, right)
    sync(left)
    envelopes = seats(service, left)[0].envelopes
    assert len(split_uploaded(envelopes[ours][0].envelope).wraps) == 1
    envelopes.clear()
    agree(left, Terms(levels=CUSTOMERS_OPEN, fields=FIELDS, reveals_from=Tier.LIKELY))
    sync(left)
    assert len(split_uploaded(envelopes[ours][0].envelope).wraps) == 2


def test_a_name_that_two_of_our_accounts_have_is_not_wrapped(tmp_path: Path, service: FakeService) -> None:
    left, _ = a_pair(tmp_path, service)
    agree(left, Terms(levels=CUSTOMERS_OPEN, fields=FIELDS, reveals_from=Tier.LIKELY))
    delta: Company = ("1", "Delta Inc", "delta.com", C)
    submit(left, delta, ("2", "Delta Inc", "delta.de", C))
    left_seat, _ = seats(service, left)
    left_seat.wanted = all_rows(left)
    assert sync(left).sent == 2
    for sealed, _, _ in left_seat.envelopes.values():
        assert len(split_uploaded(sealed.envelope).wraps) == 1


def test_details_that_fit_in_no_envelope_stay_and_stop_nothing_else(tmp_path: Path, service: FakeService) -> None:
    left, _ = a_pair(tmp_path, service)
    agree(left, Terms(levels=CUSTOMERS_OPEN, fields=FIELDS))
    submit(left, ACME, ("9", "Long " * 1000, "long-names.com", C))
    left_seat, _ = seats(service, left)
    left_seat.wanted = all_rows(left)
    exchanged = sync(left)
    assert (exchanged.sent, exchanged.not_sealed) == (1, 1)


def test_only_declared_fields_leave(machines: tuple[Machine, Machine], service: FakeService) -> None:
    left, right = machines
    agree(left, Terms(levels=CUSTOMERS_OPEN, fields=("domain",)))
    _, theirs = let_them_meet(service, left, right)
    sync(left)
    sync(right)
    (shared,) = opened_for(right, theirs)
    assert shared.details == {"domain": "acme-rockets.com"}


def test_a_custom_field_that_both_declare_arrives(machines: tuple[Machine, Machine], service: FakeService) -> None:
    left, right = machines
    agree(left, Terms(levels=CUSTOMERS_OPEN, fields=("custom.renewal", "custom.nowhere")))
    _, theirs = let_them_meet(service, left, right)
    sync(left)
    sync(right)
    (shared,) = opened_for(right, theirs)
    assert shared.details == {"custom.renewal": "Renewal of Acme Rockets Inc"}


def test_an_envelope_of_another_account_is_refused_and_not_kept(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    ours, theirs = let_them_meet(service, left, right)
    sync(left)
    other = row_of(right, "004")
    token = seats(service, right)[1].readable[0][2]
    seats(service, right)[1].readable = [(other, ours, token)]
    exchanged = sync(right)
    assert exchanged.refused == {"envelope-wrap-invalid": 1}
    assert opened_for(right, other) == opened_for(right, theirs) == []


@pytest.mark.parametrize("changed", ["population", "submission", "terms_number", "owner_row"])
def test_an_envelope_told_to_be_something_else_is_refused(
    machines: tuple[Machine, Machine], service: FakeService, changed: str
) -> None:
    left, right = machines
    let_them_meet(service, left, right)
    sync(left)
    lies: Json = {"population": "prospects", "submission": 9, "terms_number": 9, "owner_row": "AAAAAAAAAAE"}

    def lie(_: str, path: str, body: Json) -> Json:
        if path.endswith("/details") and isinstance(body.get("items"), list):
            return {**body, "items": [{**item, changed: lies[changed]} for item in body["items"]]}  # type: ignore[attr-defined]
        return body

    service.tamper = lie
    exchanged = sync(right)
    assert exchanged.opened == 0
    assert sum(exchanged.refused.values()) == 1


def test_an_older_envelope_is_not_taken_for_a_newer_one(
    machines: tuple[Machine, Machine], service: FakeService
) -> None:
    left, right = machines
    ours, theirs = let_them_meet(service, left, right)
    sync(left)
    left_seat, _ = seats(service, left)
    old = left_seat.envelopes[ours]
    submit(left, ACME, BOLT)
    left_seat.envelopes.clear()
    sync(left)
    assert sync(right).opened == 1
    left_seat.envelopes[ours] = old
    service.changed(theirs)
    assert sync(right).refused == {"envelope-stale": 1}
    (shared,) = opened_for(right, theirs)
    assert shared.submission == 2


def test_what_is_no_longer_served_is_forgotten(machines: tuple[Machine, Machine], service: FakeService) -> None:
    left, right = machines
    _, theirs = let_them_meet(service, left, right)
    sync(left)
    sync(right)
    seats(service, right)[1].readable = []
    service.changed(theirs, "left")
    assert sync(right).forgotten == 1
    assert opened_for(right, theirs) == []


def test_nothing_of_a_detail_is_readable_on_the_way(machines: tuple[Machine, Machine], service: FakeService) -> None:
    left, right = machines
    let_them_meet(service, left, right)
    sync(left)
    sync(right)
    sent = b"".join(service.bodies)
    for canary in (b"Acme", b"acme-rockets", b"Owner of", b'"R-1"'):
        assert canary not in sent


def test_a_seat_that_is_not_paired_seals_nothing(machines: tuple[Machine, Machine]) -> None:
    left, _ = machines
    seat: Seat = left.file.move(left.seat, Seat.closed)
    state = state_of(left)
    with state.applied() as kept, opened_file(state.folder) as opened:
        assert kept is not None
        syncer = Syncer(left.service, seat, kept, LEFT_ORG, os.urandom)
        with pytest.raises(PartnershipNotReady):
            syncer.exchange(opened)
