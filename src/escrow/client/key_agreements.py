"""How two clients come to agree on keys by one code, in a first pairing and in a fresh one alike.

The inviter makes an invitation and its code, the acceptor answers it, and the inviter takes the answer. Who the other
is, and which public keys the service shows, is checked by whoever calls this.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from escrow import wire
from escrow.client.exchanges import Exchange, Invited
from escrow.client.keyring import Random
from escrow.psi import pairing as protocol
from escrow.psi.matchkeys import Suite

__all__ = ["INVITATION_LASTS", "answered", "code_of", "new_invitation", "taken"]

INVITATION_LASTS = timedelta(days=7)


def new_invitation(profile_id: str, *, random: Random, now: datetime) -> Invited:
    """Make the inviter's keys and the secret of the code."""
    pair, psk = protocol.new_key_pair(random), random(protocol.PSK_BYTES)
    return Invited(psk, pair.private, pair.public, profile_id, now + INVITATION_LASTS)


def code_of(invited: Invited, *, partnership_id: UUID, inviter_id: UUID) -> str:
    """Give the pairing code of an invitation; it is kept nowhere."""
    return protocol.make_pairing_code(
        partnership_id=partnership_id, inviter_org_id=inviter_id, inviter_public=invited.public, psk=invited.psk
    )


def answered(
    invitation: wire.Invitation, code: protocol.PairingCode, *, acceptor_id: UUID, random: Random
) -> tuple[protocol.Pairing, Exchange]:
    """Make the acceptor's keys and agree on what follows from them; the private key and the secret end here."""
    pair = protocol.new_key_pair(random)
    agreed = protocol.derive(
        own_private=pair.private,
        psk=code.psk,
        suite=Suite.HMAC,
        g=invitation.generation,
        partnership_id=invitation.partnership_id,
        inviter_org_id=invitation.inviter.organization_id,
        acceptor_org_id=acceptor_id,
        inviter_public=invitation.inviter_public,
        acceptor_public=pair.public,
    )
    lookup = protocol.lookup(code.psk)
    return agreed, Exchange(invitation.inviter_public, pair.public, agreed.tag_acceptor, agreed.tag_inviter, lookup)


def taken(
    invited: Invited, unverified: wire.Pairing, *, partnership_id: UUID, g: int, inviter_id: UUID, acceptor_id: UUID
) -> tuple[protocol.Pairing, Exchange]:
    """Agree on what follows from the acceptor's answer, once its tag is verified.

    Raises:
        ConfirmationFailed: the tag is not the one that the code leads to.
    """
    agreed = protocol.derive(
        own_private=invited.private,
        psk=invited.psk,
        suite=Suite.HMAC,
        g=g,
        partnership_id=partnership_id,
        inviter_org_id=inviter_id,
        acceptor_org_id=acceptor_id,
        inviter_public=invited.public,
        acceptor_public=unverified.acceptor_public,
    )
    protocol.verify_tag(agreed.tag_acceptor, unverified.acceptor_tag)
    return agreed, Exchange(invited.public, unverified.acceptor_public, agreed.tag_inviter, agreed.tag_acceptor)
