"""`escrow submit`: our list goes up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.correcting import (
    AliasesOption,
    DoNotMapOption,
    NoDoNotMapOption,
    SaidCorrections,
    told_of_corrections,
)
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.list_options import (
    ColumnsOption,
    DelimiterOption,
    EncodingOption,
    FileArgument,
    HeaderRowOption,
    PopulationsOption,
    SheetOption,
)
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import counted, printable
from escrow.errors import EscrowError, ProjectMissing

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.cli.list_reading import AskedList
    from escrow.client.columns import ColumnMapping
    from escrow.client.filling import Filling
    from escrow.client.seats import Seat
    from escrow.client.sources import CrmRows
    from escrow.client.submission_plan import Plan
    from escrow.client.way_back import WayBack
    from escrow.psi.records import Charge
    from escrow.wire import Allowance

__all__ = ["app", "submit_as_planned", "together"]

app = typer.Typer()


@command(app, "submit")
def submit(  # noqa: PLR0913, PLR0917  # each is an option of the command
    session: Session,
    file: FileArgument = None,
    columns: ColumnsOption = None,
    populations: PopulationsOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    aliases: AliasesOption = None,
    do_not_map: DoNotMapOption = None,
    no_do_not_map: NoDoNotMapOption = False,
    ready: Annotated[
        bool, typer.Option("--ready", help="Also say that our counts are right: release may go out.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show exactly what would leave, and send nothing.")
    ] = False,
    allow_shrink: Annotated[
        bool,
        typer.Option(
            "--allow-shrink", help="Send a list even if most of its accounts are gone, or could not be had again."
        ),
    ] = False,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Send the whole list, even over one that another machine sent.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait until the service has applied it.")] = False,
) -> Said:
    """Blind the accounts of a CRM export and submit what changed; without a file, all that escrow.toml says."""
    from escrow.client.cli.list_reading import AskedList, read_as

    asked = AskedList(
        file, read_as(sheet, header_row, encoding, delimiter), tuple(columns or ()), tuple(populations or ())
    )
    said = SaidCorrections(aliases, do_not_map, no_do_not_map)
    sending = _Sending(asked, said, ready, dry_run, allow_shrink, snapshot, is_waiting=not (no_wait or dry_run))
    if file is not None or session.options.partnership is not None:
        return sending.one(session, session.seat)
    names = _names(session)
    if len(names) == 1:
        return sending.one(session, session.seat_of(names[0]))
    return together([(name, sending.tried(session, name)) for name in names])


def submit_as_planned(session: Session, seat: Seat) -> Said:
    """Submit the list that escrow.toml says for a partnership, and wait until it is applied."""
    from escrow.client.cli.list_reading import AskedList

    said = SaidCorrections(None, None, False)
    sending = _Sending(
        AskedList(), said, ready=False, dry_run=False, allow_shrink=False, snapshot=False, is_waiting=True
    )
    return sending.one(session, seat)


@dataclass(frozen=True, slots=True)
class _Sending:
    """What was asked of `escrow submit`, for each partnership that is meant."""

    asked: AskedList
    said: SaidCorrections
    ready: bool
    dry_run: bool
    allow_shrink: bool
    snapshot: bool
    is_waiting: bool

    def one(self, session: Session, seat: Seat) -> Said:
        from escrow.client.cli.list_reading import plan_for, read_list
        from escrow.client.cli.progress import Bars
        from escrow.client.corrections.remembered import check_named, forget_use, remember_use
        from escrow.client.filling import Filler
        from escrow.client.state import AccountState

        seat.require_paired()
        state = AccountState(session.home.partnership(seat.partnership_id))
        with Bars(are_shown=not session.options.is_json) as bars, state.held():
            listed = plan_for(session, seat)
            corrections = self.said.read(listed)
            if corrections.do_not_map is None and not self.said.without_do_not_map:
                check_named(state.folder)
            crm, mapping = read_list(session, seat, self.asked, bars)
            most_removed = 1.0 if self.allow_shrink else listed.most_removed
            place = (session.service, session.file, state, seat.partnership_id)
            filler = Filler(*place, session.now, bars.stage, most_removed, corrections, self.snapshot)
            if self.dry_run:
                allowance = session.service.allowance(seat.partnership_id)
                return _planned(filler.plan(crm), crm, mapping, most_removed, allowance)
            if corrections.do_not_map is not None:
                remember_use(state.folder, session.now)
            fillings = filler.send(crm, ready=self.ready, wait=self.is_waiting)
            if self.said.without_do_not_map:
                forget_use(state.folder)
        return _submitted(fillings, crm, ready=self.ready)

    def tried(self, session: Session, name: str) -> Said:
        """Submit for one of several partnerships; a refusal of one does not keep the others from theirs."""
        try:
            return self.one(session, session.seat_of(name))
        except EscrowError as error:
            told = {"error": {"code": error.code, "detail": error.message}}
            text = printable(error.message)
            return Said(told, lambda console: console.print(f"[red]Not sent:[/] {text}"), error)


def _names(session: Session) -> list[str]:
    """Name the partnerships of the daily job: those of escrow.toml, all that are paired if it names none."""
    from escrow.client.seats import Standing

    if session.project is None:
        raise ProjectMissing("name the file of accounts, or make an escrow.toml with `escrow config init FILE`")
    if session.project.partnerships:
        return list(session.project.partnerships)
    paired = [seat for seat in session.keyring.seats if seat.standing is Standing.PAIRED]
    return [str(seat.partnership_id) for seat in paired] or [str(session.seat.partnership_id)]


def together(answers: list[tuple[str, Said]]) -> Said:
    """Put the answers for several partnerships together; the first that failed gives the exit code."""

    def show(console: Console) -> None:
        for name, said in answers:
            console.print(f"[bold]{printable(name)}[/]")
            said.person(console)

    machine = {"partnerships": [{"partnership": name, **said.machine} for name, said in answers]}
    return Said(machine, show, next((said.ended for _, said in answers if said.exit_code), ExitCode.DONE))


def _plan_object(plan: Plan, crm: CrmRows) -> dict[str, object]:
    left_out = plan.content.accounts.left_out
    return {
        "type": plan.announced.type,
        "number": plan.announced.number,
        "accounts": len(plan.content.accounts),
        "populations": {population.word: size for population, size in plan.population_sizes.items()},
        "sent_accounts": plan.announced.accounts,
        "removed_accounts": plan.removed,
        "sent_tokens": {key_class.name.lower(): count for key_class, count in plan.tokens_by_class.items()},
        "bytes": plan.bytes_to_send,
        "chunks": len(plan.chunks),
        "rows": {
            "read": len(crm) + crm.skipped,
            "skipped": crm.skipped,
            "without_keys": left_out.rows_without_keys,
        },
        "stages_not_mentioned": dict(crm.left.stages),
        "keys_left_out": {
            "ambiguous": left_out.ambiguous_keys,
            "shared_fallback": left_out.shared_fallback_keys,
            "past_the_most": left_out.keys_past_the_most,
        },
        "kept_back_accounts": left_out.kept_back_accounts,
        "not_found": {
            "do_not_map": len(left_out.idle_do_not_map),
            "aliases": len(left_out.idle_aliases),
            "keep_apart": len(left_out.idle_sides),
        },
        "state_was_lost": plan.was_lost,
    }


def _beside_object(fillings: list[Filling], crm: CrmRows) -> dict[str, object] | None:
    """What programs are told of the generation that is filled beside the live one."""
    if len(fillings) == 1:
        return None
    return {**_plan_object(fillings[1].plan, crm), "generation": fillings[1].g, "state": _state(fillings[1])}


def _state(filling: Filling) -> str:
    if filling.submitted is None:
        return "planned"
    return filling.submitted.submission.state if filling.submitted.submission else "unchanged"


def _charge_object(charge: Charge | None, allowance: Allowance) -> dict[str, object] | None:
    if charge is None:
        return None
    return {
        "keys": charge.tokens,
        "moves": charge.moves,
        "fifths": charge.fifths,
        "accounts": -(-charge.fifths // allowance.fifths_of_an_account),
        "is_allowed": charge.fifths <= allowance.left,
        "accounts_to_grant": 0 if allowance.is_opening else _to_grant(charge, allowance),
    }


def _way_back_object(way: WayBack | None) -> dict[str, object] | None:
    if way is None:
        return None
    return {"fifths": way.fifths, "accounts": way.accounts, "left": way.left, "is_allowed": way.is_open}


def _show_way_back(console: Console, way: WayBack | None) -> None:
    """Say what it would take to have again what the list takes away."""
    if way is None:
        return
    asked = f"what this list takes away would need about {counted(way.accounts, 'account')} of the allowance"
    console.print(f"Back:     {asked}\n          to be had again; about {way.accounts_left:,} are left then")


def _show_charge(console: Console, charge: Charge | None, allowance: Allowance) -> None:
    """Say what the list asks about that the one before did not, and whether that is allowed."""
    from escrow.client.cli.granting import allowance_text

    console.print(f"Allowed:  {allowance_text(allowance)}")
    if charge is None:
        console.print("          what this list is charged is not known: this machine lacks the list that is there")
        return
    accounts = -(-charge.fifths // allowance.fifths_of_an_account)
    keys, moves = counted(charge.tokens, "new key"), counted(charge.moves, "move")
    console.print(f"Charged:  {keys} and {moves}: about {counted(accounts, 'account')}")
    if charge.fifths > allowance.left:
        console.print(
            "[red]          that is more than is left: the service would reject it.[/] Send fewer new accounts,\n"
            f"          wait, or ask your partner to {_mend_of(charge, allowance)}."
        )


def _mend_of(charge: Charge, allowance: Allowance) -> str:
    """Say by which command the partner lets the list in."""
    if allowance.is_opening:
        return "raise `escrow terms set --largest-list`"
    return f"run `escrow allowance grant {_to_grant(charge, allowance)}`"


def _to_grant(charge: Charge, allowance: Allowance) -> int:
    from escrow.allowance import accounts_to_grant

    each = allowance.fifths_of_an_account
    return accounts_to_grant(charge.fifths, left=allowance.left, fifths_of_an_account=each)


def _planned(
    fillings: list[Filling], crm: CrmRows, mapping: ColumnMapping, most_removed: float, allowance: Allowance
) -> Said:
    plan = fillings[0].plan
    charge, way = plan.charge, fillings[0].way_back
    is_irrevocable = way is not None and way.is_to_be_meant(most_removed)
    accounts, tokens = plan.sample

    def show(console: Console) -> None:
        console.print("[bold]Nothing was sent.[/] This is all that would leave this machine:\n")
        _show_plan(console, plan, crm)
        _show_charge(console, charge, allowance)
        _show_way_back(console, way)
        console.print("\nFirst account records (row 8 bytes, population, flags, segments):", *accounts, sep="\n  ")
        console.print("First token records (token 16 bytes, row 8 bytes, class):", *tokens, sep="\n  ")
        for filling in fillings[1:]:
            console.print(f"\nThe same accounts would go to generation {filling.g} too, under its own key:\n")
            _show_plan(console, filling.plan, crm)
        if plan.shrinks(most_removed):
            console.print(
                f"\n[red]More than {most_removed:.0%} of the list would go:[/] without --allow-shrink it is refused."
            )
        elif is_irrevocable:
            console.print("\n[red]What goes could not be had again:[/] without --allow-shrink it is refused.")

    machine = {
        **_plan_object(plan, crm),
        "generation": fillings[0].g,
        "beside": _beside_object(fillings, crm),
        "dry_run": True,
        "shrinks": plan.shrinks(most_removed) or is_irrevocable,
        "charge": _charge_object(charge, allowance),
        "way_back": _way_back_object(way),
        "allowance": allowance.model_dump(mode="json"),
        "columns": {str(meaning): header for meaning, header in mapping.columns.items()},
        "sample": {"accounts": list(accounts), "tokens": list(tokens)},
    }
    return Said(machine, show)


def _show_plan(console: Console, plan: Plan, crm: CrmRows) -> None:
    sizes = ", ".join(f"{size:,} {population.word}" for population, size in plan.population_sizes.items())
    tokens = ", ".join(f"{count:,} {kind.name.lower()}" for kind, count in plan.tokens_by_class.items() if count)
    console.print(
        f"List:     {counted(len(plan.content.accounts), 'account')} of {counted(len(crm), 'row')}\n          {sizes}"
    )
    console.print(
        f"Sending:  {plan.announced.type} number {plan.announced.number}: "
        f"{counted(plan.announced.accounts, 'account record')}, "
        f"{counted(plan.removed, 'removal')} among them\n          tokens: {tokens or 'none'}"
    )
    console.print(f"Size:     {counted(plan.bytes_to_send, 'byte')} in {counted(len(plan.chunks), 'chunk')}")
    left_out = plan.content.accounts.left_out
    if crm.skipped or left_out.rows_without_keys or left_out.ambiguous_keys:
        console.print(
            f"Left out: {counted(crm.skipped, 'row')} of no population, {counted(left_out.rows_without_keys, 'row')} "
            f"without a company,\n          {counted(left_out.ambiguous_keys, 'key')} found on more than 5 accounts"
        )
    for line in told_of_corrections(left_out):
        console.print(line)
    if plan.was_lost:
        console.print("[red]Another machine sent the list that the service has:[/] without --snapshot it is refused.")


def _submitted(fillings: list[Filling], crm: CrmRows, *, ready: bool) -> Said:
    def show(console: Console) -> None:
        _show_outcome(console, fillings[0], crm)
        for filling in fillings[1:]:
            console.print(f"\nThe same list fills generation {filling.g}, which is built beside the live one:")
            _show_outcome(console, filling, crm)
        if ready:
            console.print("You said that your counts are right; a release goes out once both sides have.")

    machine = {
        **_plan_object(fillings[0].plan, crm),
        "generation": fillings[0].g,
        "state": _state(fillings[0]),
        "way_back": _way_back_object(fillings[0].way_back),
        "beside": _beside_object(fillings, crm),
        "ready": ready,
    }
    return Said(machine, show)


def _show_outcome(console: Console, filling: Filling, crm: CrmRows) -> None:
    state = _state(filling)
    if state == "unchanged":
        size = counted(len(filling.plan.content.accounts), "account")
        console.print(f"Nothing changed: the service has this list of {size}.")
        for line in told_of_corrections(filling.plan.content.accounts.left_out):
            console.print(line)
        return
    _show_plan(console, filling.plan, crm)
    _show_way_back(console, filling.way_back)
    console.print(
        "The service has [bold]applied[/] it."
        if state == "applied"
        else "The service has it and will apply it; the next command takes note."
    )
