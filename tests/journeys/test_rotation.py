"""A rotation as two partners live it: both start it, their usual submissions do the rest, and nothing old is left."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from escrow.client.home import Home
from escrow.client.keyring import KeyringFile, keyring_object
from escrow.client.keyring_form import write_object
from escrow.client.sealed_files import Passphrase
from escrow.psi.encoding import b64url
from tests.journeys.programs import Partner, RunningService, eventually, new_partner, of_the_client, pair
from tests.journeys.test_main_job import FIELDS, HUBSPOT, SALESFORCE, numbers


@of_the_client
def test_a_rotated_key_gives_the_same_report_and_leaves_nothing_of_the_old_one(
    service: RunningService, database_url: str, tmp_path: Path
) -> None:
    left, right = partners(service)
    before, listed = numbers(left.run("report")), rows(left)
    old = [live_keys(partner) for partner in (left, right)]

    proposed = left.run("generation", "start", "--yes")
    assert proposed["next_generation"]["state"] == "proposed"
    assert right.run("status")["partnerships"][0]["service"]["next_generation"]["consents"]["theirs"]
    assert right.run("generation", "start", "--yes")["building"] == 1
    submitted = left.run("submit", SALESFORCE)
    assert (submitted["sent_accounts"], submitted["beside"]["state"]) == (0, "applied")
    service.stop(signal.SIGKILL)
    service.start()

    other = moved_to_another_machine(left, tmp_path)
    assert numbers(other.run("report")) == before
    right.run("submit", HUBSPOT)
    eventually(lambda: generation(other) == generation(right) == 1)
    assert rows(other) == listed
    assert other.run("submit", SALESFORCE)["sent_accounts"] == 0
    eventually(lambda: other.run("report")["number"] > 1)
    assert numbers(other.run("report")) == before
    for partner in (other, right, other):
        partner.run("sync")
    assert all(item["shared"] for item in other.run("overlaps")["items"] if item["level"] == "details")

    for partner, keys in ((other, old[0]), (right, old[1])):
        kept = keyring_text(partner)
        assert not [key for key in keys if key in kept]
    assert peppers(database_url) == {0: False, 1: True}
    code, error = right.refused("generation", "start", "--yes", "--profile", "escrow-0+unknown")
    assert (code, error["code"]) == (7, "profile-unknown")


def partners(service: RunningService) -> tuple[Partner, Partner]:
    """Two partners with a release and one cell open at details."""
    left, right = new_partner(service, "Larkfield"), new_partner(service, "Brightwater")
    pair(left, right)
    cells = ("opportunities:customers=details", "customers:opportunities=details")
    for partner, cell, export in zip((left, right), cells, (SALESFORCE, HUBSPOT), strict=True):
        partner.run(
            "terms", "set", "--preset", "counts-only", "--disclosure", "quick", "--level", cell, "--fields", FIELDS
        )
        partner.run("submit", export, "--ready")
    eventually(lambda: left.run("report")["number"] and left.run("overlaps")["items"])
    return left, right


def generation(partner: Partner) -> int:
    live: int = partner.run("status")["partnerships"][0]["service"]["generation"]["number"]
    return live


def rows(partner: Partner) -> set[tuple[str, ...]]:
    """The accounts that overlap, by the ids of their owner's CRM."""
    items: list[dict[str, Any]] = partner.run("overlaps")["items"]
    return {tuple(item["crm_ids"]) for item in items}


def moved_to_another_machine(partner: Partner, folder: Path) -> Partner:
    """Carry keyring and account states over, in the middle of the rotation."""
    receiver = partner.on_another_machine(folder / "another machine")
    receiver.run("keyring", "import", partner.export(folder / "carried"))
    return receiver


def opened(partner: Partner) -> KeyringFile:
    passphrase = Passphrase(partner.environment["ESCROW_PASSPHRASE"])
    return KeyringFile.open(Home(partner.home), passphrase, random=bytes)


def live_keys(partner: Partner) -> list[str]:
    """Every secret of the live generation, in the form in which the keyring would hold it."""
    keys = opened(partner).keyring.seats[0].live_keys
    return [b64url(key) for key in (keys.match_key, keys.head_key, keys.next_root)]


def keyring_text(partner: Partner) -> str:
    return write_object(keyring_object(opened(partner).keyring)).decode()


def peppers(database_url: str) -> dict[int, bool]:
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = connection.execute(text("SELECT generation, sealed_pepper FROM generations")).all()
    engine.dispose()
    return {number: pepper is not None for number, pepper in found}
