"""Pairing held to the protocol: what a code leads to, what a wrong tag ends, and what a stranger learns of it all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import UUID, uuid4

from escrow import wire
from escrow.client.conformance.findings import Finding, finding, refused
from escrow.client.conformance.players import Player, Stage
from escrow.psi import pairing as protocol

__all__ = ["pairing", "strangers", "void_invitation"]

_LOOKS = (
    ("GET", ""),
    ("GET", "terms"),
    ("GET", "pairing"),
    ("GET", "releases/latest"),
    ("GET", "overlaps"),
    ("GET", "details"),
    ("GET", "details/wanted"),
    ("POST", "end"),
)


def pairing(stage: Stage) -> Iterator[Finding]:
    """Both halves of a pairing: the code leads to its invitation, which is taken once, and the tags arrive."""
    section, at = "Pairing", stage.partnership_id
    keys, psk = stage.invite(at)
    acceptor, lookup = protocol.new_key_pair(os.urandom), protocol.lookup(psk)
    found = stage.right.service.look_up(lookup)
    same = (found.partnership_id, found.inviter.organization_id, found.inviter_public)
    right = same == (at, stage.left.organization_id, keys.public)
    yield finding("the code leads to its invitation", section, right, "another partnership, inviter or key")
    agreed = stage.agreed(at, keys, acceptor.public, psk)
    acceptance = wire.Acceptance(lookup=lookup, acceptor_public=acceptor.public, tag=agreed.tag_acceptor)
    first, again = (stage.right.service.accept(at, acceptance) for _ in range(2))
    yield finding("the same acceptance gets the same answer", section, first == again, "another answer")
    other = acceptance.model_copy(update={"tag": os.urandom(32)})
    yield refused(
        "an invitation is taken once", section, lambda: stage.right.service.accept(at, other), 409, "invitation-taken"
    )
    stage.left.service.confirm(at, agreed.tag_inviter)
    told = stage.right.service.pairing(at)
    yield finding("the inviter's tag is served as sent", section, told.inviter_tag == agreed.tag_inviter, "another tag")
    states = {player.service.partnership(at).state for player in stage.players}
    yield finding("a confirmed partnership is active for both", section, states == {"active"}, f"{states}")


def void_invitation(stage: Stage) -> Iterator[Finding]:
    """A tag that does not verify: the inviter ends the invitation, and nobody can take it any more."""
    section, at = "Pairing", stage.stray_id
    keys, psk = stage.invite(at)
    acceptor = protocol.new_key_pair(os.urandom)
    wrong = wire.Acceptance(lookup=protocol.lookup(psk), acceptor_public=acceptor.public, tag=os.urandom(32))
    stage.right.service.accept(at, wrong)
    served = stage.left.service.pairing(at)
    agreed = stage.agreed(at, keys, served.acceptor_public, psk)
    same = (served.acceptor_public, served.acceptor_tag) == (acceptor.public, wrong.tag)
    yield finding("what the acceptor sent reaches the inviter as it was", section, same, "another key or tag")
    yield finding("a wrong tag does not verify", section, served.acceptor_tag != agreed.tag_acceptor, "it does")
    stage.left.service.end(at)
    shown = stage.right.service.partnership(at)
    yield finding("a wrong tag voids the invitation", section, shown.state == "ended", f"it is {shown.state}")
    yield refused(
        "a void invitation cannot be confirmed",
        section,
        lambda: stage.left.service.confirm(at, agreed.tag_inviter),
        409,
        "partnership-ended",
    )
    yield refused(
        "a void invitation is found by nobody",
        section,
        lambda: stage.right.service.look_up(protocol.lookup(psk)),
        404,
        "not-found",
    )


def strangers(stage: Stage) -> Iterator[Finding]:
    """Whoever is not a party learns of a partnership what she learns of an id that nobody made."""
    at, section = uuid4(), "Rules that keep the promise"
    stage.invite(at)
    try:
        for method, rest in _LOOKS:
            foreign, absent = (_bytes(stage.right, method, each, rest) for each in (at, uuid4()))
            name = f"foreign is absent: {method} {rest or 'the partnership'}"
            yield finding(name, section, foreign == absent and foreign[0] == 404, "the two answers can be told apart")
    finally:
        stage.left.service.end(at)


def _bytes(player: Player, method: str, at: UUID, rest: str) -> tuple[int, bytes]:
    path = f"/v1/partnerships/{at}" + (f"/{rest}" if rest else "")
    answer = player.raw.send(method, path, content=b"{}" if method == "POST" else None)
    return answer.status, answer.body
