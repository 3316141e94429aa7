"""The overlap matrix: nine cells, each hidden, withheld or public, and the totals that may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from escrow.terms import CELLS, Cell, Level, Population

__all__ = ["CellCount", "CellState", "OverlapMatrix"]


class CellState(IntEnum):
    """What is told of a cell; the codes are those of the release statement."""

    HIDDEN = 0
    WITHHELD = 1
    PUBLIC = 2

    @property
    def word(self) -> str:
        """The lower-case word that the API, the CLI and reports use."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class CellCount:
    """One cell of a matrix: a number if and only if it is public; hidden if and only if it is not shared at all."""

    level: Level
    state: CellState
    number: int | None = None

    def __post_init__(self) -> None:
        if (self.number is not None) != (self.state is CellState.PUBLIC):
            raise ValueError("a cell has a number if and only if it is public")
        if (self.level is Level.HIDDEN) != (self.state is CellState.HIDDEN):
            raise ValueError("a cell's count is hidden if and only if the cell is")

    @classmethod
    def hidden(cls) -> CellCount:
        """A cell that is not shared."""
        return cls(Level.HIDDEN, CellState.HIDDEN)

    @classmethod
    def withheld(cls, level: Level) -> CellCount:
        """A count that exists and is not shown; zero looks the same."""
        return cls(level, CellState.WITHHELD)

    @classmethod
    def public(cls, level: Level, number: int) -> CellCount:
        """A count that is shown."""
        return cls(level, CellState.PUBLIC, number)

    def __str__(self) -> str:
        if self.number is None:
            return self.state.word
        return f"{self.number:,}"


class OverlapMatrix(Mapping[Cell, CellCount]):
    """The nine cells as one party sees them; immutable."""

    __slots__ = ("_cells",)

    def __init__(self, cells: Mapping[Cell, CellCount]) -> None:
        if set(cells) != set(CELLS):
            raise ValueError("a matrix has nine cells")
        self._cells = MappingProxyType({cell: cells[cell] for cell in CELLS})

    def __getitem__(self, cell: Cell) -> CellCount:
        return self._cells[cell]

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __repr__(self) -> str:
        return f"OverlapMatrix({', '.join(f'{cell} {count}' for cell, count in self.items())})"

    @property
    def transposed(self) -> OverlapMatrix:
        """The same matrix as the partner sees it."""
        return OverlapMatrix({cell.transposed: count for cell, count in self.items()})

    def total(self, *, ours: Population | None = None, theirs: Population | None = None) -> int | None:
        """Sum the shown numbers of all cells, of a row (``ours``) or of a column (``theirs``).

        None unless every one of them is public: a total must not give back what was withheld.
        """
        total = 0
        for cell, count in self.items():
            if ours in (None, cell.ours) and theirs in (None, cell.theirs):
                if count.number is None:
                    return None
                total += count.number
        return total
