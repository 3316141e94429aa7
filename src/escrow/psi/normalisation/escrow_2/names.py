"""Company names as people type them → the core name, its variants, and the fallback.

The parts of a name that tell companies apart stay: nothing is ever cleaned away entirely, and other scripts keep their
letters. Names of plain words take a fast way; a property test holds it to the long one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from escrow.psi.normalisation.escrow_2.lexicon import Lexicon
from escrow.psi.normalisation.escrow_2.parts import Parts
from escrow.psi.normalisation.escrow_2.spelling import mixes_alphabets
from escrow.psi.normalisation.escrow_2.text import Text
from escrow.psi.normalisation.escrow_2.words import SHORTEST_TELLING, Words, is_name

__all__ = ["LONGEST_NAME", "MOST_VARIANTS", "CompanyNames", "NameKeys"]

#: Longer text is no name and gives no key.
LONGEST_NAME = 512
MOST_VARIANTS = 4


class NameKeys(NamedTuple):
    """The values that one name gives; empty where there is none."""

    name: str = ""
    variants: tuple[str, ...] = ()
    fallback: str = ""


_NOTHING = NameKeys()

#: A letter or a few that somebody typed again and again, or two that nobody could pronounce.
_MASHED = re.compile(r"(.)\1{3,}|(.{2,4}?)\2{2,}.{0,3}|(?=[b-df-hj-np-tv-xz]{5})(..)\3+.?")


class CompanyNames:
    """The keys of a company's name; two spellings of one name share one."""

    __slots__ = (
        "_attached",
        "_label_beginnings",
        "_label_endings",
        "_parts",
        "_placeholder_beginnings",
        "_placeholder_words",
        "_placeholders",
        "_text",
        "_words",
    )

    def __init__(self, lexicon: Lexicon) -> None:
        self._text = Text(lexicon)
        self._parts = Parts(lexicon, self._text)
        self._words = Words(lexicon)
        self._attached = lexicon.attached_forms
        self._label_beginnings = lexicon.label_beginnings
        self._label_endings = lexicon.label_endings
        self._placeholders = lexicon.placeholders
        self._placeholder_words = lexicon.placeholder_words
        self._placeholder_beginnings = lexicon.placeholder_beginnings

    def keys_of_each(self, names: Sequence[str]) -> list[NameKeys]:
        """Give the keys of each of many names, the plain ones read in one go."""
        short_each = [name if len(name) <= LONGEST_NAME else "" for name in names]
        return [
            self._keys_of_plain(words) if words and self._is_one(name, words) else self.keys_of(name)
            for name, words in zip(short_each, self._parts.plain_words_of_each(short_each), strict=True)
        ]

    def keys_of(self, name: str) -> NameKeys:
        """Give the keys of a name; none if the text names no company."""
        if len(name) > LONGEST_NAME:
            return _NOTHING
        if name.isascii():
            text = name.lower()
            words = self._text.words(text) if self._parts.is_plain(text) else []
            return self._keys_of_plain(words) if self._is_one(text, words) else self._keys(*self._parts.of(text))
        return self.keys_of_any_script(name)

    def keys_of_any_script(self, name: str) -> NameKeys:
        """Do as `keys_of` does, without its fast ways.

        A word of two alphabets is a forger's: in Latin letters it would be what it only looks like.
        """
        folded = self._text.folded(name)
        main, others = self._parts.of(folded)
        if not name.isascii() and not any(map(mixes_alphabets, self._text.words(folded))):
            others.append(self._parts.of(self._text.romanized(name))[0])
        return self._keys(main, others)

    def written_together(self, words: str) -> str:
        """Give text as a value, nothing taken off: folded, without blanks and signs."""
        return "".join(self._text.words(self._text.folded(words)))

    def in_label(self, label: str) -> str:
        """Give the rare name that a label has more around it than, as in `getacme` and `acmegroup`; maybe none."""
        if label.startswith(self._label_beginnings):
            name = next(label.removeprefix(word) for word in self._label_beginnings if label.startswith(word))
        elif label.endswith(self._label_endings):
            name = next(label.removesuffix(word) for word in self._label_endings if label.endswith(word))
        else:
            return ""
        return name if len(name) >= SHORTEST_TELLING and self._words.is_rare(name) else ""

    def _is_one(self, name: str, words: list[str]) -> bool:
        """Say whether plain words are one name: what stands before a comma is another, if the form behind matters."""
        if "," in name:
            return bool(words) and self._words.taken_apart(words)[0] == self._words.taken_apart(words[:-1])[0]
        return bool(words)

    def _keys_of_plain(self, words: list[str]) -> NameKeys:
        core, shorter, fallback = self._words.taken_apart(words)
        value = "".join(core)
        if not is_name(value) or self._is_placeholder(core, value):
            return _NOTHING
        return self._told(value, [*_in_both_orders(shorter[-1]), *shorter[:-1]], fallback)

    def _keys(self, main: str, others: Sequence[str]) -> NameKeys:
        main, others = self.without_web_ending(main, others)
        core = self._core(main)
        value = "".join(core)
        if not is_name(value) or self._is_placeholder(core, value):
            return _NOTHING
        *shorter, stem = self._words.shorter_forms(core)
        found = _in_both_orders(stem)
        for other in others:
            words = self._core(other)
            if words and (len(words) > 1 or self._words.is_rare(words[0])):
                found += [words, self._words.stem(words)]
        return self._told(value, [*found, *shorter], self._words.fallback(core, stem))

    def without_web_ending(self, main: str, others: Sequence[str]) -> tuple[str, Sequence[str]]:
        """Let "Globex.com" be called Globex, and Globex.com besides, if a rare word remains."""
        shorter = self._shorter_address(main)
        others = [*others, *filter(None, map(self._shorter_address, others))]
        return (shorter, [main, *others]) if shorter else (main, others)

    def _shorter_address(self, name: str) -> str:
        """Give a name without the ending of a web address; empty if it has none, or is all common words without it."""
        shorter = self._parts.without_web_ending(name)
        return shorter if shorter != name and any(map(self._words.is_rare, self._core(shorter))) else ""

    def _told(self, value: str, found: Sequence[list[str]], fallback: str) -> NameKeys:
        """Put the keys together: the name, which is ``value``, what was ``found`` for variants, and the fallback."""
        variants: list[str] = []
        for words in found:
            other = "".join(words)
            if (
                other != value
                and len(other) >= SHORTEST_TELLING
                and other not in variants
                and other not in self._placeholders
            ):
                variants.append(other)
        return NameKeys(value, tuple(variants[:MOST_VARIANTS]), fallback)

    def _is_placeholder(self, core: list[str], value: str) -> bool:
        return (
            value in self._placeholders
            or (len(core) > 1 and self._placeholder_words.issuperset(core))
            or value.startswith(self._placeholder_beginnings)
            or _MASHED.fullmatch(value) is not None
        )

    def _core(self, text: str) -> list[str]:
        words = self._words.core(self._text.words(text))
        if text.isascii():
            return words
        core = "".join(words)
        shorter = self._without_attached_forms(core)
        return words if shorter == core else [shorter]

    def _without_attached_forms(self, core: str) -> str:
        for form in self._attached:
            for rest in (core.removeprefix(form), core.removesuffix(form)):
                if rest not in ("", core):
                    return self._without_attached_forms(rest)
        return core


def _in_both_orders(stem: list[str]) -> list[list[str]]:
    return [stem] if len(stem) == 1 else [stem, sorted(stem)]
