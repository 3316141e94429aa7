"""Why profile `escrow-1` makes the keys that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation.escrow_1.domains import Domains
from escrow.psi.normalisation.escrow_1.names import CoreNames
from escrow.psi.normalisation.escrow_1.tables import Rule, read_tables
from escrow.psi.normalisation.reasons import NothingReason, Reasons, removed_words

__all__ = ["DomainAndNameReasons"]

_HOST = re.compile(r"(?:[a-z][a-z+.-]*:/*)?(?:[^/@\s]*@)?(?:www\.)?([^/?#:\s]+)")


class DomainAndNameReasons:
    """The reasons behind the keys of `escrow-1`."""

    __slots__ = ("_domains", "_names", "_tables")

    def __init__(self) -> None:
        self._tables = read_tables("escrow-1")
        self._domains = Domains(self._tables)
        self._names = CoreNames(self._tables)

    def of_name(self, name: str, reasons: Reasons) -> None:
        """Say which rules would make the key of a name."""
        value = self._names.of(name)
        words = [word for word in self._names.words(name) if word != "and"]
        around = removed_words(words, value)
        rules = [] if around is None else [f"legal form `{' '.join(part)}` taken off" for part in around if part]
        reasons.say(MatchKeyClass.NAME, value, rules or ["the name in lower case, folded, without blanks and signs"])

    def of_website(self, website: str, reasons: Reasons) -> None:
        """Say which rules would make the key of a website."""
        domain = self._domains.of(website)
        is_hosted = self._tables.suffixes.rules.get(domain.partition(".")[2]) is Rule.TENANTS
        told = "host of tenants: the tenant's own page" if is_hosted else "the registered domain"
        reasons.say(MatchKeyClass.DOMAIN, domain, [told])

    def nothing_in_name(self, name: str) -> NothingReason:
        """Say why a name gives no key."""
        if not name.strip():
            return NothingReason.EMPTY
        letters = "".join(self._names.words(name))
        return NothingReason.PLACEHOLDER if len(letters) > 1 else NothingReason.NO_NAME

    def nothing_in_website(self, website: str) -> Iterator[tuple[str, NothingReason]]:
        """Yield the website if it gives no key, with the reason."""
        if not website.strip():
            yield website, NothingReason.EMPTY
        elif not self._domains.of(website):
            yield website.strip(), self._nothing_in(website)

    def _nothing_in(self, website: str) -> NothingReason:
        found = _HOST.match(website.strip().lower())
        labels = (found[1] if found else "").split(".")
        names = [".".join(labels[at:]) for at in range(len(labels))]
        for reason, table in (
            (NothingReason.FREE_MAIL, self._tables.free_mail),
            (NothingReason.PLACEHOLDER, self._tables.placeholder_domains),
            (NothingReason.PLATFORM_PAGE, self._tables.page_hosts),
        ):
            if not table.isdisjoint(names):
                return reason
        is_suffix = self._tables.suffixes.rules.get(names[0]) is Rule.SUFFIX
        return NothingReason.PUBLIC_SUFFIX if is_suffix else NothingReason.NO_DOMAIN
