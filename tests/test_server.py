"""``escrow-server`` as its operator runs it: commands, what it refuses to start with, and a service on a socket."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner, Result

from escrow.errors import EscrowError
from escrow.server import app
from escrow.server.starting import opened
from escrow.settings import ServerSettings
from tests.postgres import Postgres, Template

PROGRAM = Path(sys.executable).with_name("escrow-server")


def environment(folder: Path) -> dict[str, str]:
    """The environment of an operator whose data and sealing key lie in a folder."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ESCROW_")}
    return bare | {
        "ESCROW_DATA_FOLDER": str(folder / "data"),
        "ESCROW_SEALING_KEY_FILE": str(folder / "keys" / "sealing.key"),
        "ESCROW_PORT": "0",
    }


@pytest.fixture
def newcomer(tmp_path: Path) -> dict[str, str]:
    """An operator who has not run ``init``."""
    return environment(tmp_path)


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``init`` was run."""
    folder = tmp_path_factory.mktemp("initialised")
    assert run(environment(folder), "init").exit_code == 0
    return folder


@pytest.fixture
def operator(initialised: Path, tmp_path: Path) -> dict[str, str]:
    """An operator who has run ``init``."""
    shutil.copytree(initialised, tmp_path, dirs_exist_ok=True)
    return environment(tmp_path)


def run(operator: Mapping[str, str], *arguments: str) -> Result:
    """Run a command that ends by itself, in this process."""
    return CliRunner().invoke(app, arguments, env=dict(operator))


def run_program(operator: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as its operator does."""
    return subprocess.run(
        [PROGRAM, *arguments], env=dict(operator), capture_output=True, text=True, check=False, timeout=120
    )


def made(operator: Mapping[str, str], *arguments: str) -> dict[str, str]:
    done = run(operator, *arguments, "--json")
    assert done.exit_code == 0, done.exception
    said: dict[str, str] = json.loads(done.stdout)
    return said


def settings_of(operator: Mapping[str, str], **others: Path | str) -> ServerSettings:
    return ServerSettings.model_validate(
        {
            "data_folder": Path(operator["ESCROW_DATA_FOLDER"]),
            "sealing_key_file": Path(operator["ESCROW_SEALING_KEY_FILE"]),
            **others,
        }
    )


def refusal_to_start(settings: ServerSettings) -> str:
    with pytest.raises(EscrowError) as refused, opened(settings):
        pass
    return refused.value.message


