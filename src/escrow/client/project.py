"""escrow.toml: where our lists come from, which rows are which population, and what a sync does.

What stands at the top holds for every partnership; under ``[partnerships.NAME]`` it is said anew for one. The file is
the one that ``--config`` names, else the one in ESCROW_PROJECT, else ``escrow.toml`` in the working directory. Paths in
it start from its folder. A key that means nothing is refused. A new section of lists is a reader in ``_SECTIONS`` and
a field of `ListPlan`; what a sync does is said once for all partnerships, and read in ``project_sync``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from escrow.client.columns import Meaning
from escrow.client.project_sources import read_source
from escrow.client.project_sync import read_listen, read_sync
from escrow.client.project_values import Reading, Said
from escrow.client.sinks.plans import ListenPlan, SyncPlan
from escrow.client.sources import FileFormat, ReadAs
from escrow.client.sources.plans import SourcePlan
from escrow.client.sources.populations import Filter
from escrow.client.toml_places import TomlPlaces
from escrow.errors import ProjectInvalid
from escrow.terms import MOST_CUSTOM_FIELDS, Population, is_detail_field

__all__ = ["PROJECT_FILE", "ListPlan", "Project", "find_project", "project_place", "read_project"]

PROJECT_FILE = "escrow.toml"
_SKIP = "skip"


@dataclass(frozen=True, slots=True)
class ListPlan:
    """How the list of a partnership is made; what is empty was not said."""

    file: Path | None = None
    #: Where the list is fetched from, if it is no file.
    fetched: SourcePlan | None = None
    read_as: ReadAs = field(default_factory=ReadAs)
    columns: Mapping[Meaning, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    #: Headers of the columns that custom fields of details are taken from.
    details: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, Population | None] = field(default_factory=dict)
    populations: Mapping[Population, Filter] = field(default_factory=dict)
    segments: Mapping[str, Filter] = field(default_factory=dict)
    #: The largest share of a list that one export may take away unless it is meant.
    most_removed: float = 0.5
    aliases: Path | None = None
    do_not_map: Path | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """An escrow.toml that was read; ``partnerships`` are plans by the names the file gives them, complete."""

    path: Path
    shared: ListPlan
    partnerships: Mapping[str, ListPlan]
    sync: SyncPlan = field(default_factory=SyncPlan)
    listen: ListenPlan | None = None
    #: Where the file names each partnership, as a person is told it.
    places: Mapping[str, str] = field(default_factory=dict)

    def plan_of(self, *names: str) -> ListPlan:
        """Give the plan of a partnership that goes by one of these names, the shared one if none was written for it."""
        wanted = {name.casefold() for name in names if name}
        return next((plan for name, plan in self.partnerships.items() if name.casefold() in wanted), self.shared)


def project_place(chosen: Path | None, environment: Mapping[str, str]) -> tuple[Path, bool]:
    """Say where escrow.toml is or would be, and whether somebody named that place."""
    named = chosen or (Path(environment["ESCROW_PROJECT"]) if environment.get("ESCROW_PROJECT") else None)
    return (named.expanduser(), True) if named else (Path(PROJECT_FILE), False)


def find_project(chosen: Path | None, environment: Mapping[str, str]) -> Project | None:
    """Read escrow.toml; None if nobody named one and the working directory has none.

    Raises:
        ProjectInvalid, FilterInvalid: it cannot be read, or says what means nothing.
    """
    place, is_named = project_place(chosen, environment)
    return read_project(place) if is_named or place.exists() else None


def read_project(path: Path) -> Project:
    """Read an escrow.toml.

    Raises:
        ProjectInvalid, FilterInvalid: it cannot be read, or says what means nothing.
    """
    try:
        text = path.read_text(encoding="utf-8")
        said = tomllib.loads(text)
    except OSError as problem:
        raise ProjectInvalid(f"{path} cannot be read: {problem.strerror}; check the path") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ProjectInvalid(f"{path} is not TOML: {problem}") from problem
    reading = _Reading(path, TomlPlaces.of(text))
    tables = reading.table(said.pop("partnerships", {}), "partnerships")
    sync = read_sync(reading, said.pop("sync", {}), said.pop("sinks", {}))
    listen = read_listen(reading, said.pop("listen")) if "listen" in said else None
    shared = reading.plan(said, ListPlan(), where="", also=("partnerships", "sync", "sinks", "listen"))
    plans = {
        name: reading.plan(reading.table(table, f"partnerships.{name}"), shared, where=f"partnerships.{name}.")
        for name, table in tables.items()
    }
    places = {name: reading.place(f"partnerships.{name}") for name in plans}
    return Project(path, shared, MappingProxyType(plans), sync, listen, MappingProxyType(places))


@dataclass(frozen=True, slots=True)
class _Reading(Reading):
    """Reads what lists are made from."""

    def plan(self, said: Said, base: ListPlan, *, where: str, also: tuple[str, ...] = ()) -> ListPlan:
        """Read a plan; what it does not say is as in ``base``."""
        self.only_known(said, (*_SECTIONS, *also), where)
        plan = base
        for name, section in _SECTIONS.items():
            if name in said:
                plan = section(self, self.table(said[name], f"{where}{name}"), plan, f"{where}{name}")
        return plan

    def source(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        if said.get("kind", "file") != "file":
            return replace(plan, fetched=read_source(self, said, where), file=None)
        said = {key: value for key, value in said.items() if key != "kind"}
        self.only_known(said, ("path", "format", "sheet", "encoding", "delimiter", "header_row"), f"{where}.")
        texts = {key: self.text(value, f"{where}.{key}") for key, value in said.items() if key != "header_row"}
        read_as = plan.read_as
        if "format" in texts:
            word = self.one_of(texts.pop("format"), {each.value: each for each in FileFormat}, f"{where}.format")
            read_as = replace(read_as, format=word)
        if "header_row" in said:
            read_as = replace(read_as, header_row=self.row(said["header_row"], f"{where}.header_row"))
        if "path" in texts:
            plan = replace(plan, file=self.file(texts.pop("path"), f"{where}.path"), fetched=None)
        if len(texts.get("delimiter", ",")) != 1:
            raise self.fault(f"{where}.delimiter", 'is one sign; a tab is written "\\t"')
        read_as = replace(
            read_as,
            sheet=texts.get("sheet", read_as.sheet),
            encoding=texts.get("encoding", read_as.encoding),
            delimiter=texts.get("delimiter", read_as.delimiter),
        )
        return replace(plan, read_as=read_as)

    def columns(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        self.only_known(said, tuple(map(str, Meaning)), f"{where}.", hint=f"; other columns stand under {_FIELDS}")
        headers = {Meaning(key): self.text(value, f"{where}.{key}") for key, value in said.items()}
        return replace(plan, columns={**plan.columns, **headers})

    def fields(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        headers = {key: self.text(value, f"{where}.{key}") for key, value in said.items()}
        if taken := next((key for key in headers if key.casefold() in set(Meaning)), None):
            raise self.fault(f"{where}.{taken}", "has a meaning of its own; say it under [columns]")
        return replace(plan, fields={**plan.fields, **headers})

    def details(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        """Read custom fields; their names stand here without ``custom.``, which terms write before them."""
        headers = {f"custom.{key}": self.text(value, f"{where}.{key}") for key, value in said.items()}
        if strange := next((key for key in said if not is_detail_field(f"custom.{key}")), None):
            raise self.fault(f"{where}.{strange}", "is a name of up to 30 small letters, digits and underscores")
        if len(details := {**plan.details, **headers}) > MOST_CUSTOM_FIELDS:
            raise self.fault(where, f"names at most {MOST_CUSTOM_FIELDS} custom fields")
        return replace(plan, details=details)

    def stages(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        words: dict[str, Population | None] = {**_POPULATIONS, _SKIP: None}
        stages = {stage: self.one_of(word, words, f"{where}.{stage}") for stage, word in said.items()}
        return replace(plan, stages={**plan.stages, **stages})

    def populations(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        """Read filters; those of one partnership take the place of all that are shared."""
        self.only_known(said, tuple(_POPULATIONS), f"{where}.")
        return replace(
            plan,
            populations={
                _POPULATIONS[word]: self.filter(self.text(text, f"{where}.{word}"), f"{where}.{word}")
                for word, text in said.items()
            },
        )

    def segments(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        """Read labels of one's own; those of one partnership come on top of those that are shared."""
        if strange := next((name for name in said if not _SEGMENT.fullmatch(name)), None):
            raise self.fault(f"{where}.{strange}", "names a segment by up to 40 small letters, digits and hyphens")
        texts = {name: self.text(text, f"{where}.{name}") for name, text in said.items()}
        filters = {name: self.filter(text, f"{where}.{name}") for name, text in texts.items()}
        return replace(plan, segments={**plan.segments, **filters})

    def guard(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        self.only_known(said, ("most_removed",), f"{where}.")
        return replace(
            plan, most_removed=self.share(said.get("most_removed", plan.most_removed), f"{where}.most_removed")
        )

    def corrections(self, said: Said, plan: ListPlan, where: str) -> ListPlan:
        self.only_known(said, ("aliases", "do_not_map"), f"{where}.")
        paths = {key: self.file(said[key], f"{where}.{key}") for key in said}
        return replace(
            plan,
            aliases=paths.get("aliases", plan.aliases),
            do_not_map=paths.get("do_not_map", plan.do_not_map),
        )


_FIELDS = "[fields]"
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_POPULATIONS: Mapping[str, Population] = {population.word: population for population in Population}
_SECTIONS: Mapping[str, Callable[[_Reading, Said, ListPlan, str], ListPlan]] = {
    "source": _Reading.source,
    "columns": _Reading.columns,
    "fields": _Reading.fields,
    "details": _Reading.details,
    "stages": _Reading.stages,
    "populations": _Reading.populations,
    "segments": _Reading.segments,
    "guard": _Reading.guard,
    "corrections": _Reading.corrections,
}
