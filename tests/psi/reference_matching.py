"""The rules of matching once more, slowly: dicts, sets and loops, straight from the definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from escrow.psi.matchkeys import Kind, MatchKeyClass
from escrow.terms import Cell, Level, Tier
from tests.psi.making_lists import Account

Accounts = Mapping[int, Account]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Found:
    """What two lists have in common: tiers by pair of rows, the companies, and how many lie in each cell."""

    tiers: dict[Pair, Tier]
    companies: set[frozenset[Pair]]
    counts: dict[Cell, int]


def values(account: Account, *classes: MatchKeyClass) -> set[int]:
    return {value for key_class, value in account[1] if key_class in classes}


WORD = (MatchKeyClass.NAME, MatchKeyClass.VARIANT)


def tier_of(ours: Account, theirs: Account) -> Tier | None:
    def share(*classes: MatchKeyClass) -> bool:
        return bool(values(ours, *classes) & values(theirs, *classes))

    both_have_domains = bool(values(ours, MatchKeyClass.DOMAIN)) and bool(values(theirs, MatchKeyClass.DOMAIN))
    if share(MatchKeyClass.DOMAIN):
        return Tier.CERTAIN
    if share(*WORD) and not both_have_domains:
        return Tier.LIKELY
    if share(MatchKeyClass.NAME) and both_have_domains:
        return Tier.POSSIBLE
    if share(MatchKeyClass.FALLBACK) and not both_have_domains:
        return Tier.POSSIBLE
    return None


def is_alone(value: int, classes: tuple[MatchKeyClass, ...], accounts: Accounts) -> bool:
    return sum(value in values(account, *classes) for account in accounts.values()) == 1


def may_reveal(pair: Pair, tier: Tier, left: Accounts, right: Accounts) -> bool:
    if tier is Tier.CERTAIN:
        return True
    ours, theirs = left[pair[0]], right[pair[1]]
    shared_words = values(ours, *WORD) & values(theirs, *WORD)
    shared_names = values(ours, MatchKeyClass.NAME) & values(theirs, MatchKeyClass.NAME)
    both_have_domains = bool(values(ours, MatchKeyClass.DOMAIN)) and bool(values(theirs, MatchKeyClass.DOMAIN))
    if tier is Tier.LIKELY:
        return any(is_alone(word, WORD, left) and is_alone(word, WORD, right) for word in shared_words)
    if both_have_domains:
        return any(is_alone(name, WORD, left) and is_alone(name, WORD, right) for name in shared_names)
    fallback = (MatchKeyClass.FALLBACK,)
    shared_fallbacks = values(ours, *fallback) & values(theirs, *fallback)
    return any(is_alone(word, fallback, left) and is_alone(word, fallback, right) for word in shared_fallbacks)


def companies_of(pairs: set[Pair]) -> set[frozenset[Pair]]:
    companies: list[set[Pair]] = []
    for pair in pairs:
        touching = [company for company in companies if any(pair[0] == a or pair[1] == b for a, b in company)]
        companies = [company for company in companies if company not in touching]
        companies.append({pair}.union(*touching))
    return {frozenset(company) for company in companies}


def find(
    left: Accounts,
    right: Accounts,
    *,
    levels: Mapping[Cell, Level],
    band: set[Level],
    at_least: Tier,
    revealing: bool,
    without: frozenset[Pair] = frozenset(),
) -> Found:
    """Match two lists in the cells whose level is one of ``band``, and count the companies there.

    Pairs in ``without`` are no match, whatever they share.
    """
    tiers: dict[Pair, Tier] = {}
    for a, ours in left.items():
        for b, theirs in right.items():
            tier = tier_of(ours, theirs)
            if tier is not None and (a, b) not in without and levels[Cell(ours[0], theirs[0])] in band:
                tiers[a, b] = tier
    standing = {
        (a, b): tier
        for (a, b), tier in tiers.items()
        if not any(other < tier for (a2, b2), other in tiers.items() if a == a2 or b == b2)
    }
    standing = {
        pair: tier
        for pair, tier in standing.items()
        if tier <= at_least and (not revealing or may_reveal(pair, tier, left, right))
    }
    companies = companies_of(set(standing))
    counts = {cell: 0 for cell, level in levels.items() if level in band}
    for company in companies:
        cell = Cell(min(left[a][0] for a, _ in company), min(right[b][0] for _, b in company))
        if cell in counts:
            counts[cell] += 1
    return Found(standing, companies, counts)


def connecting_value(pair: Pair, left: Accounts, right: Accounts) -> tuple[Kind, int]:
    """Give the lowest value that the two share of kind web, else word, else fallback; words that stand once first."""
    by_kind = {Kind.WEB: (MatchKeyClass.DOMAIN,), Kind.WORD: WORD, Kind.FALLBACK: (MatchKeyClass.FALLBACK,)}
    for kind, classes in by_kind.items():
        shared = values(left[pair[0]], *classes) & values(right[pair[1]], *classes)
        alone = {each for each in shared if is_alone(each, classes, left) and is_alone(each, classes, right)}
        if shared:
            return kind, min(shared if kind is Kind.WEB else alone or shared)
    raise AssertionError("these two accounts share nothing")
