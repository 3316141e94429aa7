"""The protocol a second time, written from its text: plain functions over bytes, and nothing imported from escrow.

It exists to disagree; where it does, the text of the protocol decides. SHA-2 and HMAC come from the standard library,
X25519, the AES block and ChaCha20-Poly1305 from ``cryptography``; HKDF (RFC 5869), base32 (RFC 4648) and AES-SIV
(RFC 5297) are spelled out. Whatever is not as it should be raises ValueError. Not fit for secrets: nothing here runs in
constant time.
"""

from __future__ import annotations

import hmac
import json
import struct
import unicodedata
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def mac256(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), "sha256").digest()


def mac512(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), "sha512").digest()


def prefixed(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand: T(n) = HMAC(prk, T(n-1) | info | n), joined and cut."""
    output, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = mac256(prk, block, info, bytes([counter]))
        output += block
    return output[:length]


def to_letters(content: bytes) -> str:
    """Base32 as arithmetic: one number, five bits at a time from the top, zero bits to fill the last letter."""
    count = -(-len(content) * 8 // 5)
    number = int.from_bytes(content, "big") << (count * 5 - len(content) * 8)
    return "".join(LETTERS[number >> (5 * place) & 31] for place in reversed(range(count)))


def write_code(partnership: bytes, inviter: bytes, inviter_public: bytes, psk: bytes) -> str:
    commitment = sha256(b"escrow/v1 inviter" + partnership + inviter + inviter_public).digest()[:16]
    body = b"\x01" + commitment + psk
    letters = to_letters(body + sha256(b"escrow/v1 code" + body).digest()[:4])
    return "-".join(letters[i : i + 5] for i in range(0, 60, 5))


def read_code(text: str) -> tuple[bytes, bytes]:
    """Give the commitment and the psk of a code."""
    number, count = 0, 0
    for letter in text:
        if letter in " -":
            continue
        number, count = number * 32 + (LETTERS + LETTERS[:26].lower()).index(letter) % 32, count + 1
    spare = number % 16
    if count != 60 or spare:
        raise ValueError("length or spare bits")
    code = (number // 16).to_bytes(37, "big")
    version, commitment, psk, checksum = struct.unpack(">B16s16s4s", code)
    if version != 1 or checksum != sha256(b"escrow/v1 code" + code[:33]).digest()[:4]:
        raise ValueError("version or checksum")
    return commitment, psk


def lookup(psk: bytes) -> bytes:
    return mac256(psk, b"escrow/v1 lookup")[:16]


def public_of(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def shared_secret(private: bytes, public: bytes) -> bytes:
    shared = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    if shared == bytes(32):
        raise ValueError("all zero")
    return shared


@dataclass(frozen=True)
class Agreed:
    tag_inviter: bytes
    tag_acceptor: bytes
    root: bytes
    check: str


def agree(psk: bytes, shared: bytes, suite: int, g: int, parties: bytes) -> Agreed:
    """``parties`` is partnership, inviter, acceptor, inviter's key and acceptor's key, one after the other."""
    th = sha256(prefixed(b"escrow/v1 pairing") + struct.pack(">BI", suite, g) + parties).digest()
    prk = mac256(th, prefixed(psk), prefixed(shared))
    return Agreed(
        tag_inviter=mac256(expand(prk, b"escrow/v1 confirm inviter" + th, 32), th),
        tag_acceptor=mac256(expand(prk, b"escrow/v1 confirm acceptor" + th, 32), th),
        root=expand(prk, b"escrow/v1 root" + th, 32),
        check=to_letters(expand(prk, b"escrow/v1 check" + th, 10)),
    )


def match_key(root: bytes, partnership: bytes, g: int, suite: int, profile: str) -> bytes:
    label = prefixed(b"escrow/v1 match") + partnership + struct.pack(">IB", g, suite) + prefixed(profile.encode())
    return expand(root, label, 32)


def head_key(root: bytes) -> bytes:
    return expand(root, b"escrow/v1 head", 32)


def next_root(root: bytes) -> bytes:
    return expand(root, b"escrow/v1 next", 32)


def head(key: bytes, owner: bytes, number: int, statement: bytes) -> bytes:
    return mac256(key, owner, struct.pack(">Q", number), sha256(statement).digest())


def canary(key: bytes, owner: bytes, g: int, profile: str, made: list[list[dict[str, Any]]]) -> tuple[bytes, bytes]:
    """Digest what was made of each row, and vouch for it."""
    rows = b"".join(
        struct.pack(">I", len(row))
        + b"".join(struct.pack(">B", each["class"]) + prefixed(each["value"].encode()) for each in row)
        for row in made
    )
    digest = sha256(prefixed(b"escrow/v1 normalised") + rows).digest()
    vouched = owner + struct.pack(">I", g) + prefixed(profile.encode()) + digest
    return digest, mac256(key, prefixed(b"escrow/v1 canary") + vouched)


def release_statement(vector: dict[str, Any]) -> tuple[list[bytes], list[bytes], bytes]:
    """Commit to the cells and to the lists, and write what is signed."""
    places = [(left, right) for left in (1, 2, 3) for right in (1, 2, 3)]
    cells = [
        sha256(
            prefixed(b"escrow/v1 cell") + each["salt"] + struct.pack(">BBBQ", *place, each["state"], each["count"] or 0)
        ).digest()
        for place, each in zip(places, vector["cells"], strict=True)
    ]
    lists = [
        sha256(
            prefixed(b"escrow/v1 sub") + each["salt"] + struct.pack(">Q", each["submission"]) + each["digest"]
        ).digest()
        for each in vector["lists"]
    ]
    ids = vector["partnership_id"] + vector["left_org_id"] + vector["right_org_id"]
    place = (
        struct.pack(">QQ", vector["number"], vector["made_at"]) + vector["previous"] + struct.pack(">I", vector["g"])
    )
    rule = sha256(vector["rule_text"].encode()).digest()
    return cells, lists, prefixed(b"escrow/v1 release") + ids + place + rule + b"".join(cells) + b"".join(lists)


def check_signature(public: bytes, statement: bytes, signature: bytes) -> None:
    """Verify by the equation of RFC 8032 itself, with the cofactor, once the key is known to be of large order."""
    key, commitment = decompressed(public), decompressed(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or scalar >= ORDER or times(8, key) == NEUTRAL:
        raise ValueError("not a signature")
    challenge = int.from_bytes(sha512(signature[:32] + public + statement).digest(), "little") % ORDER
    if times(8, times(scalar, BASE)) != times(8, added(commitment, times(challenge, key))):
        raise ValueError("not the signature of this statement by this key")


PRIME, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
NEUTRAL = (0, 1)


def decompressed(encoded: bytes) -> tuple[int, int]:
    value = int.from_bytes(encoded, "little")
    sign, y = value >> 255, value % 2**255 % PRIME
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if x * x % PRIME != square:
        raise ValueError("not a point")
    return (x if x % 2 == sign else -x % PRIME), y


def added(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    (x1, y1), (x2, y2) = one, other
    crossed = CURVE * x1 * x2 * y1 * y2 % PRIME
    x = (x1 * y2 + x2 * y1) * pow(1 + crossed, -1, PRIME) % PRIME
    return x, (y1 * y2 + x1 * x2) * pow(1 - crossed, -1, PRIME) % PRIME


def times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    total = NEUTRAL
    while factor:
        if factor & 1:
            total = added(total, point)
        point, factor = added(point, point), factor >> 1
    return total


BASE = decompressed((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))


def secret_and_token(key: bytes, kind: int, value: str) -> tuple[bytes, bytes]:
    digest = mac512(key, bytes([kind]), unicodedata.normalize("NFC", value).encode())
    return digest[0:32], digest[32:48]


def wrap_key(secret: bytes, owner: bytes) -> bytes:
    return mac512(secret, b"escrow/v1 wrap", owner)


def row(own_secret: bytes, partnership: bytes, account_id: str) -> bytes:
    return mac256(own_secret, b"escrow/v1 row", partnership, prefixed(account_id.encode()))[:8]


def aes_block(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the bare block is what is asked for
    return encryptor.update(block)


def stored_index(pepper: bytes, token: bytes) -> bytes:
    return aes_block(pepper, token)


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def doubled(block: bytes) -> bytes:
    """Multiply by x in GF(2^128)."""
    number = int.from_bytes(block, "big") << 1
    carried = number >> 128
    return (number % 2**128 ^ 0x87 * carried).to_bytes(16, "big")


def cmac(key: bytes, message: bytes) -> bytes:
    """RFC 4493: the last block is masked with the doubled key, or padded and masked with the twice doubled one."""
    mask = doubled(aes_block(key, bytes(16)))
    start = max(0, (len(message) - 1) // 16 * 16)
    last = message[start:]
    if len(last) < 16:
        last, mask = (last + b"\x80").ljust(16, b"\0"), doubled(mask)
    state = bytes(16)
    for place in range(0, start, 16):
        state = aes_block(key, xor(state, message[place : place + 16]))
    return aes_block(key, xor(state, xor(last, mask)))


def s2v(key: bytes, headers: list[bytes], plaintext: bytes) -> bytes:
    """For plaintexts of a block or more, which is all that the protocol has."""
    state = cmac(key, bytes(16))
    for header in headers:
        state = xor(doubled(state), cmac(key, header))
    return cmac(key, plaintext[:-16] + xor(plaintext[-16:], state))


def counted(key: bytes, start: bytes, text: bytes) -> bytes:
    counter = int.from_bytes(start, "big") & ~(1 << 63 | 1 << 31)
    stream = b"".join(aes_block(key, (counter + i).to_bytes(16, "big")) for i in range(-(-len(text) // 16)))
    return xor(text, stream[: len(text)])


def siv_seal(key: bytes, headers: list[bytes], plaintext: bytes) -> bytes:
    v = s2v(key[:32], headers, plaintext)
    return v + counted(key[32:], v, plaintext)


def siv_open(key: bytes, headers: list[bytes], sealed: bytes) -> bytes:
    plaintext = counted(key[32:], sealed[:16], sealed[16:])
    if s2v(key[:32], headers, plaintext) != sealed[:16]:
        raise ValueError("wrap")
    return plaintext


@dataclass(frozen=True)
class Context:
    partnership_id: bytes
    g: int
    profile_id: str
    owner_org_id: bytes
    recipient_org_id: bytes
    row: bytes
    population: int
    submission: int
    terms_number: int

    def aad(self) -> bytes:
        return (
            prefixed(b"escrow/v1 envelope")
            + self.partnership_id
            + struct.pack(">I", self.g)
            + prefixed(self.profile_id.encode())
            + self.owner_org_id
            + self.recipient_org_id
            + struct.pack(">8sBQI", self.row, self.population, self.submission, self.terms_number)
        )


def padded(text: bytes) -> bytes:
    size = next(size for size in (256, 512, 1024, 2048, 4096) if size >= len(text))
    return text + b"\x20" * (size - len(text))


def commitment(cek: bytes, aad: bytes) -> bytes:
    return mac256(cek, b"escrow/v1 commit", sha256(aad).digest())


def sealed_body(cek: bytes, nonce: bytes, plaintext: bytes, aad: bytes, commit: bytes) -> bytes:
    ct = ChaCha20Poly1305(cek).encrypt(nonce, plaintext, aad)
    return struct.pack(">B12s32sH", 1, nonce, commit, len(ct)) + ct


def wrapped(secret: bytes, context: Context, commit: bytes, cek: bytes) -> bytes:
    return siv_seal(wrap_key(secret, context.owner_org_id), [context.aad(), commit], cek)


def open_served(served: bytes, context: Context, secret: bytes, declared: set[str]) -> dict[str, Any]:
    """Give the details of a served envelope, or raise ValueError."""
    version, nonce, commit, length = struct.unpack(">B12s32sH", served[:47].ljust(47, b"\0"))
    if version != 1 or length not in {272, 528, 1040, 2064, 4112} or len(served) != 47 + length + 48:
        raise ValueError("layout")
    aad = context.aad()
    cek = siv_open(wrap_key(secret, context.owner_org_id), [aad, commit], served[-48:])
    if commitment(cek, aad) != commit:
        raise ValueError("commitment")
    try:
        plaintext = ChaCha20Poly1305(cek).decrypt(nonce, served[47:-48], aad)
    except InvalidTag:
        raise ValueError("body") from None
    return strictly_read(plaintext, declared)


def strictly_read(plaintext: bytes, declared: set[str]) -> dict[str, Any]:
    decoder = json.JSONDecoder(object_pairs_hook=lambda pairs: pairs)
    text = plaintext.decode()
    pairs, end = decoder.raw_decode(text)
    names = [name for name, _ in pairs] if text[0] == "{" else [""]
    if padded(text[:end].encode()) != plaintext or len(set(names)) != len(names) or not declared.issuperset(names):
        raise ValueError("padding, a field twice or one too many")
    for _, value in pairs:
        whole = type(value) is int and abs(value) < 2**53
        if not whole and not (type(value) is str and unicodedata.normalize("NFC", value).encode().decode() == value):
            raise ValueError("a value that is neither text nor a whole number")
    return dict(pairs)
