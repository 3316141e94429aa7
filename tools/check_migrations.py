"""Refuse migrations that do not lead from an empty database to exactly the tables that the code writes to."""

from __future__ import annotations

import tempfile
from pathlib import Path

from escrow.store.migrate import check, migrate

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'empty.sqlite'}"
        migrate(url)
        check(url)
    print("migrations: they make the tables of the code")