@contextmanager
def serving(operator: Mapping[str, str], log: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with log.open("wb") as file:
        process = subprocess.Popen([PROGRAM, "serve", *arguments], env=dict(operator), stdout=file, stderr=file)
    try:
        yield address_in(log, process), process
    finally:
        process.kill()
        process.wait()


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"running on (https?://[0-9.:]+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def self_signed(folder: Path, *, name: str = "loopback") -> tuple[Path, Path]:
    """Make a certificate for loopback that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            subject, subject, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].touch(mode=0o600)
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


def refusal(done: Result) -> str:
    assert isinstance(done.exception, EscrowError), done.exception
    return done.exception.message


def test_init_makes_a_private_folder_and_a_key_outside_of_it(newcomer: dict[str, str], tmp_path: Path) -> None:
    assert run(newcomer, "init").exit_code == 0
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "escrow.sqlite").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys" / "sealing.key").stat().st_mode & 0o777 == 0o600


def test_init_again_changes_nothing(operator: dict[str, str], tmp_path: Path) -> None:
    key = (tmp_path / "keys" / "sealing.key").read_bytes()
    assert run(operator, "init").exit_code == 0
    assert (tmp_path / "keys" / "sealing.key").read_bytes() == key


def test_init_refuses_a_key_beside_what_it_seals(newcomer: dict[str, str], tmp_path: Path) -> None:
    done = run(newcomer, "init", "--sealing-key", str(tmp_path / "data" / "sealing.key"))
    assert "keep it elsewhere" in refusal(done)
    assert not (tmp_path / "data").exists()


def test_nothing_starts_without_the_sealing_key(operator: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "keys" / "sealing.key").unlink()
    assert "escrow-server init" in refusal_to_start(settings_of(operator))


def test_nothing_starts_with_a_key_that_others_can_read(operator: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "keys" / "sealing.key").chmod(0o644)
    assert "chmod 600" in refusal_to_start(settings_of(operator))


def test_nothing_starts_with_the_key_in_the_data_folder(operator: dict[str, str], tmp_path: Path) -> None:
    inside = (tmp_path / "keys" / "sealing.key").rename(tmp_path / "data" / "sealing.key")
    assert "keep it elsewhere" in refusal_to_start(settings_of(operator, sealing_key_file=inside))


def test_a_database_that_is_missing_is_not_made_by_serving(operator: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "data" / "escrow.sqlite").unlink()
    assert "escrow-server init" in refusal_to_start(settings_of(operator))
    assert not (tmp_path / "data" / "escrow.sqlite").exists()


def test_a_database_behind_this_version_is_refused_with_what_to_do(operator: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "data" / "escrow.sqlite").write_bytes(b"")
    assert "escrow-server migrate" in refusal_to_start(settings_of(operator))
    assert run(operator, "migrate").exit_code == 0


def test_a_refusal_is_one_sentence_and_exit_code_1(operator: dict[str, str]) -> None:
    refused = run_program(operator, "serve", "--host", "192.0.2.1")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("escrow-server: Plain HTTP on 192.0.2.1 could be read by others")
    assert refused.stderr.count("\n") == 1


def test_on_sqlite_the_worker_lives_inside_serve(operator: dict[str, str]) -> None:
    assert "escrow-server serve" in refusal(run(operator, "work"))


def test_a_setting_that_cannot_be_is_named(operator: dict[str, str]) -> None:
    refused = run(operator | {"ESCROW_PORT": "http"}, "organization", "list")
    assert (refused.exit_code, "ESCROW_PORT: " in refused.stderr, "http" in refused.stderr) == (2, True, False)
    refused = run(operator | {"ESCROW_TLS_KEY": "key.pem"}, "organization", "list")
    assert refused.stderr.startswith("escrow-server: a certificate and its key are given together")


def test_a_port_in_use_is_refused_with_what_to_do(operator: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refusal(run(operator, "serve", "--port", str(port)))
    assert told.startswith(f"Cannot listen on 127.0.0.1, port {port}: Address already in use")


def test_a_certificate_that_is_not_there_is_refused(operator: dict[str, str], tmp_path: Path) -> None:
    arguments = ("--tls-certificate", str(tmp_path / "no.pem"), "--tls-key", str(tmp_path / "no.key"))
    assert "give two PEM files" in refusal(run(operator, "serve", *arguments))


@pytest.mark.parametrize("command", ["init", "migrate", "work"])
def test_a_database_that_does_not_answer_is_refused_in_a_sentence(operator: dict[str, str], command: str) -> None:
    url = "postgresql://escrow:hunter2@127.0.0.1:1/escrow"
    told = refusal(run(operator | {"ESCROW_DATABASE_URL": url}, command))
    assert "The database cannot be used" in told
    assert "hunter2" not in told


def test_a_folder_that_cannot_be_used_is_named_in_a_sentence(operator: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = run_program(operator | {"ESCROW_LOG_FILE": str(tmp_path / "file" / "log")}, "serve")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert str(tmp_path / "file" / "log") in refused.stderr


def test_an_api_key_is_shown_once_works_and_is_revoked(operator: dict[str, str], tmp_path: Path) -> None:
    added = made(operator, "organization", "add", "Larkfield")
    key = made(operator, "api-key", "add", "larkfield", "--label", "cron")
    same = made(operator, "api-key", "add", added["organization_id"])
    assert same["organization_id"] == key["organization_id"] == added["organization_id"]
    listed = run(operator, "api-key", "list", "Larkfield").stdout
    assert key["api_key_id"] in listed
    assert key["api_key"] not in listed
    with serving(operator, tmp_path / "log") as (url, _):
        http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key['api_key']}"}, trust_env=False)
        with http:
            assert http.get("/v1/organization").json()["name"] == "Larkfield"
            assert run(operator, "api-key", "revoke", key["api_key_id"]).exit_code == 0
            assert http.get("/v1/organization").status_code == 401
    assert key["api_key"] not in (tmp_path / "log").read_text()


def test_a_key_is_made_for_a_purpose_and_a_time(operator: dict[str, str]) -> None:
    made(operator, "organization", "add", "Larkfield")
    made(operator, "api-key", "add", "Larkfield", "--scope", "read", "--scope", "submit", "--expires-in", "90d")
    listed = json.loads(run(operator, "api-key", "list", "Larkfield", "--json").stdout)
    assert (listed["scopes"], listed["partnership_ids"], listed["last_used_at"]) == (["read", "submit"], None, None)
    lifetime = datetime.fromisoformat(listed["expires_at"]) - datetime.fromisoformat(listed["created_at"])
    assert timedelta(days=89) < lifetime <= timedelta(days=90)
    refusal(run(operator, "api-key", "add", "Larkfield", "--partnership", str(uuid4())))
    for wrong in (("--scope", "admin"), ("--expires-in", "0d"), ("--expires-in", "soon"), ("--partnership", "x")):
        assert run(operator, "api-key", "add", "Larkfield", *wrong).exit_code == 2
    assert "too long" in run(operator, "api-key", "add", "Larkfield", "--expires-in", "999999999d").stderr


def test_the_list_of_keys_has_a_heading_and_one_form_of_dates(operator: dict[str, str]) -> None:
    made(operator, "organization", "add", "Larkfield")
    assert "Larkfield has no API key" in run(operator, "api-key", "list", "Larkfield").stdout
    made(operator, "api-key", "add", "Larkfield", "--scope", "read", "--scope", "submit", "--expires-in", "90d")
    kept = made(operator, "api-key", "add", "Larkfield", "--label", "nightly job")
    run(operator, "api-key", "revoke", kept["api_key_id"])
    heading, *rows = [
        re.split(" {2,}", line) for line in run(operator, "api-key", "list", "Larkfield").stdout.splitlines()
    ]
    dates = [["date" if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", word) else word for word in row] for row in rows]
    assert heading == ["id", "label", "scopes", "partnerships", "added (UTC)", "expires", "last used", "revoked"]
    assert dates[0][1:] == ["-", "read, submit", "all", "date", "date", "never", "no"]
    assert dates[1][1:] == [
        "nightly job",
        "read, submit, terms, pair, webhooks",
        "all",
        "date",
        "never",
        "never",
        "date",
    ]


@pytest.mark.parametrize("label", ["x" * 121, "two\nlines"])
def test_the_label_of_a_key_is_one_short_line(operator: dict[str, str], label: str) -> None:
    made(operator, "organization", "add", "Larkfield")
    refused = run(operator, "api-key", "add", "Larkfield", "--label", label)
    assert refused.exit_code == 2
    assert "120" in refused.stderr
    assert run(operator, "api-key", "list", "Larkfield", "--json").stdout == ""


def test_an_organization_can_be_added_with_its_first_api_key(operator: dict[str, str]) -> None:
    added = made(operator, "organization", "add", "Larkfield", "--api-key")
    assert added["api_key_id"] in added["api_key"]
    assert (
        json.loads(run(operator, "api-key", "list", "Larkfield", "--json").stdout)["api_key_id"] == added["api_key_id"]
    )


def test_an_operator_reads_which_of_the_printed_words_is_the_key(operator: dict[str, str]) -> None:
    told = run(operator, "organization", "add", "Larkfield", "--api-key").stdout
    assert re.fullmatch(
        r"Organization: Larkfield, id [0-9a-f-]{36}\nAPI key: +esk_(\w{12})_\w+\n.* its id, .* is \1\n", told
    )


def test_organizations_are_listed_and_a_name_is_taken_once(operator: dict[str, str]) -> None:
    added = made(operator, "organization", "add", "Larkfield")
    assert made(operator, "organization", "list") == added
    refusal(run(operator, "organization", "add", "LARKFIELD"))
    assert "no organization 'Brightwater'" in refusal(run(operator, "api-key", "add", "Brightwater"))
    assert "no API key nothing" in refusal(run(operator, "api-key", "revoke", "nothing"))


def test_serve_stops_when_told_to_and_logs_lines_of_json(operator: dict[str, str], tmp_path: Path) -> None:
    with serving(operator, tmp_path / "log") as (url, process):
        assert httpx.get(f"{url}/healthz", trust_env=False).json() == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    request = next(line for line in lines if line["event"] == "request")
    assert (request["method"], request["route"], request["status"]) == ("GET", "/healthz", 200)
    assert request["request_id"]
    assert request["client"] == "127.0.0.1"


def test_a_second_service_on_one_sqlite_file_is_refused(operator: dict[str, str], tmp_path: Path) -> None:
    with serving(operator, tmp_path / "log"):
        assert "Another 'escrow-server serve'" in run_program(operator, "serve").stderr
    with serving(operator, tmp_path / "again") as (url, _):
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200


def test_a_key_of_the_certificate_that_others_can_read_is_refused(operator: dict[str, str], tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    key.chmod(0o644)
    assert "chmod o=" in refusal(run(operator, "serve", "--tls-certificate", str(certificate), "--tls-key", str(key)))


def served_name(url: str) -> str:
    """Give the name in the certificate that new connections are shown."""
    host, _, port = url.removeprefix("https://").rpartition(":")
    shown = x509.load_pem_x509_certificate(ssl.get_server_certificate((host, int(port))).encode())
    return str(shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def test_a_renewed_certificate_is_served_without_a_restart(operator: dict[str, str], tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, name="first")
    arguments = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with serving(operator, tmp_path / "log", *arguments) as (url, process):
        assert served_name(url) == "first"
        certificate.write_bytes(b"half a fi")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "was not renewed" in (tmp_path / "log").read_text())
        assert served_name(url) == "first"
        self_signed(tmp_path, name="second")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: served_name(url) == "second")


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_a_process_that_can_work_is_ready(operator: dict[str, str], tmp_path: Path) -> None:
    with serving(operator, tmp_path / "log") as (url, _):
        assert httpx.get(f"{url}/readyz", trust_env=False).json() == {"status": "ok"}


def logged_client(log: Path) -> str:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return str(next(line for line in lines if line["event"] == "request")["client"])


@pytest.mark.parametrize(("named", "scheme"), [("192.0.2.1", "http"), ("192.0.2.1, 127.0.0.0/8", "https")])
def test_a_forwarded_scheme_is_believed_from_the_named_proxies_alone(
    operator: dict[str, str], tmp_path: Path, named: str, scheme: str
) -> None:
    headers = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    with serving(operator, tmp_path / "log", "--trusted-proxies", named) as (url, _):
        answer = httpx.get(f"{url}/healthz", headers=headers, trust_env=False)
        wait_until(lambda: '"route"' in (tmp_path / "log").read_text())
    assert ("strict-transport-security" in answer.headers) == (scheme == "https")
    assert logged_client(tmp_path / "log") == ("198.51.100.7" if scheme == "https" else "127.0.0.1")


def test_https_is_served_with_a_certificate(operator: dict[str, str], tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    arguments = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with serving(operator, tmp_path / "log", *arguments) as (url, _):
        answer = httpx.get(f"{url}/healthz", verify=ssl.create_default_context(cafile=certificate), trust_env=False)
    assert url.startswith("https://")
    assert "max-age" in answer.headers["strict-transport-security"]


def test_on_postgresql_the_worker_is_a_process_of_its_own(
    operator: dict[str, str], postgres_server: Postgres, migrated_template: Template, tmp_path: Path
) -> None:
    name = postgres_server.create_database(template=migrated_template.name)
    on_postgresql = operator | {"ESCROW_DATABASE_URL": postgres_server.url(name)}
    worker = subprocess.Popen([PROGRAM, "work"], env=on_postgresql)
    try:
        with serving(on_postgresql, tmp_path / "log") as (url, _):
            assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=60) == 0
    finally:
        worker.kill()
        worker.wait()


def test_the_committed_contract_is_the_one_that_is_served(newcomer: dict[str, str]) -> None:
    committed = Path(__file__).parents[1] / "docs" / "openapi.json"
    assert run(newcomer, "openapi").stdout == committed.read_text(encoding="utf-8")


def test_help_loads_no_library_of_the_server() -> None:
    program = "import sys, escrow.server; print(sorted({'fastapi', 'sqlalchemy', 'uvicorn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
