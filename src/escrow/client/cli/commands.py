"""How a function becomes a command: it gets the options that all have, one way to answer and one way to fail."""

from __future__ import annotations

import codecs
import inspect
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO, TypeVar, cast

import typer

from escrow.client.cli.completing import partnership_names
from escrow.client.cli.exits import ExitCode, exit_code_of
from escrow.client.cli.session import Said, Session, SharedOptions
from escrow.client.cli.texts import without_controls
from escrow.errors import EscrowError

__all__ = ["alone", "answer", "command", "reader_may_leave", "report_error", "take_any_name"]

Body = Callable[..., Said]
_WIDTH_OF_A_FILE = 160

BodyT = TypeVar("BodyT", bound=Body)


def _shared(  # the signature alone is used
    partnership: Annotated[
        str | None,
        typer.Option(
            "--partnership",
            "-p",
            help="Label, partner's name or id; needed only if there are several.",
            autocompletion=partnership_names,
        ),
    ] = None,
    home: Annotated[Path | None, typer.Option("--home", help="Home folder [ESCROW_HOME].")] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option("--passphrase-file", help="File with the keyring's passphrase [ESCROW_PASSPHRASE_FILE]."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", help="Certificate authority of the service, as PEM [ESCROW_CA_FILE].")
    ] = None,
    proxy: Annotated[str | None, typer.Option("--proxy", help="Proxy to the service [ESCROW_PROXY].")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Project file; else escrow.toml in this directory [ESCROW_PROJECT].")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, errors too.")] = False,
) -> None: ...


def alone(  # the signature alone is used
    is_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, errors too.")] = False,
) -> None:
    """The options of a command that asks neither the keyring nor a service."""


def command(
    app: typer.Typer, name: str, options: Callable[..., None] = _shared, *, without: frozenset[str] = frozenset()
) -> Callable[[BodyT], BodyT]:
    """Register a function as a command of an app, with its own options and those that all have but for some.

    One of its own takes the place of one that all have by the same name.
    """

    def register(body: BodyT) -> BodyT:
        own = list(inspect.signature(body, eval_str=True).parameters.values())[1:]
        named = {each.name for each in own} | without
        shared = [
            each for each in inspect.signature(options, eval_str=True).parameters.values() if each.name not in named
        ]

        def run(**values: object) -> None:
            given = {parameter.name: values.pop(parameter.name) for parameter in shared}
            raise typer.Exit(_run(lambda session: body(session, **values), _options(given)))

        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own, *shared)]
        vars(run)["__signature__"] = inspect.Signature(parameters)
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        run.__doc__ = body.__doc__
        app.command(name)(run)
        return body

    return register


def _options(values: Mapping[str, object]) -> SharedOptions:
    return SharedOptions(
        home=cast("Path | None", values.get("home")),
        partnership=cast("str | None", values.get("partnership")),
        is_json=bool(values["is_json"]),
        passphrase_file=cast("Path | None", values.get("passphrase_file")),
        ca_file=cast("Path | None", values.get("ca_file")),
        proxy=cast("str | None", values.get("proxy")),
        config=cast("Path | None", values.get("config")),
    )


def _run(body: Callable[[Session], Said], options: SharedOptions) -> int:
    session = Session(options)
    try:
        said = body(session)
        with reader_may_leave():
            answer(said, is_json=options.is_json)
        return said.exit_code
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except EscrowError as error:
        report_error(error.code, error.message, is_json=options.is_json)
        return exit_code_of(error)
    except KeyboardInterrupt:
        report_error(
            "interrupted",
            "stopped; nothing is half-done, and the same command goes on from here",
            is_json=options.is_json,
        )
        return ExitCode.INTERRUPTED
    except OSError as failure:
        named = f"{failure.filename}: " if failure.filename else ""
        report_error(
            "file-unusable",
            f"{named}{failure.strerror}; check the path and the disk, and try again",
            is_json=options.is_json,
        )
        return ExitCode.LOCAL
    except Exception as failure:  # the process's outermost loop
        if os.environ.get("ESCROW_DEBUG"):
            raise
        if (untaken := _not_taken(failure)) is not None:
            report_error("usage", untaken, is_json=options.is_json)
            return ExitCode.USAGE
        kind = type(failure).__name__
        told = f"escrow met an error of its own ({kind}); set ESCROW_DEBUG=1 to see where, and report it"
        report_error("unexpected", told, is_json=options.is_json)
        return ExitCode.UNEXPECTED
    finally:
        session.close()


def _not_taken(failure: Exception) -> str | None:
    """Say which value the service's contract has no room for; None if the failure is of another kind.

    Answers of the service that are not in the contract have an error of their own, so it was said on the command line.
    What was said is not repeated: it may be a secret.
    """
    contract = sys.modules.get("pydantic")
    if contract is None or not isinstance(failure, contract.ValidationError):
        return None
    faults = failure.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in faults)
    return f"the service takes no such value ({told}); look at what was given"


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Print what is printed here for as long as somebody reads it: `head` stops early, and that is no failure."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _write_no_more()


def _write_no_more() -> None:
    """Lead the standard output nowhere, so that Python finds nothing to complain of when it empties it at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def report_error(code: str, detail: str, *, is_json: bool) -> None:
    """Say what happened and what to do, on the error stream."""
    if is_json:
        told = _in_json({"error": {"code": code, "detail": detail}}, sys.stderr)
    else:
        # It may begin with the name of a file, which stays as it is written.
        detail = without_controls(detail)
        told = f"escrow: {detail}{'' if detail.endswith(('.', '!', '?')) else '.'}"
    print(told, file=sys.stderr)  # noqa: T201


#: The signs of our own tables in plain letters, each as wide as it was.
_PLAIN = {"↓": "v", "→": ">", "×": "x", "≈": "~", "–": "-", "…": "."}
_SPELLED_OUT = "escrow-spelled-out"


def _spelled_out(failure: UnicodeError) -> tuple[str | bytes, int]:
    """Write one letter that an encoding lacks in letters that all have."""
    if not isinstance(failure, UnicodeEncodeError):
        raise failure
    plain = _PLAIN.get(failure.object[failure.start])
    if plain is None:
        failure.end = failure.start + 1
        return codecs.backslashreplace_errors(failure)
    return plain, failure.start + 1


codecs.register_error(_SPELLED_OUT, _spelled_out)


def take_any_name(*streams: TextIO) -> None:
    """Let names that a stream's encoding lacks be spelled out there, where Python would stop halfway.

    On Windows what is written to files and pipes becomes UTF-8, as everywhere else: its own encoding lacks most names.
    """
    for stream in streams:
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if sys.platform == "win32" and not stream.isatty():
            stream.reconfigure(encoding="utf-8")
        stream.reconfigure(errors=_SPELLED_OUT)


def answer(said: Said, *, is_json: bool) -> None:
    """Print what a command answers on the standard output; for programs, what failed goes to the error stream too."""
    if is_json:
        sys.stdout.write(_in_json(said.machine, sys.stdout) + "\n")
        if isinstance(said.ended, EscrowError):
            report_error(said.ended.code, said.ended.message, is_json=True)
        return
    from escrow.client.cli.consoles import PipedConsole

    # What is not a terminal is a file, a pipe or a log: lines there may be long.
    said.person(PipedConsole(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE))


def _in_json(told: Mapping[str, object], stream: TextIO) -> str:
    """Write JSON that is still JSON where the stream's encoding lacks a letter."""
    takes_all = (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    return json.dumps(told, ensure_ascii=not takes_all)
