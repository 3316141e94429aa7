"""Names and websites of CRM rows → blinded match keys, in bulk.

A big list is spread over a pool of processes, since normalising and hashing hold the interpreter's lock. Each process
is given the match key once; tokens come back packed.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import BaseContext

import numpy as np
import numpy.typing as npt

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation import profile
from escrow.psi.tokens import TOKEN_BYTES, Blinder

__all__ = ["BlindedKeys", "blind"]

_BATCH = 10_000
_WORTH_A_POOL = 50_000


@dataclass(frozen=True, slots=True)
class BlindedKeys:
    """One entry for each match key of each row: the row's place in the list, the key's class, the token.

    Entries follow the order of rows, and within a row the profile's order of classes. Tokens have the layout ``V16``.
    """

    rows: npt.NDArray[np.uint32]
    key_classes: npt.NDArray[np.uint8]
    tokens: npt.NDArray[np.void] = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some rows in a row: the place of the first, and their names, websites and maybe countries."""

    start: int
    columns: tuple[Sequence[str], ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.columns[0])


class _RowBlinder:
    """What one process needs to blind rows; holds a secret."""

    __slots__ = ("_blinder", "_profile")

    def __init__(self, profile_id: str, match_key: bytes) -> None:
        self._profile = profile(profile_id)
        self._blinder = Blinder(match_key)

    def blind(self, batch: _Batch) -> BlindedKeys:
        values_by_class = self._profile.values_by_class(*batch.columns)
        keys = _together([self._of_class(batch.start, *each) for each in values_by_class])
        order = np.argsort(keys.rows, kind="stable")
        return BlindedKeys(keys.rows[order], keys.key_classes[order], keys.tokens[order])

    def _of_class(self, start: int, key_class: MatchKeyClass, values: Sequence[str]) -> BlindedKeys:
        rows = np.flatnonzero(np.fromiter(map(len, values), np.intp, len(values))) + start
        tokens = self._blinder.tokens(key_class.kind, filter(None, values))
        return BlindedKeys(
            rows=rows.astype(np.uint32),
            key_classes=np.full(len(rows), key_class, np.uint8),
            tokens=np.frombuffer(tokens, (np.void, TOKEN_BYTES)),
        )


def blind(
    names: Sequence[str],
    websites: Sequence[str],
    countries: Sequence[str] | None = None,
    *,
    profile_id: str,
    match_key: bytes,
    processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> BlindedKeys:
    """Blind the match keys of every row; the sequences run in parallel.

    ``processes`` is one for each core unless given; a short list is blinded in this process. ``progress`` is told how
    many rows were done since it was told last. While other threads run, a pool cannot be forked and starts more slowly.
    """
    batches = list(_batches((names, websites) if countries is None else (names, websites, countries)))
    workers = 1 if len(names) <= _WORTH_A_POOL else processes or _cores()
    if workers == 1:
        blinded: Iterable[BlindedKeys] = map(_RowBlinder(profile_id, match_key).blind, batches)
    else:
        blinded = _in_a_pool(batches, workers, profile_id, match_key)
    parts = []
    with _without_collector():
        for batch, part in zip(batches, blinded, strict=True):
            parts.append(part)
            if progress is not None:
                progress(len(batch))
    return _together(parts)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Look for no cycles meanwhile: there are none in millions of short-lived values, and looking costs a tenth."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _batches(columns: tuple[Sequence[str], ...]) -> Iterator[_Batch]:
    for start in range(0, len(columns[0]), _BATCH):
        yield _Batch(start, tuple(column[start : start + _BATCH] for column in columns))


def _together(parts: Sequence[BlindedKeys]) -> BlindedKeys:
    return BlindedKeys(
        rows=np.concatenate([np.empty(0, np.uint32), *(part.rows for part in parts)]),
        key_classes=np.concatenate([np.empty(0, np.uint8), *(part.key_classes for part in parts)]),
        tokens=np.concatenate([np.empty(0, (np.void, TOKEN_BYTES)), *(part.tokens for part in parts)]),
    )


def _in_a_pool(batches: Sequence[_Batch], workers: int, profile_id: str, match_key: bytes) -> Iterator[BlindedKeys]:
    context = _context()
    # A forked process has the batches already, and is sent their places only.
    inherited = batches if context.get_start_method() == "fork" else ()
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(profile_id, match_key, inherited)
    ) as pool:
        with _interrupts_held():
            blinded = pool.map(_blind_in_worker, range(len(inherited)) if inherited else batches)
        yield from blinded


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C waiting, also for processes started meanwhile: they would die of it halfway, and the pool hang."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _context() -> BaseContext:
    """Fork where that is safe, on Linux and with one thread; otherwise start each process anew."""
    may_fork = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if may_fork else "spawn")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


#: The one blinder of a process of the pool, and the batches that it inherited.
_OF_THIS_WORKER: list[tuple[_RowBlinder, Sequence[_Batch]]] = []


def _start_worker(profile_id: str, match_key: bytes, inherited: Sequence[_Batch]) -> None:
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _OF_THIS_WORKER.append((_RowBlinder(profile_id, match_key), inherited))


def _end_with_parent() -> None:
    """Leave no process behind that holds the key when the one that started it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _blind_in_worker(batch: _Batch | int) -> BlindedKeys:
    ((blinder, inherited),) = _OF_THIS_WORKER
    return blinder.blind(inherited[batch] if isinstance(batch, int) else batch)
