"""The words of a name → those that tell companies apart: legal forms off, then what says little, never all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_lowercase

from escrow.psi.normalisation.escrow_2.lexicon import Endings, Lexicon

__all__ = ["SHORTEST_TELLING", "Words", "is_name"]

#: Letters that a variant has at least; shorter ones are initials of a great many companies.
SHORTEST_TELLING = 3
#: Letters of a stem that is too short for a variant, but not for a fallback.
_SHORT_STEM = 2
#: Letters that a word in the plural has at least, and what words end with that are none: "Press", "Campus", "Analysis".
_SHORTEST_PLURAL = 5
_NO_PLURAL = ("ss", "us", "is", "as", "os")

_CONNECTORS = frozenset({"and", "et", "och", "og", "und"})
#: A word that is in no list and in no name.
_UNKNOWN = "\0\0\0"
#: Endings that are remembered; a list has some hundreds.
_MOST_ENDINGS = 10_000


class Words:
    """Rules over the folded words of one name."""

    __slots__ = (
        "_alone",
        "_common",
        "_endings",
        "_industry",
        "_joining",
        "_known",
        "_legal",
        "_legal_beginnings",
        "_little",
        "_mistyped",
        "_numbers",
        "_same",
        "_stem",
        "_stem_beginnings",
        "_written_on",
    )

    def __init__(self, lexicon: Lexicon) -> None:
        self._legal = dict(lexicon.legal_endings)
        self._alone = frozenset(last for last, forms in self._legal.items() if forms == ((last,),))
        self._legal_beginnings = lexicon.legal_beginnings
        self._written_on = lexicon.written_on_forms
        self._stem = dict(lexicon.stem_endings)
        #: Words that go off the end of a stem alone: "asia", but not the "east" of "middle east".
        self._little = frozenset(last for last, forms in self._stem.items() if (last,) in forms)
        self._stem_beginnings = lexicon.stem_beginnings
        self._common = lexicon.common
        self._industry = lexicon.industry
        self._joining = lexicon.joining
        self._numbers = dict(lexicon.numbers)
        self._same = dict(lexicon.same)
        self._mistyped = dict(lexicon.mistyped)
        forms = [form for endings in (self._legal, self._stem) for forms in endings.values() for form in forms]
        #: Every word that some rule below knows; all others they treat alike.
        self._known = _CONNECTORS.union(
            ascii_lowercase,
            *forms,
            self._legal_beginnings,
            self._stem_beginnings,
            self._common,
            self._industry,
            self._same,
            self._mistyped,
            self._numbers,
        )
        self._endings: dict[tuple[str, ...], tuple[list[str], list[list[str]]]] = {}

    def taken_apart(self, words: list[str]) -> tuple[list[str], list[list[str]], str]:
        """Give the core of ASCII words, its shorter forms and its fallback, as the rules below do one by one.

        Nearly every name is words that no rule knows, with some behind them that rules do know. What becomes of these
        does not depend on the others then, and is remembered.
        """
        known, end = self._known, len(words)
        while end and words[end - 1] in known:
            end -= 1
        is_long_way = not end or len(words[0]) < SHORTEST_TELLING or words[end - 1].endswith(self._written_on)
        if is_long_way or (end > 1 and not known.isdisjoint(words[:end])):
            core = self.core(words)
            if not core:
                return [], [], ""
            shorter = self.shorter_forms(core)
            return core, shorter, self.fallback(core, shorter[-1])
        own, ending = words[:end], tuple(words[end:])
        in_core, in_shorter = self._endings.get(ending) or self._looked_at(ending)
        return own + in_core, [own + rest for rest in in_shorter], _singular(words[0])

    def _looked_at(self, ending: tuple[str, ...]) -> tuple[list[str], list[list[str]]]:
        """Say what stays in the core of an ending behind a word that no rule knows, and in its shorter forms."""
        core = self.core([_UNKNOWN, *ending])
        stays = core[1:], [shorter[1:] for shorter in self.shorter_forms(core)]
        if len(self._endings) < _MOST_ENDINGS:
            self._endings[ending] = stays
        return stays

    def core(self, words: list[str]) -> list[str]:
        """Give the words of the core name: connectors and legal forms off, initials joined, one spelling of each.

        A typing error in a word that says little does not count; the first word is the name's own.
        """
        if not _CONNECTORS.isdisjoint(words):
            words = [word for word in words if word not in _CONNECTORS] or words
        if not self._mistyped.keys().isdisjoint(words):
            words = [words[0], *(self._mistyped.get(word, word) for word in words[1:])]
        if 1 in map(len, words):
            words = _initials_joined(words)
        words = self.cut_apart(words)
        if len(words) > 1:
            if words[0] in self._legal_beginnings and _is_enough(words[1:]):
                words = words[1:]
            while len(words) > 2 and words[-1] in self._alone:  # so end nearly all names that have a legal form
                words = words[:-1]
            words = _without(self._legal, words, _is_enough)
        if not self._same.keys().isdisjoint(words):
            words = [self._same.get(word, word) for word in words]
        return words

    def cut_apart(self, words: list[str]) -> list[str]:
        """Cut a legal form off the last word if it is written onto a name, as in "GlobexCorporation"."""
        if not words or not words[-1].endswith(self._written_on):
            return words
        form = next(form for form in self._written_on if words[-1].endswith(form))
        name = words[-1].removesuffix(form)
        return [*words[:-1], name, form] if len(name) >= SHORTEST_TELLING else words

    def stem(self, core: list[str]) -> list[str]:
        """Take corporate words and places off the ends of a core, as long as a telling name remains."""
        return self.shorter_forms(core)[-1]

    def shorter_forms(self, core: list[str]) -> list[list[str]]:
        """Take corporate words and places off a core one by one, and give each form on the way, the stem last."""
        forms = _shorter(self._stem, core, self._is_telling) if core[-1] in self._stem else []
        words = forms[-1] if forms else core
        while len(words) > 1 and words[0] in self._stem_beginnings and self._is_telling(words[1:]):
            words = words[1:]
            forms.append(words)
        return [*(form for form in forms[:-1] if form[-1] not in self._joining), words]

    def fallback(self, core: list[str], stem: list[str]) -> str:
        """Give the fallback of a core: a stem of two letters, or its beginning up to the first rare word.

        Numbers are figures in it and its last word is in the singular. Empty if there is none.
        """
        if len(stem) == 1 and len(stem[0]) == _SHORT_STEM and self.is_rare(stem[0]):
            return stem[0]
        telling = self.first_telling(core)
        return "".join(self._numbers.get(word, word) for word in telling[:-1]) + _singular("".join(telling[-1:]))

    def first_telling(self, core: list[str]) -> list[str]:
        """Give the words of a core up to the first that is rare, or the next if that is too short; none if none is."""
        start = 0
        while start < len(core) - 1 and core[start] in self._stem_beginnings:
            start += 1
        names_one, length = False, 0
        for end, word in enumerate(core[start:], start=start + 1):
            names_one, length = names_one or self.is_rare(word), length + len(word)
            if names_one and length >= SHORTEST_TELLING:
                return core[start:end]
        return []

    def is_rare(self, word: str) -> bool:
        """Say whether a word can name a company alone."""
        return word not in self._common and is_name(word) and not (len(word) < SHORTEST_TELLING and word.isdigit())

    def _is_telling(self, words: Sequence[str]) -> bool:
        """Say whether words name a company: a rare one, or two common ones, one of them no line of business."""
        if any(map(self.is_rare, words)):
            return True
        # A joining word at the beginning joins nothing: AT&T is none without it.
        telling = [*self._joining.intersection(words[:1]), *(word for word in words if word not in self._little)]
        return len(telling) > 1 and not self._industry.issuperset(telling)


def is_name(core: str) -> bool:
    """Say whether this can be a name: nothing is none, and one Latin letter neither."""
    return len(core) > 1 or (len(core) == 1 and not core.isascii())


def _without(endings: Endings, words: list[str], is_enough: Callable[[list[str]], bool]) -> list[str]:
    """Take endings off, the longest first, while what remains is enough."""
    shorter = _shorter(endings, words, is_enough)
    return shorter[-1] if shorter else words


def _shorter(endings: Endings, words: list[str], is_enough: Callable[[list[str]], bool]) -> list[list[str]]:
    """Give what is left after each ending that comes off."""
    left: list[list[str]] = []
    while len(words) > 1:
        for form in endings.get(words[-1], ()):
            rest = words[: -len(form)]
            if rest and (len(form) == 1 or tuple(words[-len(form) :]) == form) and is_enough(rest):
                words = rest
                left.append(words)
                break
        else:
            break
    return left


def _singular(word: str) -> str:
    """Take the s of a plural off; what is no plural only seldom loses a letter, and then on both lists."""
    is_plural = len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith(_NO_PLURAL)
    return word[:-1] if is_plural else word


def _is_enough(rest: list[str]) -> bool:
    return len(rest) > 1 or is_name(rest[0])


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
