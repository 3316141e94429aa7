"""One account and a profile → its match keys with the rules that made them, and what gave no key and why.

The keys are the profile's own; only the words beside them are made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Protocol

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation import profile
from escrow.psi.normalisation.escrow_1.reasons import DomainAndNameReasons
from escrow.psi.normalisation.escrow_2.reasons import CompanyReasons
from escrow.psi.normalisation.reasons import Explanation, NoKey, NothingReason, Reasons, Side
from escrow.psi.profile_ids import FIRST_PROFILE, LATEST_PROFILE

__all__ = ["Explainer", "explainer"]


class _RuleReasons(Protocol):
    """What is to be known of a profile's rules to explain them."""

    def of_name(self, name: str, reasons: Reasons) -> None: ...

    def of_website(self, website: str, reasons: Reasons) -> None: ...

    def nothing_in_name(self, name: str) -> NothingReason: ...

    def nothing_in_website(self, website: str) -> Iterator[tuple[str, NothingReason]]: ...


_REASONS: Mapping[str, Callable[[], _RuleReasons]] = {
    FIRST_PROFILE: DomainAndNameReasons,
    LATEST_PROFILE: CompanyReasons,
}


class Explainer:
    """Explains what one profile does."""

    __slots__ = ("_profile", "_rules")

    def __init__(self, profile_id: str) -> None:
        """Take a profile by its id; an unknown one raises `ProfileUnknown`."""
        self._profile = profile(profile_id)
        self._rules = _REASONS[profile_id]()

    @property
    def profile_id(self) -> str:
        """The profile that is explained."""
        return self._profile.id

    def explain(self, name: str, website: str, country: str = "") -> Explanation:
        """Give the match keys of one account, each with the rules that made it, and what gave none."""
        keys = self._profile.match_keys(name, website, country)
        reasons = Reasons()
        self._rules.of_name(name, reasons)
        self._rules.of_website(website, reasons)
        found = {key.key_class for key in keys}
        return Explanation(tuple(map(reasons.of, keys)), tuple(self._nothing(name, website, found)))

    def nothing_in_name(self, name: str) -> NothingReason:
        """Say why a name that gives no key gives none."""
        return self._rules.nothing_in_name(name)

    def nothing_in_website(self, website: str) -> NothingReason:
        """Say why a website that gives no key gives none, by its first address."""
        return next(self._rules.nothing_in_website(website), (website, NothingReason.NO_DOMAIN))[1]

    def _nothing(self, name: str, website: str, found: set[MatchKeyClass]) -> Iterator[NoKey]:
        for text, reason in self._rules.nothing_in_website(website):
            yield NoKey(Side.WEBSITE, reason, text)
        if MatchKeyClass.NAME not in found:
            yield NoKey(Side.NAME, self._rules.nothing_in_name(name), name)
        elif MatchKeyClass.FALLBACK not in found and self._profile.id != FIRST_PROFILE:
            yield NoKey(Side.NAME, NothingReason.NOTHING_DISTINCTIVE, name)


@cache
def explainer(profile_id: str) -> Explainer:
    """Give the explainer of a profile; its tables are read once."""
    return Explainer(profile_id)
