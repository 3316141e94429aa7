"""Names in any script → folded text → words; the same whatever the Unicode tables of the Python at hand.

Characters that Unicode 14.0 does not assign are dropped first; for all others Unicode's stability policy fixes
composition and case folding for ever.
"""

from __future__ import annotations

import re
import unicodedata

from escrow.psi.normalisation.escrow_2.lexicon import Lexicon

__all__ = ["Text"]

_ASCII = bytes(byte if byte < 128 and chr(byte).isalnum() else 0x20 for byte in range(256)).lower()
#: Signs that stand beside a name without being part of it, and characters that nobody sees.
_UNSEEN = dict.fromkeys(
    [
        *map(ord, "´‘’‛ʹʻʼ™®©℠"),
        *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
        *(*range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)),
    ]
)
_DASHES = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212), "-")
_ACCENTS = re.compile("[\u0300-\u036f]+")


class Text:
    """Folding by frozen ranges of characters."""

    __slots__ = ("_between_words", "_folds", "_romanizations", "_spelled_out", "_unassigned")

    def __init__(self, lexicon: Lexicon) -> None:
        self._unassigned = re.compile(f"[^\0-\x7f{''.join(lexicon.assigned)}]+")
        self._between_words = re.compile(f"[^a-z0-9{''.join(lexicon.letters)}]+")
        self._folds = str.maketrans(dict(lexicon.folds))
        self._romanizations = str.maketrans(dict(lexicon.romanizations))
        self._spelled_out = str.maketrans(dict(lexicon.spelled_out))

    def folded(self, name: str) -> str:
        """Give lower case without accents; nearly every name in a Latin script becomes ASCII."""
        if name.isascii():
            return name.lower()
        plain = _ACCENTS.sub("", unicodedata.normalize("NFD", self._lower(name).translate(self._folds)))
        return unicodedata.normalize("NFC", plain)

    def romanized(self, name: str) -> str:
        """Give the same in Latin letters where the script has a common way to write it so, umlauts spelled out."""
        decomposed = unicodedata.normalize("NFD", self._lower(name).translate(self._spelled_out).translate(self._folds))
        plain = _ACCENTS.sub("", decomposed.translate(self._romanizations))
        return unicodedata.normalize("NFC", plain)

    def _lower(self, name: str) -> str:
        seen = self._unassigned.sub("", name).translate(_UNSEEN)
        lower = unicodedata.normalize("NFKC", seen).casefold()
        return unicodedata.normalize("NFKC", lower).translate(_DASHES)

    def words(self, folded: str) -> list[str]:
        """Cut folded text into words."""
        if "+" in folded:
            folded = folded.replace("+", " plus ")
        if folded.isascii():
            return folded.encode().translate(_ASCII, b"'`").decode().split()
        return self._between_words.sub(" ", folded.replace("'", "")).split()
