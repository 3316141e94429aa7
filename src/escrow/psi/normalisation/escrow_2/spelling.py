"""Host names in any script and spelling → one frozen form, whatever the Unicode tables of the Python at hand.

Characters that Unicode 14.0 does not assign are dropped before anything else looks at the text; for all others
Unicode's stability policy fixes composition and case folding for ever. So two machines with different Pythons agree.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["LONGEST_LABEL", "Spelling", "mixes_alphabets"]

#: RFC 1035; a longer label is no host name, and decoding one would only cost time.
LONGEST_LABEL = 63

_SHARP_S, _FINAL_SIGMA = "\ue000", "\ue001"
#: Full folding would lose these two, which are letters of their own in host names (IDNA 2008).
_SET_ASIDE = str.maketrans({"ß": _SHARP_S, "ẞ": _SHARP_S, "ς": _FINAL_SIGMA})
_PUT_BACK = str.maketrans({_SHARP_S: "ß", _FINAL_SIGMA: "ς"})

_BLANK = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
_CONTROLS = {code: " " if chr(code) in _BLANK else "" for code in (*range(0x20), *range(0x7F, 0xA0))}
_IGNORABLE = [
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
    *(*range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)),
]
_UNSEEN: dict[int, str] = _CONTROLS | dict.fromkeys(_IGNORABLE, "")
_HYPHENS = (0x2010, 0x2011, 0x2012, 0x2013, 0x2212)
_SIGNS: dict[int, str] = {0x3002: ".", ord("\\"): "/"} | dict.fromkeys(_HYPHENS, "-")

#: Alphabets whose letters look like each other's: no registry lets one label mix them, only a forger does.
_ALPHABETS = tuple(
    re.compile(f"[{letters}]")
    for letters in (
        "a-z\u00aa\u00ba\u00c0-\u024f\u0250-\u02af\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff",  # Latin
        "\u0370-\u03e1\u03f3-\u03ff\u1f00-\u1fff",  # Greek
        "\u03e2-\u03ef\u2c80-\u2cff",  # Coptic
        "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f",  # Cyrillic
        "\u0530-\u058f",  # Armenian
        "\u10a0-\u10ff\u2d00-\u2d2f",  # Georgian
        "\u13a0-\u13ff\uab70-\uabbf",  # Cherokee
        "\u2d30-\u2d7f",  # Tifinagh
        "\ua4d0-\ua4ff",  # Lisu
    )
)


class Spelling:
    """Folds text and host names by frozen ranges of characters."""

    __slots__ = ("_label", "_unassigned")

    def __init__(self, *, assigned: Sequence[str], in_labels: Sequence[str]) -> None:
        """Take ranges as they stand in a regular expression, such as ``a-z``."""
        self._unassigned = re.compile(f"[^{''.join(assigned)}]")
        self._label = re.compile(f"(?!-)[-_{''.join(in_labels)}]{{1,{LONGEST_LABEL}}}(?<!-)")

    def of_text(self, text: str) -> str:
        """Give composed lower case, one kind of dot, slash and hyphen, and nothing that nobody sees."""
        if not text.isascii():
            text = self._folded(self._unassigned.sub("", text))
        return text.lower().translate(_UNSEEN).translate(_SIGNS)

    def of_host(self, host: str) -> str:
        """Give this folded host without its www and with international labels in Unicode; nothing if it is no host.

        Labels may hold underscores, since names of machines do; no domain has one.
        """
        labels = [self._decoded(label) for label in host.strip(".").split(".")]
        if labels[0] == "www" and len(labels) > 2:
            labels = labels[1:]
        return ".".join(labels) if all(map(self._is_label, labels)) else ""

    def _is_label(self, label: str) -> bool:
        return self._label.fullmatch(label) is not None and (label.isascii() or not mixes_alphabets(label))

    def _decoded(self, label: str) -> str:
        """Decode an international label (RFC 3492); one that does not decode, or decodes to ASCII, stays as it is."""
        if not label.startswith("xn--") or len(label) > LONGEST_LABEL:
            return label
        try:
            decoded = self.of_text(label[4:].encode("ascii").decode("punycode"))
        except (UnicodeError, OverflowError, ValueError):
            return label
        return label if decoded.isascii() else decoded

    @staticmethod
    def _folded(text: str) -> str:
        folded = unicodedata.normalize("NFKC", text.translate(_UNSEEN)).translate(_SET_ASIDE).casefold()
        return unicodedata.normalize("NFKC", folded.translate(_PUT_BACK))


def mixes_alphabets(word: str) -> bool:
    """Say whether a word has letters of two alphabets whose letters look alike."""
    return sum(alphabet.search(word) is not None for alphabet in _ALPHABETS) > 1
