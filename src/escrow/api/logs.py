"""Log lines as JSON, from us and from the libraries alike.

A failure is told by the name of its class and the lines of code it went through. Its message is left out, since the
message of a library's error may repeat a value.
"""

from __future__ import annotations

import logging
import sys
import traceback
from logging.handlers import WatchedFileHandler
from pathlib import Path

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["told", "write_logs"]


def write_logs(file: Path | None) -> None:
    """Write log lines to a file that only its owner reads, or to standard output."""
    handler = logging.StreamHandler(sys.stdout) if file is None else _private_file(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_messages,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    for library in ("httpx", "httpcore"):  # they log the addresses that they ask, which may hold secrets
        logging.getLogger(library).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def told(failure: BaseException) -> dict[str, object]:
    """Say of a failure what may stand in a log: its class and where it came from, never its message."""
    frames = traceback.extract_tb(failure.__traceback__)
    return {
        "failure": type(failure).__name__,
        "through": [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _private_file(file: Path) -> logging.Handler:
    file.touch(mode=0o600)
    return WatchedFileHandler(file, encoding="utf-8")


def _without_messages(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    failure = line.pop("exc_info", None)
    if failure is True:
        failure = sys.exc_info()
    if isinstance(failure, tuple) and failure[1] is not None:
        line.update(told(failure[1]))
    return line


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
