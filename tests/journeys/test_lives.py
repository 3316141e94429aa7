"""What befalls a partnership: an invitation that nobody takes in time, and a service killed in between its steps."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import create_engine, text

from escrow.client.home import Home
from escrow.client.keyring import KeyringFile
from escrow.client.sealed_files import Passphrase
from escrow.client.seats import Seat
from tests.journeys.programs import Partner, RunningService, eventually, new_partner, of_the_client, pair
from tests.journeys.test_main_job import FIELDS, HUBSPOT, SALESFORCE, numbers

WEEK = timedelta(days=7)


@of_the_client
def test_an_invitation_that_lapsed_at_the_service_is_over_for_both_and_a_new_one_pairs(service: RunningService) -> None:
    left, right = new_partner(service, "Larkfield"), new_partner(service, "Brightwater")
    code = left.run("invite", "--to", right.run("status")["organization_id"])["code"]
    lapse_at_the_service(service)

    exit_code, error = right.refused("accept", code)
    assert (exit_code, error["code"]) == (3, "not-found")
    assert "has lapsed" in error["detail"]
    assert left.run("status")["partnerships"][0]["pairing"] == "closed"
    assert right.run("status")["partnerships"] == []
    exit_code, error = left.refused("report")
    assert (exit_code, error["code"]) == (5, "partnership-not-ready")
    assert "invite again" in error["detail"]

    pair(left, right)
    assert right.run("status")["partnerships"][0]["pairing"] == "paired"


@of_the_client
def test_an_invitation_that_lapsed_by_the_inviters_clock_takes_no_acceptance(service: RunningService) -> None:
    left, right = new_partner(service, "Larkfield"), new_partner(service, "Brightwater")
    code = left.run("invite", "--to", right.run("status")["organization_id"])["code"]
    right.run("accept", code)
    lapse_at_the_inviter(left)

    (told,) = json.loads(left.attempt("status").stdout)["partnerships"]
    assert told["error"]["code"] == "invitation-lapsed"
    assert left.run("status")["partnerships"][0]["pairing"] == "closed"
    assert right.run("status")["partnerships"][0]["pairing"] == "closed"
    exit_code, error = right.refused("report")
    assert (exit_code, error["code"]) == (5, "partnership-not-ready")
    assert "for a new one" in error["detail"]

    pair(left, right)
    assert "paired" in {each["pairing"] for each in right.run("status")["partnerships"]}


def test_a_service_killed_between_pairing_submitting_matching_and_reading_loses_nothing(
    service: RunningService,
) -> None:
    left, right = new_partner(service, "Larkfield"), new_partner(service, "Brightwater")
    code = left.run("invite", "--to", right.run("status")["organization_id"])["code"]
    right.run("accept", code)
    restart(service)
    for partner in (left, right):
        assert partner.run("status")["partnerships"][0]["pairing"] == "paired"

    cells = ("opportunities:customers=details", "customers:opportunities=details")
    for partner, cell, export in zip((left, right), cells, (SALESFORCE, HUBSPOT), strict=True):
        partner.run(
            "terms", "set", "--preset", "counts-only", "--disclosure", "quick", "--level", cell, "--fields", FIELDS
        )
        partner.run("submit", export, "--ready", "--no-wait")
    restart(service)
    eventually(lambda: left.run("report")["number"] and left.run("overlaps")["items"])
    report = left.run("report")
    for partner in (left, right, left):
        partner.run("sync")

    restart(service)
    assert left.run("report", "--release", str(report["number"]))["cells"] == report["cells"]
    theirs = {(ours, theirs): number for (theirs, ours), number in numbers(right.run("report")).items()}
    assert theirs == numbers(left.run("report"))
    assert all(item["shared"] for item in left.run("overlaps")["items"])


def restart(service: RunningService) -> None:
    """Kill every process of the service as a power cut would, and start it again."""
    service.stop(signal.SIGKILL)
    service.start()


def lapse_at_the_service(service: RunningService) -> None:
    """Let eight days go by for every invitation."""
    engine = create_engine(service.database_url.replace("postgresql://", "postgresql+psycopg://"))
    lapsed = datetime.now(UTC) - timedelta(days=1)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE partnerships SET created_at = :made, expires_at = :lapsed"),
            {"made": lapsed - WEEK, "lapsed": lapsed},
        )
    engine.dispose()


def lapse_at_the_inviter(partner: Partner) -> None:
    """Let eight days go by for the invitation that its machine keeps."""
    file = KeyringFile.open(Home(partner.home), Passphrase(partner.environment["ESCROW_PASSPHRASE"]), random=os.urandom)

    def older(seat: Seat) -> Seat:
        invited = seat.open_invitation
        return replace(seat, invited=replace(invited, expires_at=invited.expires_at - WEEK - timedelta(days=1)))

    file.move(file.keyring.seats[0], older)
