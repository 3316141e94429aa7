"""Makers of CRM rows and of whole lists, a machine's way: rows → keys → accounts → records."""

from __future__ import annotations

import numpy as np

from escrow.client.columns import Meaning
from escrow.client.list_making import make_list
from escrow.client.sources import CrmRows
from escrow.client.state import AccountState
from escrow.client.submission_plan import Plan
from escrow.client.submitting import Submitted, Submitter
from escrow.terms import Population
from tests.client.making_keyrings import Machine

C, O, P = Population  # noqa: E741  # as the grid is spoken of

Company = tuple[str, str, str, Population]


def crm_rows(*companies: Company) -> CrmRows:
    """Rows of (CRM id, name, website, population), with an owner and a region made up from the name."""
    ids, names, websites, populations = zip(*companies, strict=True)
    columns = {
        Meaning.CRM_ID: list(ids),
        Meaning.ACCOUNT_NAME: list(names),
        Meaning.WEBSITE: list(websites),
        Meaning.STAGE: [population.word for population in populations],
        Meaning.OWNER_NAME: [f"Owner of {name}" for name in names],
        Meaning.OPEN_OPPORTUNITIES: ["3"] * len(ids),
    }
    codes = np.array([int(population) for population in populations], np.uint8)
    return CrmRows(columns, codes, 0, custom={"custom.renewal": [f"Renewal of {name}" for name in names]})


ACME: Company = ("001", "Acme Rockets Inc", "https://www.acme-rockets.com", C)
BOLT: Company = ("002", "Bolt Brothers GmbH", "bolt-brothers.de", O)
COIL: Company = ("003", "Coil & Cable Ltd", "coilcable.co.uk", P)
DUNE: Company = ("004", "Dune Logistics", "dunelogistics.com", P)


def state_of(machine: Machine) -> AccountState:
    return AccountState(machine.home.partnership(machine.seat.partnership_id))


def submitter(machine: Machine) -> Submitter:
    return Submitter(machine.service, state_of(machine), machine.seat.paired_keys, sleep=lambda _: None)


def plan(machine: Machine, *companies: Company, as_snapshot: bool = False) -> Plan:
    """What this list would take to send."""
    state, work = state_of(machine), submitter(machine)
    shown = work.settle(wait=True)
    with state.applied() as kept:
        content = make_list(
            crm_rows(*companies),
            keys=machine.seat.paired_keys,
            own_secret=machine.file.keyring.own_secret,
            kept=kept,
        )
        return work.plan(shown, content, kept, as_snapshot=as_snapshot)


def submit(machine: Machine, *companies: Company, wait: bool = True) -> tuple[Plan, Submitted]:
    """Plan and send."""
    made = plan(machine, *companies)
    return made, submitter(machine).send(made, ready=False, wait=wait)


def row_of(machine: Machine, account_id: str) -> bytes:
    """The row that an account of the applied list has."""
    with state_of(machine).applied() as kept:
        assert kept is not None
        found = {account.account_id: account.row for account in kept.find(all_rows(machine))}
    return found[account_id]


def all_rows(machine: Machine) -> list[bytes]:
    with state_of(machine).applied() as kept:
        assert kept is not None
        return [int(row).to_bytes(8, "big") for row in kept.records.rows]
