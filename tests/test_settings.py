"""The service's settings: from a file and the environment, frozen, described, and silent about secrets."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner, Result

from escrow.errors import MailExposed, MailUnusable, WebhooksExposed
from escrow.presets import DISCLOSURE_PRESETS
from escrow.server import app
from escrow.server.allowed import allowed
from escrow.server.configuration import PARTNER_VARIABLES, Configuration, configure
from escrow.server.dangers import check_egress, check_mail
from escrow.settings import ServerSettings
from tools.reference.settings import CLIENT_VARIABLES


def from_environment(**variables: str) -> Configuration:
    return configure({}, {f"ESCROW_{name.upper()}": value for name, value in variables.items()})


def from_file(folder: Path, text: str, *, mode: int = 0o600) -> Configuration:
    file = folder / "escrow.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return configure({}, {}, file=file)


def accepted(configuration: Configuration) -> ServerSettings:
    assert configuration.settings is not None, configuration.complaints
    return configuration.settings


def secret_file(folder: Path, secret: str, *, mode: int = 0o600) -> str:
    file = folder / "secret"
    file.write_text(secret, encoding="utf-8")
    file.chmod(mode)
    return str(file)


def test_every_setting_has_a_default_and_says_what_it_is() -> None:
    ServerSettings()
    undescribed = [name for name, field in ServerSettings.model_fields.items() if not field.description]
    assert undescribed == []


def test_the_environment_is_read() -> None:
    assert accepted(from_environment(chunk_bytes="1024")).chunk_bytes == 1024


def test_an_empty_variable_is_none() -> None:
    assert accepted(from_environment(chunk_bytes="")).chunk_bytes == ServerSettings().chunk_bytes


def test_a_file_is_read_and_the_environment_and_options_come_before_it(tmp_path: Path) -> None:
    file = tmp_path / "escrow.toml"
    file.write_text('port = 1\nhost = "::1"\nchunk_bytes = 7\ntrusted_proxies = ["10.0.0.7"]\n', encoding="utf-8")
    read = configure({"port": 3}, {"ESCROW_PORT": "2", "ESCROW_HOST": "127.0.0.2"}, file=file)
    settings = accepted(read)
    assert (settings.port, settings.host, settings.chunk_bytes) == (3, "127.0.0.2", 7)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.7/32"]
    assert (read.places["port"], read.places["host"]) == ("--port", "ESCROW_HOST")
    assert read.places["chunk_bytes"] == f"chunk_bytes in {file}"


def test_the_file_that_the_environment_names_is_read(tmp_path: Path) -> None:
    (tmp_path / "escrow.toml").write_text("port = 1", encoding="utf-8")
    assert accepted(configure({}, {"ESCROW_CONFIG": str(tmp_path / "escrow.toml")})).port == 1


def test_a_file_that_is_not_there_or_not_toml_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in configure({}, {}, file=tmp_path / "no.toml").complaints[0]
    assert "is not TOML" in from_file(tmp_path, "port: 8470").complaints[0]


def test_an_unknown_setting_is_refused_with_the_one_that_was_perhaps_meant(tmp_path: Path) -> None:
    assert from_environment(chunk_byte="7").complaints == (
        "ESCROW_CHUNK_BYTE: there is no such setting. Did you mean ESCROW_CHUNK_BYTES?",
    )
    in_file = from_file(tmp_path, "chunk_byte = 7\n[server]\nport = 1")
    assert [told.partition(":")[0] for told in in_file.complaints] == [
        f"chunk_byte in {tmp_path}/escrow.toml",
        f"server in {tmp_path}/escrow.toml",
    ]
    assert "Did you mean chunk_bytes in" in in_file.complaints[0]


def test_variables_of_the_partners_side_may_stand_in_the_same_environment() -> None:
    assert set(CLIENT_VARIABLES) == PARTNER_VARIABLES, "name the new variable in PARTNER_VARIABLES too"
    assert accepted(configure({}, dict.fromkeys(CLIENT_VARIABLES, "x"))) == ServerSettings()


def test_every_wrong_setting_is_named_at_once() -> None:
    told = from_environment(port="http", own_preset_threshold="2", lease_secs="7").complaints
    assert [each.partition(":")[0] for each in told] == [
        "ESCROW_LEASE_SECS",
        "ESCROW_PORT",
        "ESCROW_OWN_PRESET_THRESHOLD",
    ]
    assert told[1] == "ESCROW_PORT: give a whole number, at least 0, at most 65,535."


def test_the_database_lies_in_the_data_folder_unless_a_url_is_given(tmp_path: Path) -> None:
    assert ServerSettings(data_folder=tmp_path).database_url == f"sqlite:///{tmp_path}/escrow.sqlite"
    assert not ServerSettings(database_url="postgresql://app@/escrow").on_sqlite


def test_settings_do_not_change_after_the_start() -> None:
    with pytest.raises(ValidationError):
        ServerSettings().port = 1


def test_the_password_of_the_database_is_not_printed() -> None:
    assert "hunter2" not in repr(ServerSettings(database_url="postgresql://app:hunter2@db/escrow"))


def test_a_secret_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    url = "postgresql://app:hunter2@db/escrow"
    read = from_environment(database_url_file=secret_file(tmp_path, f"{url}\n"))
    assert (accepted(read).database_url, read.places["database_url"]) == (url, "ESCROW_DATABASE_URL_FILE")


def test_a_secret_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    url = "postgresql://app:hunter2@db/escrow"
    own = from_environment(database_url_file=secret_file(tmp_path, url, mode=0o644))
    in_file = from_file(tmp_path, f'database_url = "{url}"', mode=0o644)
    for refused in (own, in_file):
        assert "chmod" in refused.complaints[0]
        assert "hunter2" not in str(refused)


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    told = from_environment(database_url="postgresql://a/b", database_url_file=secret_file(tmp_path, "postgresql://c"))
    assert told.complaints == ("ESCROW_DATABASE_URL_FILE: given beside ESCROW_DATABASE_URL: give one of the two.",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("own_preset_threshold", "2"),
        ("own_preset_step", "2000000"),
        ("own_preset_interval_seconds", "34560000"),
        ("own_preset_least_changes", "1000001"),
        ("connections", "-7"),
        ("body_seconds", "-3"),
        ("database_url", "mysql://hunter2"),
        ("tls_key", "key.pem"),
        ("trusted_proxies", "0.0.0.0/0"),
        ("trusted_proxies", "proxy.example.com"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_without_repeating_it(name: str, value: str) -> None:
    refused = from_environment(**{name: value})
    assert refused.settings is None
    assert refused.complaints
    assert value not in str(refused.complaints).replace("at least 3", "")


@pytest.mark.parametrize("name", ["mail_host", "mail_username", "mail_password", "database_url", "webhook_link"])
def test_a_text_that_cannot_be_is_refused_with_what_it_should_look_like(name: str) -> None:
    (told,) = from_environment(**{name: "two words\n"}).complaints
    assert not told.endswith("give text.")


def test_every_number_has_bounds_on_both_sides() -> None:
    numbers = {name: field for name, field in ServerSettings.model_fields.items() if field.annotation in (int, float)}
    words = {name: allowed(field) for name, field in numbers.items() if not name.startswith("own_preset_")}
    assert [name for name, said in words.items() if "at most" not in said] == []
    assert [name for name, said in words.items() if "at least" not in said and "more than" not in said] == []


@pytest.mark.parametrize("name", ["stop_seconds", "poll_seconds", "events_seconds"])
@pytest.mark.parametrize("value", ["inf", "nan", "1e300", "99999999999999999999999"])
def test_a_time_that_never_comes_is_refused_before_anything_waits_for_it(name: str, value: str) -> None:
    (told,) = from_environment(**{name: value}).complaints
    assert told.endswith("at most 315,360,000.")


@pytest.mark.parametrize("name", DISCLOSURE_PRESETS)
def test_a_preset_of_ones_own_that_would_never_be_offered_is_refused(name: str) -> None:
    assert from_environment(own_preset_name=name).complaints == (
        "a preset of your own is not named like a usual one (trusted, standard, guarded): own_preset_name.",
    )


def test_a_link_that_is_no_web_address_is_refused_with_what_one_is() -> None:
    assert from_environment(webhook_link="javascript:x").complaints == (
        "ESCROW_WEBHOOK_LINK: give an address that begins with https:// (or http://).",
    )


def ran(folder: Path, variables: Mapping[str, str], *arguments: str) -> Result:
    own = {"ESCROW_DATA_FOLDER": str(folder / "data"), "ESCROW_SEALING_KEY_FILE": str(folder / "sealing.key")}
    return CliRunner().invoke(app, arguments, env={**own, **variables})


def checked(folder: Path, variables: Mapping[str, str], *arguments: str) -> Result:
    return ran(folder, variables, *arguments, "config", "check", "--settings-only", "--json")


def errors_here(folder: Path, **variables: str) -> list[str]:
    done = ran(folder, variables, "config", "check", "--json")
    errors = json.loads(done.stdout)["errors"]
    assert done.exit_code == (2 if errors else 0)
    assert isinstance(errors, list)
    return errors


def test_config_check_shows_every_setting_and_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "escrow.toml").write_text("port = 1", encoding="utf-8")
    done = checked(
        tmp_path,
        {"ESCROW_DATABASE_URL": "postgresql://app:hunter2@db/escrow"},
        "--config",
        str(tmp_path / "escrow.toml"),
    )
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["settings"].keys() == ServerSettings.model_fields.keys()
    assert told["settings"]["port"] == {"value": 1, "from": f"port in {tmp_path}/escrow.toml"}
    assert told["settings"]["page_items"] == {"value": 500, "from": "default"}
    assert told["settings"]["database_url"] == {"value": "set", "from": "ESCROW_DATABASE_URL"}
    assert "hunter2" not in done.stdout
    assert any("ESCROW_DATABASE_URL_FILE" in thought for thought in told["warnings"])


def test_config_check_keeps_its_columns_apart_in_any_home(tmp_path: Path) -> None:
    folder = "/home/a-person-with-quite-a-long-name/.local/share/escrow-server"
    printed = ran(tmp_path, {"ESCROW_DATA_FOLDER": folder}, "config", "check", "--settings-only").stdout
    rows = dict(line.split(maxsplit=1) for line in printed.splitlines()[: len(ServerSettings.model_fields)])
    assert {re.split(" {2,}", row)[-1] for row in rows.values()} == {
        "default",
        "ESCROW_DATA_FOLDER",
        "ESCROW_SEALING_KEY_FILE",
    }
    assert len({line.index(" default") for line in printed.splitlines() if line.endswith(" default")}) == 1
    assert {rows[name].split()[0] for name in ("log_file", "mail_host", "trusted_proxies")} == {"none"}
    assert rows["header_seconds"].split()[0] == "10"
    assert rows["poll_seconds"].split()[0] == "0.5"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"ESCROW_HOST": "192.0.2.1"}, "Plain HTTP on 192.0.2.1"),
        ({"ESCROW_TLS_CERTIFICATE": "no.pem", "ESCROW_TLS_KEY": "no.key"}, "cannot be used with the key"),
        ({"ESCROW_SEALING_KEY_FILE": "/nowhere/data/x", "ESCROW_DATA_FOLDER": "/nowhere/data"}, "keep it elsewhere"),
        ({"ESCROW_PORTS": "1"}, "ESCROW_PORTS: there is no such setting. Did you mean ESCROW_PORT?"),
    ],
)
def test_config_check_fails_where_the_service_would_not_start(
    tmp_path: Path, variables: Mapping[str, str], told: str
) -> None:
    done = checked(tmp_path, variables)
    assert done.exit_code == 2
    assert any(told in error for error in json.loads(done.stdout)["errors"])


def test_config_check_says_of_keys_and_database_what_serve_would(tmp_path: Path) -> None:
    told = errors_here(tmp_path)
    assert [error.partition(":")[2] for error in told if "init'" in error] == [
        " make one with 'escrow-server init'.",
        " make one with 'escrow-server init'.",
        " run 'escrow-server init'.",
    ]
    assert not (tmp_path / "data").exists()
    assert ran(tmp_path, {}, "init").exit_code == 0
    assert errors_here(tmp_path) == []
    for key in ("sealing.key", "release.key"):
        (tmp_path / key).write_text("no key", encoding="ascii")
    assert [error.partition(" key:")[0].rpartition(" is not ")[2] for error in errors_here(tmp_path)] == [
        "a sealing",
        "a release",
    ]


def test_config_check_fails_where_the_folder_or_the_database_cannot_be_used(tmp_path: Path) -> None:
    assert ran(tmp_path, {}, "init").exit_code == 0
    (tmp_path / "other.sqlite").write_text("not a database, and longer than the header of one" * 9, encoding="ascii")
    assert "is a file" in errors_here(tmp_path, ESCROW_DATA_FOLDER=str(tmp_path / "sealing.key" / "data"))[0]
    assert (
        "The database cannot be used"
        in errors_here(tmp_path, ESCROW_DATABASE_URL=f"sqlite:///{tmp_path}/other.sqlite")[0]
    )


@pytest.mark.skipif(os.name != "posix", reason="modes of folders are told on POSIX alone")
def test_config_check_warns_of_a_data_folder_that_others_may_enter(tmp_path: Path) -> None:
    def warned(**variables: str) -> list[str]:
        said: list[str] = json.loads(checked(tmp_path, variables).stdout)["warnings"]
        return said

    assert warned() == []
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    assert warned() == []
    folder.chmod(0o755)
    assert warned() == [f"Others may enter the data folder, where the database lies: run 'chmod 700 {folder}'."]
    assert warned(ESCROW_DATABASE_URL="postgresql://db/escrow") == []


def test_config_check_fails_where_no_log_can_be_written(tmp_path: Path) -> None:
    assert ran(tmp_path, {}, "init").exit_code == 0
    (told,) = errors_here(tmp_path, ESCROW_LOG_FILE=str(tmp_path / "nowhere" / "log"))
    assert told == f"The log file {tmp_path}/nowhere/log cannot be made: there is no folder {tmp_path}/nowhere."
    (told,) = errors_here(tmp_path, ESCROW_LOG_FILE=str(tmp_path))
    assert told == f"The log file {tmp_path} is a folder: name a file in it."
    assert errors_here(tmp_path, ESCROW_LOG_FILE=str(tmp_path / "log")) == []
    assert not (tmp_path / "log").exists()


def test_config_check_gives_a_database_up_that_does_not_answer(tmp_path: Path) -> None:
    assert ran(tmp_path, {}, "init").exit_code == 0
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://me:hunter2@127.0.0.1:{silent.getsockname()[1]}/escrow?connect_timeout=1"
        assert [error.partition(":")[0] for error in errors_here(tmp_path, ESCROW_DATABASE_URL=url)] == [
            "The database does not answer"
        ]


def test_a_proxy_that_is_named_may_be_served_on_any_address(tmp_path: Path) -> None:
    assert checked(tmp_path, {"ESCROW_HOST": "192.0.2.1", "ESCROW_TRUSTED_PROXIES": "10.0.0.7"}).exit_code == 0


def test_webhooks_go_to_loopback_only_where_nobody_else_reaches_the_service() -> None:
    check_egress(accepted(from_environment(webhook_loopback="true")))
    for exposing in ({"host": "10.0.0.1"}, {"trusted_proxies": "10.0.0.7"}):
        with pytest.raises(WebhooksExposed):
            check_egress(accepted(from_environment(webhook_loopback="true", **exposing)))


@pytest.mark.parametrize(("value", "ports"), [("443,8443", {443, 8443}), ("", {443})])
def test_ports_of_webhooks_are_a_list(value: str, ports: set[int]) -> None:
    assert accepted(from_environment(webhook_ports=value)).webhook_ports == ports
    assert from_environment(webhook_ports="70000").settings is None


MAIL = {"mail_host": "mail.example.com", "mail_from": "escrow@example.com"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"mail_from": ""}, "mail_host and mail_from"),
        ({"mail_username": "u"}, "mail_username and mail_password"),
        ({"mail_security": "ssl"}, "ESCROW_MAIL_SECURITY: give"),
        ({"mail_host": "mail example"}, "ESCROW_MAIL_HOST: give"),
    ],
)
def test_a_mail_server_that_cannot_be_is_complained_of(said: Mapping[str, str], told: str) -> None:
    (complaint,) = from_environment(**MAIL | dict(said)).complaints
    assert told in complaint


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"mail_security": "none"}, MailExposed),
        ({"mail_from": "Kim <kim@example.com>"}, MailUnusable),
        ({"mail_contact": "kim"}, MailUnusable),
        ({"mail_ca_file": "/nowhere/ca.pem"}, MailUnusable),
    ],
)
def test_a_mail_server_that_mail_cannot_be_given_to_in_secret_is_refused(
    said: Mapping[str, str], refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        check_mail(accepted(from_environment(**MAIL | dict(said))))


@pytest.mark.parametrize(
    "said", [{}, {"mail_security": "none", "mail_host": "localhost"}, {"mail_contact": "a@b.example"}]
)
def test_a_mail_server_that_is_fit_is_taken_and_its_password_not_shown(said: Mapping[str, str]) -> None:
    settings = accepted(from_environment(**MAIL | {"mail_username": "u", "mail_password": "canary"} | dict(said)))
    check_mail(settings)
    assert "canary" not in repr(settings)
