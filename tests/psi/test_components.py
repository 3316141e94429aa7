"""Connected components: equal to a plain search, and quick on graphs made to be slow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.psi.components import components

NODES = 12
EDGES = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=16)


def labelled(edges: list[tuple[int, int]], n: int) -> list[int]:
    ends = np.array(edges, np.uint32).reshape(-1, 2)
    return [int(label) for label in components(ends[:, 0], ends[:, 1], n)]


def lowest_reachable(edges: list[tuple[int, int]], n: int) -> list[int]:
    labels = list(range(n))
    for _ in range(n):
        for a, b in edges:
            labels[a] = labels[b] = min(labels[a], labels[b])
    return labels


@given(EDGES)
def test_each_node_is_labelled_with_the_lowest_of_its_component(edges: list[tuple[int, int]]) -> None:
    assert labelled(edges, NODES) == lowest_reachable(edges, NODES)


def test_without_edges_each_node_is_alone() -> None:
    assert labelled([], 3) == [0, 1, 2]
    assert labelled([], 0) == []


@pytest.mark.parametrize("order", ["ascending", "shuffled", "alternating"])
def test_a_long_chain_is_one_component_whatever_its_order(order: str) -> None:
    length = 100_000
    nodes = np.arange(length, dtype=np.uint32)
    if order == "shuffled":
        nodes = np.random.default_rng(7).permutation(nodes)
    if order == "alternating":
        nodes = np.stack((nodes[: length // 2], nodes[length // 2 :]), axis=1).reshape(-1)
    assert not components(nodes[:-1], nodes[1:], length).any()


def test_a_star_around_its_highest_node_is_one_component() -> None:
    leaves = np.arange(100_000, dtype=np.uint32)
    assert not components(leaves, np.full_like(leaves, leaves.size), leaves.size + 1).any()
