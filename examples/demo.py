"""The main job, end to end, on one machine: two companies map their accounts through a service of their own.

Everything is real: a service on SQLite behind HTTPS, two organizations, and two partners who use nothing but the
`escrow` command, each from a home folder of its own. Run it with `make demo`; all it writes lies in one folder.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from demo_certificates import write_certificates

EXAMPLES = Path(__file__).parent
FOLDER = EXAMPLES.parent / ".demo"
PROGRAMS = Path(sys.executable).parent
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Partner:
    """One company of the demo: its name, its CRM export and the environment its commands run in."""

    name: str
    export: Path
    environment: Mapping[str, str]
    organization_id: str = ""

    @property
    def home(self) -> Path:
        return Path(self.environment["ESCROW_HOME"])

    def run(self, *arguments: str) -> str:
        """Run `escrow` as this partner and return what it prints; stop the demo if it fails."""
        command = [str(PROGRAMS / "escrow"), *arguments]
        environment = dict(self.environment)
        if sys.stdout.isatty():
            environment |= {"FORCE_COLOR": "1", "COLUMNS": str(shutil.get_terminal_size().columns)}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    def read(self, *arguments: str) -> dict[str, Any]:
        """Run `escrow --json` as this partner and return what it says."""
        answer: dict[str, Any] = json.loads(self.run(*arguments, "--json"))
        return answer


Step = tuple[Partner, Sequence[str]]


def together(*steps: Step, until: Callable[[str], object] = bool) -> list[str]:
    """Run commands of both partners at the same time, as they would on two machines; give what each says.

    A command is run again until it says what is waited for: matching and releases follow a moment after a submission.
    """

    def said_in_time(step: Step) -> str:
        (partner, arguments), deadline = step, time.monotonic() + PATIENCE_SECONDS
        while not until(said := partner.run(*arguments)):
            if time.monotonic() > deadline:
                raise subprocess.CalledProcessError(1, ["escrow", *arguments], said)
            time.sleep(0.2)
        return said

    with ThreadPoolExecutor() as pool:
        return list(pool.map(said_in_time, steps))


def show(*steps: Step, until: Callable[[str], object] = bool) -> None:
    """Run commands of both partners at the same time and print what each says, one after the other."""
    for (partner, arguments), said in zip(steps, together(*steps, until=until), strict=True):
        print(f"\n[{partner.name}] $ escrow {' '.join(arguments)}\n{said}", end="", flush=True)


def main() -> int:
    """Run the demo; the exit code is that of the step that failed, or zero."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the service up until Ctrl-C")
    keep = parser.parse_args().keep
    started = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(mode=0o700)
    try:
        with service() as url:
            walk(url)
            print(f"\nDone in {time.monotonic() - started:.1f} s.")
            if keep:
                keep_up(url)
            elif sys.stdout.isatty():
                print("To keep the service up and go on by hand: make demo KEEP=--keep")
    except subprocess.CalledProcessError as failure:
        print(f"\nThe demo stopped: {Path(failure.cmd[0]).name} answered {failure.returncode}.", file=sys.stderr)
        print(failure.stderr or "", file=sys.stderr)
        print(f"The service's log is {FOLDER / 'service.log'}.", file=sys.stderr)
        return failure.returncode or 1
    return 0


def heading(text: str) -> None:
    """Print a heading between the demo's steps."""
    print(f"\n━━ {text} {'━' * max(3, 96 - len(text))}", flush=True)


@contextmanager
def service() -> Iterator[str]:
    """Start the service on SQLite behind HTTPS, yield its URL, and stop it at the end."""
    heading("A service of your own: SQLite, HTTPS, a certificate authority made for the occasion")
    certificates = write_certificates(FOLDER / "tls")
    operate("init")
    port = free_port()
    serve = ["serve", "--port", str(port)]
    serve += ["--tls-certificate", str(certificates.certificate), "--tls-key", str(certificates.key)]
    with (FOLDER / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAMS / "escrow-server", *serve], env=operator_environment(), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            url = f"https://localhost:{port}"
            wait_until_healthy(url, certificates.authority, process)
            print(f"Serving at {url}")
            yield url
        finally:
            process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def operator_environment() -> dict[str, str]:
    """Give the operator's settings: the data folder, and the sealing key outside of it."""
    settings = {"DATA_FOLDER": FOLDER / "data", "SEALING_KEY_FILE": FOLDER / "operator" / "sealing.key"}
    return {**bare_environment(), **{f"ESCROW_{name}": str(value) for name, value in settings.items()}}


