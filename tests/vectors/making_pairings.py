"""The vectors of pairing: codes, what both sides agree on, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from escrow.psi import pairing
from escrow.psi.encoding import base32
from escrow.psi.matchkeys import Suite
from tests.vectors.seeded import Document, new_id, random_of


def document() -> Document:
    """Make pairing.json."""
    return {
        "pairings": [_pairing(seed) for seed in ("pairing 1", "pairing 2")],
        "read_codes": list(_read_codes()),
        "refused_codes": list(_refused_codes()),
        "refused_public_keys": list(_refused_public_keys()),
    }


def _pairing(seed: str) -> Document:
    random = random_of(seed)
    partnership, inviter, acceptor = new_id(random), new_id(random), new_id(random)
    inviter_keys, acceptor_keys = pairing.new_key_pair(random), pairing.new_key_pair(random)
    psk, g = random(16), 0 if seed.endswith("1") else 7
    code = pairing.make_pairing_code(
        partnership_id=partnership, inviter_org_id=inviter, inviter_public=inviter_keys.public, psk=psk
    )
    agreed = pairing.derive(
        own_private=inviter_keys.private,
        psk=psk,
        suite=Suite.HMAC,
        g=g,
        partnership_id=partnership,
        inviter_org_id=inviter,
        acceptor_org_id=acceptor,
        inviter_public=inviter_keys.public,
        acceptor_public=acceptor_keys.public,
    )
    return {
        "partnership_id": str(partnership),
        "inviter_org_id": str(inviter),
        "acceptor_org_id": str(acceptor),
        "inviter_private": inviter_keys.private.hex(),
        "inviter_public": inviter_keys.public.hex(),
        "acceptor_private": acceptor_keys.private.hex(),
        "acceptor_public": acceptor_keys.public.hex(),
        "psk": psk.hex(),
        "code": code,
        "commitment": pairing.read_pairing_code(code).commitment.hex(),
        "lookup": pairing.lookup(psk).hex(),
        "suite": int(Suite.HMAC),
        "g": g,
        "tag_inviter": agreed.tag_inviter.hex(),
        "tag_acceptor": agreed.tag_acceptor.hex(),
        "root": agreed.root.hex(),
        "check": agreed.check,
    }


def _read_codes() -> Iterator[Document]:
    code = _pairing("pairing 1")["code"]
    spellings = {"lower case": code.lower(), "spaces": code.replace("-", " "), "one word": code.replace("-", "")}
    for why, spelling in spellings.items():
        read = pairing.read_pairing_code(spelling)
        yield {"why": why, "code": spelling, "commitment": read.commitment.hex(), "psk": read.psk.hex()}


def _refused_codes() -> Iterator[Document]:
    code = _pairing("pairing 1")["code"]
    newer = b"\x02" + bytes(32)
    newer += hashlib.sha256(b"escrow/v1 code" + newer).digest()[:4]
    spare = code[:-1] + chr(ord(code[-1]) + 1)  # the last letter is A or Q: four of its bits are to spare
    for digit in "0189":
        yield {"why": f"has the digit {digit}", "code": digit + code[1:]}
    yield {"why": "spare bits are not zero", "code": spare}
    yield {"why": "one letter is another", "code": ("B" if code[0] != "B" else "C") + code[1:]}
    yield {"why": "one letter is missing", "code": code[:-1]}
    yield {"why": "one letter too many", "code": code + "A"}
    yield {"why": "a letter that only upper case makes one of the alphabet", "code": "\u017f" + code[1:]}
    yield {"why": "version 2, checksum right", "code": base32(newer)}
    yield {"why": "nothing", "code": ""}


def _refused_public_keys() -> Iterator[Document]:
    private = random_of("refused public key")(32)
    small_orders = {
        "zero": bytes(32),
        "one": b"\x01" + bytes(31),
        "order eight": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        "order eight, the other": bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        "p - 1": (2**255 - 20).to_bytes(32, "little"),
        "p": (2**255 - 19).to_bytes(32, "little"),
        "p + 1": (2**255 - 18).to_bytes(32, "little"),
    }
    for why, public in small_orders.items():
        yield {"why": why, "private": private.hex(), "public": public.hex()}
