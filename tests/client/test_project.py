"""escrow.toml: what it says is done, what it says wrongly is refused, and options go before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from escrow.client.cli.exits import ExitCode
from escrow.client.columns import Meaning
from escrow.client.project import find_project, read_project
from escrow.client.sources import FileFormat
from escrow.client.toml_places import TomlPlaces
from escrow.errors import FilterInvalid, ProjectInvalid
from escrow.terms import Population
from tests.client.terminals import Answered, Partners

LIST = """Account ID,Account Name,Website,Type,Value
1,Acme Rockets,acme-rockets.com,Signed,100
2,Bolt Brothers,bolt-brothers.de,Talking,50
3,Coil & Cable,coilcable.co.uk,Talking,0
4,Dune Logistics,dunelogistics.com,Curious,n/a
5,Echo Mills,echomills.com,Partner,
"""
PROJECT = """
[source]
path = "list.csv"
[fields]
value = "Value"
[populations]
customers = 'stage = "signed"'
opportunities = 'stage = "Talking" and value > 0'
prospects = 'stage in ("Talking", "Curious")'
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    (place / "list.csv").write_text(LIST, encoding="utf-8")
    monkeypatch.chdir(place)
    return place


def said(answered: Answered, *keys: str | int) -> Any:  # noqa: ANN401  # a part of a JSON document
    part: Any = answered.json
    for key in keys:
        part = part[key]
    return part


def project(folder: Path, text: str = PROJECT) -> Path:
    place = folder / "escrow.toml"
    place.write_text(text, encoding="utf-8")
    return place


def test_submit_alone_does_the_daily_job(paired: Partners, folder: Path) -> None:
    project(folder)
    planned = paired[0]("submit", "--dry-run", "--json").json
    assert planned["populations"] == {"customers": 1, "opportunities": 1, "prospects": 2}
    assert planned["rows"] == {"read": 5, "skipped": 1, "without_keys": 0}
    assert planned["stages_not_mentioned"] == {"Partner": 1}
    shown = paired[0]("submit")
    assert "1 customers, 1 opportunities, 2 prospects, 1 left out" in shown.err
    assert 'no filter mentions: "Partner" (1)' in shown.err
    assert "1 cell of value is compared" in shown.err
    assert "applied" in shown.out


def test_without_a_file_and_without_a_project_the_way_out_is_said(paired: Partners, folder: Path) -> None:
    assert folder.exists()
    answered = paired[0]("submit", "--json")
    assert (answered.exit_code, answered.error_code) == (ExitCode.INPUT, "project-missing")


def test_options_go_before_the_project(paired: Partners, folder: Path) -> None:
    project(folder)
    options = ("--stage", "Partner=customers", "--stage", "Curious=skip", "--dry-run", "--json")
    assert paired[0]("submit", *options).json["populations"] == {"customers": 2, "opportunities": 1, "prospects": 1}
    other = folder / "other.csv"
    other.write_text("".join(LIST.splitlines(keepends=True)[:2]), encoding="utf-8")
    assert paired[0]("submit", other, "--dry-run", "--json").json["accounts"] == 1


