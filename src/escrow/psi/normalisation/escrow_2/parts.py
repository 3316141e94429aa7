"""A text → the name in it and the other names beside it: what stands in brackets, after "dba", before a comma.

What registers and people add to a name goes: "(member)", "/DE/", "and its affiliates", "Common Stock".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from escrow.psi.normalisation.escrow_2.lexicon import Lexicon
from escrow.psi.normalisation.escrow_2.text import Text

__all__ = ["Parts"]

_IN_BRACKETS = re.compile(r"[(\[{<]([^()\[\]{}<>]*)(?:[)\]}>]|$)")
#: A name of plain words, with a frequent legal form behind it or not: so most names are.
_FORMS = ("inc", "incorporated", "llc", "ltd", "limited", "corp", "company", "co", "gmbh", "plc")
_PLAIN = re.compile(rf"[a-z0-9 &'-]+(?:,? (?:{'|'.join(_FORMS)})\.?)?")
#: The same without the signs inside, by the signs that there are: how such a name ends.
_FORMS_BEHIND = {
    signs: tuple(f"{signs.decode()[:-1] if dot else signs.decode()} {form}{dot}" for form in _FORMS)
    for signs, dot in ((b".", "."), (b",", ""), (b",.", "."))
}
_PLAIN_BYTES = b"abcdefghijklmnopqrstuvwxyz0123456789 "
_CLEANED = bytes(byte if byte in _PLAIN_BYTES + b"\n" else 0x20 for byte in range(256))
#: Words of phrases that are frequent elsewhere too; every phrase has another one, or a sign.
_EVERYWHERE = frozenset(["a", "all", "an", "and", "as", "by", "known", "of", "on", "or", "the", "with"])
_EITHER_NAME = re.compile(r"\s+or\s+|;")
_TAIL = r"[\s,]+(?:{})\s.*$|,\s+an?\s[\w ]+\s(?:company|corporation|business|brand|subsidiary|division)$"
_NOTHING = re.compile(r"(?!)")


class Parts:
    """Cuts folded text apart by the phrases of the lexicon."""

    __slots__ = (
        "_labels",
        "_mark",
        "_other_name",
        "_phrase_words",
        "_security",
        "_separator",
        "_tail",
        "_text",
        "_web_ending",
    )

    def __init__(self, lexicon: Lexicon, text: Text) -> None:
        self._text = text
        self._labels = lexicon.labels
        phrases = [*lexicon.other_names, *lexicon.tails, *lexicon.securities]
        self._phrase_words = frozenset(word for phrase in phrases for word in phrase.split()) - _EVERYWHERE
        self._mark = _any_of(r"\s*[/\\]\s*(?:{})\s*[/\\]?$|\s*/$", lexicon.marks)
        self._security = _any_of(r"(?:\s*[-:,]|\s)\s*(?:{})\b.*$", lexicon.securities)
        self._other_name = _any_of(r"(?:^|(?<=[\s,(;]))(?:{})(?=[\s:]|$)[\s:]*", lexicon.other_names)
        self._tail = _any_of(_TAIL, lexicon.tails)
        self._separator = _any_of("{}", lexicon.separators)
        self._web_ending = _any_of(
            r"(?<![\w.-])(?:www\.)?([\w-]{{2,}})(?:\.(?:{0}))?\.(?:{0})(?![\w.-])", lexicon.web_endings
        )

    def is_plain(self, lower: str) -> bool:
        """Say whether ASCII text in lower case is surely one name and nothing beside it but a legal form."""
        words = {*lower.split(), *lower.encode().translate(_CLEANED).decode().split()}
        return _PLAIN.fullmatch(lower) is not None and " - " not in lower and self._phrase_words.isdisjoint(words)

    def plain_words_of_each(self, names: Sequence[str]) -> list[list[str] | None]:
        """Give the words of each name that is surely one name and nothing beside it but a legal form, read in one go.

        None for all that have other signs, plain or not.
        """
        if not names:
            return []
        lines = "\n".join([name if name.isascii() and "\n" not in name else "\0" for name in names]).lower()
        packed = lines.encode()
        signs = packed.translate(None, _PLAIN_BYTES).split(b"\n")
        cleaned = packed.translate(_CLEANED).decode().split("\n")
        is_no_phrase = self._phrase_words.isdisjoint
        return [
            words
            if (not sign or line.endswith(_FORMS_BEHIND.get(sign, ()))) and is_no_phrase(words := clean.split())
            else None
            for sign, line, clean in zip(signs, lines.split("\n"), cleaned, strict=True)
        ]

    def of(self, text: str) -> tuple[str, list[str]]:
        """Give the name in folded text, and the other names in it, in order."""
        others: list[str] = []
        text = self._security.sub("", self._mark.sub("", text.strip().removeprefix("www.")))
        if any(bracket in text for bracket in "([{<"):
            text, others = self._without_brackets(text)
        text, *more = self._names_in(text)
        others += more
        first = self._separator.split(text, maxsplit=1)[0]
        if first != text:
            others.append(first)
        return text, others

    def without_web_ending(self, name: str) -> str:
        """Write a name without the ending that makes it a web address; most names have none."""
        return self._web_ending.sub(r"\1", name) if self._web_ending.search(name) else name

    def _without_brackets(self, text: str) -> tuple[str, list[str]]:
        """Give the text outside the brackets, and from inside what is no label; all of it if nothing is outside."""
        outside = _IN_BRACKETS.sub(" ", text).strip()
        if not self._text.words(outside):
            return text, []
        inside = [found.strip() for found in _IN_BRACKETS.findall(text)]
        return outside, [name for part in inside if part not in self._labels for name in self._names_in(part)]

    def _names_in(self, text: str) -> list[str]:
        """Cut text where a phrase such as "doing business as" stands between two names; there is always one."""
        first, *others = self._other_name.split(text)
        names = [first, *(name for other in others for name in _EITHER_NAME.split(other))]
        return [shorter for name in names if self._text.words(shorter := self._tail.sub("", name))] or [text]


def _any_of(pattern: str, phrases: Iterable[str]) -> re.Pattern[str]:
    """Put phrases into a pattern; without any it matches nowhere."""
    alternatives = "|".join(re.escape(phrase) for phrase in phrases)
    return re.compile(pattern.format(alternatives)) if alternatives else _NOTHING
