"""The operator's command for the settings: what they are, where each came from, and whether the service would start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.server.columns import aligned

if TYPE_CHECKING:
    from escrow.server.configuration import Configuration
    from escrow.settings import ServerSettings

__all__ = ["config_app"]

config_app = typer.Typer(help="The settings of the service.", no_args_is_help=True)


@config_app.callback()
def _config() -> None: ...


@config_app.command("check")
def check(
    settings_only: Annotated[
        bool, typer.Option("--settings-only", help="Leave the keys and the database aside, as in CI.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print every setting with where it came from, warnings and errors; the exit code is 2 if `serve` would refuse."""
    from escrow.server.dangers import warnings
    from escrow.server.refusing import missing_parts, unsafe_settings
    from escrow.server.starting import configured

    configuration = configured({})
    settings = configuration.settings
    errors = [*configuration.complaints, *(unsafe_settings(settings) if settings else ())]
    if settings and not settings_only:
        errors += missing_parts(settings)
    thoughts = [*warnings(settings, configuration.places)] if settings else []
    shown = _shown(settings, configuration) if settings else {}
    if as_json:
        typer.echo(json.dumps({"settings": shown, "warnings": thoughts, "errors": errors}, indent=2))
    else:
        _print(shown, thoughts, errors)
    raise typer.Exit(2 if errors else 0)


def _shown(settings: ServerSettings, configuration: Configuration) -> dict[str, dict[str, object]]:
    from escrow.settings import secret_settings

    told = settings.model_dump(mode="json")
    hidden = {name: "set" for name in secret_settings() if name in configuration.places}
    return {
        name: {"value": value, "from": configuration.places.get(name, "default")}
        for name, value in (told | hidden).items()
    }


def _print(shown: dict[str, dict[str, object]], thoughts: list[str], errors: list[str]) -> None:
    for line in aligned([(name, _word(each["value"]), str(each["from"])) for name, each in shown.items()]):
        typer.echo(line)
    for thought in thoughts:
        typer.echo(f"warning: {thought}")
    for error in errors:
        typer.echo(f"error: {error}")
    typer.echo("The service would not start." if errors else "The settings are fine.")


def _word(value: object) -> str:
    """Write a value as a person would: one word for everything that is not there, whole numbers without a point."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "none" if value in (None, "") else str(value)
