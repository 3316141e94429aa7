"""Where settings come from: options, then the environment, then a file, then the defaults; the first that speaks wins.

Whatever is unknown, doubled or cannot be is a complaint of one sentence that names its place, what is allowed, and the
name that was perhaps meant. No complaint repeats a value, since it may be a secret.
"""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.server.allowed import allowed

if TYPE_CHECKING:
    from pydantic import ValidationError

    from escrow.settings import ServerSettings

__all__ = ["PARTNER_VARIABLES", "Configuration", "configure", "service_variables"]

#: Variables of the partner's side, which may stand in the same environment; and the one that names the file.
PARTNER_VARIABLES = frozenset(
    {
        "ESCROW_API_KEY",
        "ESCROW_CA_FILE",
        "ESCROW_DEBUG",
        "ESCROW_CONFORMANCE_LEFT_KEY",
        "ESCROW_CONFORMANCE_RIGHT_KEY",
        "ESCROW_EXPORT_PASSPHRASE",
        "ESCROW_EXPORT_PASSPHRASE_FILE",
        "ESCROW_HOME",
        "ESCROW_PASSPHRASE",
        "ESCROW_PASSPHRASE_FILE",
        "ESCROW_PROJECT",
        "ESCROW_PROXY",
        "ESCROW_URL",
    }
)
_CONFIG = "ESCROW_CONFIG"


@dataclass(frozen=True, slots=True)
class Given:
    """A value that nobody has checked, and the place where it was given."""

    place: str
    unverified: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, unless there are complaints, and the place that each came from; the others have their default."""

    settings: ServerSettings | None
    places: Mapping[str, str]
    complaints: tuple[str, ...]


def configure(
    options: Mapping[str, object], environment: Mapping[str, str], *, file: Path | None = None
) -> Configuration:
    """Put the settings together; ``file`` comes before the one that the environment names."""
    complaints: list[str] = []
    named = file or (Path(environment[_CONFIG]) if environment.get(_CONFIG) else None)
    given: dict[str, Given] = {}
    if named is not None:
        given |= _revealed(_of_file(named, complaints), complaints)
    given |= _revealed(_of_environment(environment, complaints), complaints)
    given |= {name: Given(f"--{name.replace('_', '-')}", value) for name, value in options.items() if value is not None}
    settings = _checked(given, complaints)
    return Configuration(
        None if complaints else settings, {name: each.place for name, each in given.items()}, tuple(complaints)
    )


def service_variables() -> set[str]:
    """Name every environment variable that the service reads."""
    from escrow.settings import PREFIX

    return {_CONFIG, *(f"{PREFIX}{name.upper()}" for name in _names())}


def _of_file(file: Path, complaints: list[str]) -> dict[str, Given]:
    from escrow.settings import secret_settings

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as failure:
        complaints.append(f"{file}: the file of the settings cannot be read: {failure.strerror}.")
        return {}
    except ValueError as broken:  # TOML or text that cannot be
        complaints.append(f"{file}: the file of the settings is not TOML: {broken}.")
        return {}
    if set(secret_settings()) & table.keys() and _others_read(file):
        complaints.append(f"{file}: others can read this file, and a secret is in it: run 'chmod 600 {file}'.")
    _refuse_unknown(table, {name: f"{name} in {file}" for name in table}, complaints)
    return {name: Given(f"{name} in {file}", value) for name, value in table.items() if name in _names()}


def _of_environment(environment: Mapping[str, str], complaints: list[str]) -> dict[str, Given]:
    from escrow.settings import PREFIX

    found = {
        name.removeprefix(PREFIX).lower(): (name, value)
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in PARTNER_VARIABLES | {_CONFIG} and value
    }
    _refuse_unknown(found, {name: variable for name, (variable, _) in found.items()}, complaints)
    return {name: Given(variable, value) for name, (variable, value) in found.items() if name in _names()}


def _names() -> list[str]:
    from escrow.settings import ServerSettings, secret_settings

    return [*ServerSettings.model_fields, *(f"{name}_file" for name in secret_settings())]


def _refuse_unknown(found: Mapping[str, object], places: Mapping[str, str], complaints: list[str]) -> None:
    for name in found.keys() - set(_names()):
        meant = difflib.get_close_matches(name, _names(), n=1)
        place = places[name]
        near = f" Did you mean {place.replace(_as_in(place, name), _as_in(place, meant[0]))}?" if meant else ""
        complaints.append(f"{place}: there is no such setting.{near}")
    complaints.sort()


def _as_in(place: str, name: str) -> str:
    return name.upper() if place.isupper() else name


def _revealed(given: dict[str, Given], complaints: list[str]) -> dict[str, Given]:
    """Put in the place of each ``NAME_file`` the secret that its file holds."""
    from escrow.settings import secret_settings

    revealed = dict(given)
    for name in secret_settings():
        kept = revealed.pop(f"{name}_file", None)
        if kept is None:
            continue
        if name in given:
            complaints.append(f"{kept.place}: given beside {given[name].place}: give one of the two.")
        revealed[name] = Given(kept.place, _secret_in(kept, complaints))
    return revealed


def _secret_in(kept: Given, complaints: list[str]) -> str:
    file = Path(str(kept.unverified))
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        complaints.append(f"{kept.place}: the file of the secret cannot be read.")
        return ""
    if _others_read(file):
        complaints.append(f"{kept.place}: everybody on this machine can read the secret: run 'chmod o= {file}'.")
    return secret


def _others_read(file: Path) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & stat.S_IRWXO)


def _checked(given: Mapping[str, Given], complaints: list[str]) -> ServerSettings | None:
    from pydantic import ValidationError

    from escrow.settings import ServerSettings

    try:
        return ServerSettings.model_validate({name: each.unverified for name, each in given.items()})
    except ValidationError as refusal:
        complaints += dict.fromkeys(_complaints(refusal, given))
        return None


def _complaints(refusal: ValidationError, given: Mapping[str, Given]) -> Iterator[str]:
    from escrow.settings import ServerSettings

    for found in refusal.errors(include_input=False, include_url=False):
        if not found["loc"]:
            yield f"{found['msg'].removeprefix('Value error, ')}."
            continue
        name = str(found["loc"][0])
        if name not in given:  # a default that is made from another setting, which is the one to complain of
            continue
        yield f"{given[name].place}: give {allowed(ServerSettings.model_fields[name])}."
