"""The quality of a list before it is sent, by the steps that submitting it takes, under a key that is thrown away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from escrow.client.accounts import AccountKeys, Accounts, SharedKeys
from escrow.client.blinding import BlindedKeys
from escrow.client.columns import Meaning
from escrow.client.corrections import NO_CORRECTIONS, Corrections, Named
from escrow.client.joins import joins_of
from escrow.client.list_making import accounts_of_list
from escrow.client.sources import CrmRows
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation import profile
from escrow.psi.normalisation.explaining import Explainer, explainer
from escrow.psi.normalisation.reasons import NothingReason
from escrow.psi.tokens import Blinder
from escrow.reports.quality import (
    Example,
    IdleEntries,
    IdleEntry,
    JoinedAccount,
    JoinedBy,
    Quality,
    ReasonCount,
    SharedKey,
)
from escrow.terms import Population

__all__ = ["check_list"]

Progress = Callable[[int], None]

#: So many accounts of several rows are shown, and rows of each, unless more examples are asked for.
_JOINED_SHOWN = 20
_ROWS_SHOWN = 5


def check_list(
    crm: CrmRows,
    *,
    profile_id: str,
    key: bytes,
    examples: int,
    corrections: Corrections = NO_CORRECTIONS,
    progress: Progress | None = None,
) -> Quality:
    """Make the accounts of a list as `make_list` does, and tell what they are worth; ``key`` is any 32 bytes."""
    blinded, accounts = accounts_of_list(
        crm, profile_id=profile_id, match_key=key, corrections=corrections, progress=progress
    )
    checking = _Checking(crm, blinded, accounts, explainer(profile_id), examples)
    sizes = np.diff(accounts.starts)
    tokens = np.bincount(accounts.keys.accounts, minlength=max(len(accounts), 1))
    left_out = accounts.left_out
    return Quality(
        profile_id=profile_id,
        rows_read=len(crm) + crm.skipped,
        rows_skipped=crm.skipped,
        accounts=len(accounts),
        accounts_of_several=int(np.count_nonzero(sizes > 1)),
        merged_rows=int(sizes.sum()) - len(accounts),
        populations={each: int(np.count_nonzero(accounts.populations == each)) for each in Population},
        with_domain=len(np.unique(accounts.keys.accounts[accounts.keys.key_classes == MatchKeyClass.DOMAIN])),
        tokens=int(tokens.sum()),
        most_tokens=int(tokens.max()),
        without_keys=tuple(_counted(checking.rows_without_keys(), crm, examples)),
        no_domain=tuple(_counted(checking.websites_without_domain(), crm, examples)),
        ambiguous_keys=left_out.ambiguous_keys,
        ambiguous_by_class=_by_class(accounts.ambiguous.keys),
        ambiguous=tuple(checking.found_again(accounts.ambiguous, key)),
        shared_fallbacks=left_out.shared_fallback_keys,
        shared=tuple(checking.found_again(accounts.shared, key)),
        accounts_without_keys=int(np.count_nonzero(tokens == 0)) if len(accounts) else 0,
        keys_past_the_most=left_out.keys_past_the_most,
        kept_back_accounts=left_out.kept_back_accounts,
        idle_do_not_map=_idle(left_out.idle_do_not_map, examples),
        idle_aliases=_idle(left_out.idle_aliases, examples),
        idle_sides=_idle(left_out.idle_sides, examples),
        joined=tuple(checking.joined()),
    )


@dataclass(frozen=True, slots=True)
class _Checking:
    crm: CrmRows
    blinded: BlindedKeys
    accounts: Accounts
    reasons: Explainer
    examples: int

    def rows_without_keys(self) -> Iterator[tuple[int, str, str]]:
        """Yield each row that gives no key with the reason, as a code and in words."""
        for row in self._rows_without(np.ones(len(self.blinded), np.bool_)):
            website = self.reasons.nothing_in_website(self.crm.value(Meaning.WEBSITE, row))
            name = self.reasons.nothing_in_name(self.crm.value(Meaning.ACCOUNT_NAME, row))
            told = f"website: {website.told}; name: {name.told}"
            yield row, f"website-{website.value}, name-{name.value}", told

    def websites_without_domain(self) -> Iterator[tuple[int, str, str]]:
        """Yield each row whose website says something and gives no domain, with the reason."""
        known: dict[str, NothingReason] = {}
        for row in self._rows_without(self.blinded.key_classes == MatchKeyClass.DOMAIN):
            website = self.crm.value(Meaning.WEBSITE, row)
            if website and website not in known:
                known[website] = self.reasons.nothing_in_website(website)
            if website:
                yield row, known[website].value, known[website].told

    def found_again(self, shared: SharedKeys, key: bytes) -> Iterator[SharedKey]:
        """Yield the first keys by their values, found again in the rows that gave them."""
        blinder, rules = Blinder(key), profile(self.reasons.profile_id)
        rows, accounts = shared.keys.source_rows[: self.examples].tolist(), shared.accounts.tolist()
        for row, token, held_by in zip(rows, shared.keys.tokens, accounts, strict=False):
            texts = (self.crm.value(meaning, row) for meaning in _NAMING)
            for each in rules.match_keys(*texts):
                if blinder.tokens(each.key_class.kind, [each.value]) == token.tobytes():
                    yield SharedKey(each.value, each.key_class.name.lower(), held_by)
                    break

    def joined(self) -> Iterator[JoinedAccount]:
        """Yield the first accounts of several rows, those that a website alone does not join before the others."""
        sizes = np.diff(self.accounts.starts).tolist()
        ways = joins_of(self.blinded, self.accounts).ways(len(self.accounts))
        several = [account for account, size in enumerate(sizes) if size > 1]
        several.sort(key=lambda account: (ways[account] == (JoinedBy.WEBSITE,), -sizes[account], account))
        most = max(_JOINED_SHOWN, self.examples) if self.examples else 0
        for account in several[:most]:
            rows = self.accounts.rows_of(account)[: max(_ROWS_SHOWN, self.examples)]
            yield JoinedAccount(sizes[account], ways[account], tuple(_example(self.crm, row) for row in rows))

    def _rows_without(self, counted: npt.NDArray[np.bool_]) -> list[int]:
        """Give the rows that have no key among those counted."""
        has_one = np.zeros(len(self.crm), np.bool_)
        has_one[self.blinded.rows[counted]] = True
        rows: list[int] = np.flatnonzero(~has_one).tolist()
        return rows


_NAMING = (Meaning.ACCOUNT_NAME, Meaning.WEBSITE, Meaning.COUNTRY)


def _by_class(keys: AccountKeys) -> dict[str, int]:
    counts = np.bincount(keys.key_classes, minlength=max(MatchKeyClass) + 1)
    return {each.name.lower(): int(counts[each]) for each in MatchKeyClass}


def _idle(entries: Sequence[Named], examples: int) -> IdleEntries:
    shown = tuple(IdleEntry(each.names, each.domains, each.crm_ids) for each in entries[:examples])
    return IdleEntries(len(entries), shown)


def _counted(found: Iterable[tuple[int, str, str]], crm: CrmRows, examples: int) -> Iterator[ReasonCount]:
    """Count rows by reason, the most frequent first, with the first examples of each."""
    rows_of: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, reason, told in found:
        rows_of[reason, told].append(row)
    for (reason, told), rows in sorted(rows_of.items(), key=lambda each: (-len(each[1]), each[0])):
        yield ReasonCount(reason, told, len(rows), tuple(_example(crm, row) for row in rows[:examples]))


def _example(crm: CrmRows, row: int) -> Example:
    return Example(crm.crm_ids[row], crm.value(Meaning.ACCOUNT_NAME, row), crm.value(Meaning.WEBSITE, row))
