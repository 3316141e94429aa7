"""Whether a process can do its work: what fails is named, and nothing else is said."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from sqlalchemy import text

from escrow.api.app import create_app
from escrow.api.dependencies import Service
from escrow.store.sealing import SealingKey
from tests.api.serving import Served, listening


def asked(service: Service) -> httpx.Response:
    with listening(create_app(service)) as url:
        return httpx.get(f"{url}/readyz", trust_env=False)


def failed(service: Service) -> list[str]:
    answer = asked(service)
    assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
    assert answer.json().keys() == {"type", "title", "status", "detail", "code", "failed"}
    assert answer.headers["retry-after"] == "1"
    return list(answer.json()["failed"])


def test_a_process_that_can_work_says_so_without_a_key(api: Served) -> None:
    api.active()
    answer = asked(replace(api.service, worker_silence=lambda: 1.0))
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_database_behind_its_migrations_is_named(api: Served) -> None:
    with api.service.database.transaction("go back a migration") as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert failed(api.service) == ["migrations"]


def test_a_sealing_key_of_another_service_is_named(api: Served) -> None:
    api.active()
    assert failed(replace(api.service, sealing_key=SealingKey.make())) == ["secrets"]


def test_a_database_that_is_broken_is_named(breakable_api: Served) -> None:
    with breakable_api.service.database.transaction("break") as tx:
        tx.execute(text("DROP TABLE alembic_version"))
        tx.execute(text("CREATE TABLE alembic_version (unknown TEXT)"))
    assert failed(breakable_api.service) == ["database"]


@pytest.mark.parametrize(("silence", "names"), [(121.0, ["worker"])])
def test_a_worker_that_was_silent_for_too_long_is_named(api: Served, silence: float, names: list[str]) -> None:
    assert failed(replace(api.service, worker_silence=lambda: silence)) == names
