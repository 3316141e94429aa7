"""The service's own blinding at rest: what is stored is the token under AES-256, and the pepper is sealed elsewhere.

Made for the server. A thief of the database alone holds pseudonyms that no dictionary opens.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

__all__ = ["PEPPER_BYTES", "stored_index"]

PEPPER_BYTES = 32


def stored_index(pepper: bytes, tokens: bytes) -> bytes:
    """Give P_x for packed 16-byte tokens, in the same order: one AES-256 block each, all in one call.

    ValueError unless the pepper is 32 bytes and the tokens are whole.
    """
    if len(pepper) != PEPPER_BYTES:
        raise ValueError("a pepper is 32 bytes")
    # Tokens are pseudorandom and looked up by equality, so one block each, on its own, is what is wanted here.
    cipher = Cipher(algorithms.AES256(pepper), modes.ECB()).encryptor()  # noqa: S305
    return cipher.update(tokens) + cipher.finalize()
