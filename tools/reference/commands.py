"""docs/cli.md: every command of both programs, from the programs themselves."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from escrow.client.cli.app import app as partners_program
from escrow.client.cli.exits import ExitCode
from escrow.server import app as operators_program
from tools.reference.markdown import MADE, joined, sentence, table

__all__ = ["Program", "page", "programs"]

Parameter = TyperArgument | TyperOption

_INTRODUCTION = """# Commands

There are two programs. `escrow` is the partner's side; `escrow-server` is the service and its operator's commands.
`--help` after any command says the same as this page. Environment variables are in [settings](settings.md)."""

_VALUES: dict[object, str] = {str: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH", UUID: "ID"}


class Program(typing.NamedTuple):
    """One program: its name, its root and every command by the words that run it."""

    name: str
    root: TyperGroup
    commands: dict[str, TyperCommand]


def programs() -> tuple[Program, ...]:
    """Give both programs."""
    return _program("escrow", partners_program), _program("escrow-server", operators_program)


def page() -> str:
    """Give the page's text."""
    sections = [section for program in programs() for section in _sections(program)]
    return joined([MADE, _INTRODUCTION, *sections])


def _program(name: str, app: typer.Typer) -> Program:
    root = typing.cast("TyperGroup", typer.main.get_command(app))
    return Program(name, root, dict(_leaves(root, name)))


def _leaves(group: TyperGroup, words: str) -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _leaves(command, f"{words} {name}")
        elif name == getattr(group, "default", None):
            yield words, typing.cast("TyperCommand", command)
        elif not command.hidden:
            yield f"{words} {name}", typing.cast("TyperCommand", command)


def _sections(program: Program) -> Iterator[str]:
    shared = _shared_options(program)
    yield f"## {program.name}\n\n{sentence(program.root.help)}"
    yield _options(_parameters(program.root))
    if shared:
        yield "Every command also has:"
        yield _options([each for each in _parameters(next(iter(program.commands.values()))) if each.name in shared])
    if program.root.epilog:
        yield "Exit codes:"
        yield table(("code", "meaning"), [(str(code.value), code.meaning) for code in ExitCode])
    for words, command in program.commands.items():
        yield from _section(words, command, shared)


def _section(words: str, command: TyperCommand, shared: frozenset[str]) -> Iterator[str]:
    own = [each for each in _parameters(command) if each.name not in shared]
    arguments = [each for each in own if isinstance(each, TyperArgument)]
    options = [each for each in own if isinstance(each, TyperOption)]
    usage = [words, *(_named(each) for each in arguments), *(["[OPTIONS]"] if options or shared else [])]
    yield f"### {words}"
    yield sentence(command.help)
    yield f"```text\n{' '.join(usage)}\n```"
    yield table(("argument", "meaning"), [(f"`{_named(each)}`", _meaning(each)) for each in arguments])
    yield _options(options)


def _shared_options(program: Program) -> frozenset[str]:
    """Name the options that all commands of a program have."""
    each = [{parameter.name or "" for parameter in _parameters(command)} for command in program.commands.values()]
    return frozenset(set.intersection(*each))


def _parameters(command: TyperCommand | TyperGroup) -> list[Parameter]:
    return [each for each in command.params if isinstance(each, Parameter) and not each.hidden]


def _options(options: typing.Sequence[Parameter]) -> str:
    return table(("option", "meaning"), [(_spelled(each), _meaning(each)) for each in options])


def _spelled(option: Parameter) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if isinstance(option, TyperOption) and option.is_flag else f" `{_value(option)}`"
    return names + value


def _meaning(parameter: Parameter) -> str:
    default = parameter.default
    is_told = default not in (None, False, "") and not callable(default)
    return sentence(parameter.help) + (f" Default: `{default}`." if is_told else "")


def _named(argument: Parameter) -> str:
    return argument.metavar or (argument.name or "").upper()


def _value(option: Parameter) -> str:
    annotation: object = option.type_descriptor.annotation
    inner = typing.get_args(annotation)
    return option.metavar or _VALUES.get(inner[0] if inner else annotation, "TEXT")
