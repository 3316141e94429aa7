"""Blinding in bulk gives the tokens that one key at a time gives, whatever the number of processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from escrow.client.blinding import BlindedKeys, blind
from escrow.psi.normalisation import LATEST, profile
from escrow.psi.tokens import account_secret

MATCH_KEY = bytes(range(32))
ROWS = [("Acme Inc.", "https://www.acme.de/"), ("unknown", "n/a"), ("Globex", ""), ("", "initech.com")]
MANY = [(f"Company {number} Ltd", f"www.company-{number}.com" if number % 3 else "") for number in range(60_000)]


BLINDING = """
from escrow.client.blinding import blind
from escrow.psi.normalisation import LATEST
names = [f"Company {number} Ltd" for number in range(400_000)]
print("blinding", flush=True)
blind(names, names, profile_id=LATEST, match_key=bytes(32), processes=2)
"""


def blinded(rows: list[tuple[str, str]], *, processes: int | None = None) -> BlindedKeys:
    names, websites = [list(column) for column in zip(*rows, strict=True)]
    return blind(names, websites, profile_id=LATEST, match_key=MATCH_KEY, processes=processes)


def one_by_one(rows: list[tuple[str, str]]) -> list[tuple[int, int, bytes]]:
    return [
        (row, int(key.key_class), account_secret(MATCH_KEY, key).token)
        for row, (name, website) in enumerate(rows)
        for key in profile().match_keys(name, website)
    ]


def entries(keys: BlindedKeys) -> list[tuple[int, int, bytes]]:
    tokens = [token.tobytes() for token in keys.tokens]
    return list(zip(keys.rows.tolist(), keys.key_classes.tolist(), tokens, strict=True))


def test_bulk_gives_what_one_key_at_a_time_gives() -> None:
    assert entries(blinded(ROWS)) == one_by_one(ROWS)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_pool_gives_the_same_in_the_same_order() -> None:
    alone, pooled = blinded(MANY, processes=1), blinded(MANY, processes=2)
    assert np.array_equal(alone.rows, pooled.rows)
    assert np.array_equal(alone.key_classes, pooled.key_classes)
    assert alone.tokens.tobytes() == pooled.tokens.tobytes()
    assert entries(pooled)[-50:] == one_by_one(MANY)[-50:]


def test_a_pool_starts_beside_other_threads_too() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait, daemon=True)
    other.start()
    names, websites = zip(*MANY, strict=True)
    keys = sum(len(list(filter(None, values))) for _, values in profile().values_by_class(names, websites))
    assert len(blinded(MANY, processes=2)) == keys
    done.set()
    other.join()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize(("number", "delay"), [(signal.SIGINT, 0.0), (signal.SIGINT, 0.3), (signal.SIGKILL, 0.3)])
def test_a_pool_that_is_stopped_leaves_no_process_behind(number: signal.Signals, delay: float) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", BLINDING], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"blinding\n"
    time.sleep(delay)
    if number is signal.SIGINT:  # Ctrl-C reaches every process of the terminal
        os.killpg(running.pid, number)
    else:
        running.kill()
    running.communicate(timeout=30)  # the processes of the pool hold the pipe open for as long as they live
    assert running.returncode == -number


def test_an_empty_list_has_no_keys() -> None:
    assert len(blind([], [], profile_id=LATEST, match_key=MATCH_KEY)) == 0


def test_countries_may_be_given() -> None:
    keys = blind(["Acme"], ["acme.de"], ["DE"], profile_id=LATEST, match_key=MATCH_KEY)
    assert entries(keys) == one_by_one([("Acme", "acme.de")])


def test_progress_is_told_of_every_row() -> None:
    told: list[int] = []
    blind(["Acme"] * 25_000, [""] * 25_000, profile_id=LATEST, match_key=MATCH_KEY, progress=told.append)
    assert told == [10_000, 10_000, 5_000]


def test_tokens_are_not_printed_by_accident() -> None:
    keys = blinded(ROWS)
    assert keys.tokens[0].tobytes().hex() not in repr(keys)
    assert "tokens" not in repr(keys)
