"""A fresh arena for each attack, on SQLite: what is attacked is the same on either database."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.attacks.arena import Arena, arena

OpenArena = Callable[..., Arena]


@pytest.fixture
def open_arena(migrated_file: Path, tmp_path: Path) -> Iterator[OpenArena]:
    """Open arenas with settings of their own."""
    with ExitStack() as stack:

        def opened(**limits: float | str) -> Arena:
            folder = tmp_path / f"arena-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            path = shutil.copy(migrated_file, folder / "escrow.sqlite")
            return stack.enter_context(arena(f"sqlite:///{path}", folder, **limits))

        yield opened


@pytest.fixture
def field(open_arena: OpenArena) -> Arena:
    """An arena as an operator would run it, but for the smallest preset."""
    return open_arena()
