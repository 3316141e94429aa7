"""A CRM export is read as people save it; what cannot be read is refused with what to do about it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from escrow.client.columns import ColumnMapping, Meaning, guess_mapping
from escrow.client.sources import CrmRows, FileFormat, ReadAs, open_export, read_rows
from escrow.errors import (
    ColumnMissing,
    ExportDamaged,
    ExportEmpty,
    ExportEncodingUnknown,
    ExportFormatUnknown,
    ExportInvalid,
    ExportMissing,
    ExportRowInvalid,
    RecordIdsInvalid,
    StageUnknown,
)
from escrow.terms import Population

HEADER = "Account ID,Account Name,Website,Type\n"
EXAMPLES = Path(__file__).parents[2] / "examples"


def export_file(folder: Path, text: str | bytes, *, encoding: str = "utf-8") -> Path:
    file = folder / "accounts.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return file


def rows_of(file: Path, mapping: ColumnMapping | None = None) -> CrmRows:
    export = open_export(file)
    return read_rows(export, mapping or guess_mapping(export.headers))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_export_is_read_however_it_was_saved(tmp_path: Path, encoding: str, delimiter: str, line_end: str) -> None:
    text = HEADER + '1,"Café ""Étoile""\nParis",cafe.fr,Customer\n2,Acme,,Prospect\n'
    written = text.replace(",", delimiter).replace("\n", line_end)
    rows = rows_of(export_file(tmp_path, written, encoding=encoding))
    assert list(rows.crm_ids) == ["1", "2"]
    assert rows.value(Meaning.ACCOUNT_NAME, 0).replace("\r", "") == 'Café "Étoile"\nParis'
    assert list(rows.populations) == [Population.CUSTOMERS, Population.PROSPECTS]


def test_a_comma_inside_a_header_does_not_mislead(tmp_path: Path) -> None:
    text = 'Account ID;Account Name;"City, State, Country";Type\n1;Acme;x;Customer\n'
    assert rows_of(export_file(tmp_path, text)).value(Meaning.ACCOUNT_NAME, 0) == "Acme"


def test_short_rows_are_filled_up_and_blank_lines_left_out(tmp_path: Path) -> None:
    text = "Account ID,Account Name,Type,Region\n1,Acme,Customer\n\n2,Globex,Prospect,EMEA\n"
    rows = rows_of(export_file(tmp_path, text))
    assert list(rows.column(Meaning.REGION)) == ["", "EMEA"]
    assert list(rows.column(Meaning.TIER)) == ["", ""]
    assert rows.value(Meaning.TIER, 1) == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + "1,Acme,,Customer\n2,Globex\n", "line 3 .* has 2 cells, the header 4, and cell 4 is needed"),
        (HEADER + '1,"Ac\nme",,Customer\n\n2\n', "line 5 "),
        (HEADER + "1,Acme,,Customer\n" * 700 + "2,Globex\n", "line 702 "),
        (HEADER + "1,Acme,,Customer\n2,Glo\0bex,,Customer\n", "line 3 .* NUL"),
        (HEADER + '1,Acme,,Customer\n2,"Globex,,Customer\n3,X,,Customer\n', "line 3 .* never ends"),
        ('"Account ID,Type\n1,Customer\n' + "x" * 200_000, "line 1 .*, its header, begins a cell of more than"),
    ],
)
def test_a_row_that_does_not_fit_is_named_by_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ExportRowInvalid, match=says):
        rows_of(export_file(tmp_path, text))


def test_rows_of_empty_cells_and_empty_cells_past_the_header_are_passed_over(tmp_path: Path) -> None:
    rows = rows_of(export_file(tmp_path, HEADER + "1,Acme,,Customer,,\n,,,\n   \n"))
    assert list(rows.crm_ids) == ["1"]


def test_an_encoding_and_a_separator_that_are_said_are_used(tmp_path: Path) -> None:
    file = export_file(tmp_path, HEADER.replace(",", "~") + "1~Café~~Customer\n", encoding="cp1252")
    export = open_export(file, ReadAs(encoding="cp1252", delimiter="~"))
    assert read_rows(export, guess_mapping(export.headers)).value(Meaning.ACCOUNT_NAME, 0) == "Café"


def test_an_encoding_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportEncodingUnknown, match="no encoding 'klingon'"):
        open_export(export_file(tmp_path, HEADER), ReadAs(encoding="klingon"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_line_that_names_the_separator_is_no_header(tmp_path: Path, encoding: str) -> None:
    text = "sep=;\r\n" + HEADER.replace(",", ";") + "1;Acme;;Customer\n2;Globex\n"
    with pytest.raises(ExportRowInvalid, match="line 4 "):
        rows_of(export_file(tmp_path, text, encoding=encoding))


def test_a_header_below_other_lines_is_found_where_it_is_said(tmp_path: Path) -> None:
    export = open_export(export_file(tmp_path, "All accounts\n\n" + HEADER + "1,Acme\n"), ReadAs(header_row=3))
    assert export.headers[0] == "Account ID"
    with pytest.raises(ExportRowInvalid, match="line 4 "):
        read_rows(export, guess_mapping(export.headers))


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"<html><table><tr><td>Account ID", ExportFormatUnknown, "is a web page or XML"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook/>", ExportFormatUnknown, "is a web page or XML"),
        (b"\x1f\x8b\x08 gzip", ExportFormatUnknown, "unpack it first"),
        (b"\xd0\xcf\x11\xe0 an old workbook", ExportFormatUnknown, "of the old kind .xls"),
        (
            b"\xd0\xcf\x11\xe0" + b"\0" * (1 << 20) + "EncryptedPackage".encode("utf-16-le"),
            ExportDamaged,
            "protected by a password",
        ),
        (b"PARE encrypted", ExportDamaged, "encrypted Parquet"),
        (HEADER.encode("utf-16-le"), ExportEncodingUnknown, "--encoding utf-16-le"),
    ],
)
def test_a_file_that_is_something_else_is_told_what_it_is(
    tmp_path: Path, content: bytes, error: type[ExportInvalid], says: str
) -> None:
    with pytest.raises(error, match=says):
        open_export(export_file(tmp_path, content))


def test_a_format_that_is_said_must_be_the_one_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(ExportFormatUnknown, match="said to be Parquet and is CSV"):
        open_export(export_file(tmp_path, HEADER), ReadAs(format=FileFormat.PARQUET))


def test_skipped_stages_are_left_out_and_counted(tmp_path: Path) -> None:
    file = export_file(tmp_path, HEADER + "1,Acme,,Partner\n2,Globex,,Customer\n3,Initech,,partner\n")
    mapping = guess_mapping(open_export(file).headers).with_stages({"Partner": None})
    rows = rows_of(file, mapping)
    assert list(rows.crm_ids) == ["2"]
    assert rows.skipped == 2


def test_progress_is_told_of_every_row(tmp_path: Path) -> None:
    export = open_export(export_file(tmp_path, HEADER + "".join(f"{n},Acme {n},,Customer\n" for n in range(50_000))))
    told: list[int] = []
    read_rows(export, guess_mapping(export.headers), progress=told.append)
    assert sum(told) == 50_000
    assert len(told) > 1


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (b"", ExportEmpty, "is empty"),
        (b"\n\n", ExportEmpty, "is empty"),
        (b",,\n1,2,3\n", ExportEmpty, "has no header"),
        (HEADER, ExportEmpty, "no rows"),
        ("Name,Type\nAcme,Customer\n", ColumnMissing, "crm_id"),
        (HEADER.encode() + b"1,Caf\xe9,,Customer\n", ExportEncodingUnknown, "line 2 .* is not utf-8; save the file"),
        (HEADER.encode("utf-16-le"), ExportEncodingUnknown, "save it as 'CSV UTF-8'"),
        (
            HEADER + "1,Acme,,Customer\n2,Glo,bex,,Customer\n",
            ExportRowInvalid,
            "line 3 of .* has 5 cells and the header 4",
        ),
        (HEADER + f"1,{'A' * 10_000_000},,Customer\n", ExportRowInvalid, "line 2 .* a cell of more than 131,072"),
        (HEADER + '1,"Acme,,Customer\n2,Globex,,Customer\n', ExportRowInvalid, "line 2 .* a quote that never ends"),
        (HEADER + '1,"Acme" Inc,,Customer\n', ExportRowInvalid, "not doubled"),
        (b"PK\x03\x04\x14\0 a workbook", ExportDamaged, "begins as an Excel workbook"),
        (HEADER + ",Acme,,Customer\n", RecordIdsInvalid, r"1 row has no id \(below the header: row 1\)"),
        (HEADER + "1,Acme,,Customer\n1,Acme,,Customer\n", RecordIdsInvalid, r"1 row repeats .*: row 2\)"),
        (
            HEADER + "7,X,,Customer\n" * 5,
            RecordIdsInvalid,
            r"4 rows repeat .*: rows 2, 3, 4, …\), one id up to 5 times",
        ),
        (
            HEADER + "1,Acme,,Friend\n2,Globex,,\n3,X,,Friend\n",
            StageUnknown,
            r"'Type' has 2 .*'Friend' \(2 rows\), '\(empty\)' \(1 row\)",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(
    tmp_path: Path, text: str | bytes, error: type[ExportInvalid], says: str
) -> None:
    with pytest.raises(error, match=says) as refusal:
        rows_of(export_file(tmp_path, text))
    assert not any(name in str(refusal.value) for name in ("Acme", "Glo", "bex"))


def test_a_wrong_byte_far_into_the_file_is_refused_too(tmp_path: Path) -> None:
    text = HEADER.encode() + b"".join(b"%d,Acme,,Customer\n" % n for n in range(60_000)) + b"x,\xff,,Customer\n"
    with pytest.raises(ExportEncodingUnknown, match="line 60002 "):
        rows_of(export_file(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportMissing, match="check the path"):
        open_export(tmp_path / "nowhere.csv")


def test_skipping_every_stage_is_refused(tmp_path: Path) -> None:
    file = export_file(tmp_path, HEADER + "1,Acme,,Partner\n")
    with pytest.raises(ExportEmpty, match="skipped"):
        rows_of(file, guess_mapping(open_export(file).headers).with_stages({"Partner": None}))


def test_nothing_of_the_rows_is_printed_by_accident(tmp_path: Path) -> None:
    assert "Acme" not in repr(rows_of(export_file(tmp_path, HEADER + "1,Acme,,Customer\n")))


@pytest.mark.parametrize("name", ["larkfield-salesforce.csv", "brightwater-hubspot.csv"])
def test_the_examples_are_read_without_being_told_anything(name: str) -> None:
    rows = rows_of(EXAMPLES / name)
    assert len(rows) > 1_400
    assert set(rows.populations) == set(Population)
    assert all(rows.column(Meaning.OWNER_EMAIL))


def test_a_hundred_thousand_rows_are_read_in_a_moment(tmp_path: Path) -> None:
    file = export_file(tmp_path, HEADER + "".join(f"{n},Acme {n},acme{n}.com,Customer\n" for n in range(100_000)))
    started = time.perf_counter()
    assert len(rows_of(file)) == 100_000
    assert time.perf_counter() - started < 5
