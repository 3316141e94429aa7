"""Custom fields of details: named in escrow.toml, read from their columns, kept with the list."""

from __future__ import annotations

from pathlib import Path

import pytest

from escrow.client.columns import guess_mapping
from escrow.client.project import read_project
from escrow.client.sources import ReadAs, open_export, read_rows
from escrow.errors import ColumnMissing, ProjectInvalid

LIST = """Account ID,Account Name,Type,Renewal,Notes
1,Acme Rockets,Customer,May,a
2,Bolt Brothers,Partner,June,b
3,Coil & Cable,Prospect,,c
"""


def project(tmp_path: Path, details: str) -> Path:
    place = tmp_path / "escrow.toml"
    place.write_text(f"[details]\n{details}\n", encoding="utf-8")
    return place


def test_columns_of_custom_fields_are_read_beside_the_rows_that_are_kept(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    plan = read_project(project(tmp_path, 'renewal_month = "Renewal"')).shared
    export = open_export(tmp_path / "list.csv", ReadAs())
    mapping = guess_mapping(export.headers).with_stages({"Partner": None})
    assert read_rows(export, mapping, custom=plan.details).custom == {"custom.renewal_month": ["May", ""]}
    with pytest.raises(ColumnMissing, match=r"custom\.team"):
        read_rows(export, mapping, custom={"custom.team": "Team"})


@pytest.mark.parametrize("details", ['Renewal = "Renewal"', "renewal = 5", "\n".join(f'f{n} = "F"' for n in range(11))])
def test_a_custom_field_that_means_nothing_is_refused(tmp_path: Path, details: str) -> None:
    with pytest.raises(ProjectInvalid):
        read_project(project(tmp_path, details))
