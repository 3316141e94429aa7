"""A folded cell of text → the addresses in it: what stands between blanks and brackets, cut into host and path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["Address", "addresses_in", "joined_address"]

_SCHEMES = re.compile(r"(?:(?:https?|ftp|mailto):/*|[a-z][a-z+-]*:(?![0-9])/*|[a-z]*[:.]?//+:?)+")
_AFTER_HOST = re.compile(r"[/?#]")
_AFTER_PATH = re.compile(r"[?#]")
_BETWEEN_WORDS = re.compile(r"[\s<>()\[\]{}\"'`“”„‘’‚«»「」『』【】《》〈〉、·•→]+")
_BETWEEN_PIECES = re.compile(r"[,;|]+")
_STARTS_ANEW = re.compile(r"[a-z]*:?//|www\d?\.")
_SPELLED_AT = re.compile(r" ?[\[({<] ?(?:at|@) ?[\])}>] ?")
_SPELLED_DOT = re.compile(r" ?[\[({<] ?(?:dot|\.) ?[\])}>] ?|(?<=[a-z0-9]) dot (?=[a-z])")
#: An address with another one glued behind it, or words before its scheme: "acme.comhttps://acme.com", "href=http://…".
_GLUED = re.compile(r"(?:https?://)?([^/?#]+?)(?=https?://)")
#: Marks of lists and sentences; a host begins and ends with none of them.
_MARKS = "!*~^=+&$#-"
_ENCODED_SCHEME = re.compile(r"https?%3a")
_ENTITIES = {"&nbsp;": " ", "&#160;": " ", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#46;": "."}
_DOTS = re.compile(r"(?<!\.)\.{2,}+(?=[a-z0-9])")
#: One label or more, a gap, and the rest of the address: "www. acme.com", "acme .com", "acme,com".
_JOINABLE = re.compile(r"([a-z]*:?//+)?([^\s,.]+(?:\.[^\s,.]+)*)(\.? |,|, ?\.| ?\. )([^\s,/]+)/?")
_LONGEST_JOINED = 128
_SUFFIXES_AFTER_A_COMMA = re.compile(r"(?:com|net|org)(?:\.[a-z]{2})?|co\.[a-z]{2}|(?!co$)[a-z]{2}")


@dataclass(frozen=True, slots=True)
class Address:
    """One address: a host as it was written, and what follows it from the first slash, question or number sign on."""

    host: str
    rest: str = ""
    is_mail: bool = False

    @property
    def path(self) -> str:
        """The steps below the host, also where they stand behind a number sign ("/#!/acme")."""
        return _AFTER_PATH.split(self.rest.replace("#!", ""), maxsplit=1)[0]

    @classmethod
    def read(cls, piece: str) -> Address:
        """Read a piece of text: schemes off, then user, host and port, then whatever follows."""
        if _ENCODED_SCHEME.match(piece):
            piece = unquote(piece)
        schemes = _SCHEMES.match(piece)
        rest = piece[schemes.end() if schemes else 0 :]
        end = _AFTER_HOST.search(rest)
        authority = rest[: end.start()] if end else rest
        _, at, place = authority.rpartition("@")
        is_mail = bool(at) and not (schemes and "//" in schemes[0])
        return cls(unquote(place).strip().partition(":")[0].strip(_MARKS), rest[end.start() :] if end else "", is_mail)


def addresses_in(text: str) -> Iterator[Address]:
    """Yield the addresses in a text, in order; most of them name nothing that exists.

    A comma inside a path does not end an address unless a new one clearly begins there.
    """
    for word in _BETWEEN_WORDS.split(_plainly_spelled(text)):
        is_in_path = False
        for piece in _pieces(word):
            if is_in_path and not _STARTS_ANEW.match(piece):
                continue
            address = Address.read(piece.strip(_MARKS))
            is_in_path = len(address.rest) > 1
            yield address


def _pieces(word: str) -> Iterator[str]:
    for piece in _BETWEEN_PIECES.split(word):
        glued = _GLUED.match(piece)
        if glued:
            yield glued[0]
        yield piece[glued.end() :] if glued else piece


def joined_address(text: str, *, is_suffix: Callable[[str], bool]) -> Address | None:
    """Read the whole text as one address that somebody typed with one blank or comma too many, if it can be that."""
    if len(text) > _LONGEST_JOINED:
        return None
    typed = _JOINABLE.fullmatch(" ".join(text.split()))
    if typed is None:
        return None
    front, gap, back = typed[2], typed[3], typed[4].strip(".")
    if front == "www" and "." in back:
        return Address(back)
    if "." in front and not front.startswith("www."):
        return None
    if gap == "," and not _SUFFIXES_AFTER_A_COMMA.fullmatch(back):
        return None
    is_dotted = gap != " " or typed[4].startswith(".")
    return Address(f"{front}.{back}") if is_dotted and is_suffix(back) else None


def _plainly_spelled(text: str) -> str:
    """Undo what people write to hide an address from robots, and doubled dots."""
    for entity, meant in _ENTITIES.items():
        text = text.replace(entity, meant)
    text = " ".join(text.split())
    text = _SPELLED_DOT.sub(".", _SPELLED_AT.sub("@", text))
    return _DOTS.sub(".", text)
