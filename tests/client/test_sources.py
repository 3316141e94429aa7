"""A CRM export is read as people save it; what cannot be read is refused with what to do about it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from escrow.client.columns import ColumnMapping, Meaning, guess_mapping
from escrow.client.sources import CrmRows, open_export, read_rows
from escrow.errors import (
    ColumnMissing,
    ExportEmpty,
    ExportEncodingUnknown,
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
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
        (HEADER.encode() + b"1,Caf\xe9,,Customer\n", ExportEncodingUnknown, "save it as 'CSV UTF-8'"),
        (HEADER.encode("utf-16-le"), ExportEncodingUnknown, "save it as 'CSV UTF-8'"),
        (HEADER + "1,Acme,,Customer\n2,Glo,bex,,Customer\n", ExportRowInvalid, "near line 3 "),
        (HEADER + f"1,{'A' * 200_000},,Customer\n", ExportRowInvalid, "not CSV"),
        (HEADER + '1,"Acme,,Customer\n2,Globex,,Customer\n', ExportRowInvalid, "a quote that never ends"),
        (HEADER + '1,"Acme" Inc,,Customer\n', ExportRowInvalid, "not doubled"),
        (b"PK\x03\x04\x14\0 a workbook", ExportEncodingUnknown, "is an Excel workbook"),
        (HEADER + ",Acme,,Customer\n", RecordIdsInvalid, "1 rows have no id"),
        (HEADER + "1,Acme,,Customer\n1,Acme,,Customer\n", RecordIdsInvalid, "1 rows repeat"),
        (HEADER + "1,Acme,,Friend\n2,Globex,,\n3,X,,Friend\n", StageUnknown, r"'Type' has 2 .*'Friend' \(2 rows\)"),
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
    with pytest.raises(ExportEncodingUnknown):
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
