"""How much one organization may ask about with one other: a ceiling at the start, then an allowance for each period.

All amounts are in fifths of a token, so that they are whole numbers: a token that was not on the list before costs five
fifths, a token that moves to another account, population or class one. What is spent is never given back. Pure: time
and rule are arguments.

::

    opening ──the other side's first list──▶ period ──30 days──▶ period …

While the other side has never had a list nothing is tested, and all that is sent counts against the ceiling; so does
the first list. What a period leaves over is carried into the next one, and no further. A fresh pairing of the same two
opens nothing anew: its first list may ask about as many tokens as the last list did, once in each renewal interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from escrow.counts import counted
from escrow.errors import AllowanceExceeded, CeilingExceeded

__all__ = [
    "FIFTHS_OF_A_NEW_ACCOUNT",
    "FIFTHS_OF_A_TOKEN",
    "TOKENS_OF_AN_ACCOUNT",
    "AllowanceRule",
    "Asked",
    "ListLimits",
    "Spending",
    "Start",
    "accounts_to_grant",
    "band_end",
    "ceiling",
    "first_spending",
    "is_jump",
    "renew",
    "size_band",
    "spend",
    "told_size",
]

FIFTHS_OF_A_TOKEN = 5
#: As many tokens go with each account that a ceiling or a grant speaks of, at most; a list has about three on each.
TOKENS_OF_AN_ACCOUNT = 4
#: What an account costs as long as no list says how many tokens its accounts have, in fifths.
FIFTHS_OF_A_NEW_ACCOUNT = TOKENS_OF_AN_ACCOUNT * FIFTHS_OF_A_TOKEN

#: Sizes below this are not told apart, and growth by less is no jump.
_SMALLEST_BAND = 64
_SMALLEST_JUMP = 50
_JUMP_PERCENT = 20


@dataclass(frozen=True, slots=True)
class AllowanceRule:
    """What the operator decides; ``renewal`` is how often a whole list may be asked anew after a fresh pairing."""

    least_tokens: int = 500
    percent: int = 10
    period: timedelta = timedelta(days=30)
    renewal: timedelta = timedelta(days=90)

    def base(self, live_tokens: int) -> int:
        """The allowance of a period that starts with a list of so many tokens, in fifths."""
        return FIFTHS_OF_A_TOKEN * max(self.least_tokens, live_tokens * self.percent // 100)


@dataclass(frozen=True, slots=True)
class ListLimits:
    """What the operator takes of one list, and how much it may ask about."""

    largest_list: int
    prospects_share: int = 5
    rule: AllowanceRule = AllowanceRule()


@dataclass(frozen=True, slots=True)
class Start:
    """Where a list begins: ``is_opening`` if the other side never had one, ``is_first`` if it is the partnership's."""

    is_opening: bool
    is_first: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A list: what it is charged after the one before, in fifths, and how many tokens and accounts it has."""

    fifths: int
    tokens: int
    accounts: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What one organization has spent with one other: the amounts of the current period, and of all time in ``total``.

    ``tokens`` and ``accounts`` are those of its last list, ``renewed_at`` is when it last asked about a whole list.
    """

    period_from: datetime
    renewed_at: datetime
    base: int
    carried: int = 0
    granted: int = 0
    spent: int = 0
    total: int = 0
    tokens: int = 0
    accounts: int = 0

    @property
    def limit(self) -> int:
        """All that may be spent in this period."""
        return self.base + self.carried + self.granted

    @property
    def left(self) -> int:
        """What is left of it."""
        return max(0, self.limit - self.spent)

    @property
    def fifths_of_an_account(self) -> int:
        """What one account costs: the mean of the last list, rounded up, between one token and a few."""
        if not self.accounts:
            return FIFTHS_OF_A_NEW_ACCOUNT
        mean = -(-self.tokens * FIFTHS_OF_A_TOKEN // self.accounts)
        return min(max(mean, FIFTHS_OF_A_TOKEN), FIFTHS_OF_A_NEW_ACCOUNT)

    def renews_at(self, rule: AllowanceRule) -> datetime:
        """When the next period begins."""
        return self.period_from + rule.period

    def renewed(self, rule: AllowanceRule, now: datetime) -> int:
        """What the first list after a fresh pairing may ask about again: once in a while, the last list."""
        return self.tokens * FIFTHS_OF_A_TOKEN if now >= self.renewed_at + rule.renewal else 0

    def rolled(self, rule: AllowanceRule, now: datetime) -> Spending:
        """Give the spending in the period that ``now`` is in; grants end with theirs."""
        passed = (now - self.period_from) // rule.period
        if passed < 1:
            return self
        base = rule.base(self.tokens)
        carried = max(0, self.base - self.spent) if passed == 1 else base
        began = self.period_from + passed * rule.period
        return replace(self, period_from=began, base=base, carried=carried, granted=0, spent=0)

    def with_grant(self, accounts: int) -> Spending:
        """Let so many accounts more be asked about in this period."""
        return replace(self, granted=self.granted + accounts * self.fifths_of_an_account)


def first_spending(asked: Asked, *, most_accounts: int, rule: AllowanceRule, now: datetime) -> Spending:
    """Begin with the first list ever, or with the first that is counted: then all of it is.

    Raises:
        CeilingExceeded: it asks about too much.
    """
    total = max(asked.fifths, asked.tokens * FIFTHS_OF_A_TOKEN)
    _must_be_under(ceiling(most_accounts), total, spent=0)
    return Spending(now, now, rule.base(asked.tokens), total=total, tokens=asked.tokens, accounts=asked.accounts)


def spend(
    before: Spending, asked: Asked, start: Start, *, most_accounts: int, rule: AllowanceRule, now: datetime
) -> Spending:
    """Charge a list to what was spent before.

    Raises:
        CeilingExceeded, AllowanceExceeded: there is not enough left.
    """
    current = before.rolled(rule, now)
    spent, renewed_at = asked.fifths, current.renewed_at
    if start.is_opening:
        _must_be_under(ceiling(most_accounts), asked.fifths, spent=current.total)
        current, spent = replace(current, base=rule.base(asked.tokens)), 0
    elif start.is_first and (renewed := current.renewed(rule, now)):
        spent, renewed_at = max(0, asked.fifths - renewed), now
    if spent > current.left:
        raise _exceeded(current, spent, rule)
    return replace(
        current,
        renewed_at=renewed_at,
        spent=current.spent + spent,
        total=current.total + asked.fifths,
        tokens=asked.tokens,
        accounts=asked.accounts,
    )


def renew(before: Spending, tokens: int, *, rule: AllowanceRule, now: datetime) -> Spending:
    """Count the list of a new generation, which is bounded by the live one, as one whole list more."""
    return replace(before.rolled(rule, now), renewed_at=now, total=before.total + tokens * FIFTHS_OF_A_TOKEN)


def accounts_to_grant(fifths: int, *, left: int, fifths_of_an_account: int) -> int:
    """Give how many accounts the other side has to grant for a list that is charged more than is left."""
    return -(-max(0, fifths - left) // fifths_of_an_account)


def ceiling(most_accounts: int) -> int:
    """What a first list of at most so many accounts may be charged, in fifths."""
    return most_accounts * FIFTHS_OF_A_NEW_ACCOUNT


def size_band(accounts: int) -> int:
    """Give the lower end of the band that a size is in: zero, or a power of two from 64 on."""
    return 0 if accounts < _SMALLEST_BAND else 1 << (accounts.bit_length() - 1)


def band_end(size: int) -> int:
    """Give the upper end of a band, by its lower one."""
    return size * 2 or _SMALLEST_BAND


def told_size(told: int, accounts: int) -> int:
    """Give the band to tell: the one told before, unless the size is well out of it.

    A band has soft ends, an eighth of it wide, so that who knows a size nearly cannot wait for one account to cross.
    """
    slack = (told or _SMALLEST_BAND) // 8
    return told if told - slack <= accounts < band_end(told) + slack else size_band(accounts)


def is_jump(*, before: int, accounts: int) -> bool:
    """Tell whether a list grew so much within a day that its partner should know."""
    grown = accounts - before
    return grown >= _SMALLEST_JUMP and grown * 100 > before * _JUMP_PERCENT


def _must_be_under(limit: int, asked: int, *, spent: int) -> None:
    if spent + asked > limit:
        left = max(0, limit - spent)
        raise CeilingExceeded(
            f"the list has {counted(_tokens(asked), 'key')} not asked about before; until both sides have had a list, "
            f"{_tokens(limit):,} may be asked about, {TOKENS_OF_AN_ACCOUNT} for each account that the terms take, and "
            f"{left // FIFTHS_OF_A_TOKEN:,} are left; send fewer accounts, or ask your partner to raise "
            "`escrow terms set --largest-list`",
            limit=limit,
            left=left,
        )


def _exceeded(current: Spending, asked: int, rule: AllowanceRule) -> AllowanceExceeded:
    renews_at, accounts = current.renews_at(rule), current.fifths_of_an_account
    missing = accounts_to_grant(asked, left=current.left, fifths_of_an_account=accounts)
    return AllowanceExceeded(
        f"the list asks about {counted(_tokens(asked), 'key')}, new, returned or moved (five moves count as one), "
        f"about {counted(-(-asked // accounts), 'account')}; of {current.limit // FIFTHS_OF_A_TOKEN:,} in this "
        f"period {current.left // FIFTHS_OF_A_TOKEN:,} are left, about {counted(current.left // accounts, 'account')}, "
        f"until {renews_at:%Y-%m-%d %H:%M} UTC; send fewer new accounts, wait, or ask your partner to run "
        f"`escrow allowance grant {missing}`",
        limit=current.limit,
        left=current.left,
        renews_at=renews_at,
    )


def _tokens(fifths: int) -> int:
    return -(-fifths // FIFTHS_OF_A_TOKEN)
