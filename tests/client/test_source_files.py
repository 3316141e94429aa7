"""Workbooks and Parquet give the rows that a CSV export of the same accounts gives, or say what to do."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from escrow.client.columns import Meaning, guess_mapping
from escrow.client.sources import CrmRows, FileFormat, ReadAs, open_export, read_rows
from escrow.errors import (
    ExportDamaged,
    ExportEmpty,
    ExportFormatUnknown,
    ExportInvalid,
    ExportRowInvalid,
    RecordIdsInvalid,
    SheetUnknown,
)
from escrow.terms import Population

HEADERS = ("Account ID", "Account Name", "Website", "Type", "Created Date", "Tier")
MOMENT = datetime(2026, 5, 31, 12, 30)  # a workbook knows no zones
ROWS: tuple[tuple[object, ...], ...] = (
    (1234.0, "Café", "cafe.fr", "Customer", date(2026, 5, 31), True),
    (1235, "Acme", None, "Prospect", MOMENT, 2.5),
)
TEXTS = (["1234", "1235"], ["Café", "Acme"], ["cafe.fr", ""], ["2026-05-31", "2026-05-31 12:30:00"], ["TRUE", "2.5"])


def workbook(folder: Path, *sheets: tuple[str, tuple[tuple[object, ...], ...]], name: str = "accounts.xlsx") -> Path:
    place = folder / name
    with xlsxwriter.Workbook(place, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        for title, rows in sheets:
            sheet = book.add_worksheet(title)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return place


def parquet(folder: Path, columns: dict[str, Any], name: str = "accounts.parquet") -> Path:
    pq.write_table(pa.table(columns), folder / name)
    return folder / name


def rows_of(file: Path, said: ReadAs | None = None) -> CrmRows:
    export = open_export(file, said)
    return read_rows(export, guess_mapping(export.headers))


def texts_of(rows: CrmRows) -> tuple[list[str], ...]:
    meanings = (Meaning.CRM_ID, Meaning.ACCOUNT_NAME, Meaning.WEBSITE, Meaning.CREATED_DATE, Meaning.TIER)
    return tuple(list(rows.column(meaning)) for meaning in meanings)


def test_typed_cells_of_a_workbook_become_the_text_of_a_csv_export(tmp_path: Path) -> None:
    rows = rows_of(workbook(tmp_path, ("Accounts", (HEADERS, *ROWS))))
    assert texts_of(rows) == TEXTS
    assert list(rows.populations) == [Population.CUSTOMERS, Population.PROSPECTS]


def test_a_file_is_what_it_holds_and_not_what_it_is_called(tmp_path: Path) -> None:
    made = workbook(tmp_path, ("Accounts", (HEADERS, *ROWS)), name="accounts.csv")
    assert open_export(made).format is FileFormat.XLSX
    made.write_text("Account ID,Type\n", encoding="utf-8")
    assert open_export(made.rename(tmp_path / "accounts.xlsx")).format is FileFormat.CSV


def test_empty_rows_and_rows_above_the_header_are_passed_over(tmp_path: Path) -> None:
    blank: tuple[object, ...] = ()
    file = workbook(tmp_path, ("Accounts", (blank, blank, HEADERS, ROWS[0], blank, ROWS[1], ("  ",))))
    assert texts_of(rows_of(file)) == TEXTS


def test_a_header_below_a_title_is_found_where_it_is_said(tmp_path: Path) -> None:
    file = workbook(tmp_path, ("Accounts", (("All accounts of May",), HEADERS, *ROWS)))
    assert texts_of(rows_of(file, ReadAs(header_row=2))) == TEXTS


def test_of_several_sheets_one_is_to_be_named(tmp_path: Path) -> None:
    file = workbook(tmp_path, ("Notes", (("x",),)), ("Accounts", (HEADERS, *ROWS)), ("Empty", ()))
    with pytest.raises(SheetUnknown, match="--sheet 'Notes': 'Notes', 'Accounts'"):
        open_export(file)
    with pytest.raises(SheetUnknown, match="no sheet 'Account'; it has 'Notes', 'Accounts', 'Empty'"):
        open_export(file, ReadAs(sheet="Account"))
    assert texts_of(rows_of(file, ReadAs(sheet=" accounts"))) == TEXTS


def test_a_hidden_sheet_is_read_only_by_its_name(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "accounts.xlsx") as book:
        book.add_worksheet("Shown").write_row(0, 0, HEADERS)
        hidden = book.add_worksheet("Hidden")
        hidden.write_row(0, 0, ("Other",))
        hidden.hide()
    assert open_export(tmp_path / "accounts.xlsx").headers == HEADERS
    assert open_export(tmp_path / "accounts.xlsx", ReadAs(sheet="Hidden")).headers == ("Other",)


def test_merged_cells_in_rows_that_are_read_are_refused(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "accounts.xlsx") as book:
        sheet = book.add_worksheet("Accounts")
        sheet.write_row(0, 0, HEADERS)
        sheet.write_column(1, 0, ("1", "2"))
        sheet.merge_range("D2:D3", "Customer")
    with pytest.raises(ExportRowInvalid, match="rows 2 to 3 of sheet 'Accounts' have merged cells"):
        rows_of(tmp_path / "accounts.xlsx")


def test_an_id_that_excel_has_rounded_is_refused(tmp_path: Path) -> None:
    file = workbook(tmp_path, ("Accounts", (HEADERS, (12345678901234567, "Acme", "", "Customer"))))
    with pytest.raises(RecordIdsInvalid, match=r"row 2 of sheet 'Accounts'.*more than 15 digits"):
        rows_of(file)


@pytest.mark.parametrize("rows", [(), (("", ""),)])
def test_a_workbook_without_cells_is_empty(tmp_path: Path, rows: tuple[tuple[object, ...], ...]) -> None:
    with pytest.raises(ExportEmpty):
        open_export(workbook(tmp_path, ("Accounts", rows)))


def test_a_packed_file_that_is_no_workbook_is_told_apart(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "accounts.zip", "w") as archive:
        archive.writestr("accounts.csv", "Account ID,Type\n")
    with pytest.raises(ExportFormatUnknown, match="unpack it"):
        open_export(tmp_path / "accounts.zip")


@pytest.mark.parametrize("damage", [lambda text: text[: len(text) // 2], lambda _: b"<worksheet><sheetData><row"])
def test_a_damaged_sheet_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    good = workbook(tmp_path, ("Accounts", (HEADERS, *ROWS)))
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, damage(content) if name.endswith("workbook.xml") else content)
    with pytest.raises(ExportInvalid):
        open_export(tmp_path / "bad.xlsx")


def test_a_workbook_cut_short_is_refused(tmp_path: Path) -> None:
    good = workbook(tmp_path, ("Accounts", (HEADERS, *ROWS)))
    good.write_bytes(good.read_bytes()[:-200])
    with pytest.raises(ExportDamaged, match="breaks off"):
        open_export(good)


def test_typed_columns_of_parquet_become_the_text_of_a_csv_export(tmp_path: Path) -> None:
    file = parquet(
        tmp_path,
        {
            "Account ID": [1234.0, 1235.0],
            "Account Name": pa.array(["Café", "Acme"]).dictionary_encode(),
            "Website": ["cafe.fr", None],
            "Type": ["Customer", "Prospect"],
            "Created Date": [datetime(2026, 5, 31), MOMENT],  # as most writers leave them
            "Tier": ["TRUE", "2.5"],
        },
    )
    assert texts_of(rows_of(file)) == TEXTS


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array([1e15, 0.1, -3.0, float("nan"), None]), ["1e+15", "0.1", "-3", "", ""]),
        (pa.array([True, False, None]), ["TRUE", "FALSE", ""]),
        (pa.array([date(2026, 5, 31), None]), ["2026-05-31", ""]),
        (pa.array([time(12, 30)]), ["12:30:00.000000"]),
        (pa.array([datetime(2026, 5, 31, 14, 30, tzinfo=UTC)]), ["2026-05-31 14:30:00Z"]),
        (pa.array([Decimal("12.00"), Decimal("12.50")]), ["12", "12.50"]),
        (pa.array([2**62, None]), [str(2**62), ""]),
        (pa.array([b"text"]), ["text"]),
        (pa.array([None, None]), ["", ""]),
    ],
)
def test_each_type_of_parquet_has_its_text(tmp_path: Path, values: pa.Array, texts: list[str]) -> None:
    count = len(texts)
    file = parquet(
        tmp_path,
        {"Id": list(map(str, range(count))), "Name": ["A"] * count, "Type": ["Customer"] * count, "Tier": values},
    )
    assert list(rows_of(file).column(Meaning.TIER)) == texts


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (pa.array([["a"]]), "holds list"),
        (pa.array(["x" * 10_000_000]), "more than 131,072 characters"),
        (pa.array(["a\0b"]), "NUL"),
        (pa.array([b"\xff"]), "damaged"),
    ],
)
def test_a_column_of_parquet_that_is_no_text_is_refused(tmp_path: Path, values: pa.Array, says: str) -> None:
    file = parquet(tmp_path, {"Id": ["1"], "Name": ["A"], "Type": ["Customer"], "Tier": values})
    with pytest.raises(ExportInvalid, match=says):
        rows_of(file)


def test_columns_that_nobody_maps_may_hold_anything(tmp_path: Path) -> None:
    file = parquet(tmp_path, {"Id": ["1"], "Name": ["A"], "Type": ["Customer"], "Tags": pa.array([["a", "b"]])})
    assert len(rows_of(file)) == 1


def test_parquet_cut_short_is_refused(tmp_path: Path) -> None:
    file = parquet(tmp_path, {"Id": ["1"], "Name": ["A"], "Type": ["Customer"]})
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ExportDamaged, match="cut short or damaged"):
        open_export(file)


def test_parquet_with_strange_bytes_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    file = parquet(tmp_path, {"Id": ["1"], "Name": ["A"], "Type": ["Customer"]})
    good = file.read_bytes()
    codes = set()
    for place in range(4, len(good) - 4, 7):
        file.write_bytes(good[:place] + b"\xf5" + good[place + 1 :])
        try:
            rows_of(file)
        except ExportInvalid as refused:
            codes.add(refused.code)
    assert "export-damaged" in codes
    assert "export-missing" not in codes


@pytest.mark.parametrize(("module", "made"), [("python_calamine", "accounts.xlsx"), ("pyarrow", "accounts.parquet")])
def test_a_missing_extra_is_told_with_the_command_that_installs_it(tmp_path: Path, module: str, made: str) -> None:
    workbook(tmp_path, ("Accounts", (HEADERS, *ROWS)))
    parquet(tmp_path, {"Id": ["1"]})
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from pathlib import Path\nfrom escrow.client.sources import open_export\n"
        "from escrow.errors import ExtraMissing\n"
        f"try: open_export(Path({str(tmp_path / made)!r}))\nexcept ExtraMissing as missing: print(missing)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'escrow[files]'" in said.stdout
