"""Connected components of a graph given as arrays; fast on a million pairs, and not slow on a chain of a million."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Indices", "components"]

Indices = npt.NDArray[np.uint32]


def components(left_index: Indices, right_index: Indices, n: int) -> Indices:
    """Label each of ``n`` nodes with the lowest node of its component; ``left_index`` and ``right_index`` are edges.

    In each round every root hooks to its lowest neighbour and paths are halved until they are flat. The number of
    rounds is logarithmic whatever the graph, so that nobody can make the service slow by the shape of a list.
    """
    labels = np.arange(n, dtype=np.uint32)
    while left_index.size:
        left_index, right_index = labels[left_index], labels[right_index]
        apart = left_index != right_index
        left_index, right_index = left_index[apart], right_index[apart]
        np.minimum.at(labels, np.maximum(left_index, right_index), np.minimum(left_index, right_index))
        labels = _flattened(labels)
    return labels


def _flattened(labels: Indices) -> Indices:
    while True:
        shorter = labels[labels]
        if np.array_equal(shorter, labels):
            return labels
        labels = shorter