def bare_environment() -> dict[str, str]:
    """Give this process's environment without settings of another escrow."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ESCROW_")}


def operate(*arguments: str) -> str:
    """Run `escrow-server` as the operator and return what it prints."""
    command = [str(PROGRAMS / "escrow-server"), *arguments]
    return subprocess.run(command, env=operator_environment(), check=True, capture_output=True, text=True).stdout


def free_port() -> int:
    """Find a port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(url: str, authority: Path, process: subprocess.Popen[bytes]) -> None:
    """Return once the service answers; give up when it has ended or takes too long."""
    trust = ssl.create_default_context(cafile=str(authority))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(f"{url}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise subprocess.CalledProcessError(process.poll() or 1, ["escrow-server", "serve"])


def walk(url: str) -> None:
    """Take both partners from nothing to an overlap report with details."""
    with ThreadPoolExecutor() as pool:
        larkfield, brightwater = pool.map(
            lambda name, export: new_partner(name, EXAMPLES / export, url),
            ("Larkfield", "Brightwater"),
            ("larkfield-salesforce.csv", "brightwater-hubspot.csv"),
        )
    pair(larkfield, brightwater)
    share_counts(larkfield, brightwater)
    share_details(larkfield, brightwater)
    show_what_the_escrow_sees()
    show_where_things_lie(larkfield, brightwater)


def new_partner(name: str, export: Path, url: str) -> Partner:
    """Make an organization with an API key, and a home folder for its side."""
    api_key = json.loads(operate("organization", "add", name, "--api-key", "--json"))["api_key"]
    environment = {
        **bare_environment(),
        "ESCROW_HOME": str(FOLDER / name.lower()),
        "ESCROW_URL": url,
        "ESCROW_API_KEY": api_key,
        "ESCROW_CA_FILE": str(FOLDER / "tls" / "authority.pem"),
        "ESCROW_PASSPHRASE": secrets.token_urlsafe(16),
    }
    partner = Partner(name, export, environment)
    return replace(partner, organization_id=partner.read("init")["organization_id"])


def pair(larkfield: Partner, brightwater: Partner) -> None:
    """Pair by a code that goes from one partner to the other, never through the service."""
    heading("Pairing: one code, carried outside the escrow")
    code = str(larkfield.read("invite", "--to", brightwater.organization_id, "--label", "brightwater")["code"])
    print(f"Larkfield mails this code to Brightwater:\n  {code}")
    brightwater.read("accept", code, "--label", "larkfield")
    show((larkfield, ["status"]))
    show((brightwater, ["status"]))


def share_counts(larkfield: Partner, brightwater: Partner) -> None:
    """Share counts only, submit both lists and show the first release from both sides."""
    heading("Counts only: nine numbers, no account")
    both = (larkfield, brightwater)
    together(*((partner, ["terms", "set", "--preset", "counts-only", "--disclosure", "trusted"]) for partner in both))
    show(*((partner, ["submit", os.path.relpath(partner.export), "--ready"]) for partner in both))
    show(
        *((partner, ["report", "--output", os.path.relpath(partner.home / "report.html")]) for partner in both),
        until=lambda said: "no release yet" not in said,
    )


def share_details(larkfield: Partner, brightwater: Partner) -> None:
    """Open one cell at details, on both sides, and show what the partners share in it."""
    heading("One cell opened at details, by both sides")
    cells = {"Larkfield": "opportunities:customers", "Brightwater": "customers:opportunities"}
    both = (larkfield, brightwater)
    fields = "account_name,domain,owner_name,region,stage"
    show(
        *(
            (partner, ["terms", "set", "--level", f"{cells[partner.name]}=details", "--fields", fields])
            for partner in both
        )
    )
    # What one side seals, the other opens the next time it comes.
    show(*((partner, ["sync"]) for partner in both), until=lambda said: "details of 0 of our" not in said)
    show(*((partner, ["sync"]) for partner in both))
    written = {partner.name: os.path.relpath(partner.home / "overlaps.csv") for partner in both}
    show(
        *(
            (partner, ["overlaps", "--cell", cells[partner.name], "--limit", "8", "--output", written[partner.name]])
            for partner in both
        )
    )


def show_what_the_escrow_sees() -> None:
    """Print a few stored entries as they lie in the service's database."""
    heading("What the escrow itself can see")
    with sqlite3.connect(f"file:{FOLDER / 'data' / 'escrow.sqlite'}?mode=ro", uri=True) as database:
        blob: bytes = database.execute("SELECT entries FROM tokens WHERE kind = 1 LIMIT 1").fetchone()[0]
    print("stored index (of a blinded domain)   row (owner's opaque name)")
    for start in range(1, min(len(blob), 1 + 5 * 25), 25):
        print(f"{blob[start : start + 16].hex()}     {blob[start + 16 : start + 24].hex()}")
    print("Kind, class and population travel beside them; no domain, no name and no key of the partners is in there.")


def show_where_things_lie(*partners: Partner) -> None:
    """Say where the database, the logs and the reports are."""
    heading("Where it all lies")
    places = {"database": FOLDER / "data" / "escrow.sqlite", "service log": FOLDER / "service.log"}
    places |= {f"{partner.name}'s report": partner.home / "report.html" for partner in partners}
    places |= {f"{partner.name}'s overlaps": partner.home / "overlaps.csv" for partner in partners}
    for name, path in places.items():
        print(f"{name:24} {os.path.relpath(path)}")


def keep_up(url: str) -> None:
    """Leave the service up until Ctrl-C."""
    print(f"The service stays up at {url} until you press Ctrl-C.", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print("\nStopped.")


if __name__ == "__main__":
    sys.exit(main())
