"""The vectors of generations: the keys of three in a row, and the heads of releases."""

from __future__ import annotations

from escrow.psi import keys
from escrow.psi.canary import canary, normalised_digest
from escrow.psi.matchkeys import MatchKey, MatchKeyClass, Suite
from tests.vectors.seeded import NEXT_PROFILE, PROFILE, Document, new_id, random_of


def document() -> Document:
    """Make generations.json."""
    return {
        "generations": [_generations(seed) for seed in ("generation 1", "generation 2")],
        "canaries": [_canary(number, profile) for number, profile in ((0, PROFILE), (41, NEXT_PROFILE))],
        "heads": [_head(number) for number in (1, 2**32)],
    }


def _generations(seed: str) -> Document:
    random = random_of(seed)
    partnership, root, first = new_id(random), random(32), 0 if seed.endswith("1") else 41
    drawn = keys.generation_keys(root, partnership_id=partnership, g=first, suite=Suite.HMAC, profile_id=PROFILE)
    chain = [drawn]
    for profile in (PROFILE, NEXT_PROFILE):
        chain.append(keys.move_up(chain[-1], g=chain[-1].g + 1, profile_id=profile))
    return {
        "partnership_id": str(partnership),
        "suite": int(Suite.HMAC),
        "root": root.hex(),
        "chain": [
            {
                "g": each.g,
                "profile_id": each.profile_id,
                "match_key": each.match_key.hex(),
                "head_key": each.head_key.hex(),
                "next_root": each.next_root.hex(),
            }
            for each in chain
        ],
    }


def _canary(g: int, profile: str) -> Document:
    random = random_of(f"canary {g}")
    owner, key = new_id(random), random(32)
    made = [
        [MatchKey(MatchKeyClass.DOMAIN, "müller.de"), MatchKey(MatchKeyClass.NAME, "mullerglas")],
        [],
        [MatchKey(each, "globex") for each in (MatchKeyClass.VARIANT, MatchKeyClass.FALLBACK)][: g + 1],
    ]
    digest = normalised_digest(made)
    return {
        "head_key": key.hex(),
        "owner_org_id": str(owner),
        "g": g,
        "profile_id": profile,
        "made": [[{"class": int(each.key_class), "value": each.value} for each in row] for row in made],
        "digest": digest.hex(),
        "canary": canary(key, owner_org_id=owner, g=g, profile_id=profile, digest=digest).hex(),
    }


def _head(number: int) -> Document:
    random = random_of(f"head {number}")
    owner, key, statement = new_id(random), random(32), random(64)
    made = keys.release_head(key, owner_org_id=owner, release_number=number, statement=statement)
    return {
        "head_key": key.hex(),
        "owner_org_id": str(owner),
        "release_number": number,
        "statement": statement.hex(),
        "head": made.hex(),
    }
