"""The options that say which list is meant and how it is read, alike in every command that reads one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "ColumnsOption",
    "DelimiterOption",
    "EncodingOption",
    "FileArgument",
    "HeaderRowOption",
    "PopulationsOption",
    "SheetOption",
]

FileArgument = Annotated[
    Path | None,
    typer.Argument(help="CRM export: CSV, an Excel workbook (.xlsx) or Parquet; else the one in escrow.toml."),
]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option("--map", "--column", help="What a column means, like website=Homepage; repeatable."),
]
PopulationsOption = Annotated[
    list[str] | None,
    typer.Option("--population", "--stage", help='What a stage means, like "Active"=customers; or skip; repeatable.'),
]
SheetOption = Annotated[str | None, typer.Option("--sheet", help="Sheet of the workbook; needed if it has several.")]
HeaderRowOption = Annotated[
    int | None, typer.Option("--header-row", min=1, help="Line or row that names the columns, counted from 1.")
]
EncodingOption = Annotated[
    str | None, typer.Option("--encoding", help="Encoding of a CSV file, like cp1252; else UTF-8 or UTF-16.")
]
DelimiterOption = Annotated[
    str | None, typer.Option("--delimiter", help="What stands between cells of a CSV file, if not , ; | or a tab.")
]
