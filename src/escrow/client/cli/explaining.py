"""`escrow explain`: what becomes of an account, and whether two accounts would match. All of it offline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from escrow.client.cli.commands import command, reader_may_leave, report_error
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import BufferedReader

    from rich.console import Console

    from escrow.client.listed_accounts import ListedAccount
    from escrow.client.verdicts import Verdict
    from escrow.psi.normalisation.reasons import Explanation, KeyReasons

__all__ = ["app"]

app = typer.Typer()


@command(app, "explain")
def explain(  # noqa: PLR0913, PLR0917  # each is an option of the command
    session: Session,
    name: Annotated[str, typer.Option("--name", help="Name of the account.")] = "",
    website: Annotated[str, typer.Option("--website", help="Website, domain or mail address of the account.")] = "",
    country: Annotated[str, typer.Option("--country", help="Country of the account.")] = "",
    and_name: Annotated[str, typer.Option("--and-name", help="Name of a second account: would the two match?")] = "",
    and_website: Annotated[str, typer.Option("--and-website", help="Website of the second account.")] = "",
    and_country: Annotated[str, typer.Option("--and-country", help="Country of the second account.")] = "",
    profile_id: Annotated[
        str | None, typer.Option("--profile", help="Normalisation profile, if not the latest.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="CRM export, read as `escrow submit` reads it; goes with --id.")
    ] = None,
    crm_id: Annotated[str, typer.Option("--id", help="CRM id of a row: what becomes of it in the whole list?")] = "",
    and_id: Annotated[str, typer.Option("--and-id", help="CRM id of a second row: would the two match?")] = "",
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help='Read {"id", "name", "website", "country"} a line from standard input, answer its keys.'
        ),
    ] = False,
) -> Said:
    """Show every match key of an account, the rules that made it, and what gave none; nothing leaves this machine."""
    from escrow.psi.normalisation.explaining import explainer
    from escrow.psi.profile_ids import LATEST_PROFILE

    wanted = profile_id or LATEST_PROFILE
    account, second = (name, website, country), (and_name, and_website, and_country)
    in_list = {"--file": file, "--id": crm_id, "--and-id": and_id}
    if jsonl:
        _take_none_of({**_said_here(account, second), **in_list}, beside="--jsonl")
        raise typer.Exit(_answer_lines(wanted, is_json=session.options.is_json))
    if crm_id:
        _take_none_of(_said_here(account, second), beside="--id")
        return _said_of_list(session, wanted, file, [each for each in (crm_id, and_id) if each])
    if not (name or website):
        raise typer.BadParameter(
            "say the account with --name, --website or both, or with --id; or use --jsonl", param_hint="--name"
        )
    _take_none_of(in_list, beside="--name" if name else "--website")
    accounts = [account, second] if and_name or and_website else [account]
    return _said(wanted, [explainer(wanted).explain(*each) for each in accounts])


_Texts = tuple[str, str, str]


def _said_here(account: _Texts, second: _Texts) -> Mapping[str, str]:
    """Give what is said of one or two accounts in the command itself, by option."""
    options = ("--name", "--website", "--country", "--and-name", "--and-website", "--and-country")
    return dict(zip(options, (*account, *second), strict=True))


def _take_none_of(options: Mapping[str, object], *, beside: str) -> None:
    """Refuse what would be passed over: an account is said in one way."""
    if said := [option for option, value in options.items() if value]:
        raise typer.BadParameter(f"{beside} takes no {' and no '.join(said)} beside it", param_hint=beside)


def _answer_lines(profile_id: str, *, is_json: bool) -> int:
    """Answer standard input line by line; the exit code says whether every line could be read."""
    from escrow.client.key_lines import KeyLines
    from escrow.psi.normalisation import profile

    lines = KeyLines(profile(profile_id))
    with reader_may_leave():
        for answer in lines.answers(cast("BufferedReader", sys.stdin.buffer)):
            sys.stdout.write(answer)
            sys.stdout.flush()
    if not lines.faults:
        return ExitCode.DONE
    told = f"{lines.faults:,} of the lines could not be read; each is answered in its place with what is wrong"
    report_error("line-invalid", told, is_json=is_json)
    return ExitCode.INPUT


def _said_of_list(session: Session, profile_id: str, file: Path | None, crm_ids: Sequence[str]) -> Said:
    """Look the accounts up in the list as it would be submitted, corrections of escrow.toml and all."""
    from escrow.client.cli.correcting import SaidCorrections
    from escrow.client.cli.list_reading import AskedList, read_offline
    from escrow.client.cli.progress import Bars
    from escrow.client.listed_accounts import look_up
    from escrow.client.verdicts import verdict

    with Bars(are_shown=not session.options.is_json) as bars:
        plan, crm = read_offline(session, AskedList(file), bars)
        found = look_up(crm, *crm_ids, profile_id=profile_id, corrections=SaidCorrections().read(plan))
    machine: dict[str, object] = {"profile": profile_id, "accounts": [_listed_object(each) for each in found]}
    judged = None
    told = _told_of_one(found) if _are_one(found) else ""
    if len(found) > 1:
        judged = None if told else verdict(*(each.sent for each in found))
        machine["match"] = _match_object(judged) if judged else {"tier": None, "shared": [], "detail": [told]}

    def show(console: Console) -> None:
        console.print(f"Profile: {profile_id}")
        for each in found:
            _show_listed(console, each)
        for line in judged.told if judged else [told] * bool(told):
            console.print(printable(line))

    return Said(machine, show)


def _are_one(found: Sequence[ListedAccount]) -> bool:
    return len(found) > 1 and found[0].number is not None and found[0].number == found[1].number


def _told_of_one(found: Sequence[ListedAccount]) -> str:
    way = found[1].joined_by
    joined = f", joined by {way.told}" if way else ""
    return f"They are rows of one account{joined}: there is nothing to match."


def _show_listed(console: Console, account: ListedAccount) -> None:
    from rich.table import Table

    console.print(
        f"\n[bold]Account of {counted(len(account.crm_ids), 'row')}[/]: {printable(', '.join(account.crm_ids))}"
    )
    table = Table("Match key", "Class", "Made by", "In this list", box=None, pad_edge=False, header_style="dim")
    for each in account.keys:
        key = each.reasons.key
        rules = printable("; ".join(each.reasons.rules))
        table.add_row(printable(key.value), key.key_class.name.lower(), rules, each.fate.value)
    console.print(table if account.keys else "No match key: this account is not sent.")


def _listed_object(account: ListedAccount) -> Mapping[str, object]:
    return {
        "crm_ids": list(account.crm_ids),
        "keys": [
            {**_key_object(each.reasons), "is_sent": each.fate.name == "SENT", "detail": each.fate.value}
            for each in account.keys
        ],
    }


def _said(profile_id: str, found: Sequence[Explanation]) -> Said:
    from escrow.client.verdicts import verdict

    machine: dict[str, object] = {"profile": profile_id, "accounts": [_account_object(each) for each in found]}
    judged = verdict(*((each.key for each in one.keys) for one in found)) if len(found) > 1 else None
    if judged is not None:
        machine["match"] = _match_object(judged)

    def show(console: Console) -> None:
        console.print(f"Profile: {profile_id}")
        for number, explanation in enumerate(found, start=1):
            if len(found) > 1:
                console.print(f"\n[bold]Account {number}[/]")
            _show_account(console, explanation)
        if judged is not None:
            console.print(f"\n[bold]Would they match?[/] {printable(judged.told[0])}")
            for line in judged.told[1:]:
                console.print(f"  {printable(line)}")

    return Said(machine, show)


def _show_account(console: Console, explanation: Explanation) -> None:
    from rich.table import Table

    if explanation.keys:
        table = Table("Match key", "Class", "Kind", "Made by", box=None, pad_edge=False, header_style="dim")
        for each in explanation.keys:
            words = (each.key.key_class.name.lower(), each.key.key_class.kind.name.lower())
            table.add_row(printable(each.key.value), *words, printable("; ".join(each.rules)))
        console.print(table)
    else:
        console.print("No match key: this account would not be sent, and can match nothing.")
    for told in _nothing_told(explanation):
        console.print(told)


def _nothing_told(explanation: Explanation) -> Iterator[str]:
    from escrow.psi.normalisation.reasons import NothingReason

    for each in explanation.nothing:
        what = "fallback" if each.reason is NothingReason.NOTHING_DISTINCTIVE else "key"
        text = f" ({printable(each.text[:80])})" if each.text.strip() else ""
        yield f"No {what} from the {each.side}{text}: {each.reason.told}"


def _account_object(explanation: Explanation) -> Mapping[str, object]:
    return {
        "keys": [_key_object(each) for each in explanation.keys],
        "nothing": [
            {"from": each.side.value, "text": each.text, "reason": each.reason.value, "detail": each.reason.told}
            for each in explanation.nothing
        ],
    }


def _key_object(reasons: KeyReasons) -> Mapping[str, object]:
    return {
        "class": reasons.key.key_class.name.lower(),
        "kind": reasons.key.key_class.kind.name.lower(),
        "value": reasons.key.value,
        "rules": list(reasons.rules),
    }


def _match_object(judged: Verdict) -> Mapping[str, object]:
    return {
        "tier": judged.tier.word if judged.tier else None,
        "shared": [
            {
                "value": each.value,
                "kind": each.kind.name.lower(),
                "classes": [each.ours.name.lower(), each.theirs.name.lower()],
            }
            for each in judged.shared
        ],
        "detail": list(judged.told),
    }
