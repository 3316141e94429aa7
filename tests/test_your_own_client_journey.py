"""A partner that runs the JavaScript of the examples, against a service and with our own code as the other partner."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from escrow.psi import pairing
from escrow.psi.encoding import b64url, unb64url
from escrow.psi.keys import generation_keys
from escrow.psi.matchkeys import Kind, Suite
from escrow.psi.profile_ids import FIRST_PROFILE
from escrow.psi.records import SubmissionKind, chunk_digest, make_records, pack_chunk, submission_digest
from escrow.psi.tokens import Blinder, rows
from escrow.worker import Worker
from tests.api.serving import Served, served
from tests.javascript import JAVASCRIPT, ROOT, node, shown_after
from tests.partnership_makers import RELEASE_KEY

LIST = "examples/javascript/list.json"


@dataclass(frozen=True, slots=True)
class Inviter:
    """The other side of the pairing, played by our own code."""

    service: Served
    partnership_id: UUID
    keys: pairing.KeyPair
    psk: bytes

    @property
    def address(self) -> str:
        return f"/v1/partnerships/{self.partnership_id}"

    def invite(self) -> str:
        """Open the invitation and give its code."""
        invitation = {
            "partnership_id": str(self.partnership_id),
            "inviter_public": b64url(self.keys.public),
            "lookup": b64url(pairing.lookup(self.psk)),
            "suite": 1,
            "profile": FIRST_PROFILE,
            "acceptor_organization_id": str(self.service.right.organization_id),
        }
        assert self.service.left.http.post("/v1/partnerships", json=invitation).status_code == 201
        return pairing.make_pairing_code(
            partnership_id=self.partnership_id,
            inviter_org_id=self.service.left.organization_id,
            inviter_public=self.keys.public,
            psk=self.psk,
        )

    def agree(self) -> pairing.Pairing:
        """Verify the acceptor's tag and give what both sides agreed on."""
        said = self.service.left.http.get(f"{self.address}/pairing").json()
        agreed = pairing.derive(
            own_private=self.keys.private,
            psk=self.psk,
            suite=Suite.HMAC,
            g=0,
            partnership_id=self.partnership_id,
            inviter_org_id=self.service.left.organization_id,
            acceptor_org_id=self.service.right.organization_id,
            inviter_public=self.keys.public,
            acceptor_public=unb64url(said["acceptor_public"]),
        )
        pairing.verify_tag(agreed.tag_acceptor, unb64url(said["acceptor_tag"]))
        return agreed

    def confirm(self, tag: bytes) -> None:
        answered = self.service.left.http.post(f"{self.address}/confirm", json={"tag": b64url(tag)})
        assert answered.status_code == 200, answered.text


@dataclass(frozen=True, slots=True)
class JavaScriptPartner:
    """The acceptor: whoever runs the examples with an API key and a keyring file."""

    service: Served
    keyring: Path

    def run(self, script: str, argument: str) -> tuple[str, str]:
        """Run a script while a worker does what is due; give what it said and what it complained of."""
        running = self._start(script, argument)
        worker = Worker(
            self.service.service.database,
            self.service.service.sealing_key,
            self.service.service.settings,
            release_key=RELEASE_KEY,
        )
        while running.poll() is None:
            worker.run_once()
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(0.05)
        return running.communicate()

    def _start(self, script: str, argument: str) -> subprocess.Popen[str]:
        http = self.service.right.http
        key = http.headers["Authorization"].removeprefix("Bearer ")
        return subprocess.Popen(
            [node(), f"examples/javascript/{script}", argument, str(self.keyring)],
            cwd=ROOT,
            env={**os.environ, "ESCROW_URL": str(http.base_url), "ESCROW_API_KEY": key},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def service(migrated_file: Path, tmp_path: Path) -> Iterator[Served]:
    node()  # without it there is nothing to serve
    with served(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'escrow.sqlite')}", tmp_path) as running:
        yield running