def test_the_project_is_the_one_that_is_named(paired: Partners, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = project(folder).rename(folder / "other.toml")
    assert paired[0]("submit", "--config", place, "--dry-run", "--json").json["accounts"] == 4
    monkeypatch.setenv("ESCROW_PROJECT", str(place))
    assert paired[0]("submit", "--dry-run", "--json").json["accounts"] == 4


def test_a_partnership_that_cannot_be_sent_does_not_keep_the_others(paired: Partners, folder: Path) -> None:
    seat = said(paired[0]("status", "--json"), "partnerships", 0, "partnership_id")
    project(folder, PROJECT + f'[partnerships.nobody]\n[partnerships."{seat}"]\n')
    answered = paired[0]("submit", "--dry-run", "--json")
    refused, planned = said(answered, "partnerships")
    assert refused["error"]["code"] == "partnership-unknown"
    line = PROJECT.count("\n") + 1
    told = f"partnerships.nobody in escrow.toml (line {line}): `nobody` names no partnership; there are: contoso"
    assert refused["error"]["detail"] == told
    assert said(paired[0]("config", "check", "--json"), "partnerships", "nobody", "error") == refused["error"]
    assert (planned["partnership"], planned["accounts"]) == (seat, 4)
    assert answered.exit_code == ExitCode.LOCAL


def test_a_stage_that_no_row_has_is_told_with_the_nearest(paired: Partners, export: Path) -> None:
    shown = paired[0]("submit", export, "--stage", "Custmer=customers", "--dry-run")
    assert 'No row has "Custmer", which was said or stands in a filter; did you mean "Customer"?' in shown.err


def test_a_project_is_checked_without_a_keyring_and_without_sending(paired: Partners, folder: Path) -> None:
    project(folder, PROJECT.replace('"signed"', '"sigend"'))
    partner = paired[0]
    partner.home = folder / "nowhere"
    checked = said(partner("config", "check", "--json"), "lists", "every partnership")
    assert checked["populations"] == {"customers": 0, "opportunities": 1, "prospects": 2}
    assert checked["not_found"] == ["sigend"]
    assert 'did you mean "Signed"?' in partner("config", "check").out


def test_the_files_that_correct_a_list_are_opened_too(paired: Partners, folder: Path) -> None:
    project(folder, PROJECT + '\n[corrections]\ndo_not_map = "secret.csv"\n')
    answered = paired[0]("config", "check", "--json")
    assert answered.exit_code == ExitCode.INPUT
    assert said(answered, "lists", "every partnership")["error"]["code"] == "corrections-invalid"
    (folder / "secret.csv").write_text("name\nAcme\nGlobex\n", encoding="utf-8")
    assert said(paired[0]("config", "check", "--json"), "lists", "every partnership")["do_not_map"] == 2


def test_a_filter_on_a_column_that_is_not_there_is_marked(paired: Partners, folder: Path) -> None:
    project(folder, PROJECT.replace("value > 0", "valu > 0"))
    answered = paired[0]("config", "check")
    assert answered.exit_code == ExitCode.INPUT
    assert "there is no column 'valu'; did you mean value?" in answered.out
    assert '    stage = "Talking" and valu > 0\n                          ^' in answered.out
    assert "crm_id" in answered.out


def test_a_field_whose_header_is_not_there_is_marked_where_a_filter_reads_it(paired: Partners, folder: Path) -> None:
    project(folder, PROJECT.replace('"Value"', '"Worth"'))
    answered = paired[0]("config", "check")
    assert answered.exit_code == ExitCode.INPUT
    assert "the export has no column 'Worth', which is value here" in answered.out


def test_a_first_project_is_written_from_an_export_and_can_be_checked(paired: Partners, folder: Path) -> None:
    (folder / "list.csv").write_text(LIST.replace("Signed", "Customer").replace("Curious", "O'Lead"), encoding="utf-8")
    assert paired[0]("config", "init", "list.csv").exit_code == 0
    checked = said(paired[0]("config", "check", "--json"), "lists", "every partnership")
    assert checked["populations"] == {"customers": 1, "opportunities": 0, "prospects": 0}
    assert checked["stages_not_mentioned"] == {"Talking": 2, "O'Lead": 1, "Partner": 1}
    again = paired[0]("config", "init", "list.csv", "--json")
    assert again.error_code == "project-invalid"


def test_a_partnership_says_anew_what_is_its_own(tmp_path: Path) -> None:
    text = PROJECT + (
        '[columns]\nstage = "Type"\n[partnerships.Acme.source]\nformat = "xlsx"\nsheet = "A"\nheader_row = 2\n'
        '[partnerships.Acme.columns]\nregion = "Area"\n[partnerships.Acme.populations]\ncustomers = "stage = 1"\n'
        '[partnerships.Acme.stages]\n"Partner" = "skip"\n'
    )
    read = read_project(project(tmp_path, text))
    plan = read.plan_of("", "acme")
    assert plan.file == tmp_path / "list.csv"
    assert (plan.read_as.format, plan.read_as.sheet, plan.read_as.header_row) == (FileFormat.XLSX, "A", 2)
    assert dict(plan.columns) == {Meaning.STAGE: "Type", Meaning.REGION: "Area"}
    assert set(plan.populations) == {Population.CUSTOMERS}
    assert dict(plan.stages) == {"Partner": None}
    assert read.plan_of("other") == read.shared


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[guard]\nmost_removed = 50", r"guard\.most_removed in escrow\.toml \(line 2\) is a share from 0 to 1"),
        ("x = ?\ny = 1", "is not TOML: .*line 1"),
        ("[sorce]", r"sorce in escrow\.toml \(line 1\) means nothing; did you mean source\?"),
        ("[source]\npth = 'x'", r"source\.pth .* did you mean path\?"),
        ("[source]\npath = 1", r"source\.path .* is a text in quotes"),
        ("[source]\nformat = 'xls'", "is one of csv, xlsx, parquet"),
        ("[source]\nheader_row = 0", "counted from 1"),
        ("[source]\ndelimiter = ';;'", "is one sign"),
        ("source = 1", "is a table; write"),
        ("[columns]\namount = 'A'", r"other columns stand under \[fields\]"),
        ("[fields]\nstage = 'A'", "has a meaning of its own"),
        ("[stages]\nA = 'friends'", "is one of customers, opportunities, prospects, skip"),
        ("[populations]\ncustomer = 'a = 1'", r"did you mean customers\?"),
        ("[partnerships.a.shedule]", r"partnerships\.a\.shedule .* means nothing"),
    ],
)
def test_what_means_nothing_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ProjectInvalid, match=says):
        read_project(project(tmp_path, text))


def test_a_filter_that_is_not_understood_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(FilterInvalid, match=r"populations\.customers in escrow\.toml \(line 2\): .*\n.*\n *\^"):
        read_project(project(tmp_path, "[populations]\ncustomers = 'stage is'"))


