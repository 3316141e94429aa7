"""The service's settings: from the environment, frozen, described, and silent about the database's password."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from escrow.settings import ServerSettings


def test_every_setting_has_a_default_and_says_what_it_is() -> None:
    ServerSettings()
    undescribed = [name for name, field in ServerSettings.model_fields.items() if not field.description]
    assert undescribed == []


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCROW_CHUNK_BYTES", "1024")
    assert ServerSettings().chunk_bytes == 1024


def test_the_database_lies_in_the_data_folder_unless_a_url_is_given(tmp_path: Path) -> None:
    assert ServerSettings(data_folder=tmp_path).database_url == f"sqlite:///{tmp_path}/escrow.sqlite"
    assert not ServerSettings(database_url="postgresql://app@/escrow").on_sqlite


def test_settings_do_not_change_after_the_start() -> None:
    with pytest.raises(ValidationError):
        ServerSettings().port = 1


def test_the_password_of_the_database_is_not_printed() -> None:
    assert "hunter2" not in repr(ServerSettings(database_url="postgresql://app:hunter2@db/escrow"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "70000"), ("threshold", "0"), ("database_url", "mysql://hunter2"), ("tls_key", "key.pem")],
)
def test_a_setting_that_cannot_be_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ESCROW_{name.upper()}", value)
    with pytest.raises(ValidationError) as refused:
        ServerSettings()
    assert value not in str(refused.value)
