"""The canary: two clients find out that they normalise alike before a list goes up, and the service learns nothing.

Each makes the match keys of the published vectors under the generation's profile and vouches for their digest with the
key of heads. Other data files, a changed library or an own implementation with a fault would miss matches in silence;
here they are told. The service passes the values on and can make neither.
"""

from __future__ import annotations

import hmac
from functools import cache
from uuid import UUID

from escrow import wire
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat
from escrow.errors import NormalisationDiffers
from escrow.psi import vectors
from escrow.psi.canary import canary, normalised_digest
from escrow.psi.keys import GenerationKeys
from escrow.psi.normalisation import profile

__all__ = ["must_normalise_alike", "own_digest"]


def must_normalise_alike(service: Escrow, file: KeyringFile, seat: Seat, keys: GenerationKeys) -> None:
    """Tell the service our canary if it is not the one that it has, and compare the partner's, if there is one.

    Raises:
        NormalisationDiffers: the partner's client makes other match keys of the same names.
    """
    shown = service.partnership(seat.partnership_id)
    ours = wire.Canary(generation=keys.g, canary=_canary(keys, file.keyring.organization_id))
    if shown.canaries.ours != ours:
        shown = service.tell_canary(seat.partnership_id, ours)
    theirs = shown.canaries.theirs
    if theirs is None or theirs.generation != keys.g:
        return
    if not hmac.compare_digest(theirs.canary, _canary(keys, seat.partner)):
        raise NormalisationDiffers(
            f"your partner's client makes other match keys of the same names under profile {keys.profile_id}, so that "
            "matches would be missed in silence; nothing was sent. Run `escrow doctor` on both sides, update "
            "or reinstall escrow where it fails, then submit again"
        )


@cache
def own_digest(profile_id: str) -> bytes:
    """Digest the match keys that this machine makes of the published inputs under a profile."""
    match_keys = profile(profile_id).match_keys
    return normalised_digest(match_keys(*given) for given in vectors.normalisation_inputs())


def _canary(keys: GenerationKeys, owner: UUID) -> bytes:
    return canary(
        keys.head_key,
        owner_org_id=owner,
        g=keys.g,
        profile_id=keys.profile_id,
        digest=own_digest(keys.profile_id),
    )
