"""What `make check` says of places that exist on one machine only."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.check_places import complaints


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


def _track(repository: Path, name: str, line: str) -> None:
    (repository / name).write_text(f"first\n{line}\n")
    subprocess.run(["git", "-C", str(repository), "add", name], check=True)


def test_a_lock_file_that_names_a_host_is_refused(repository: Path) -> None:
    _track(repository, "requirements-dev.txt", "--index-url https" + "://packages.example/simple")

    assert list(complaints(repository)) == ["requirements-dev.txt:2: a lock file must not name a host"]


def test_a_file_that_names_a_folder_of_one_machine_is_refused(repository: Path) -> None:
    _track(repository, "settings.py", 'FOLDER = "/' + 'home/alice/escrow"')

    assert list(complaints(repository)) == ["settings.py:2: a path of one machine"]


def test_links_and_relative_folders_are_not_taken_for_a_machines(repository: Path) -> None:
    _track(repository, "README.md", "see https://partner.example/work/item, src/root/x and /homepage/x")

    assert list(complaints(repository)) == []


def test_a_source_archive_is_looked_at_without_what_was_installed_into_it(tmp_path: Path) -> None:
    for name in ("src/settings.py", ".venv/lib/settings.py", "build/settings.py", "src/__pycache__/settings.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('FOLDER = "/' + 'home/alice/escrow"\n')

    assert list(complaints(tmp_path)) == ["src/settings.py:1: a path of one machine"]
