"""What is handed out: the wheel, the source distribution and the image hold what belongs in them and nothing else."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import escrow
from escrow.api.app import openapi_document
from tools.healthcheck import is_healthy

ROOT = Path(__file__).parents[1]

#: Folders and files of the repository that the source distribution carries: to build, to test, to read.
IN_SOURCE = re.compile(
    r"(src|tests|docs|examples|tools|benchmarks)/.*|[A-Z]+\.md|LICENSE|Makefile|Dockerfile|\.dockerignore|mkdocs\.yml|requirements-\w+\.txt|tools\.txt"
    r"|pyproject\.toml|\.gitignore"
)
NOTICES = [f"src/escrow/psi/normalisation/data/{profile}/NOTICE.md" for profile in ("escrow-1", "escrow-2")]


@pytest.fixture(scope="module")
def tracked() -> frozenset[str]:
    """The files that the repository tracks and that are there."""
    if not (ROOT / ".git").exists():
        pytest.skip("a source archive: nobody says here which files the repository tracks")
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    return frozenset(name for name in listed.stdout.split("\0") if (ROOT / name).is_file())


@pytest.fixture(scope="module")
def built(tracked: frozenset[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built from the tracked files by the locked backend."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", built], cwd=source, check=True)
    return built


@pytest.fixture(scope="module")
def wheel(built: Path) -> frozenset[str]:
    """The names of the files in the wheel."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        return frozenset(archive.namelist())


def test_the_wheel_holds_the_package_and_its_notices(wheel: frozenset[str], tracked: frozenset[str]) -> None:
    about = f"escrow-{escrow.__version__}.dist-info"
    written = {f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    notices = {f"{about}/licenses/{name}" for name in ("LICENSE", *NOTICES)}
    package = {name.removeprefix("src/") for name in tracked if name.startswith("src/")}

    assert wheel == package | written | notices


@pytest.mark.parametrize(
    "needed",
    [
        "escrow/py.typed",
        "escrow/reports/templates/report.html",
        "escrow/store/migrations/env.py",
        "escrow/store/migrations/versions/0001_the_tables_of_the_first_release.py",
        "escrow/psi/normalisation/data/escrow-1/public_suffix_list.dat",
        *(notice.removeprefix("src/") for notice in NOTICES),
    ],
)
def test_the_wheel_works_without_the_repository(wheel: frozenset[str], needed: str) -> None:
    assert needed in wheel


def test_the_source_distribution_holds_what_builds_tests_and_explains(built: Path, tracked: frozenset[str]) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}

    assert names == {name for name in tracked if IN_SOURCE.fullmatch(name)} | {"PKG-INFO"}


def test_what_a_build_leaves_behind_is_cleaned_away() -> None:
    told = subprocess.run(["make", "-n", "clean"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    ignored = re.findall(r"^/([a-z]+)/$", (ROOT / ".gitignore").read_text(encoding="utf-8"), re.MULTILINE)

    assert {"build", "dist"} <= set(ignored)
    assert set(ignored) <= set(told.split())


def test_the_version_comes_from_one_place(built: Path) -> None:
    assert {file.name.split("-")[1].removesuffix(".tar.gz") for file in built.iterdir()} == {escrow.__version__}
    assert openapi_document()["info"]["version"] == escrow.__version__
    assert version("escrow") == escrow.__version__, "run make again: the version has changed since the install"


@pytest.mark.parametrize("program", ["escrow", "escrow-server"])
def test_each_program_says_its_version(program: str) -> None:
    command = [str(Path(sys.executable).with_name(program)), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said == f"{program} {escrow.__version__}\n"


def test_what_the_image_is_built_of_is_let_into_the_build() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert f"!{name}" in let_in


def test_the_service_is_locked_to_the_versions_that_the_tests_run_with() -> None:
    tested = _locked("requirements-dev.txt")
    for lock in ("requirements-server.txt", "requirements-build.txt"):
        assert _locked(lock) <= tested, f"{lock} is out of step: make lock"


def test_the_image_brings_no_tool_of_the_developers() -> None:
    names = {line.partition("==")[0] for line in _locked("requirements-server.txt")}

    assert "uvicorn" in names
    assert not names & {"hatchling", "pip", "pytest", "ruff", "setuptools", "wheel"}


def test_the_health_check_follows_the_service(answering: int) -> None:
    assert is_healthy({"ESCROW_PORT": str(answering)})
    assert not is_healthy({"ESCROW_PORT": str(answering), "ESCROW_TLS_CERTIFICATE": "certificate.pem"})


def test_the_health_check_reads_the_file_of_the_settings_too(answering: int, tmp_path: Path) -> None:
    file = tmp_path / "escrow.toml"
    file.write_text(f'port = {answering}\nhost = "127.0.0.1"\n')
    assert is_healthy({"ESCROW_CONFIG": str(file)})
    assert not is_healthy({"ESCROW_CONFIG": str(file), "ESCROW_PORT": "1"}), "the environment comes first"
    for text in ("port = ", f'port = {answering}\ntls_certificate = "chain.pem"\n'):
        file.write_text(text)
        assert not is_healthy({"ESCROW_CONFIG": str(file)})
    assert not is_healthy({"ESCROW_CONFIG": str(tmp_path / "absent.toml")})


class _Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the name that the standard library calls
        """Answer as the service does."""
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering() -> Iterator[int]:
    """The port of something that answers as a healthy service does."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _locked(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.removesuffix(" \\").partition(" ;")[0] for line in lines if re.match(r"\w", line)}
