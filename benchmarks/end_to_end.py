"""Two CSV files of N accounts to a 3×3 through the real service, against a naive join of the same files in plaintext.

Each account has one domain and one name; half of the companies are on both lists, and only counts are shared. Both
partners run the `escrow` command at the same time, as they would on two machines, here on one. The last line is the
ratio of the two times, `12.3 x`; everything is bounded in time and ends by itself.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import polars

from escrow.psi.profile_ids import PROFILE_IDS

PROGRAMS = Path(sys.executable).parent
STAGES = ("Customer", "Opportunity", "Prospect")
CELLS = 9
PROFILES = {profile_id.partition("+")[0]: profile_id for profile_id in PROFILE_IDS}
PATIENCE_SECONDS = 900.0
#: Runs of the join before and after ours: one alone differs from the next by half on a busy machine.
PLAIN_RUNS = 3


def main() -> None:
    """Write the files, run both ways, check that they agree, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100_000, help="accounts on each list (default 100000)")
    parser.add_argument(
        "--profile", choices=PROFILES, default=list(PROFILES)[-1], help="what both pair under (default the latest)"
    )
    chosen = parser.parse_args()
    accounts = chosen.accounts
    with tempfile.TemporaryDirectory(prefix="escrow-benchmark-") as folder:
        files = [Path(folder) / f"{name}.csv" for name in ("left", "right")]
        for file, start in zip(files, (0, accounts // 2), strict=True):
            write_accounts(file, range(start, start + accounts))
        plain = [plain_join(*files) for _ in range(PLAIN_RUNS)]
        blind_seconds, blind_matrix, server_peak_mib = through_the_escrow(Path(folder), files, PROFILES[chosen.profile])
        plain += [plain_join(*files) for _ in range(PLAIN_RUNS)]
        plain_seconds, plain_matrix = statistics.median(seconds for seconds, _ in plain), plain[0][1]
        told = ", ".join(f"{seconds:.2f}" for seconds, _ in plain)
        print(f"naive polars join in plaintext: {plain_seconds:.2f} s, the median of {told}")
        print(f"through the escrow: {blind_seconds:.2f} s, service peak {server_peak_mib:.0f} MiB")
        if blind_matrix != plain_matrix:
            sys.exit(f"the two matrices differ: {plain_matrix} in plaintext, {blind_matrix} blinded")
        overlaps = sum(plain_matrix.values())
        print(
            f"{chosen.profile}: {accounts:,} accounts a side, {overlaps:,} companies on both lists, same nine numbers"
        )
        print(f"{blind_seconds / plain_seconds:.1f} x")


def write_accounts(file: Path, numbers: range) -> None:
    """Write a CRM export; a company's number decides its domain and name, its owner's file decides the stage."""
    shuffled = random.Random(file.name)
    order = list(numbers)
    shuffled.shuffle(order)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("Account ID", "Account Name", "Website", "Type"))
        for number in order:
            word = spelled(number)
            writer.writerow(
                (f"001{number:015d}", f"{word} Industries Inc.", f"www.{word.lower()}.com", shuffled.choice(STAGES))
            )


def spelled(number: int) -> str:
    """Spell a number as a word, one word for each number."""
    syllables = [consonant + vowel for consonant in "bdkl" for vowel in "aeiou"]
    word = ""
    for _ in range(6):
        number, digit = divmod(number, len(syllables))
        word += syllables[digit]
    return word.capitalize()


def plain_join(left: Path, right: Path) -> tuple[float, dict[tuple[str, str], int]]:
    """Join the two files on the trimmed, lower-case website and count the nine cells; return seconds and counts."""
    started = time.perf_counter()
    frames = [
        polars.read_csv(file).with_columns(polars.col("Website").str.strip_chars().str.to_lowercase())
        for file in (left, right)
    ]
    counted = frames[0].join(frames[1], on="Website").group_by("Type", "Type_right").len()
    seconds = time.perf_counter() - started
    words = {"Customer": "customers", "Opportunity": "opportunities", "Prospect": "prospects"}
    return seconds, {(words[ours], words[theirs]): count for ours, theirs, count in counted.iter_rows()}


def through_the_escrow(
    folder: Path, files: list[Path], profile_id: str
) -> tuple[float, dict[tuple[str, str], int], float]:
    """Pair two partners under a profile on a fresh service, submit both files at once, wait for the first release."""
    operator = settings_of(DATA_FOLDER=folder / "data", SEALING_KEY_FILE=folder / "sealing.key")
    run("escrow-server", "init", environment=operator)
    port = free_port()
    with (folder / "service.log").open("wb") as log:
        service = subprocess.Popen(
            [PROGRAMS / "escrow-server", "serve", "--port", str(port)], env=operator, stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(url)
            partners = [partner(folder, name, url, operator) for name in ("left", "right")]
            pair(*partners, profile_id=profile_id)
            idle = cpu_seconds(service.pid)
            seconds, matrix = map_accounts(partners, files)
            print(f"  CPU seconds: service {cpu_seconds(service.pid) - idle:.1f}")
            return seconds, matrix, peak_mib(service.pid)
        finally:
            service.terminate()
            service.wait(timeout=60)


def map_accounts(partners: list[Mapping[str, str]], files: list[Path]) -> tuple[float, dict[tuple[str, str], int]]:
    """Time both submissions and the wait for the release; return seconds and the nine numbers as left sees them."""
    idle, started = cpu_seconds_of_children(), time.perf_counter()
    submits = [
        subprocess.Popen(
            [PROGRAMS / "escrow", "submit", str(file), "--ready", "--json"],
            env=dict(environment),
            stdout=subprocess.DEVNULL,
        )
        for file, environment in zip(files, partners, strict=True)
    ]
    for submit in submits:
        if submit.wait(timeout=PATIENCE_SECONDS):
            sys.exit("a submission failed")
    submitted = time.perf_counter()
    print(f"  CPU seconds: both submissions {cpu_seconds_of_children() - idle:.1f}")
    while True:
        report = json.loads(run("escrow", "report", "--json", environment=partners[0]))
        if report.get("number"):
            break
        if time.perf_counter() - submitted > PATIENCE_SECONDS:
            sys.exit("no release came")
        time.sleep(0.1)
    seconds = time.perf_counter() - started
    print(f"  both lists applied after {submitted - started:.2f} s, release read after {seconds:.2f} s")
    return seconds, {(cell["ours"], cell["theirs"]): cell["number"] for cell in report["cells"]}


def partner(folder: Path, name: str, url: str, operator: Mapping[str, str]) -> Mapping[str, str]:
    """Make an organization and its client's home; return the environment that the client's commands run in."""
    added = run("escrow-server", "organization", "add", name, "--api-key", "--json", environment=operator)
    api_key = json.loads(added)["api_key"]
    environment = settings_of(HOME=folder / name, URL=url, API_KEY=api_key, PASSPHRASE=secrets.token_urlsafe(16))
    run("escrow", "init", "--json", environment=environment)
    return environment


def pair(left: Mapping[str, str], right: Mapping[str, str], *, profile_id: str) -> None:
    """Pair both partners and share counts in every cell, lists of any size that the service takes."""
    acceptor = json.loads(run("escrow", "status", "--json", environment=right))["organization_id"]
    invite = ("invite", "--to", acceptor, "--profile", profile_id)
    code = json.loads(run("escrow", *invite, "--json", environment=left))["code"]
    run("escrow", "accept", code, "--json", environment=right)
    for environment in (left, right):
        run(
            *(
                "escrow",
                "terms",
                "set",
                "--preset",
                "counts-only",
                "--disclosure",
                "trusted",
                "--largest-list",
                "2000000",
                "--json",
            ),
            environment=environment,
        )


def run(program: str, *arguments: str, environment: Mapping[str, str]) -> str:
    """Run one of the two programs and return what it prints; stop the benchmark if it fails."""
    command = [str(PROGRAMS / program), *arguments]
    return subprocess.run(command, env=dict(environment), check=True, stdout=subprocess.PIPE, text=True).stdout


def settings_of(**settings: object) -> dict[str, str]:
    """Give this process's environment with these settings of escrow and no others."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ESCROW_")}
    return bare | {f"ESCROW_{name}": str(value) for name, value in settings.items()}


def free_port() -> int:
    """Find a port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(url: str) -> None:
    """Return once the service answers, or give up after half a minute."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        try:
            with opener.open(f"{url}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("the service did not start")


def cpu_seconds_of_children() -> float:
    """Sum up what the processes that have ended used of all cores, their own children too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_seconds(process_id: int) -> float:
    """Read what a running process has used of all cores (Linux)."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(process_id: int) -> float:
    """Read the largest resident size that a process has had, in MiB (Linux)."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    main()
