"""Company names as people type them → the core name: folded, without legal form, written together, or nothing.

The parts of a name that tell companies apart stay: nothing is ever cleaned away entirely, and other scripts keep their
letters. Plain ASCII names take a fast way to their words; a property test holds it to the long one.
"""

from __future__ import annotations

import unicodedata

from escrow.psi.normalisation.escrow_1.tables import Tables

__all__ = ["CoreNames"]

_APOSTROPHES = "'`"
#: Signs that stand beside a name without being part of it, and characters that nobody sees.
_DROPPED = dict.fromkeys(
    [
        *map(ord, "'`´‘’‛ʹʻʼ™®©℠"),
        *[0x00AD, 0x034F, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF],
    ]
)
_ACCENTS = dict.fromkeys(range(0x0300, 0x0370))
_ASCII = bytes(byte if chr(byte).isalnum() and byte < 128 else 0x20 for byte in range(256)).lower()
_DROPPED_ASCII = _APOSTROPHES.encode()


class CoreNames:
    """The core name of a company; two spellings of one name give the same."""

    __slots__ = ("_alone", "_attached", "_folds", "_leading", "_placeholders", "_trailing")

    def __init__(self, tables: Tables) -> None:
        self._trailing = dict(tables.legal_forms.trailing)
        self._alone = frozenset(last for last, forms in self._trailing.items() if forms == ((last,),))
        self._leading = tables.legal_forms.leading
        self._attached = tables.legal_forms.attached
        self._placeholders = tables.placeholder_names
        self._folds = str.maketrans(dict(tables.folds))

    def of(self, name: str) -> str:
        """Give the core name, or an empty string if the text names no company."""
        if not name.isascii():
            return self.of_words(self.words(name))
        if "+" in name:
            name = name.replace("+", " plus ")
        return self.of_words(name.encode().translate(_ASCII, _DROPPED_ASCII).decode().split())

    def words(self, name: str) -> list[str]:
        """Cut a name in any script into folded words."""
        text = unicodedata.normalize("NFKC", name.translate(_DROPPED)).replace("+", " plus ")
        text = unicodedata.normalize("NFKC", text.casefold()).translate(self._folds)
        text = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).translate(_ACCENTS))
        return "".join(character if _stands_in_a_word(character) else " " for character in text).split()

    def of_words(self, words: list[str]) -> str:
        """Give the core name made of these words; the list is used up."""
        if "and" in words:
            words = [word for word in words if word != "and"] or words
        if 1 in map(len, words):
            words = _initials_joined(words)
        if len(words) > 1:
            words = self._without_legal_forms(words)
        core = "".join(words)
        if not core.isascii():
            core = self._without_attached_forms(core)
        return "" if core in self._placeholders or (len(core) < 2 and _is_nothing(core)) else core

    def _without_legal_forms(self, words: list[str]) -> list[str]:
        if words[0] in self._leading and _is_enough(words[1:]):
            words = words[1:]
        while len(words) > 2 and words[-1] in self._alone:  # so end nearly all names that have a legal form
            words.pop()
        while forms := self._trailing.get(words[-1]):
            shorter = _without_one_of(forms, words)
            if shorter is None:
                break
            words = shorter
        return words

    def _without_attached_forms(self, core: str) -> str:
        for form in self._attached:
            for rest in (core.removeprefix(form), core.removesuffix(form)):
                if rest not in ("", core):
                    return self._without_attached_forms(rest)
        return core


def _without_one_of(forms: tuple[tuple[str, ...], ...], words: list[str]) -> list[str] | None:
    """Take the longest of these forms off the end; None if the words do not end in any, or nothing would be left."""
    for form in forms:
        rest = words[: -len(form)]
        if _is_enough(rest) and (len(form) == 1 or tuple(words[-len(form) :]) == form):
            return rest
    return None


def _is_enough(rest: list[str]) -> bool:
    """Say whether a name may be cut down to this: one letter, or nothing, is no name."""
    return len(rest) > 1 or (len(rest) == 1 and not _is_nothing(rest[0]))


def _is_nothing(core: str) -> bool:
    return not core or (len(core) == 1 and core.isascii())


def _initials_joined(words: list[str]) -> list[str]:
    """Write runs of single Latin letters together: "J. P. Morgan" is "jp morgan", "S. A." is "sa"."""
    joined: list[str] = []
    in_run = False
    for word in words:
        is_initial = len(word) == 1 and "a" <= word <= "z"
        if is_initial and in_run:
            joined[-1] += word
        else:
            joined.append(word)
        in_run = is_initial
    return joined


def _stands_in_a_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
