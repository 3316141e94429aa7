"""Names, domains and details of either list never reach the service: not its database, its logs or its answers.

Every account has words of its own that stand nowhere else; after a whole journey they are searched for in all files.
"""

from __future__ import annotations

import base64
import csv
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import MetaData, create_engine, select

from escrow.client.home import Home
from escrow.client.state import AccountState, KeptList
from escrow.psi.records import chunk_digest, pack_chunk
from tests.journeys.programs import Partner, RunningService, eventually

CANARIES = ("quokkafinch", "zebrawombat")
ACCOUNTS = 120


def test_nothing_that_the_service_keeps_or_says_names_an_account_and_what_was_uploaded_is_sealed(
    service: RunningService, partners: tuple[Partner, Partner], tmp_path: Path, database_files: list[Path]
) -> None:
    map_canaries(partners, tmp_path)
    tokens = [token for partner in partners for token in tokens_sent(partner)]
    digests = [digest for partner in partners for digest in digests_sent(partner)]
    service.stop(signal.SIGKILL)

    files = b"".join(contents(database_files))
    kept = b"".join(content.lower() for content in (files, *contents(service.log_files), *stored_values(service)))
    assert len(kept) > 10_000
    assert not [form for canary in CANARIES for form in spellings(canary) if form in kept]
    assert len(tokens) > ACCOUNTS
    # A sample: the files of a PostgreSQL server are large, and one token is stored as all are.
    assert not [token for token in tokens[:: len(tokens) // 12] if token in files]
    assert len(digests) == 3
    assert not [digest for digest in digests if digest in files]


def map_canaries(partners: tuple[Partner, Partner], folder: Path) -> None:
    """Take two lists of canaries all the way to opened details, a delta and a second release."""
    exports = [folder / f"{canary}.csv" for canary in CANARIES]
    for partner, export, canary in zip(partners, exports, CANARIES, strict=True):
        write_export(export, canary, accounts=ACCOUNTS)
        partner.run("terms", "set", "--preset", "full", "--fields", "account_name,domain,owner_name,owner_email,region")
        partner.run("submit", export, "--ready")
    eventually(lambda: partners[0].run("overlaps")["items"])
    for partner in (*partners, partners[0]):
        partner.run("sync")
    for partner, canary in zip(partners, reversed(CANARIES), strict=True):
        assert canary in str(partner.run("overlaps")["items"]), "the partner reads what was shared with it"
    write_export(exports[0], CANARIES[0], accounts=ACCOUNTS - 10)
    partners[0].run("submit", exports[0])


def write_export(file: Path, canary: str, *, accounts: int) -> None:
    """Write a list whose first half is on both lists, with a canary in every field that is the owner's own."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("Account ID", "Account Name", "Website", "Type", "Account Owner", "Owner Email", "Region"))
        for number in range(accounts):
            domain = f"{CANARIES[0]}{CANARIES[1]}{number}.com" if number < accounts // 2 else f"{canary}{number}.com"
            stage = ("Customer", "Opportunity", "Prospect")[number % 3]
            owner = (f"{canary} Owner {number}", f"{canary}{number}@example.com", f"{canary} region")
            writer.writerow((f"{canary}-{number}", f"{canary} Company {number}", domain, stage, *owner))


@contextmanager
def applied_list(partner: Partner) -> Iterator[KeptList]:
    """Open the list that a partner remembers as applied."""
    home = Home.at(None, partner.environment)
    shown = UUID(partner.run("status")["partnerships"][0]["partnership_id"])
    with AccountState(home.partnership(shown)).applied() as kept:
        assert kept is not None
        yield kept


def tokens_sent(partner: Partner) -> Iterator[bytes]:
    """Give the tokens that a partner has sent, from its own account state."""
    with applied_list(partner) as kept:
        packed = kept.records.tokens["token"].tobytes()
    yield from (packed[start : start + 16] for start in range(0, len(packed), 16))


def digests_sent(partner: Partner) -> Iterator[bytes]:
    """Give the digests of what a partner sent last: of its submission and, if it was the whole list, of its chunk."""
    with applied_list(partner) as kept:
        yield kept.sent.digest
        if kept.sent.number == 1:
            yield chunk_digest(pack_chunk(kept.records))


def spellings(word: str) -> Iterator[bytes]:
    """Give a word as it would stand in files: plain, in hexadecimal, in base64 at any offset, and in two-byte text."""
    plain = word.encode()
    yield plain
    yield plain.hex().encode()
    yield word.encode("utf-16-le")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + plain)
        yield encoded[4 if offset else 0 : -4].lower()


def stored_values(service: RunningService) -> Iterator[bytes]:
    """Give every value of every table, since a database may pack what it writes to its files."""
    engine = create_engine(service.database_url)
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            for row in connection.execute(select(table)):
                yield from (value if isinstance(value, bytes) else str(value).encode() for value in row)
    engine.dispose()


def contents(files: list[Path]) -> Iterator[bytes]:
    for place in files:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file():
                yield file.read_bytes()
