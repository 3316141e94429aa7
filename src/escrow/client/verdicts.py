"""Would two accounts match? The rules of matching, asked about two accounts alone, and what they rest on in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from escrow.psi.matching import pairs
from escrow.psi.matchkeys import Kind, MatchKey, MatchKeyClass
from escrow.psi.records import ListRecords, make_records
from escrow.psi.tokens import Blinder
from escrow.terms import Population, Tier

__all__ = ["SharedKey", "Verdict", "verdict"]

#: Two accounts of a machine are compared with each other only, so any key will do.
_ANY_KEY = bytes(32)


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A value that both accounts have in one kind, with the strongest class of each side."""

    value: str = field(repr=False)
    kind: Kind
    ours: MatchKeyClass
    theirs: MatchKeyClass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of two accounts on two lists; ``tier`` is None where they do not match, ``told`` says why."""

    tier: Tier | None
    shared: tuple[SharedKey, ...]
    told: tuple[str, ...] = field(repr=False)


def verdict(ours: Iterable[MatchKey], theirs: Iterable[MatchKey]) -> Verdict:
    """Match two accounts by their keys, as the service would if nothing else were on the two lists."""
    ours, theirs = tuple(ours), tuple(theirs)
    found = pairs(_records(ours), _records(theirs))
    tier = Tier(int(found.tiers[0])) if len(found) else None
    shared = tuple(_shared(ours, theirs))
    have_domains = all(any(key.key_class is MatchKeyClass.DOMAIN for key in keys) for keys in (ours, theirs))
    told = _told_match(tier, shared, have_domains) if tier else _told_none(ours, theirs, shared, have_domains)
    return Verdict(tier, shared, tuple(told))


def _records(keys: Sequence[MatchKey]) -> ListRecords:
    blinder = Blinder(_ANY_KEY)
    return make_records(
        rows=np.ones(1, np.uint64),
        populations=np.array([Population.CUSTOMERS], np.uint8),
        token_rows=np.ones(len(keys), np.uint64),
        key_classes=np.array([key.key_class for key in keys], np.uint8),
        tokens=b"".join(blinder.tokens(key.key_class.kind, [key.value]) for key in keys),
    )


def _shared(ours: Sequence[MatchKey], theirs: Sequence[MatchKey]) -> Iterator[SharedKey]:
    of_theirs = _strongest(theirs)
    for (kind, value), key_class in _strongest(ours).items():
        if (kind, value) in of_theirs:
            yield SharedKey(value, kind, key_class, of_theirs[kind, value])


def _strongest(keys: Sequence[MatchKey]) -> dict[tuple[Kind, str], MatchKeyClass]:
    found: dict[tuple[Kind, str], MatchKeyClass] = {}
    for key in sorted(keys, key=lambda key: (key.key_class.kind, key.key_class)):
        found.setdefault((key.key_class.kind, key.value), key.key_class)
    return found


def _told_match(tier: Tier, shared: Sequence[SharedKey], have_domains: bool) -> Iterator[str]:
    if tier is Tier.CERTAIN:
        domains = [each.value for each in shared if each.kind is Kind.WEB]
        yield f"certain: both have the domain {_listed(domains)}"
    elif tier is Tier.LIKELY:
        words = [each.value for each in shared if each.kind is Kind.WORD]
        yield f"likely: both have the name {_listed(words)}, and not both have a domain"
        yield "a likely match reveals an account only where the name stands on one account of each list"
    elif have_domains:
        names = [each.value for each in shared if {each.ours, each.theirs} == {MatchKeyClass.NAME}]
        yield f"possible: both have the core name {_listed(names)}, but both have domains and share none"
    else:
        fallbacks = [each.value for each in shared if each.kind is Kind.FALLBACK]
        yield f"possible: both begin with {_listed(fallbacks)}, and not both have a domain"
        yield "a fallback counts only where one account of the list has it: other accounts that begin so take it away"
    yield "on whole lists a match stands only if neither account has a stronger one with another account"


def _told_none(
    ours: Sequence[MatchKey], theirs: Sequence[MatchKey], shared: Sequence[SharedKey], have_domains: bool
) -> Iterator[str]:
    empty = [side for side, keys in (("first", ours), ("second", theirs)) if not keys]
    if empty:
        yield f"no match: the {' and the '.join(empty)} account {'have' if len(empty) > 1 else 'has'} no match key"
        return
    if not shared:
        yield "no match: no shared key"
        yield from _told_domains(have_domains)
        if crossed := _values(ours) & _values(theirs):
            yield f"both have {_listed(sorted(crossed))}, but in kinds that never meet: a fallback meets fallbacks only"
        return
    yield f"no match: both have {_listed([each.value for each in shared])}, which is no core name of both"
    yield from _told_domains(have_domains)


def _told_domains(have_domains: bool) -> Iterator[str]:
    if have_domains:
        yield "both have domains and share none, so nothing weaker than the core name of both counts"


def _values(keys: Sequence[MatchKey]) -> Set[str]:
    return {key.value for key in keys}


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in dict.fromkeys(values))
