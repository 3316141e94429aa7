"""Segments: an owner's own labels on rows, each by a filter. They stay on this machine; the escrow never sees one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from escrow.client.columns import ColumnMapping
from escrow.client.filters import Columns, holds
from escrow.client.sources.populations import Filter, headers_of

__all__ = ["NO_SEGMENTS", "Labels", "SegmentFilters"]

#: Which rows bear each label.
Labels = Mapping[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class SegmentFilters:
    """The filter of each segment; ``fields`` are headers of columns that only filters read, by their names there."""

    filters: Mapping[str, Filter] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def headers(self, mapping: ColumnMapping, headers: Sequence[str]) -> dict[str, str]:
        """Give the header of each column that a filter reads, by the name that it has there.

        Raises:
            FilterInvalid: there is no such column, or several; the message marks it and names those there are.
        """
        return headers_of(self.filters.values(), mapping, headers, fields=self.fields)

    def labels(self, values: Mapping[str, Sequence[str]], mapping: ColumnMapping) -> Labels:
        """Tell which rows each filter holds for; ``values`` are columns by their headers."""
        bound = self.headers(mapping, tuple(values))
        columns = Columns({name: values[header] for name, header in bound.items()})
        return {name: holds(filter_.expression, columns) for name, filter_ in self.filters.items()}


NO_SEGMENTS = SegmentFilters()
