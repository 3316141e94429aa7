"""Why a name or a website gives the keys that it gives, or none, in words: for people who look, never for matching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum

from escrow.psi.matchkeys import MatchKey, MatchKeyClass

__all__ = ["Explanation", "KeyReasons", "NoKey", "NothingReason", "Reasons", "Side", "removed_words", "told_reasons"]


class Side(StrEnum):
    """Which column of an account is spoken of."""

    NAME = "name"
    WEBSITE = "website"


class NothingReason(StrEnum):
    """Why a cell gives no key, or no fallback; the words are those that programs read."""

    EMPTY = "empty"
    TOO_LONG = "too-long"
    NO_NAME = "no-name"
    PLACEHOLDER = "placeholder"
    FREE_MAIL = "free-mail"
    PLATFORM_PAGE = "platform-page"
    SHARED_HOST = "shared-host"
    PUBLIC_SUFFIX = "public-suffix"
    NO_DOMAIN = "no-domain"
    NOTHING_DISTINCTIVE = "nothing-distinctive"

    @property
    def told(self) -> str:
        """The reason in words."""
        return _TOLD[self]


_TOLD: Mapping[NothingReason, str] = {
    NothingReason.EMPTY: "nothing is written there",
    NothingReason.TOO_LONG: "too long to be a name",
    NothingReason.NO_NAME: "no letters or digits that could be a name; one Latin letter is none",
    NothingReason.PLACEHOLDER: "a placeholder: it stands for no company",
    NothingReason.FREE_MAIL: "free mail: the address says nothing about the company",
    NothingReason.PLATFORM_PAGE: "a page on another company's site, such as a social network or a map",
    NothingReason.SHARED_HOST: "a host that many companies share: it names none of them",
    NothingReason.PUBLIC_SUFFIX: "a public suffix alone, with no name before it",
    NothingReason.NO_DOMAIN: "no internet domain in it",
    NothingReason.NOTHING_DISTINCTIVE: "no word in it is distinctive enough to stand alone",
}


@dataclass(frozen=True, slots=True)
class KeyReasons:
    """A match key and the rules that made it, in the order in which they did."""

    key: MatchKey
    rules: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoKey:
    """A cell, or one of the addresses in it, that gave no key."""

    side: Side
    reason: NothingReason
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The match keys of one account as the profile gives them, and what gave none."""

    keys: tuple[KeyReasons, ...]
    nothing: tuple[NoKey, ...]


@dataclass(slots=True)
class Reasons:
    """The rules behind values, by class; the first that is said of a value stays."""

    _by_key: dict[tuple[MatchKeyClass, str], tuple[str, ...]] = field(default_factory=dict)

    def say(self, key_class: MatchKeyClass, value: str, rules: Sequence[str]) -> None:
        """Say which rules would make this value, if it is one of the keys."""
        self._by_key.setdefault((key_class, value), tuple(rules))

    def of(self, key: MatchKey) -> KeyReasons:
        """Give a key with its rules."""
        return KeyReasons(key, self._by_key.get((key.key_class, key.value), ("as the rules of the profile make it",)))


def told_reasons(before: Sequence[str], after: Sequence[str], *, taken_off: str) -> list[str]:
    """Say how words became others: what was taken off, what was written together, what is spelled otherwise."""
    told = []
    for tag, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = " ".join(before[start:end]), " ".join(after[first:last])
        if tag == "delete":
            told.append(f"{_CALLED.get(gone, taken_off)} `{gone}` taken off")
        elif tag == "replace" and gone.replace(" ", "") == come.replace(" ", ""):
            told.append(f"initials written together: `{come}`")
        elif tag == "replace":
            told.append(f"one spelling: `{come}` for `{gone}`")
    return told


def removed_words(words: Sequence[str], value: str) -> tuple[Sequence[str], Sequence[str]] | None:
    """Find the words in a row that make a value, and give those before and behind; None if there are none."""
    for start in range(len(words)):
        for end in range(len(words), start, -1):
            if "".join(words[start:end]) == value:
                return words[:start], words[end:]
    return None


_CALLED = {"the": "article"} | dict.fromkeys(("and", "et", "och", "og", "und"), "joining word")
