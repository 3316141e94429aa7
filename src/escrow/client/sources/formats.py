"""Which of the formats that are read a file has, told from its first bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from escrow.errors import ExportDamaged, ExportEmpty, ExportFormatUnknown, ExportMissing

__all__ = ["LONGEST_CELL", "FileFormat", "extra_missing", "format_of", "readable"]

#: The most characters a cell may have, in every format: longer ones are a broken quote or no cell of a CRM.
LONGEST_CELL = 131_072

_LOOKED_AT = 2048
_ZIP, _OLE, _PARQUET, _PARQUET_ENCRYPTED, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"PARE", b"\x1f\x8b"
_ENCRYPTED_WORKBOOK = "EncryptedPackage".encode("utf-16-le")
_PAGES = (b"<html", b"<!doctype html", b"<table", b"<?xml", b"<meta")
_LARGEST_UNPACKED = 4 << 30


class FileFormat(StrEnum):
    """The formats of exports that are read."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"

    @property
    def spoken(self) -> str:
        """What people call it."""
        return {"csv": "CSV", "xlsx": "an Excel workbook", "parquet": "Parquet"}[self.value]


def format_of(path: Path) -> FileFormat:
    """Tell a file's format from its content; text is taken for CSV.

    Raises:
        ExportMissing, ExportEmpty: there is nothing to look at.
        ExportFormatUnknown, ExportDamaged: it is known to be something that is not read.
    """
    with readable(path), path.open("rb") as binary:
        start = binary.read(_LOOKED_AT)
    if not start.strip():
        raise ExportEmpty(f"the file {path.name} is empty; export the accounts again")
    if start.startswith(_ZIP):
        return _of_zip(path)
    if start.startswith(_PARQUET):
        return FileFormat.PARQUET
    _refuse_what_is_not_read(path, start)
    return FileFormat.CSV


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say what the reader can do, in place of what the operating system raises."""
    try:
        yield
    except OSError as problem:
        told = problem.strerror or "it is no file of this system"
        raise ExportMissing(f"the file {path.name} cannot be read: {told}; check the path") from problem


def extra_missing(path: Path, spoken: str) -> str:
    """Say how to install what reads this format."""
    return f"the file {path.name} is {spoken}, and what reads those is not installed: run pip install 'escrow[files]'"


def _of_zip(path: Path) -> FileFormat:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as problem:
        raise ExportDamaged(
            f"the file {path.name} begins as an Excel workbook and breaks off; export or copy it again"
        ) from problem
    if "xl/workbook.xml" not in {entry.filename for entry in entries}:
        raise ExportFormatUnknown(
            f"the file {path.name} is packed and no workbook of the kind .xlsx; unpack it, or save it as .xlsx or CSV"
        )
    if sum(entry.file_size for entry in entries) > _LARGEST_UNPACKED:
        raise ExportDamaged(f"the file {path.name} unpacks to more than 4 GiB; export it as CSV or Parquet")
    return FileFormat.XLSX


def _refuse_what_is_not_read(path: Path, start: bytes) -> None:
    if start.startswith(_OLE):
        if _is_encrypted_workbook(path):
            raise ExportDamaged(
                f"the workbook {path.name} is protected by a password; save it without one, or as CSV UTF-8"
            )
        raise ExportFormatUnknown(
            f"the file {path.name} is an Excel workbook of the old kind .xls; save it as .xlsx or as CSV UTF-8"
        )
    if start.startswith(_PARQUET_ENCRYPTED):
        raise ExportDamaged(f"the file {path.name} is encrypted Parquet; write it without encryption")
    if start.startswith(_GZIP):
        raise ExportFormatUnknown(f"the file {path.name} is compressed with gzip; unpack it first")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        raise ExportFormatUnknown(
            f"the file {path.name} is a web page or XML, whatever its name says; open it in a spreadsheet and save it "
            "as .xlsx or as CSV UTF-8"
        )


def _is_encrypted_workbook(path: Path) -> bool:
    """Look for the stream that a workbook under a password has; its name stands in the file's directory."""
    before = b""
    with readable(path), path.open("rb") as binary:
        while piece := binary.read(1 << 20):
            if _ENCRYPTED_WORKBOOK in before + piece:
                return True
            before = piece[-len(_ENCRYPTED_WORKBOOK) :]
    return False