def test_no_project_is_no_fault_unless_one_was_named(folder: Path) -> None:
    assert find_project(None, {}) is None
    with pytest.raises(ProjectInvalid, match="check the path"):
        find_project(folder / "absent.toml", {})


def test_how_much_of_a_list_may_go_at_once_is_said_for_all_or_for_one(tmp_path: Path) -> None:
    shared = "[guard]\nmost_removed = 0.2\n[partnerships.brightwater.guard]\nmost_removed = 1\n"
    read = read_project(project(tmp_path, shared))
    assert [read.plan_of(name).most_removed for name in ("", "brightwater")] == [0.2, 1.0]
    assert read_project(project(tmp_path, "")).plan_of("").most_removed == 0.5


def test_the_share_that_escrow_toml_says_is_what_refuses_an_export(paired: Partners, folder: Path) -> None:
    project(folder, PROJECT + "[guard]\nmost_removed = 0.04\n")
    rows = [f"{each},Company {each},company-{each}.com,Signed,1" for each in range(100)]
    left, _ = paired
    codes = []
    for kept in (100, 95):
        (folder / "list.csv").write_text("\n".join([LIST.splitlines()[0], *rows[:kept]]), encoding="utf-8")
        shown = left("submit", "--dry-run", "--json")
        codes.append((left("submit", "--json").exit_code, said(shown, "shrinks")))
    assert codes == [(ExitCode.DONE, False), (ExitCode.INPUT, True)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sinks.a]\nkind = 'cvs'", "sinks.a.kind in escrow.toml (line 2) is one of csv, sql, slack, command"),
        ("[sinks.a]\nkind = 'hubspot'\ntoken = 'pat-1'", '(line 3) names where the secret is, as "env:TOKEN"'),
        ("[sinks.a]\nkind = 'hubspot'\ntoken = 'env:T'\n[sinks.a.fields]\nours = 'x'", "say the one partnership"),
        ("[sinks.a]\nkind = 'hubspot'\ntoken = 'env:T'\nkey = 'x y'\nfields = {}", "is a name of letters"),
        (
            "[sinks.a]\nkind = 'hubspot'\ntoken = 'env:T'\nkey = 'k'\n[sinks.a.fields]\nstage = 'x'",
            "(line 6) means nothing",
        ),
        ("[sinks.a]\nkind = 'hubspot'\ntoken = 'env:T'\nkey = 'k'\nfields = {ours = 'k'}", "writes one field twice"),
        ("[sinks.a]\nkind = 'csv'", "sinks.a in escrow.toml (line 1) lacks the key folder"),
        ("[sinks.a]\nkind = 'csv'\nfolder = 'x'\ntable = 'y'", "for a sink of kind csv"),
        (
            "\n[sinks.a]\nkind = 'slack'\nurl = 'https://hooks.slack.com/x'",
            '(line 4) names where the secret is, as "env',
        ),
        ("[sinks.a]\nkind = 'sql'\nurl = 'postgresql://me:pass@host/db'", "has a password in it"),
        ("[sinks.a]\nkind = 'sql'\nurl = 'env:X'\ntable = 'a b'", "is a name of letters"),
        ("[sinks.a]\nkind = 'csv'\nfolder = 'x'\ncells = ['all']", "is one of customers:customers, "),
        ("[source]\nkind = 'oracle'", "source.kind in escrow.toml (line 2) is one of file, sql, salesforce, hubspot"),
        ("[source]\nkind = 'sql'\nurl = 'sqlite:///x'", "source in escrow.toml (line 1) lacks the key query"),
        ("[source]\nkind = 'hubspot'\npath = 'x'", "for a source of kind hubspot"),
        ("[listen]\nsecrets = ['whsec_abc']", "(line 2) names where the secrets are"),
        ("[sync]\nevery = '10'", 'sync.every in escrow.toml (line 2) is a time as "90s"'),
        ("[sync]\nevery = '5s'", "is one minute"),
        ("[sync]\nsubmit = 'yes'", "is true or false"),
        ("[sinks.a]\nkind = 'command'\nrun = 'x y'", "is a list of texts"),
    ],
)
def test_what_means_nothing_in_a_sink_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ProjectInvalid) as refused:
        read_project(project(tmp_path, text))
    assert says in refused.value.message
    assert "me:pass" not in refused.value.message


def test_lines_are_told_of_keys_in_tables_below_long_texts(tmp_path: Path) -> None:
    text = '[a]\nlong = """\nb = 1\n"""\n["c d".e]\n  x.y = 1\n'
    places = TomlPlaces.of(project(tmp_path, text).read_text("utf-8"))
    assert {name: places.line_of(name) for name in ("a.long", "a.b", "c d.e.x.y", "c d.e.z", "none")} == {
        "a.long": 2,
        "a.b": 1,
        "c d.e.x.y": 6,
        "c d.e.z": 5,
        "none": None,
    }