@pytest.fixture
def inviter(service: Served) -> Inviter:
    return Inviter(service, uuid4(), pairing.new_key_pair(os.urandom), os.urandom(16))


@pytest.fixture
def partner(service: Served, tmp_path: Path) -> JavaScriptPartner:
    return JavaScriptPartner(service, tmp_path / "keyring.json")


def test_a_partner_in_javascript_pairs_with_ours_and_its_list_is_applied(
    inviter: Inviter, partner: JavaScriptPartner
) -> None:
    said, complaint = partner.run("accept.mjs", inviter.invite())
    agreed = inviter.agree()
    assert said == f"accepted Left Ltd; check {agreed.check}\n", complaint
    assert partner.keyring.stat().st_mode & 0o077 == 0

    inviter.confirm(agreed.tag_inviter)
    said, complaint = partner.run("submit.mjs", LIST)
    assert said == shown_after("node examples/javascript/submit.mjs"), complaint

    applied = partner.service.right.http.get(inviter.address).json()["list"]
    own_secret = unb64url(json.loads(partner.keyring.read_text(encoding="utf-8"))["own_secret"])
    assert applied["applied_digest"] == b64url(_digest_by_our_own_code(inviter.partnership_id, agreed.root, own_secret))
    assert applied["populations"] == {"customers": 1, "opportunities": 1, "prospects": 1}


def test_a_partner_in_javascript_submits_nothing_before_the_inviter_has_confirmed(
    inviter: Inviter, partner: JavaScriptPartner
) -> None:
    partner.run("accept.mjs", inviter.invite())
    said, complaint = partner.run("submit.mjs", LIST)
    assert said == ""
    assert complaint == "partnership-not-active: the inviter has not confirmed yet; run this again later\n"


def test_a_partner_in_javascript_submits_nothing_under_a_wrong_tag(
    inviter: Inviter, partner: JavaScriptPartner
) -> None:
    partner.run("accept.mjs", inviter.invite())
    inviter.confirm(os.urandom(32))
    said, complaint = partner.run("submit.mjs", LIST)
    assert said == ""
    assert complaint.startswith("confirmation-failed: ")
    assert complaint.count("\n") == 1
    assert partner.service.right.http.get(inviter.address).json()["list"]["last_number"] == 0


def test_a_partner_in_javascript_never_writes_over_its_keys(inviter: Inviter, partner: JavaScriptPartner) -> None:
    partner.keyring.write_text("precious", encoding="utf-8")
    said, complaint = partner.run("accept.mjs", inviter.invite())
    assert said == ""
    assert complaint == (
        f"file-unusable: {partner.keyring} cannot be made (EEXIST): name a file that is not there yet\n"
    )
    assert partner.keyring.read_text(encoding="utf-8") == "precious"
    assert partner.service.left.http.get(inviter.address).json()["state"] == "invited"


def _digest_by_our_own_code(partnership_id: UUID, root: bytes, own_secret: bytes) -> bytes:
    keys = generation_keys(root, partnership_id=partnership_id, g=0, suite=Suite.HMAC, profile_id=FIRST_PROFILE)
    listed = json.loads((JAVASCRIPT / "list.json").read_text(encoding="utf-8"))[:3]
    packed = rows(own_secret, partnership_id=partnership_id, account_ids=[each["id"] for each in listed])
    numbers = np.frombuffer(packed, ">u8").astype(np.uint64)
    domains = ("iana.org", "nodejs.org", "python.org")
    records = make_records(
        rows=numbers,
        populations=np.array([1, 2, 3]),
        token_rows=numbers,
        key_classes=np.ones(3, np.uint8),
        tokens=Blinder(keys.match_key).tokens(Kind.WEB, domains),
    )
    return submission_digest(
        partnership_id=partnership_id,
        g=0,
        profile_id=FIRST_PROFILE,
        kind=SubmissionKind.SNAPSHOT,
        number=1,
        base=0,
        chunk_digests=[chunk_digest(pack_chunk(records))],
    )
