"""A partnership that lives under an old profile goes over to the newest one by a generation, and both stay runnable."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from escrow import wire
from escrow.client.filling import Filler, settled
from escrow.client.generations import start
from escrow.client.home import Home
from escrow.client.state import AccountState
from escrow.psi.profile_ids import FIRST_PROFILE, LATEST_PROFILE, PROFILE_IDS
from escrow.terms import Level, Terms, uniform_levels
from tests.api.serving import Served, served
from tests.client.making_lists import ACME, BOLT, COIL, DUNE, Company, crm_rows
from tests.client.making_pairs import Machine, now, paired


def test_a_partnership_under_the_first_profile_goes_over_to_the_newest(migrated_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'escrow.sqlite')}"
    with served(url, tmp_path, limits={"generation_interval_seconds": 0}) as api, working(api):
        left, right = paired(api, tmp_path, profile_id=FIRST_PROFILE)
        lists = ((left, (ACME, BOLT, COIL)), (right, (BOLT, COIL, DUNE)))
        for machine, companies in lists:
            machine.service.set_terms(machine.seat.partnership_id, Terms(levels=uniform_levels(Level.ACCOUNTS)))
            filled(machine, *companies)
        before = overlapping(api, left)
        assert (live(left).profile, len(before)) == (FIRST_PROFILE, 2)

        for machine, _ in lists:
            start(
                machine.service,
                machine.file,
                machine.seat,
                profile_id=None,
                profiles=PROFILE_IDS,
                latest=LATEST_PROFILE,
                agree=lambda *_: None,
                now=now(),
            )
        for machine, companies in lists:
            assert filled(machine, *companies) == [FIRST_PROFILE, LATEST_PROFILE]
        assert overlapping(api, left) == before
        assert (live(left).number, live(left).profile) == (1, LATEST_PROFILE)
        for machine, companies in lists:
            assert filled(machine, *companies) == [LATEST_PROFILE]
            assert machine.seat.live_keys.profile_id == LATEST_PROFILE


@contextmanager
def working(api: Served) -> Iterator[None]:
    """Let the worker work until the block ends."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.02):
            api.work()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def filled(machine: Machine, *companies: Company) -> list[str]:
    """Submit a list to every generation that takes it; give the profiles it was made under."""
    state, partnership_id = state_of(machine), machine.seat.partnership_id
    with state.held():
        filler = Filler(machine.service, machine.file, state, partnership_id, now(), lambda *_: None)
        done = filler.send(crm_rows(*companies), ready=True, wait=True)
        settled(machine.service, machine.file, state, partnership_id, now=now())
    return [each.plan.announced.profile for each in done]


def state_of(machine: Machine) -> AccountState:
    return AccountState(Home.at(machine.folder, {}).partnership(machine.seat.partnership_id))


def overlapping(api: Served, machine: Machine) -> set[bytes]:
    api.work()
    return {item.row for item in machine.service.overlaps(machine.seat.partnership_id)}


def live(machine: Machine) -> wire.Generation:
    shown = machine.service.partnership(machine.seat.partnership_id).generation
    assert shown is not None
    return shown
