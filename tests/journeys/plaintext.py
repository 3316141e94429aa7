"""The 3×3 of two exports in plaintext, by other rules written down anew: no import of ours, no token, no array."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Columns", "companies", "overlap_matrix"]

POPULATIONS = ("customers", "opportunities", "prospects")


@dataclass(frozen=True)
class Columns:
    """What an export calls the columns."""

    name: str
    website: str
    stage: str


@dataclass
class Company:
    names: set[str] = field(default_factory=set)
    domain: str = ""
    population: int = 2


def overlap_matrix(left: dict[str, Company], right: dict[str, Company]) -> Counter[tuple[str, str]]:
    """Count companies with a common domain, then those with a common name of which one has no domain."""
    shared = [key for key in left.keys() & right.keys() if left[key].domain and right[key].domain]
    pairs = [(left[key], right[key]) for key in shared]
    rest_left = [company for key, company in left.items() if key not in shared]
    rest_right = [company for key, company in right.items() if key not in shared]
    pairs += [(a, b) for a in rest_left for b in rest_right if a.names & b.names and not (a.domain and b.domain)]
    return Counter((POPULATIONS[a.population], POPULATIONS[b.population]) for a, b in pairs)


def companies(file: Path, columns: Columns) -> dict[str, Company]:
    """Read an export: one company a domain; rows without one join the only company of their name."""
    with file.open(encoding="utf-8") as stream:
        rows = [(core(r[columns.name]), domain(r[columns.website]), r[columns.stage]) for r in csv.DictReader(stream)]
    domains_of: dict[str, set[str]] = defaultdict(set)
    for name, site, _ in rows:
        domains_of[name] |= {site} - {""}
    found: dict[str, Company] = defaultdict(Company)
    for name, site, stage in rows:
        company = found[site or (min(domains_of[name]) if len(domains_of[name]) == 1 else f"named {name}")]
        company.names.add(name)
        company.domain = company.domain or site
        company.population = min(company.population, population(stage))
    return found


def core(name: str) -> str:
    """Fold a name: no case, accents, signs or spaces, and no `and`."""
    text = unicodedata.normalize("NFKD", re.sub(r"['’™®]", "", name.casefold()).replace("+", " plus "))
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return "".join(word for word in re.findall(r"\w+", text) if word != "and")


def domain(website: str) -> str:
    """Cut an address to what was registered, good enough for the example lists."""
    host = re.sub(r"^[a-z]+://", "", website.strip().lower()).split("/")[0]
    registered = re.search(r"[^.]+\.((com?|gov|gouv|net|org|edu|ac)\.[a-z]{2}|[^.]+)$", host)
    return registered.group() if registered else ""


def population(stage: str) -> int:
    return 0 if "customer" in stage.lower() else 1 if "opportunity" in stage.lower() else 2
