"""Reading the values of escrow.toml: each is what it is said to be, or an error that names its key and its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from escrow.client.filters import parse
from escrow.client.sources.populations import Filter
from escrow.client.toml_places import TomlPlaces
from escrow.errors import FilterInvalid, ProjectInvalid

__all__ = ["Reading", "Said"]

Said = Mapping[str, object]
_Value = TypeVar("_Value")
_SPAN = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads the parts of one file; ``where`` is the dotted place that an error names."""

    path: Path
    places: TomlPlaces = field(default_factory=lambda: TomlPlaces({}))

    def table(self, value: object, where: str) -> Said:
        """Take a table."""
        if not isinstance(value, dict):
            raise self.fault(where, f"is a table; write [{where}] and its keys below")
        return value

    def text(self, value: object, where: str) -> str:
        """Take a text that is not empty."""
        if not isinstance(value, str) or not value:
            raise self.fault(where, "is a text in quotes")
        return value

    def texts(self, value: object, where: str) -> tuple[str, ...]:
        """Take a list of texts."""
        if not isinstance(value, list) or not value:
            raise self.fault(where, 'is a list of texts, as ["one", "other"]')
        return tuple(self.text(each, where) for each in value)

    def file(self, value: object, where: str) -> Path:
        """Take a path; it starts from the folder of escrow.toml."""
        return self.path.parent / Path(self.text(value, where)).expanduser()

    def row(self, value: object, where: str) -> int:
        """Take a number of a row."""
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.fault(where, "is a number, counted from 1")
        return value

    def share(self, value: object, where: str) -> float:
        """Take a share of a whole."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise self.fault(where, "is a share from 0 to 1, as 0.5 for half")
        return float(value)

    def truth(self, value: object, where: str) -> bool:
        """Take true or false."""
        if not isinstance(value, bool):
            raise self.fault(where, "is true or false, without quotes")
        return value

    def span(self, value: object, where: str) -> timedelta:
        """Take a time between two events."""
        found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
        if not found or not int(found[1]):
            raise self.fault(where, 'is a time as "90s", "15m", "6h" or "1d"')
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])

    def filter(self, text: str, where: str) -> Filter:
        """Take a filter.

        Raises:
            FilterInvalid: it is not understood.
        """
        try:
            return Filter(text, parse(text))
        except FilterInvalid as problem:
            raise FilterInvalid(f"{self.place(where)}: {problem.message}") from None

    def one_of(self, word: object, known: Mapping[str, _Value], where: str) -> _Value:
        """Take what one of some words means."""
        if not isinstance(word, str) or word not in known:
            raise self.fault(where, f"is one of {', '.join(known)}")
        return known[word]

    def only_known(self, said: Said, known: tuple[str, ...], where: str, hint: str = "") -> None:
        """Refuse keys that mean nothing."""
        for key in said:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
                raise self.fault(f"{where}{key}", f"means nothing; {meant}{hint}")

    def needed(self, said: Said, key: str, where: str) -> object:
        """Give what a key says, which must be there."""
        if key not in said:
            raise self.fault(where, f"lacks the key {key}")
        return said[key]

    def place(self, where: str) -> str:
        """Say where something stands."""
        line = self.places.line_of(where)
        return f"{where} in {self.path.name}" + (f" (line {line})" if line else "")

    def fault(self, where: str, told: str) -> ProjectInvalid:
        """Say what is wrong there."""
        return ProjectInvalid(f"{self.place(where)} {told}")
